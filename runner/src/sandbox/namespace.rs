//! Programs run in namespaces of their own, on the stack's image.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use buildpack_core::sandbox::{
    Answer, Command, Exit, Held, Limits, Room, Sandbox, SandboxError, Terminal,
};

use super::session::{self, Session, Stage, ours};
use super::wire::{Questions, Work};
use super::{Failure, Probe};

/// Runs programs in user, mount, pid, ipc and uts namespaces, on an overlay of the room's root; no privilege and no
/// helper program of the system is needed. The host's network is used, so these walls keep files and processes
/// apart, not connections; nor do they stand against a program that attacks the kernel.
///
/// A layer may take away what lies below it as overlayfs has it: a 0:0 character device, or `user.overlay.opaque`
/// on a folder. All files of the root must belong to the caller, or the room can't write to them.
///
/// Writes outside the mounts lie in `scratch/upper` afterwards (deleted files as 0:0 character devices), `/tmp` in
/// `scratch/tmp`; both are kept for the next run in the same scratch. Runs in one scratch wait for each other.
#[derive(Debug, Clone)]
pub struct NamespaceSandbox {
    helper: PathBuf,
}

impl Default for NamespaceSandbox {
    fn default() -> Self {
        Self::new()
    }
}

impl NamespaceSandbox {
    /// With this binary as the helper; it calls [`entry`](super::entry), which a test binary does not.
    pub fn new() -> Self {
        Self::with_helper("/proc/self/exe")
    }

    /// With another binary as the helper, one that calls [`entry`](super::entry).
    pub fn with_helper(helper: impl Into<PathBuf>) -> Self {
        Self {
            helper: helper.into(),
        }
    }

    /// Builds a room with its scratch below `folder` (made if missing) and enters it, without running a program.
    pub fn probe(&self, folder: &Path) -> Probe {
        Probe {
            failure: self.attempt(folder).err(),
        }
    }

    fn attempt(&self, folder: &Path) -> Result<(), Failure> {
        let wrap = ours("make a folder for the sandbox's trial");
        fs_err::create_dir_all(folder).map_err(&wrap)?;
        let scratch = tempfile::Builder::new()
            .prefix(".sandbox-trial-")
            .tempdir_in(folder)
            .map_err(&wrap)?;
        let room = Room {
            root: Vec::new(),
            scratch: scratch.path().to_owned(),
            mounts: Vec::new(),
            memory: Vec::new(),
            user: (1000, 1000),
            limits: Limits::default(),
        };
        let tried = self.within(&room, Work::Trial, |session| {
            session.run(Terminal::Lines(&mut |_| {}))
        });
        let _ = discard(scratch.path());
        tried.map(|_| ())
    }

    /// Does `work` in a session of its own, by this way of running one.
    fn within<'a, T>(
        &'a self,
        room: &'a Room,
        work: Work,
        way: impl FnOnce(Session<'a>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let done = way(Session {
            helper: &self.helper,
            stage: Stage::Room,
            room,
            work,
            drop_to_user: false,
            lock: Some(lock(&room.scratch).map_err(ours("lock the sandbox's scratch folder"))?),
        });
        // The kernel leaves this one without any mode, and then nobody but root can remove what holds it.
        let _ = open_up(&room.scratch.join("work/work"));
        done
    }
}

impl Sandbox for NamespaceSandbox {
    fn name(&self) -> &'static str {
        "namespace"
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
        Ok(self.within(room, work, |session| session.run(terminal))?)
    }

    fn ask(
        &self,
        room: &Room,
        commands: &[Command],
        limit: Duration,
    ) -> Result<Vec<Answer>, Box<dyn SandboxError>> {
        let work = Work::Questions(Questions::new(commands, limit));
        Ok(self.within(room, work, Session::ask)?)
    }
}

/// Two overlays must not share a scratch.
fn lock(scratch: &Path) -> io::Result<OwnedFd> {
    fs_err::create_dir_all(scratch)?;
    // It holds a `/tmp` that anybody may write to.
    open_up(scratch)?;
    let file = fs_err::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(scratch.join("lock"))?
        .into_parts()
        .0;
    file.lock()?;
    Ok(file.into())
}

fn open_up(folder: &Path) -> io::Result<()> {
    fs_err::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
}

/// Removes a scratch folder, whatever modes its content was given; a missing one is fine.
pub fn discard(scratch: &Path) -> io::Result<()> {
    match fs_err::remove_dir_all(scratch) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
        other => return other,
    }
    // Folders come before what they hold, so each is opened before it is read.
    for entry in walkdir::WalkDir::new(scratch) {
        let entry = entry?;
        if entry.file_type().is_dir() {
            open_up(entry.path())?;
        }
    }
    fs_err::remove_dir_all(scratch)
}
