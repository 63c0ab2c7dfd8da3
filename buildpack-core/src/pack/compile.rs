//! Runs a plan's steps in the sandbox, as few programs as the plan allows.

mod as_app;
mod error;
mod known;
mod limits;
mod programs;
mod scripts;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::event::{Event, EventSink, StepState};
use crate::pack::loan::Links;
use crate::pack::{EarlierFiles, Loans, PackRelease, Shared};
use crate::plan::{Batch, PackPlan, Run, Step};
use crate::sandbox::{Command, Exit, Room, Sandbox};

pub use as_app::TestScene;
pub use error::{CompileError, FailedCommand};
pub use scripts::{MoveTree, ScriptScene};

/// Remembers which steps need not run again in a tree.
pub trait StepMemo {
    /// Why `step` has to run; none where it succeeded here with the inputs of now. A sentence without its subject:
    /// "`mix.lock` changed".
    fn due(&self, step: &Step) -> Option<String>;

    /// Whether nothing is there for `step` to work on, so that it is done without being run.
    fn is_idle(&self, step: &Step) -> bool;

    /// `step` will be run next, alone or with others: what is remembered of it no longer holds, and what it owns is to
    /// be emptied.
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
    /// What earlier builds left, where the user wants it.
    pub earlier: Option<&'a dyn EarlierFiles>,
    /// What builds share; none where nothing that is kept may be used.
    pub shared: Option<&'a dyn Shared>,
}

/// What a compile may use: the sandbox and the app's tree, and no handle to network or registry.
pub struct CompileContext<'a> {
    sandbox: &'a dyn Sandbox,
    room: &'a Room,
    host: Host<'a>,
    env: BTreeMap<String, String>,
    events: &'a dyn EventSink,
    memo: &'a mut dyn StepMemo,
    scene: Option<ScriptScene<'a>>,
    releases: BTreeMap<String, PackRelease>,
    /// Steps with nothing to do, which are done when those before them are: what these make counts for them.
    idle: Vec<Step>,
    tests: Option<TestScene<'a>>,
    /// Whether the two streams of programs are told apart.
    apart: bool,
    loans: Loans,
}

