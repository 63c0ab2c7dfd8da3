//! What is wrong, as a value: code, severity, message, place, help, edit. Only the runner prints it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

/// How a problem ends the run; the process's exit code follows from it alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// The app's build failed: compile error, failing hook, failing pack. Exit 1.
    Build,
    /// The command line is wrong. Exit 2.
    Usage,
    /// Not buildable as configured. Exit 3.
    Config,
    /// Network, registry, disk or sandbox failed; worth a retry. Exit 4.
    Surroundings,
    /// A bug in `bp`. Exit 70.
    Bug,
}

impl Class {
    /// The exit code of this class.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Build => 1,
            Self::Usage => 2,
            Self::Config => 3,
            Self::Surroundings => 4,
            Self::Bug => 70,
        }
    }
}

/// A stable name for one kind of problem, such as `otp-not-built`: lower-case words with hyphens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Code(pub &'static str);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// The build goes on.
    Warning,
    /// The build can't go on.
    Error,
}

/// The text that a value was read from.
#[derive(PartialEq, Eq)]
pub struct Source {
    /// The file as the user knows it: relative to the app folder.
    pub path: PathBuf,
    /// Its whole text, decoded.
    pub text: String,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({})", self.path.display())
    }
}

/// A stretch of a source, in bytes of its text; serialised with file, line and column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Where it stands.
    pub source: Arc<Source>,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// Line and column of the first byte, both from 1; the column counts characters.
    pub fn line_column(&self) -> (usize, usize) {
        let before = &self
            .source
            .text
            .get(..self.start)
            .unwrap_or(&self.source.text);
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        (line, column)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (line, column) = self.line_column();
        let mut fields = serializer.serialize_struct("Span", 5)?;
        fields.serialize_field("file", &self.source.path)?;
        fields.serialize_field("line", &line)?;
        fields.serialize_field("column", &column)?;
        fields.serialize_field("start", &self.start)?;
        fields.serialize_field("end", &self.end)?;
        fields.end()
    }
}

impl fmt::Display for Span {
    /// `file:line:column`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.line_column();
        write!(f, "{}:{line}:{column}", self.source.path.display())
    }
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A place in a file.
    File(Span),
    /// An environment or config variable of this name.
    Env(String),
    /// A flag of the command line.
    Flag(String),
    /// Nobody said, so this rule did.
    Default(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(span) => span.fmt(f),
            Self::Env(name) => write!(f, "${name}"),
            Self::Flag(flag) => f.write_str(flag),
            Self::Default(rule) => write!(f, "default: {rule}"),
        }
    }
}

/// A value that remembers where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub origin: Origin,
}

impl<T> Sourced<T> {
    /// `value`, from `origin`.
    pub fn new(value: T, origin: Origin) -> Self {
        Self { value, origin }
    }

    /// The same origin with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Sourced<U> {
        Sourced {
            value: change(self.value),
            origin: self.origin,
        }
    }
}

/// A span with a word on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What is to be said there; may be empty.
    pub text: String,
}

/// A replacement that would mend the problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// What to replace.
    pub span: Span,
    /// By what.
    pub new_text: String,
}

/// How sure it is that an edit is what the author wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Applicability {
    /// A program may write it without asking: it says what was meant, or the one way out.
    Certain,
    /// A person should look: there are other ways out.
    Likely,
}

/// A way out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Help {
    /// One sentence or command.
    pub text: String,
    /// The changes that would do it, all of them together; empty where it is none of the app's files. The one with
    /// an empty span and no text has the file saved as it was decoded: as UTF-8 without a byte-order mark.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<Edit>,
    /// How sure these changes are.
    pub applicability: Applicability,
}

/// One problem, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Its stable code.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// How it ends the run, if it is an error.
    pub class: Class,
    /// One sentence, lower-case start, no full stop, values in backticks.
    pub message: String,
    /// Places in the app's files, the first the main one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<Label>,
    /// Ways out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub helps: Vec<Help>,
    /// Facts that explain it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Versions that could be asked for in place of the one that is wrong, the best first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alternatives: Vec<String>,
    /// Names of stacks on which it would not be wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_stacks: Vec<String>,
}

impl Diagnostic {
    fn new(
        code: &'static str,
        severity: Severity,
        class: Class,
        message: impl Into<String>,
    ) -> Self {
        Self {
            code: Code(code),
            severity,
            class,
            message: message.into(),
            labels: Vec::new(),
            helps: Vec::new(),
            notes: Vec::new(),
            alternatives: Vec::new(),
            other_stacks: Vec::new(),
        }
    }

