//! How a build ends without an image.

use std::fmt;

use buildpack_core::causes::{Cause, Quote};
use buildpack_core::diagnostic::{Class, Diagnostic, Explain};
use buildpack_core::pack::{CompileError, FailedCommand};
use buildpack_core::sandbox::Exit;

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
    /// The stage of the pipeline that it ended in, where it is a build's.
    pub stage: Option<&'static str>,
    /// Whether bash had been asked for values of the app's config files: a check, which asks none, may not see it.
    pub asked_bash: bool,
    /// The command that makes it fail again where somebody can look around, if there is one.
    pub reproduce: Option<String>,
}

/// A step that failed.
pub struct FailedStep {
    /// Its id.
    pub id: String,
    /// What was run.
    pub command: FailedCommand,
    /// The same for people.
    pub shown: String,
    /// How it ended.
    pub exit: Exit,
    /// The line of its output that says why; it may hold secrets.
    pub quote: Option<Quote>,
}

impl Failure {
    /// A failure of one problem.
    pub fn of(diagnostic: Diagnostic) -> Self {
        Self::all(vec![diagnostic])
    }

    /// A failure of these problems.
    pub fn all(diagnostics: Vec<Diagnostic>) -> Self {
        Self {
            diagnostics,
            step: None,
            pack: None,
            facts: None,
            stage: None,
            asked_bash: false,
            reproduce: None,
        }
    }

    /// The problem that ended the run: the first error.
    pub fn first(&self) -> Option<&Diagnostic> {
        let mut all = self.diagnostics.iter();
        all.find(|diagnostic| diagnostic.is_error())
    }

    /// The same, after bash was asked for values of config files.
    #[must_use]
    pub(super) fn after_bash(mut self) -> Self {
        self.asked_bash = true;
        self
    }

    /// The same, ended in this stage unless another is known.
    #[must_use]
    pub(super) fn in_stage(mut self, stage: &'static str) -> Self {
        self.stage.get_or_insert(stage);
        self
    }

    /// Why there is no image, as events and records have it; none where no build had begun.
    pub fn cause(&self) -> Option<Cause> {
        let problem = self.first().filter(|_| self.stage.is_some())?;
        let step = self.step.as_ref();
        let exit = step.map(|step| step.exit);
        Some(Cause {
            stage: self.stage.map(str::to_owned),
            step: step.map(|step| step.id.clone()),
            command: step.map(|step| step.shown.clone()),
            exit_code: exit.and_then(Exit::code),
            signal: exit.and_then(Exit::signal),
            quote: step.and_then(|step| step.quote.clone()),
            reproduce: self.reproduce.clone(),
            ..Cause::of(problem)
        })
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
        let first = self.first();
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
                failure.step = failed_step(*error).map(Box::new);
            }
            Err(error) => failure.pack = error.downcast::<PackError>().ok(),
        }
        failure
    }
}

fn failed_step(error: CompileError) -> Option<FailedStep> {
    match error {
        CompileError::Step {
            step,
            shown,
            exit,
            command,
            told,
            ..
        } => Some(FailedStep {
            id: step,
            command: *command,
            shown,
            exit,
            quote: told.quote,
        }),
        CompileError::Tests {
            step,
            shown,
            exit,
            command,
        } => Some(FailedStep {
            id: step,
            command: *command,
            shown,
            exit,
            quote: None,
        }),
        _ => None,
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
