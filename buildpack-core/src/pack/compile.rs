//! Runs a plan's steps in the sandbox, as few programs as the plan allows.

mod as_app;
mod known;
mod limits;
mod scripts;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use memchr::memchr;

use super::detect::{detect_timeout, not_detected};
use super::output::Heard;
use super::typed::{shown, typed};
use crate::causes::Told;
use crate::clean;
use crate::diagnostic::{Class, Diagnostic, Explain};
use crate::event::{Event, EventSink, StepState, Stream};
use crate::pack::loan::Links;
use crate::pack::{EarlierFiles, Loans, PackRelease, Shared};
use crate::plan::{Batch, PackPlan, Run, Step};
use crate::sandbox::{Command, Exit, Room, Sandbox, SandboxError, Terminal};

pub use as_app::TestScene;
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

/// Lines of a failed program that are kept to be explained.
pub(super) const TAIL: usize = 200;

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

    /// Runs a batch in the sandbox and returns the step that was at work in the end.
    fn run_programs<'p>(
        &self,
        plan: &PackPlan,
        batch: &Batch<'p>,
    ) -> Result<&'p Step, CompileError> {
        let mut command = Command {
            argv: batch.argv(),
            cwd: folder(&plan.app_dir, &batch.first.cwd),
            env: self.env.clone(),
        };
        let (room, _links) = self.lend(None, batch.first, self.room, &mut command)?;
        let mut others = batch.others.iter().copied().peekable();
        let mut at = batch.first;
        let mut heard = Heard::default();
        let events = self.events;
        events.heading(&at.heading);
        let mut lines = |stream: Option<Stream>, bytes: &[u8]| {
            let text = clean::text(bytes);
            let (mut told, mut asked) = (0, 0);
            while let Some(next) = others.peek().copied()
                && let Some(begin) = begin_of(next, &text, asked)
            {
                if begin > told {
                    heard.lines(events, &at.id, stream, &text[told..begin - 1]);
                }
                say(events, at, StepState::Finished, None);
                say(events, next, StepState::Started, None);
                at = next;
                events.heading(&at.heading);
                others.next();
                told = begin;
                asked = end_of_line(&text, begin) + 1;
            }
            heard.lines(events, &at.id, stream, &text[told..]);
        };
        let exit = self.shown(&room, &command, &mut lines)?;
        if exit.success() {
            return Ok(at);
        }
        let known = known::known(plan, at, &self.env);
        Err(CompileError::Step {
            step: at.id.clone(),
            shown: shown(&command.argv),
            exit,
            command: Box::new(FailedCommand {
                typed: typed(&command.argv),
                command,
                room,
            }),
            tail: heard.tail.all(),
            told: Box::new(heard.finder.told(&known)),
        })
    }

    /// Runs a program whose lines are shown.
    fn shown(
        &self,
        room: &Room,
        command: &Command,
        lines: &mut (dyn FnMut(Option<Stream>, &[u8]) + Send),
    ) -> Result<Exit, Box<dyn SandboxError>> {
        if self.apart {
            let mut lines = |stream, bytes: &[u8]| lines(Some(stream), bytes);
            (self.sandbox).run(room, command, Terminal::Streams(&mut lines))
        } else {
            let mut lines = |bytes: &[u8]| lines(None, bytes);
            (self.sandbox).run(room, command, Terminal::Lines(&mut lines))
        }
    }

    fn tree_error(&self, source: io::Error) -> CompileError {
        CompileError::Tree {
            path: self.host.tree.to_owned(),
            source,
        }
    }
}

/// Where the line begins that tells that `step` is at work, of the lines of `text` that begin at `from` and after it.
fn begin_of(step: &Step, text: &str, from: usize) -> Option<usize> {
    let mut begin = from;
    while let Some(line) = text.get(begin..) {
        let mut beginnings = step.begins_with.iter();
        if beginnings.any(|beginning| line.starts_with(beginning.as_str())) {
            return Some(begin);
        }
        begin = end_of_line(text, begin) + 1;
    }
    None
}

fn end_of_line(text: &str, begin: usize) -> usize {
    let end = memchr(b'\n', &text.as_bytes()[begin..]);
    end.map_or(text.len(), |end| begin + end)
}

/// The folder `below` of the app's; without a slash at its end, which programs would repeat in what they print.
fn folder(app_dir: &str, below: &str) -> PathBuf {
    match below {
        "" => PathBuf::from(app_dir),
        below => Path::new(app_dir).join(below),
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
