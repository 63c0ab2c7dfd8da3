//! The bash of `*_buildpack.config` files, as far as it can be read without running it.

mod lexer;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostic::{Class, Diagnostic, Origin, Outcome, Source, Sourced, Span};

use lexer::{Lexer, Trouble};

/// One `name=value` of a config file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The variable, from where it stands.
    pub name: Sourced<String>,
    /// What it is set to.
    pub value: Value,
    /// Whether `export` or `declare -x` stands before it.
    pub exported: bool,
    /// From the name to the end of the value.
    pub span: Span,
    /// The value alone: what an edit would replace.
    pub value_span: Span,
}

/// What a variable is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text, quotes and variables resolved.
    Text(String),
    /// An array, each word resolved.
    Array(Vec<String>),
    /// Something that only bash can evaluate; the text says what, such as `command substitution`.
    Dynamic(String),
}

/// Words that may stand before assignments and leave them what they are.
const PREFIXES: [&str; 4] = ["export", "declare", "readonly", "typeset"];

/// Reads the assignments of `source` in order; a name may occur more than once, the last one counts.
///
/// What is no assignment (`if`, a command) makes every name that is set in or after it [`Value::Dynamic`].
/// Unbalanced quotes are an error with line and column.
pub fn parse(source: &Arc<Source>) -> Outcome<Vec<Assignment>> {
    let mut reader = Reader {
        source,
        lexer: Lexer::new(&source.text),
        known: BTreeMap::new(),
        assignments: Vec::new(),
        diagnostics: Vec::new(),
        dynamic: None,
    };
    let whole = reader.read();
    reader.say_invisible();
    Outcome {
        value: whole.then_some(reader.assignments),
        diagnostics: reader.diagnostics,
    }
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    lexer: Lexer<'a>,
    known: BTreeMap<String, Value>,
    assignments: Vec<Assignment>,
    diagnostics: Vec<Diagnostic>,
    /// Why bash is needed from here on.
    dynamic: Option<String>,
}

impl Reader<'_> {
    /// Reads to the end; `false` where a quote or bracket is never closed.
    fn read(&mut self) -> bool {
        while self.lexer.next_statement() {
            if let Err((at, what)) = self.statement() {
                let span = self.span(at, at + 1);
                self.diagnostics.push(
                    Diagnostic::error(
                        "config-unbalanced",
                        Class::Config,
                        format!("this {what} is never closed"),
                    )
                    .at(span, "opened here")
                    .help(format!("close the {what}, or put a backslash before it")),
                );
                return false;
            }
        }
        true
    }

    fn statement(&mut self) -> Result<(), Trouble> {
        let first = self.assignments.len();
        let mut exported = false;
        loop {
            self.lexer.skip_blanks();
            if self.lexer.at_end_of_statement() {
                return Ok(());
            }
            if let Some((start, name)) = self.lexer.assignment_name() {
                self.assignment(start, name, exported)?;
                continue;
            }
            let start = self.lexer.position();
            let word = self.lexer.bare_word();
            if self.assignments.len() == first && PREFIXES.contains(&word) {
                exported |= word == "export";
                continue;
            }
            if exported && (word.starts_with('-') || is_name(word)) && !word.is_empty() {
                // `export -n`, `declare -x`, `export NAME`: nothing is set.
                continue;
            }
            self.command(start, first);
            return Ok(());
        }
    }

    fn assignment(&mut self, start: usize, name: String, exported: bool) -> Result<(), Trouble> {
        let value_start = self.lexer.position();
        let value = if self.lexer.eat('(') {
            self.array(value_start)?
        } else {
            self.lexer.word(&self.known)?
        };
        let end = self.lexer.position();
        let value = match &self.dynamic {
            Some(why) => Value::Dynamic(why.clone()),
            None => value,
        };
        self.known.insert(name.clone(), value.clone());
        let span = self.span(start, end);
        self.assignments.push(Assignment {
            name: Sourced::new(name, Origin::File(span.clone())),
            value,
            exported,
            value_span: self.span(value_start, end),
            span,
        });
        Ok(())
    }

    fn array(&mut self, open: usize) -> Result<Value, Trouble> {
        let mut words = Vec::new();
        let mut dynamic = None;
        loop {
            self.lexer.skip_array_blanks();
            if self.lexer.eat(')') {
                break;
            }
            if self.lexer.is_done() {
                return Err((open, "bracket"));
            }
            let before = self.lexer.position();
            match self.lexer.word(&self.known)? {
                Value::Text(word) => words.push(word),
                Value::Array(more) => words.extend(more),
                Value::Dynamic(why) => dynamic = Some(why),
            }
            if self.lexer.position() == before {
                // A character that no word begins with: bash will say what it thinks of it.
                self.lexer.skip_char();
                dynamic = Some("shell syntax in an array".to_owned());
            }
        }
        Ok(dynamic.map_or(Value::Array(words), Value::Dynamic))
    }

    /// Something that is no assignment: all that is set from here on is bash's.
    fn command(&mut self, start: usize, first: usize) {
        self.lexer.skip_line();
        let why = "a command before it".to_owned();
        // `NAME=value command` sets nothing for good.
        self.assignments.truncate(first);
        if self.dynamic.is_none() {
            let span = self.span(start, self.lexer.position());
            self.diagnostics.push(
                Diagnostic::note_only(
                    "config-command",
                    "only bash can tell what this line and the ones after it set",
                )
                .at(span, ""),
            );
        }
        self.dynamic = Some(why);
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span {
            source: Arc::clone(self.source),
            start,
            end,
        }
    }

    /// Characters that nobody sees and that no value wants.
    fn say_invisible(&mut self) {
        for &(at, character) in self.lexer.invisible() {
            let span = self.span(at, at + character.len_utf8());
            self.diagnostics.push(
                Diagnostic::warning(
                    "config-invisible-character",
                    format!(
                        "an invisible character (U+{:04X}) is ignored",
                        u32::from(character)
                    ),
                )
                .at(span.clone(), "here")
                .suggest("remove it", span, ""),
            );
        }
        if let Some(at) = self.lexer.carriage_return() {
            self.diagnostics.push(
                Diagnostic::warning(
                    "config-crlf",
                    "the lines end as on Windows; bash would take the CR as part of the values",
                )
                .at(self.span(at, at + 1), "the first one")
                .help("convert the file: `sed -i 's/\\r$//' FILE`"),
            );
        }
    }
}

fn is_name(word: &str) -> bool {
    word.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests;
