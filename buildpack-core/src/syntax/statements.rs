//! The statements of a config file: assignments, and what only bash can tell.

use std::sync::Arc;

use super::cursor::Cursor;
use super::words::{self, Known, Place, Unbalanced};
use super::{Assignment, Value};
use crate::diagnostic::{Diagnostic, Origin, Outcome, Source, Sourced, Span};

/// Commands that neither set a variable nor stop the script.
const HARMLESS: [&str; 4] = [":", "true", "echo", "shopt"];

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

/// Words after which a command stands.
const BEFORE_COMMAND: [&str; 9] = [
    "then", "do", "else", "elif", "if", "while", "until", "{", "!",
];

/// Names that bash itself gives a meaning; reading them back need not give what was set.
const SPECIAL: [&str; 16] = [
    "_",
    "IFS",
    "RANDOM",
    "SRANDOM",
    "SECONDS",
    "LINENO",
    "EPOCHSECONDS",
    "EPOCHREALTIME",
    "UID",
    "EUID",
    "PPID",
    "BASHPID",
    "BASHOPTS",
    "SHELLOPTS",
    "FUNCNAME",
    "GROUPS",
];

pub(super) struct Reader<'a> {
    pub(super) cursor: Cursor<'a>,
    pub(super) known: Known,
    pub(super) assignments: Vec<Assignment>,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Once a statement was met that only bash can tell: why all that follows is dynamic.
    pub(super) doubt: Option<String>,
    /// Whether a statement may set variables that the file does not name, as `source` and `eval` do.
    pub(super) anything_set: bool,
    /// Whether a quote or bracket is never closed, so that nobody knows what is set.
    pub(super) broken: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a Arc<Source>) -> Self {
        Self {
            cursor: Cursor { source, at: 0 },
            known: Known::new(),
            assignments: Vec::new(),
            diagnostics: Vec::new(),
            doubt: None,
            anything_set: false,
            broken: false,
        }
    }

    pub(super) fn read(mut self) -> Outcome<Vec<Assignment>> {
        while self.cursor.peek().is_some() {
            let start = self.cursor.at;
            if let Err(unbalanced) = self.statement() {
                self.unbalanced(&unbalanced);
                // Most often the line's end was meant, so the next lines are read as usual.
                self.cursor.at = unbalanced.at.max(start);
                self.cursor.skip_line();
            }
            if self.cursor.at == start {
                // A lone character that starts nothing, such as `)`.
                self.cursor.bump();
                self.opaque_from(start, "a syntax error", false);
            }
        }
        if self.anything_set {
            for assignment in &mut self.assignments {
                if !matches!(assignment.value, Value::Dynamic(_)) {
                    assignment.value = Value::Dynamic(
                        "perhaps changed by a statement that only bash can tell".into(),
                    );
                }
            }
        }
        self.odd_characters();
        Outcome {
            value: (!self.broken).then_some(self.assignments),
            diagnostics: self.diagnostics,
        }
    }

    /// Reads up to and over the end of one statement.
    fn statement(&mut self) -> Result<(), Unbalanced> {
        self.cursor.skip_blanks();
        if self.cursor.eat_newline() {
            return Ok(());
        }
        match self.cursor.peek() {
            None => return Ok(()),
            Some('#') => {
                self.cursor.skip_line();
                return Ok(());
            }
            Some(_) => {}
        }
        let start = self.cursor.at;
        let first = self
            .cursor
            .take_while(|c| !words::ends_word(c) && c != '\r');
        self.cursor.at = start;
        match first {
            "export" | "readonly" | "declare" | "typeset" => self.declaration(first),
            _ => self.assignments(start),
        }
    }

    /// `a=1 b=2`, or what turns out to be a command.
    fn assignments(&mut self, start: usize) -> Result<(), Unbalanced> {
        let mut read = Vec::new();
        while let Some(assignment) = self.assignment(false, Place::Value)? {
            self.cursor.skip_blanks();
            read.push(assignment);
        }
        if !read.is_empty() && self.end_of_statement() {
            for assignment in read {
                self.set(assignment);
            }
            return Ok(());
        }
        if self.space_around_equals(start, &read) {
            self.cursor.skip_line();
            return Ok(());
        }
        self.cursor.at = start;
        self.command()
    }

    /// `export a=1`, `declare -x a=1`, `readonly a`.
    fn declaration(&mut self, command: &str) -> Result<(), Unbalanced> {
        let start = self.cursor.at;
        self.cursor.at += command.len();
        self.cursor.skip_blanks();
        let mut exported = command == "export";
        while self.cursor.rest().starts_with('-') {
            let option = self
                .cursor
                .take_while(|c| !words::ends_word(c) && c != '\r');
            match option {
                "-x" | "-gx" | "-xg" => exported = true,
                "-r" if command != "export" => {}
                "-g" if command != "export" && command != "readonly" => {}
                _ => {
                    self.cursor.at = start;
                    return self.command();
                }
            }
            self.cursor.skip_blanks();
        }
        let mut read = Vec::new();
        loop {
            if let Some(assignment) = self.assignment(exported, Place::Argument)? {
                read.push(assignment);
            } else if let Some(name) = self.cursor.name() {
                let at = self.cursor.at;
                self.cursor.at += name.len();
                let ends = |c: char| words::ends_word(c) || c == '\r';
                if self.cursor.peek().is_some_and(|c| !ends(c)) {
                    self.cursor.at = at;
                    break;
                }
                if exported {
                    for earlier in &mut self.assignments {
                        earlier.exported |= earlier.name.value == name;
                    }
                }
            } else {
                break;
            }
            self.cursor.skip_blanks();
        }
        if self.end_of_statement() {
            for assignment in read {
                self.set(assignment);
            }
            return Ok(());
        }
        self.cursor.at = start;
        self.command()
    }

    /// One `name=value` at the cursor; steps back where there is none.
    fn assignment(
        &mut self,
        exported: bool,
        place: Place,
    ) -> Result<Option<Assignment>, Unbalanced> {
        let start = self.cursor.at;
        let Some(name) = self.cursor.name() else {
            return Ok(None);
        };
        self.cursor.at += name.len();
        let name_span = self.cursor.span(start);
        let appends = self.cursor.eat("+=");
        let element = !appends && self.cursor.peek() == Some('[');
        if element {
            // `name[2]=x`
            self.cursor.take_while(|c| c != ']' && c != '\n');
            self.cursor.eat("]");
            self.cursor.eat("+");
        }
        if !appends && !self.cursor.eat("=") {
            self.cursor.at = start;
            return Ok(None);
        }
        let value_start = self.cursor.at;
        let mut value = if self.cursor.peek() == Some('(') {
            let array = self.array()?;
            match self.cursor.peek() {
                None | Some(' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | ')') => array,
                // To bash the brackets are then part of a word.
                Some(_) => {
                    words::read(&mut self.cursor, &self.known, place)?;
                    Value::Dynamic("a word that begins with brackets".to_owned())
                }
            }
        } else {
            let word = words::read(&mut self.cursor, &self.known, place)?;
            match word.dynamic {
                Some(why) => Value::Dynamic(why),
                None => Value::Text(word.text),
            }
        };
        if element {
            value = Value::Dynamic("an element of an array".to_owned());
        } else if appends {
            value = match (self.known.get(name), value) {
                (Some(Value::Text(before)), Value::Text(more)) => {
                    Value::Text(before.clone() + &more)
                }
                (Some(Value::Array(before)), Value::Array(more)) => {
                    Value::Array([before.as_slice(), &more].concat())
                }
                (_, dynamic @ Value::Dynamic(_)) => dynamic,
                _ => Value::Dynamic("appended to something unknown".to_owned()),
            };
        }
        if let (Some(Value::Array(_)), Value::Text(_)) = (self.known.get(name), &value) {
            // Bash keeps the array and sets its first member.
            value = Value::Dynamic("an element of an array".to_owned());
        }
        if SPECIAL.contains(&name) {
            value = Value::Dynamic(format!("`{name}`, which is the shell's own"));
        }
        Ok(Some(Assignment {
            name: Sourced::new(name.to_owned(), Origin::File(name_span)),
            value,
            exported,
            span: self.cursor.span(start),
            value_span: self.cursor.span(value_start),
        }))
    }

    /// `(a b c)`, over several lines, with comments.
    fn array(&mut self) -> Result<Value, Unbalanced> {
        let open = self.cursor.at;
        self.cursor.bump();
        let mut members = Vec::new();
        let mut dynamic = None;
        loop {
            self.cursor.skip_blanks();
            if self.cursor.eat_newline() {
                continue;
            }
            match self.cursor.peek() {
                None => {
                    return Err(Unbalanced {
                        at: open,
                        open: "(",
                    });
                }
                Some(')') => {
                    self.cursor.bump();
                    break;
                }
                Some('#') => self.cursor.skip_line(),
                Some(';' | '&' | '|' | '(' | '<' | '>') => {
                    self.cursor.bump();
                    dynamic.get_or_insert_with(|| "a syntax error".to_owned());
                }
                Some(_) => {
                    let before = self.cursor.at;
                    let word = words::read(&mut self.cursor, &self.known, Place::Argument)?;
                    if self.cursor.at == before {
                        self.cursor.bump();
                    }
                    dynamic = dynamic.or(word.dynamic);
                    members.push(word.text);
                }
            }
        }
        Ok(dynamic.map_or(Value::Array(members), Value::Dynamic))
    }

    /// Steps over the end of a statement after which the next is run whatever happens.
    fn end_of_statement(&mut self) -> bool {
        self.cursor.skip_blanks();
        let start = self.cursor.at;
        if self.cursor.peek().is_none() || self.cursor.eat_newline() {
            return true;
        }
        match self.cursor.peek() {
            Some('#') => {
                self.cursor.skip_line();
                true
            }
            Some(';') => {
                self.cursor.bump();
                let alone = self.cursor.peek() != Some(';');
                if !alone {
                    self.cursor.at = start;
                }
                alone
            }
            _ => false,
        }
    }

    pub(super) fn set(&mut self, mut assignment: Assignment) {
        let Span { start, end, .. } = assignment.value_span;
        self.anything_set |= matches!(assignment.value, Value::Dynamic(_))
            && words::may_set(&self.cursor.source.text[start..end]);
        if let Some(why) = &self.doubt {
            assignment.value = Value::Dynamic(why.clone());
        }
        let name = assignment.name.value.clone();
        assignment.exported |= self
            .assignments
            .iter()
            .any(|earlier| earlier.name.value == name && earlier.exported);
        self.known.insert(name, assignment.value.clone());
        self.assignments.push(assignment);
    }

    /// A statement that is no assignment. From here on the file is only searched for names that it may set.
    fn command(&mut self) -> Result<(), Unbalanced> {
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
        let line = self.cursor.take_while(|c| c != '\n' && c != ';');
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

    fn opaque_from(&mut self, start: usize, what: &str, sets_anything: bool) {
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
