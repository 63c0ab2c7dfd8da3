//! How a build ends without an image.

use std::fmt;

use buildpack_core::diagnostic::{Class, Diagnostic, Explain};
use buildpack_core::pack::{CompileError, FailedCommand};

use crate::packs::PackError;
use crate::records::Facts;

/// Why there is no image: at least one error among the diagnostics.
pub struct Failure {
    /// What was wrong; the first error decides the exit code.
    pub diagnostics: Vec<Diagnostic>,
    /// The step that failed, for a shell at the same place.
    pub step: Option<Box<FailedStep>>,
    /// The pack that could not be had, for who has words of their own for it.
    pub pack: Option<Box<PackError>>,
    /// What a record tells of a build that came so far.
    pub facts: Option<Box<Facts>>,
}

/// A step that failed.
pub struct FailedStep {
    /// Its id.
    pub id: String,
    /// What was run.
    pub command: FailedCommand,
}

impl Failure {
    /// A failure of one problem.
    pub fn of(diagnostic: Diagnostic) -> Self {
        Self {
            diagnostics: vec![diagnostic],
            step: None,
            pack: None,
            facts: None,
        }
    }

    /// A failure of these problems.
    pub fn all(diagnostics: Vec<Diagnostic>) -> Self {
        Self {
            diagnostics,
            step: None,
            pack: None,
            facts: None,
        }
    }

    /// The problem that ended the run: the first error.
    pub fn first(&self) -> Option<&Diagnostic> {
        let mut all = self.diagnostics.iter();
        all.find(|diagnostic| diagnostic.is_error())
    }

    /// How the run ends.
    pub fn class(&self) -> Class {
        self.first().map_or(Class::Bug, |problem| problem.class)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.diagnostics.iter().map(|d| (&d.code, &d.message)))
            .finish()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.diagnostics.iter().find(|d| d.is_error());
        f.write_str(first.map_or("the build failed", |d| d.message.as_str()))
    }
}

impl std::error::Error for Failure {}

/// Every error that explains itself ends a build; a failed step keeps what a shell needs.
impl<E: Explain + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let diagnostic = error.diagnostic();
        let mut failure = Self::of(diagnostic);
        let error: Box<dyn std::any::Any> = Box::new(error);
        match error.downcast::<CompileError>() {
            Ok(error) => {
                if let CompileError::Step { step, command, .. }
                | CompileError::Tests { step, command, .. } = *error
                {
                    failure.step = Some(Box::new(FailedStep {
                        id: step,
                        command: *command,
                    }));
                }
            }
            Err(error) => failure.pack = error.downcast::<PackError>().ok(),
        }
        failure
    }
}

/// An I/O failure of the engine's own files.
pub(crate) fn disk(doing: &str, error: &std::io::Error) -> Failure {
    let problem = Diagnostic::error(
        "disk",
        Class::Surroundings,
        format!("cannot {doing}: {error}"),
    );
    Failure::of(match error.kind() {
        std::io::ErrorKind::StorageFull => {
            problem.help("make room on the disk (`bp cache gc`), then run again")
        }
        std::io::ErrorKind::PermissionDenied => problem.help(
            "check who owns the cache folder (`bp doctor` names it): it must be the user who builds",
        ),
        _ => problem.help("check the disk, then run again; nothing that was kept is lost"),
    })
}
