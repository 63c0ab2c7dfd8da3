//! Statements that are no assignments: what they may do to variables, and where they end.

use std::sync::Arc;

use super::statements::Reader;
use super::words::{self, Place, Unbalanced};
use crate::diagnostic::{Diagnostic, Span};

/// Commands that neither set a variable nor stop the script.
const HARMLESS: [&str; 4] = [":", "true", "echo", "shopt"];

/// Longer arguments are not looked at: the rest of an endless line would be, again and again.
const LONGEST_HARMLESS: usize = 4096;

/// Commands that may set or hide variables that no assignment in sight names, or give words another meaning.
/// A program cannot: it has a process of its own.
const SETS_ANYTHING: [&str; 24] = [
    "source",
    ".",
    "eval",
    "read",
    "mapfile",
    "readarray",
    "unset",
    "let",
    "getopts",
    "alias",
    "shopt",
    "set",
    "exec",
    "trap",
    "wait",
    "coproc",
    "for",
    "select",
    "function",
    "builtin",
    "command",
    "local",
    "printf",
    "((",
];

/// Longer words are no commands; this many characters of them tell which is meant.
const LONGEST_NAME: usize = 40;

/// Words after which a command stands.
const BEFORE_COMMAND: [&str; 9] = [
    "then", "do", "else", "elif", "if", "while", "until", "{", "!",
];

impl Reader<'_> {
    /// A statement that is no assignment. From here on the file is only searched for names that it may set.
    pub(super) fn command(&mut self) -> Result<(), Unbalanced> {
        let start = self.cursor.at;
        let first = self
            .cursor
            .take_while(|c| !words::ends_word(c) && c != '\r');
        let simple = HARMLESS.contains(&first) || first == "set" || first == "printf";
        if simple && self.is_harmless(first) {
            return Ok(());
        }
        let what = if first.is_empty() {
            "a subshell"
        } else {
            first
        };
        let defines = self.cursor.rest().trim_start_matches(' ').starts_with('(');
        let declares = ["export", "declare", "typeset", "readonly"].contains(&first);
        let sets =
            defines || declares || SETS_ANYTHING.contains(&first) || first.contains(['$', '`']);
        self.opaque_from(start, what, sets);
        if BEFORE_COMMAND.contains(&first) {
            return Ok(());
        }
        let arguments = self.cursor.at;
        self.rest_of_command()?;
        self.anything_set |= words::may_set(&self.cursor.source.text[arguments..self.cursor.at]);
        Ok(())
    }

    /// Whether the arguments up to the end of the statement do nothing; steps over them if so.
    fn is_harmless(&mut self, first: &str) -> bool {
        let after = self.cursor.at;
        let mut room = LONGEST_HARMLESS;
        let line = self.cursor.take_while(|c| {
            room = room.saturating_sub(c.len_utf8());
            c != '\n' && c != ';' && room > 0
        });
        if room == 0 {
            self.cursor.at = after;
            return false;
        }
        let acts = line.contains(['$', '`', '<', '>', '&', '|', '\\', '\'', '"', '(', ')']);
        let quoted = |text: &str| {
            // Quotes are fine where they are closed on the line and nothing is expanded in them.
            !text.contains(['$', '`', '<', '>', '&', '|', '\\', '(', ')'])
                && text.matches('"').count().is_multiple_of(2)
                && text.matches('\'').count().is_multiple_of(2)
                && !(text.contains('"') && text.contains('\''))
        };
        let options = match first {
            "printf" => !line.contains(" -v"),
            // `set -- a`, `set -k`, `set -n` change how the rest is read.
            "set" => line.split_whitespace().all(|word| {
                matches!(
                    word,
                    "-e" | "-u" | "-eu" | "+e" | "+u" | "-o" | "pipefail" | "-euo"
                )
            }),
            "shopt" => false,
            _ => true,
        };
        let semicolon_in_quotes = line.matches(['"', '\'']).count() % 2 == 1;
        if options && (!acts || quoted(line)) && !semicolon_in_quotes && self.end_of_statement() {
            return true;
        }
        self.cursor.at = after;
        false
    }

    /// Steps over the arguments of a command, up to where the next command may stand.
    fn rest_of_command(&mut self) -> Result<(), Unbalanced> {
        loop {
            self.cursor.skip_blanks();
            if self.cursor.eat_newline() {
                return Ok(());
            }
            match self.cursor.peek() {
                None => return Ok(()),
                Some('#') => self.cursor.skip_line(),
                Some('<') if self.cursor.rest().starts_with("<<") => {
                    // What follows may be a here-document, whose text is no code.
                    self.cursor.at = self.cursor.source.text.len();
                    self.opaque_from(self.cursor.at, "a here-document", true);
                    return Ok(());
                }
                Some(';' | '&' | '|' | '(' | ')') => {
                    self.cursor.bump();
                    return Ok(());
                }
                Some('<' | '>') => {
                    self.cursor.bump();
                }
                Some(_) => {
                    let before = self.cursor.at;
                    words::read(&mut self.cursor, &self.known, Place::Argument)?;
                    if self.cursor.at == before {
                        self.cursor.bump();
                    }
                }
            }
        }
    }

    pub(super) fn opaque_from(&mut self, start: usize, what: &str, sets_anything: bool) {
        let span = Span {
            source: Arc::clone(self.cursor.source),
            start,
            end: self.cursor.at,
        };
        self.anything_set |= sets_anything;
        if self.doubt.is_some() {
            return;
        }
        let (line, _) = span.line_column();
        let what = shortened(what);
        self.doubt = Some(format!("set after `{what}` in line {line}"));
        self.diagnostics.push(
            Diagnostic::note_only(
                "config-command",
                format!("only bash can tell what `{what}` does, and what is set from there on"),
            )
            .at(span, ""),
        );
    }
}

/// A command as it is named in messages.
fn shortened(what: &str) -> String {
    match what.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}…", &what[..end]),
        None => what.to_owned(),
    }
}
