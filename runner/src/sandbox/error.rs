//! Why a program could not be run at all.

use std::io;

use buildpack_core::diagnostic::{Class, Diagnostic, Explain};
use buildpack_core::sandbox::SandboxError;
use serde::{Deserialize, Serialize};

/// A step on the way into the room; printed, it completes "can't …".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// A user namespace.
    UserNamespace,
    /// The one id mapped into it.
    IdMap,
    /// Mount, pid, ipc and uts namespaces.
    Namespaces,
    /// The scratch folder's own folders.
    Scratch,
    /// The overlay of the room's root.
    Overlay,
    /// A path of the host.
    Mount,
    /// Files in memory.
    Memory,
    /// `/proc`.
    Proc,
    /// `/dev`.
    Devices,
    /// The host name.
    Hostname,
    /// Changing to the new root.
    Pivot,
    /// The folder the program starts in.
    Folder,
    /// A pseudo terminal.
    Terminal,
    /// Becoming the room's user.
    User,
    /// Starting the program.
    Start,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::UserNamespace => "make a user namespace",
            Self::IdMap => "map the user into the namespace",
            Self::Namespaces => "make mount, pid, ipc and uts namespaces",
            Self::Scratch => "prepare the scratch folder",
            Self::Overlay => "mount the overlay of the stack image",
            Self::Mount => "mount",
            Self::Memory => "make files in memory",
            Self::Proc => "mount /proc",
            Self::Devices => "set up /dev",
            Self::Hostname => "set the host name",
            Self::Pivot => "change to the new root",
            Self::Folder => "enter the folder",
            Self::Terminal => "open a terminal",
            Self::User => "become the room's user",
            Self::Start => "start the program",
        })
    }
}

/// What about this machine is in the way, where it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// `user.max_user_namespaces` is 0, or used up.
    NamespaceLimit,
    /// `kernel.unprivileged_userns_clone` is 0 (Debian's switch).
    UnprivilegedOff,
    /// `kernel.apparmor_restrict_unprivileged_userns` is 1 (Ubuntu 23.10 and later).
    AppArmor,
    /// A container's seccomp filter.
    Seccomp,
    /// The process stands in a chroot, where the kernel makes no user namespace.
    Chroot,
    /// The scratch's file system takes no overlay, or the kernel is older than 5.11.
    Overlay,
    /// Parts of the outer `/proc` are covered, so the kernel gives no new one.
    ProcCovered,
    /// There is no `/proc`, so the helper can't be started.
    NoProc,
}

/// Why a program could not be run at all.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A step inside the helper failed.
    #[error("can't {step}{}: {error}", about(.object))]
    Step {
        /// Which.
        step: Step,
        /// What it was about: a path, or nothing.
        object: String,
        /// The system's reason.
        error: io::Error,
        /// What about this machine is in the way.
        cause: Option<Cause>,
    },
    /// The helper could not be started.
    #[error("can't start the sandbox helper `{helper}`: {error}")]
    Helper {
        /// The binary.
        helper: String,
        /// The system's reason.
        error: io::Error,
    },
    /// The helper ended without a report.
    #[error("the sandbox helper `{helper}` ended without a report ({status})")]
    Silent {
        /// The binary.
        helper: String,
        /// How it ended.
        status: String,
    },
    /// A file or terminal operation of our own side failed.
    #[error("can't {operation}: {error}")]
    Io {
        /// Operation and object.
        operation: String,
        /// The system's reason.
        error: io::Error,
    },
    /// The room can't be had in place.
    #[error("can't show `{object}` inside without namespaces: {reason}")]
    NotInPlace {
        /// The path inside.
        object: String,
        /// Why not.
        reason: String,
    },
}

fn about(object: &str) -> String {
    if object.is_empty() {
        String::new()
    } else {
        format!(" `{object}`")
    }
}

impl Explain for Failure {
    fn diagnostic(&self) -> Diagnostic {
        Diagnostic::error("sandbox-failed", Class::Surroundings, self.to_string())
    }
}

impl SandboxError for Failure {}

impl From<Failure> for Box<dyn SandboxError> {
    fn from(failure: Failure) -> Self {
        Box::new(failure)
    }
}

/// Why the sandbox that was asked for can't be had here.
#[derive(Debug, thiserror::Error)]
#[error("programs can't be run in namespaces here: {failure}")]
pub struct Unavailable {
    /// What the trial found.
    pub failure: Failure,
}

impl Explain for Unavailable {
    fn diagnostic(&self) -> Diagnostic {
        self.failure.diagnostic()
    }
}

impl SandboxError for Unavailable {}
