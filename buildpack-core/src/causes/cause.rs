//! The answer.

use serde::{Deserialize, Serialize};

use crate::diagnostic::Diagnostic;

/// Why a build failed, and what to do. Serialised it is the `cause` of events and of build records.
///
/// A quote is a line that a foreign program printed: whoever writes a cause down takes secret values out of it first, as
/// out of any other line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// A stable word for it: a signature's (docs/failures.md), else that of the problem (docs/errors.md).
    pub code: String,
    /// What happened, one sentence.
    pub message: String,
    /// The stage of the pipeline, where one was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// The step of the plan, where one failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The program that failed, as a person would type it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The code that it ended with, where it ended by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<u8>,
    /// The signal that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// The line of the log that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<Quote>,
    /// The place in the app's files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Facts that explain it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Ways out, each a sentence or a command.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub helps: Vec<String>,
    /// The command that makes it fail again, where somebody can look around.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reproduce: Option<String>,
}

impl Cause {
    /// What a problem says of itself.
    pub fn of(problem: &Diagnostic) -> Self {
        let place = problem.labels.first().map(|label| {
            let (line, column) = label.span.line_column();
            Place {
                file: label.span.source.path.display().to_string(),
                line,
                column,
            }
        });
        Self {
            code: problem.code.to_string(),
            message: problem.message.clone(),
            place,
            notes: problem.notes.clone(),
            helps: problem.helps.iter().map(|help| help.text.clone()).collect(),
            ..Self::default()
        }
    }
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Its number, from 1: in the log that is being written (both streams together), or in the file that was read.
    pub line: u64,
    /// What it says, without colours and without what platforms put before it; cut where it is long.
    pub text: String,
}

/// A place in a file of the app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The file, relative to the app's folder.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}
