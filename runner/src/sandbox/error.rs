//! Why a program could not be run at all.

use std::io;

use buildpack_core::diagnostic::{Class, Diagnostic, Explain};
use buildpack_core::sandbox::SandboxError;
use serde::{Deserialize, Serialize};

/// A step on the way into the room; printed, it completes "can't …".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The helper process itself.
    Helper,
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
    /// Entering what holds the program to its limits.
    Limits,
    /// Starting the program.
    Start,
}

impl Step {
    /// Whether it depends on the machine alone, not on the room or the command.
    pub(super) fn is_early(self) -> bool {
        matches!(
            self,
            Self::Helper
                | Self::UserNamespace
                | Self::IdMap
                | Self::Namespaces
                | Self::Overlay
                | Self::Proc
                | Self::Devices
                | Self::Hostname
                | Self::Pivot
                | Self::User
        )
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Helper => "prepare the helper process",
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
            Self::Limits => "hold the program to its limits",
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
    /// A container's seccomp filter, or a chroot: the kernel makes no user namespace for either.
    Seccomp,
    /// The scratch's file system takes no overlay, or the kernel is older than 5.11.
    Overlay,
    /// Parts of the outer `/proc` are covered, so the kernel gives no new one.
    ProcCovered,
    /// There is no `/proc`, so the helper can't be started.
    NoProc,
}

/// The way out that always is.
const ELSEWHERE: &str =
    "run `bp` inside the stack's build image, where the sandbox `none` does without namespaces";

impl Cause {
    /// What is the case.
    fn fact(self) -> &'static str {
        match self {
            Self::NamespaceLimit => {
                "the limit of user namespaces is reached, or 0 (`user.max_user_namespaces`)"
            }
            Self::UnprivilegedOff => {
                "ordinary users may not make user namespaces (`kernel.unprivileged_userns_clone` is 0)"
            }
            Self::AppArmor => {
                "AppArmor takes the rights from a user namespace of an unknown program \
                 (`kernel.apparmor_restrict_unprivileged_userns` is 1)"
            }
            Self::Seccomp => {
                "this looks like a container whose seccomp filter refuses new namespaces, or a chroot"
            }
            Self::Overlay => {
                "an overlay for ordinary users needs Linux 5.11, and a scratch folder on a file system \
                 with user xattrs that is no overlay itself (ext4, xfs, btrfs)"
            }
            Self::ProcCovered => {
                "parts of /proc are covered here, as containers have it, and then the kernel gives no new one"
            }
            Self::NoProc => "`/proc/self/exe` leads nowhere where /proc is not mounted",
        }
    }

    /// The way out.
    fn remedy(self) -> &'static str {
        match self {
            Self::NamespaceLimit => "run `sysctl user.max_user_namespaces=15000` as root",
            Self::UnprivilegedOff => "run `sysctl kernel.unprivileged_userns_clone=1` as root",
            Self::AppArmor => {
                "give `bp` an AppArmor profile with `userns,`, or run \
                 `sysctl kernel.apparmor_restrict_unprivileged_userns=0` as root"
            }
            Self::Seccomp => {
                "start the container with `--security-opt seccomp=unconfined`, or from the stack's build image \
                 with the sandbox `none`"
            }
            Self::Overlay => {
                "put the cache on another file system (`BP_CACHE_DIR`; in a container: a volume)"
            }
            Self::ProcCovered => {
                "start the container with `--security-opt systempaths=unconfined` (podman: `unmask=ALL`)"
            }
            Self::NoProc => "mount /proc",
        }
    }
}

/// Why a program could not be run at all.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A step inside the helper failed.
    #[error("can't {step}{}{}", about(.object), reason(.error, *.cause))]
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

/// What the system says; of its limit it says that a device has no space left, which is no disk.
fn reason(error: &io::Error, cause: Option<Cause>) -> String {
    match cause {
        Some(Cause::NamespaceLimit) => String::new(),
        _ => format!(": {error}"),
    }
}

impl Failure {
    fn code(&self) -> &'static str {
        match self {
            Self::Step {
                step: Step::Mount | Step::Memory,
                ..
            } => "sandbox-mount-failed",
            Self::Step {
                step: Step::Folder, ..
            } => "sandbox-no-folder",
            Self::Step {
                step: Step::Terminal,
                ..
            } => "sandbox-no-terminal",
            Self::Step {
                step: Step::Start, ..
            } => "sandbox-start-failed",
            Self::Step { .. } => "sandbox-unavailable",
            Self::Helper { .. } | Self::Silent { .. } => "sandbox-helper-failed",
            Self::Io { .. } => "sandbox-io",
            Self::NotInPlace { .. } => "sandbox-not-in-place",
        }
    }
}

impl Explain for Failure {
    fn diagnostic(&self) -> Diagnostic {
        let shown = Diagnostic::error(self.code(), Class::Surroundings, self.to_string());
        match self {
            Self::Step {
                cause: Some(cause), ..
            } => shown.note(cause.fact()).help(cause.remedy()),
            Self::Step { step, .. } if step.is_early() => shown.help(ELSEWHERE),
            Self::Helper { error, .. } if error.kind() == io::ErrorKind::NotFound => shown
                .note(Cause::NoProc.fact())
                .help(Cause::NoProc.remedy()),
            Self::Step { .. } | Self::Helper { .. } | Self::Io { .. } => shown,
            Self::Silent { .. } => shown.help(
                "a program that embeds the engine calls `runner::sandbox::entry()` first in `main`, \
                 or names a helper that does",
            ),
            Self::NotInPlace { .. } => shown.help("let it lie there already, or use the sandbox `namespace`"),
        }
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
        let mut shown = self.failure.diagnostic();
        shown.message = self.to_string();
        shown
    }
}

impl SandboxError for Unavailable {}
