//! Why a compile ended without a build.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::limits;
use crate::causes::Told;
use crate::diagnostic::{Class, Diagnostic, Explain};
use crate::pack::detect::{detect_timeout, not_detected};
use crate::pack::typed::typed;
use crate::sandbox::{Command, Exit, Room, SandboxError};

/// Why a compile ended without a build.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// A step's program failed.
    #[error("step `{step}` failed: `{shown}` ended with {exit}")]
    Step {
        /// The step's id.
        step: String,
        /// What was run, for people.
        shown: String,
        /// How it ended.
        exit: Exit,
        /// What was run, for a shell at the same place.
        command: Box<FailedCommand>,
        /// The last lines that it wrote; they may hold secrets.
        tail: Vec<String>,
        /// What its output tells of the cause.
        told: Box<Told>,
    },
    /// The app's tests failed.
    #[error("the tests failed: `{shown}` ended with {exit}")]
    Tests {
        /// The step's id.
        step: String,
        /// What was run, for people.
        shown: String,
        /// How it ended.
        exit: Exit,
        /// What was run, for a shell at the same place.
        command: Box<FailedCommand>,
    },
    /// A pack that was asked for does not apply to the app.
    #[error(
        "the buildpack `{pack}` does not apply to this app: its `bin/detect` ended with {exit}"
    )]
    NotDetected {
        /// The pack's name.
        pack: String,
        /// How detect ended.
        exit: Exit,
        /// What it said.
        said: Vec<String>,
    },
    /// A pack that is asked for had not said whether it applies when its time was over.
    #[error("the buildpack `{pack}` does not say whether it applies to this app")]
    DetectTimeout {
        /// The pack's name.
        pack: String,
        /// Its time.
        limit: Duration,
        /// What it said.
        said: Vec<String>,
    },
    /// A pack's `export` could not be sourced.
    #[error("the buildpack `{pack}` left an `export` that bash cannot source")]
    Export {
        /// The pack's name.
        pack: String,
        /// What bash said.
        said: Vec<String>,
    },
    /// What a pack's `bin/release` printed is not what it should be.
    #[error("`bin/release` of the buildpack `{pack}` printed {problem}")]
    Release {
        /// The pack's name.
        pack: String,
        /// What is wrong.
        problem: String,
    },
    /// The sandbox could not run the program.
    #[error("{0}")]
    Sandbox(Box<dyn SandboxError>),
    /// The app's tree could not be read or written.
    #[error("cannot use the build tree `{}`", .path.display())]
    Tree {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The command that failed; environment and room hold config vars, so that they are never printed.
#[derive(Clone)]
pub struct FailedCommand {
    /// What was run.
    pub command: Command,
    /// The same as a person would type it where it was run.
    pub typed: String,
    /// The room it was run in.
    pub room: Room,
}

impl FailedCommand {
    pub(super) fn of(command: Command, room: Room) -> Self {
        Self {
            typed: typed(&command.argv),
            command,
            room,
        }
    }
}

impl std::fmt::Debug for FailedCommand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("FailedCommand")
            .field(&self.command.argv)
            .finish()
    }
}

impl From<Box<dyn SandboxError>> for CompileError {
    fn from(error: Box<dyn SandboxError>) -> Self {
        Self::Sandbox(error)
    }
}

impl Explain for CompileError {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Step {
                step,
                exit,
                command,
                told,
                ..
            } => {
                let limits = command.room.limits;
                let problem = limits::reached(&format!("step `{step}`"), *exit, limits);
                problem.or_else(|| told.problem()).unwrap_or_else(|| {
                    let problem = Diagnostic::error("step-failed", Class::Build, self.to_string());
                    of_exit(problem, *exit)
                })
            }
            Self::Tests { exit, command, .. } => {
                let problem = limits::reached("the tests", *exit, command.room.limits);
                let problem = problem.unwrap_or_else(|| {
                    Diagnostic::error("tests-failed", Class::Build, self.to_string())
                });
                of_exit(problem, *exit)
            }
            Self::NotDetected { said, .. } => said_by(not_detected(self.to_string()), said),
            Self::DetectTimeout { pack, limit, said } => {
                said_by(detect_timeout(pack, *limit), said)
            }
            Self::Export { said, .. } => {
                let problem = Diagnostic::error("pack-export", Class::Build, self.to_string())
                    .help("the packs after it would miss what it exports: tell its author, or pin a version that works");
                said_by(problem, said)
            }
            Self::Release { .. } => {
                Diagnostic::error("pack-release", Class::Build, self.to_string()).help(
                    "it has to be YAML such as `default_process_types: { web: … }`: tell the pack's author, or pin a \
                     version that works",
                )
            }
            Self::Sandbox(error) => error.diagnostic(),
            Self::Tree { source, .. } => Diagnostic::error(
                "build-tree",
                Class::Surroundings,
                format!("{self}: {source}"),
            )
            .help("check the disk's free space and the owner of the cache folder, then run again"),
        }
    }
}

/// With what is known of ends like this one.
fn of_exit(problem: Diagnostic, exit: Exit) -> Diagnostic {
    match exit {
        Exit::Code(127) => {
            problem.note("127 means that the program was not found on the step's PATH")
        }
        _ => problem,
    }
}

fn said_by(diagnostic: Diagnostic, said: &[String]) -> Diagnostic {
    let lines: Vec<&str> = (said.iter().map(String::as_str))
        .filter(|line| !line.trim().is_empty())
        .collect();
    match lines.len() {
        0 => diagnostic,
        count => {
            let last = lines[count.saturating_sub(5)..].join("\n");
            diagnostic.note(format!("it said: {last}"))
        }
    }
}
