//! The statements of a config file, one after the other; those that are assignments.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::cursor::Cursor;
use super::known::Known;
use super::words::{self, Place, Unbalanced};
use super::{Assignment, Value};
use crate::diagnostic::{Diagnostic, Origin, Outcome, Source, Sourced, Span};

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

/// Each bracket in a bracket may make all that follows be read once more. No file that is meant comes near.
const MOST_READ_AGAIN: usize = 1 << 20;

pub(super) struct Reader<'a> {
    pub(super) cursor: Cursor<'a>,
    /// Names that are never meant for a command alone.
    pub(super) keys: &'a [&'a str],
    pub(super) known: Known,
    pub(super) assignments: Vec<Assignment>,
    /// Names that are exported, wherever that is said.
    exported: BTreeSet<String>,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Once a statement was met that only bash can tell: why all that follows is dynamic.
    pub(super) doubt: Option<String>,
    /// Whether a statement may set variables that the file does not name, as `source` and `eval` do.
    pub(super) anything_set: bool,
    /// Bytes that were stepped back over.
    read_again: usize,
    /// Whether a quote or bracket is never closed, so that nobody knows what is set.
    pub(super) broken: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a Arc<Source>, keys: &'a [&'a str]) -> Self {
        Self {
            cursor: Cursor { source, at: 0 },
            keys,
            known: Known::default(),
            assignments: Vec::new(),
            exported: BTreeSet::new(),
            diagnostics: Vec::new(),
            doubt: None,
            anything_set: false,
            read_again: 0,
            broken: false,
        }
    }

    pub(super) fn read(mut self) -> Outcome<Vec<Assignment>> {
        while self.cursor.peek().is_some() {
            let start = self.cursor.at;
            if let Err(unbalanced) = self.statement() {
                self.unbalanced(start, &unbalanced);
            }
            if self.cursor.at == start {
                // A lone character that starts nothing, such as `)`.
                self.cursor.bump();
                self.opaque_from(start, "a syntax error", false);
            }
        }
        for assignment in &mut self.assignments {
            assignment.exported = self.exported.contains(&assignment.name.value);
            if self.anything_set && !matches!(assignment.value, Value::Dynamic(_)) {
                assignment.value =
                    Value::Dynamic("perhaps changed by a statement that only bash can tell".into());
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
        self.read_again += self.cursor.at - start;
        if self.space_around_equals(start, &read)? || self.unquoted(&read) {
            return Ok(());
        }
        self.read_as_command(start)
    }

    /// Reads again, as a command, what turned out to be no assignment.
    fn read_as_command(&mut self, start: usize) -> Result<(), Unbalanced> {
        self.cursor.at = start;
        if self.read_again > MOST_READ_AGAIN {
            self.cursor.at = self.cursor.source.text.len();
            self.opaque_from(start, "brackets that hold no array", true);
            return Ok(());
        }
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
                    self.exported.insert(name.to_owned());
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
        self.read_as_command(start)
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
        let mut value = self.value(place)?;
        if element {
            value = Value::Dynamic("an element of an array".to_owned());
        } else if appends {
            value = self.known.appended(name, value);
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

    /// What stands behind a `=`.
    pub(super) fn value(&mut self, place: Place) -> Result<Value, Unbalanced> {
        if self.cursor.peek() != Some('(') {
            let word = words::read(&mut self.cursor, &self.known, place)?;
            return Ok(word.dynamic.map_or(Value::Text(word.text), Value::Dynamic));
        }
        let array = self.array()?;
        Ok(match self.cursor.peek() {
            None | Some(' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | ')') => array,
            // To bash the brackets are then part of a word.
            Some(_) => {
                words::read(&mut self.cursor, &self.known, place)?;
                Value::Dynamic("a word that begins with brackets".to_owned())
            }
        })
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
    pub(super) fn end_of_statement(&mut self) -> bool {
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
        let name = &assignment.name.value;
        if assignment.exported {
            self.exported.insert(name.clone());
        }
        self.known.set(name, &assignment.value);
        self.assignments.push(assignment);
    }
}