/// Lines of a failed program that are kept to be explained.
pub(super) const TAIL: usize = 200;

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
            scene: None,
            releases: BTreeMap::new(),
            idle: Vec::new(),
            tests: None,
            apart: false,
            loans: Loans::new(),
        }
    }

    /// With the two streams of programs told apart, at the price of the order of lines between them.
    #[must_use]
    pub fn with_streams_apart(mut self, apart: bool) -> Self {
        self.apart = apart;
        self
    }

    /// With what scripts of packs see and get.
    #[must_use]
    pub fn with_scripts(mut self, scene: ScriptScene<'a>) -> Self {
        self.scene = Some(scene);
        self
    }

    /// With what tests see.
    #[must_use]
    pub fn with_tests(mut self, scene: TestScene<'a>) -> Self {
        self.tests = Some(scene);
        self
    }

    /// With what single steps are lent.
    #[must_use]
    pub fn with_loans(mut self, loans: Loans) -> Self {
        self.loans = loans;
        self
    }

    /// The room of a step's programs with what it is lent, which is added to their environment, too; and links that stand as
    /// long as they run. A script finds its secrets in `env_dir`.
    fn lend(
        &self,
        env_dir: Option<&str>,
        step: &Step,
        room: &Room,
        command: &mut Command,
    ) -> Result<(Room, Option<Links>), CompileError> {
        let mut room = room.clone();
        let Some(loan) = self.loans.get(&step.id) else {
            return Ok((room, None));
        };
        loan.give(step, env_dir, &mut room, &mut command.env);
        let links = loan.link(self.host.tree);
        let links = links.map_err(|source| self.tree_error(source))?;
        Ok((room, Some(links)))
    }

    /// The app's folder on the host.
    pub fn tree(&self) -> &Path {
        self.host.tree
    }

    /// What packs that are scripts said of starting the app so far, by the pack's id.
    pub(super) fn releases(&self) -> &BTreeMap<String, PackRelease> {
        &self.releases
    }

    /// Runs the plan's steps in order; steps whose inputs are unchanged are skipped, and do not keep neighbours apart.
    /// `prepare` does the pack's own.
    pub fn run_steps(
        &mut self,
        plan: &PackPlan,
        prepare: &Prepare<'_>,
    ) -> Result<(), CompileError> {
        let ended = self.run_all(plan, prepare);
        let placed = self.place_tree(false);
        ended.and(placed)
    }

    fn run_all(&mut self, plan: &PackPlan, prepare: &Prepare<'_>) -> Result<(), CompileError> {
        let mut waiting: Option<Batch<'_>> = None;
        for step in &plan.steps {
            if step.skip_if_unchanged.is_some() {
                // The memo looks at the app's folder.
                self.place_tree(false)?;
            }
            if self.memo.is_idle(step) {
                let reason = "there is nothing to clear".to_owned();
                say(self.events, step, StepState::Skipped, Some(reason));
                self.idle.push(step.clone());
                continue;
            }
            let mut due = self.memo.due(step);
            if due.is_none()
                && reads_what_is_made(step)
                && let Some(batch) = waiting.take()
            {
                // What it reads may be what those before it are about to make.
                self.run_batch(plan, &batch, prepare)?;
                due = self.memo.due(step);
            }
            let Some(reason) = due else {
                say(self.events, step, StepState::Skipped, None);
                continue;
            };
            if let Some(batch) = waiting.take_if(|batch| !batch.takes(step)) {
                self.run_batch(plan, &batch, prepare)?;
            }
            let reason = step.skip_if_unchanged.is_some().then_some(reason);
            say(self.events, step, StepState::Due, reason);
            let started = self.memo.started(step);
            started.map_err(|source| self.tree_error(source))?;
            match &mut waiting {
                Some(batch) => batch.others.push(step),
                None => waiting = Some(Batch::of(step)),
            }
        }
        match waiting {
            Some(batch) => self.run_batch(plan, &batch, prepare),
            None => Ok(()),
        }
    }

    fn run_batch(
        &mut self,
        plan: &PackPlan,
        batch: &Batch<'_>,
        prepare: &Prepare<'_>,
    ) -> Result<(), CompileError> {
        let as_app = batch.first.phase.is_of_tests();
        self.place_tree(!as_app && matches!(batch.first.run, Run::Script { .. }))?;
        say(self.events, batch.first, StepState::Started, None);
        let ended = self.run_first(plan, batch, prepare, as_app);
        let last = ended.inspect_err(|error| self.events.emit(failed(batch.first, error)))?;
        say(self.events, last, StepState::Finished, None);
        let idle = std::mem::take(&mut self.idle);
        for step in batch.steps().chain(&idle) {
            let succeeded = self.memo.succeeded(step);
            succeeded.map_err(|source| self.tree_error(source))?;
        }
        Ok(())
    }

    /// Runs a batch in the way of its first step and returns the step that was at work in the end.
    fn run_first<'p>(
        &mut self,
        plan: &PackPlan,
        batch: &Batch<'p>,
        prepare: &Prepare<'_>,
        as_app: bool,
    ) -> Result<&'p Step, CompileError> {
        match &batch.first.run {
            _ if as_app => self.run_as_app(plan, batch)?,
            Run::Pack => self.env.extend(prepare(batch.first, &self.host)?),
            Run::Script { pack, script } => self.run_script(plan, batch.first, pack, *script)?,
            _ => return self.run_programs(plan, batch),
        }
        Ok(batch.first)
    }

    fn tree_error(&self, source: io::Error) -> CompileError {
        CompileError::Tree {
            path: self.host.tree.to_owned(),
            source,
        }
    }
}

fn say(events: &dyn EventSink, step: &Step, state: StepState, reason: Option<String>) {
    events.emit(Event::Step {
        step: step.id.clone(),
        state,
        reason,
        millis: None,
        exit: None,
        signal: None,
    });
}

/// That the step which was at work failed: `first`, unless the error names another.
fn failed(first: &Step, error: &CompileError) -> Event {
    let (step, end) = match error {
        CompileError::Step { step, exit, .. } | CompileError::Tests { step, exit, .. } => {
            (step, Some(*exit))
        }
        CompileError::NotDetected { exit, .. } => (&first.id, Some(*exit)),
        _ => (&first.id, None),
    };
    let (exit, signal) = (end.and_then(Exit::code), end.and_then(Exit::signal));
    Event::Step {
        step: step.clone(),
        state: StepState::Failed,
        reason: None,
        millis: None,
        exit,
        signal,
    }
}

/// Whether a step's inputs are known only when it is due.
fn reads_what_is_made(step: &Step) -> bool {
    let inputs = step.skip_if_unchanged.as_ref();
    inputs.is_some_and(|inputs| !inputs.made.is_empty())
}

#[cfg(test)]
mod tests;