    /// A problem that ends the run as `class` says.
    pub fn error(code: &'static str, class: Class, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, class, message)
    }

    /// A problem that the build survives.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, Class::Config, message)
    }

    /// A fact worth knowing.
    pub fn note_only(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Note, Class::Config, message)
    }

    /// With a place.
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label {
            span,
            text: text.into(),
        });
        self
    }

    /// With the place of `origin`, or a note that names it where it is no file.
    pub fn from(self, origin: &Origin, text: impl Into<String>) -> Self {
        match origin {
            Origin::File(span) => self.at(span.clone(), text),
            other => self.note(format!("{}: {other}", text.into())),
        }
    }

    /// With a way out; each is said once.
    pub fn help(self, text: impl Into<String>) -> Self {
        let text = text.into();
        if self.helps.iter().any(|help| help.text == text) {
            return self;
        }
        self.edits(text, Vec::new(), Applicability::Likely)
    }

    /// With a way out that is a change of a file, to be looked at by a person.
    pub fn suggest(self, text: impl Into<String>, span: Span, new_text: impl Into<String>) -> Self {
        let new_text = new_text.into();
        self.edits(text, vec![Edit { span, new_text }], Applicability::Likely)
    }

    /// With a way out that is a change of a file, and one that `--fix` may write.
    pub fn fix(self, text: impl Into<String>, span: Span, new_text: impl Into<String>) -> Self {
        let new_text = new_text.into();
        self.edits(text, vec![Edit { span, new_text }], Applicability::Certain)
    }

    /// With a way out that takes any number of changes.
    pub fn edits(
        mut self,
        text: impl Into<String>,
        edits: Vec<Edit>,
        applicability: Applicability,
    ) -> Self {
        self.helps.push(Help {
            text: text.into(),
            edits,
            applicability,
        });
        self
    }

    /// With a fact.
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// With versions that could be asked for instead, the best first.
    pub fn alternatives(mut self, versions: Vec<String>) -> Self {
        self.alternatives = versions;
        self
    }

    /// With stacks on which it would not be wrong.
    pub fn other_stacks(mut self, names: Vec<String>) -> Self {
        self.other_stacks = names;
        self
    }

    /// Whether the build can't go on.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// An error that can be shown as a diagnostic: one stable code, one class.
pub trait Explain: std::error::Error {
    /// The problem as the user is to see it.
    fn diagnostic(&self) -> Diagnostic;
}

/// A value and what was found wrong on the way to it: one run reports every mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome<T> {
    /// The value; absent where an error stands among the diagnostics.
    pub value: Option<T>,
    /// All that was found.
    pub diagnostics: Vec<Diagnostic>,
}

impl<T> Outcome<T> {
    /// A value without a complaint.
    pub fn clean(value: T) -> Self {
        Self {
            value: Some(value),
            diagnostics: Vec::new(),
        }
    }

    /// A value with what was found; withheld if an error is among it.
    pub fn with(value: T, diagnostics: Vec<Diagnostic>) -> Self {
        let failed = diagnostics.iter().any(Diagnostic::is_error);
        Self {
            value: (!failed).then_some(value),
            diagnostics,
        }
    }

    /// No value.
    pub fn failed(diagnostics: Vec<Diagnostic>) -> Self {
        Self {
            value: None,
            diagnostics,
        }
    }

    /// Moves the diagnostics to `all` and gives the value.
    pub fn collect(self, all: &mut Vec<Diagnostic>) -> Option<T> {
        all.extend(self.diagnostics);
        self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_says_line_and_column_in_characters() {
        let source = Arc::new(Source {
            path: "a.config".into(),
            text: "é=1\nüü=2\n".into(),
        });
        let start = source.text.find('2').unwrap();
        let span = Span {
            source,
            start,
            end: start + 1,
        };
        assert_eq!(span.to_string(), "a.config:2:4");
    }

    #[test]
    fn an_error_withholds_the_value() {
        let warned = Outcome::with(1, vec![Diagnostic::warning("w", "w")]);
        assert_eq!(warned.value, Some(1));
        let failed = Outcome::with(1, vec![Diagnostic::error("e", Class::Config, "e")]);
        assert_eq!(failed.value, None);
    }
}
