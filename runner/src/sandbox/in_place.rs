//! Programs run where `bp` stands, for when that is inside the stack's image.

use std::path::PathBuf;
use std::time::Duration;

use buildpack_core::sandbox::{
    Answer, Command, Exit, Held, Limits, Room, Sandbox, SandboxError, Terminal,
};

use super::session::{self, Session, Stage};
use super::wire::{Questions, Work};

/// Runs programs where `bp` stands; a room's root is ignored.
///
/// Of a room's mounts those whose source is their target hold by themselves; a missing target becomes a symbolic
/// link to the source for the time of the run; any other is an error. Nothing makes them read-only. Memory files are
/// written to `/dev/shm`, or to the disk where there is none, linked to from their folder, and removed afterwards.
#[derive(Debug, Clone)]
pub struct InPlaceSandbox {
    helper: PathBuf,
    drop_to_user: bool,
}

impl InPlaceSandbox {
    /// With this binary as the helper. `drop_to_user`: run programs as the room's user where `bp` is root.
    pub fn new(drop_to_user: bool) -> Self {
        Self::with_helper("/proc/self/exe", drop_to_user)
    }

    /// With another binary as the helper, one that calls [`entry`](super::entry).
    pub fn with_helper(helper: impl Into<PathBuf>, drop_to_user: bool) -> Self {
        Self {
            helper: helper.into(),
            drop_to_user,
        }
    }

    fn session<'a>(&'a self, room: &'a Room, work: Work) -> Session<'a> {
        Session {
            helper: &self.helper,
            stage: Stage::Here,
            room,
            work,
            drop_to_user: self.drop_to_user,
            lock: None,
        }
    }
}

impl Sandbox for InPlaceSandbox {
    fn name(&self) -> &'static str {
        "none"
    }

    fn in_place(&self) -> bool {
        true
    }

    fn held(&self, limits: &Limits) -> Held {
        session::held(limits)
    }

    fn run(
        &self,
        room: &Room,
        command: &Command,
        terminal: Terminal<'_>,
    ) -> Result<Exit, Box<dyn SandboxError>> {
        let work = Work::Program(command.into());
        Ok(self.session(room, work).run(terminal)?)
    }

    fn ask(
        &self,
        room: &Room,
        commands: &[Command],
        limit: Duration,
    ) -> Result<Vec<Answer>, Box<dyn SandboxError>> {
        let work = Work::Questions(Questions::new(commands, limit));
        Ok(self.session(room, work).ask()?)
    }
}
