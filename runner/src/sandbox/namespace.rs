//! Programs run in namespaces of their own, on the stack's image.

use std::io;
use std::path::{Path, PathBuf};

use buildpack_core::sandbox::{Command, Exit, Room, Sandbox, SandboxError, Terminal};

use super::Probe;

/// Runs programs in user, mount, pid, ipc and uts namespaces, on an overlay of the room's root; no privilege and no
/// helper program of the system is needed. The host's network is used.
///
/// Writes outside the mounts lie in `scratch/upper` afterwards (deleted files as 0:0 character devices), `/tmp` in
/// `scratch/tmp`; both are kept for the next run in the same scratch.
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
    /// With this binary as the helper.
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
    pub fn probe(&self, _folder: &Path) -> Probe {
        let _ = &self.helper;
        todo_first_landing()
    }
}

impl Sandbox for NamespaceSandbox {
    fn name(&self) -> &'static str {
        "namespace"
    }

    fn run(
        &self,
        _room: &Room,
        _command: &Command,
        _terminal: Terminal<'_>,
    ) -> Result<Exit, Box<dyn SandboxError>> {
        todo_first_landing()
    }
}

/// Removes a scratch folder, whatever modes its content was given; a missing one is fine.
pub fn discard(_scratch: &Path) -> io::Result<()> {
    todo_first_landing()
}

#[allow(clippy::unimplemented, reason = "first landing")]
fn todo_first_landing() -> ! {
    unimplemented!()
}
