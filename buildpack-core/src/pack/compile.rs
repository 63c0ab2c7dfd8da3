//! Runs a plan's steps in the sandbox, as few programs as the plan allows.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Class, Diagnostic, Explain};
use crate::event::{Event, EventSink};
use crate::plan::{Batch, PackPlan, Run, Step, batches};
use crate::sandbox::{Command, Exit, Room, Sandbox, SandboxError, Terminal};

/// Remembers which steps need not run again in a tree.
pub trait StepMemo {
    /// Whether `step` succeeded here with the inputs of now.
    fn unchanged(&self, step: &Step) -> bool;

    /// `step` is about to run, so that what is remembered of it no longer holds.
    fn started(&mut self, step: &Step) -> io::Result<()>;

    /// `step` succeeded.
    fn succeeded(&mut self, step: &Step) -> io::Result<()>;
}

/// What a pack's own steps may look at, on the host.
pub struct Host<'a> {
    /// The app's folder.
    pub tree: &'a Path,
    /// The plan's tools by id: their folders.
    pub tools: &'a BTreeMap<String, PathBuf>,
}

/// What a compile may use: the sandbox and the app's tree, and no handle to network or registry.
pub struct CompileContext<'a> {
    sandbox: &'a dyn Sandbox,
    room: &'a Room,
    host: Host<'a>,
    env: BTreeMap<String, String>,
    events: &'a dyn EventSink,
    memo: &'a mut dyn StepMemo,
}

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

/// The command that failed; its environment holds config vars, so that it is never printed.
#[derive(Clone)]
pub struct FailedCommand(pub Command);

impl std::fmt::Debug for FailedCommand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("FailedCommand").field(&self.0.argv).finish()
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
            Self::Step { exit, .. } => {
                let problem = Diagnostic::error("step-failed", Class::Build, self.to_string());
                match exit {
                    Exit::Code(127) => {
                        problem.note("127 means that the program was not found on the step's PATH")
                    }
                    Exit::Code(137) | Exit::Signal(9) => {
                        problem.note("signal 9 is what the kernel sends when memory has run out")
                    }
                    _ => problem,
                }
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

/// A pack's own part of a step, done without running a program; returns variables for the steps that follow.
pub type Prepare<'f> =
    dyn Fn(&Step, &Host<'_>) -> Result<BTreeMap<String, String>, CompileError> + 'f;

impl<'a> CompileContext<'a> {
    /// A context that runs in `room`, whose mounts show `host.tree` as the app's folder, with `env` as the whole
    /// environment of its programs.
    pub fn new(
        sandbox: &'a dyn Sandbox,
        room: &'a Room,
        host: Host<'a>,
        env: BTreeMap<String, String>,
        events: &'a dyn EventSink,
        memo: &'a mut dyn StepMemo,
    ) -> Self {
        Self {
            sandbox,
            room,
            host,
            env,
            events,
            memo,
        }
    }

    /// The app's folder on the host.
    pub fn tree(&self) -> &Path {
        self.host.tree
    }

    /// Runs the plan's steps in order; steps whose inputs are unchanged are skipped. `prepare` does the pack's own.
    pub fn run_steps(
        &mut self,
        plan: &PackPlan,
        prepare: &Prepare<'_>,
    ) -> Result<(), CompileError> {
        let skipped: Vec<&str> = plan
            .steps
            .iter()
            .filter(|step| self.memo.unchanged(step))
            .map(|step| step.id.as_str())
            .collect();
        for step in plan.steps.iter().filter(|s| s.skip_if_unchanged.is_some()) {
            self.events.emit(Event::Cache {
                what: step.id.clone(),
                hit: skipped.contains(&step.id.as_str()),
                reason: None,
            });
        }
        for batch in batches(&plan.steps, &|step| skipped.contains(&step.id.as_str())) {
            if batch.steps[0].run == Run::Pack {
                for step in &batch.steps {
                    self.env.extend(prepare(step, &self.host)?);
                }
            } else {
                self.run_batch(plan, &batch)?;
            }
        }
        Ok(())
    }

    fn run_batch(&mut self, plan: &PackPlan, batch: &Batch<'_>) -> Result<(), CompileError> {
        for step in &batch.steps {
            self.memo
                .started(step)
                .map_err(|source| self.tree_error(source))?;
        }
        let command = Command {
            argv: batch.argv.clone(),
            cwd: PathBuf::from(&plan.app_dir),
            env: self.env.clone(),
        };
        let mut at = 0;
        self.events.heading(&batch.steps[0].heading);
        let events = self.events;
        let mut line = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            if let Some(next) = batch.steps.get(at + 1)
                && next
                    .begins_with
                    .iter()
                    .any(|p| text.starts_with(p.as_str()))
            {
                at += 1;
                events.heading(&next.heading);
            }
            events.emit(Event::Output {
                step: batch.steps[at].id.clone(),
                line: text.into_owned(),
            });
        };
        let exit = self
            .sandbox
            .run(self.room, &command, Terminal::Lines(&mut line))?;
        if !exit.success() {
            return Err(CompileError::Step {
                step: batch.steps[at].id.clone(),
                shown: shown(batch),
                exit,
                command: Box::new(FailedCommand(command)),
            });
        }
        for step in &batch.steps {
            self.memo
                .succeeded(step)
                .map_err(|source| self.tree_error(source))?;
        }
        Ok(())
    }

    fn tree_error(&self, source: io::Error) -> CompileError {
        CompileError::Tree {
            path: self.host.tree.to_owned(),
            source,
        }
    }
}

/// The command as a person would type it.
fn shown(batch: &Batch<'_>) -> String {
    match batch.argv.as_slice() {
        [bash, flag, script] if bash == "bash" && flag == "-c" => script.clone(),
        argv => argv.join(" "),
    }
}
