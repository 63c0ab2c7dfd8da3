//! The walls around foreign programs, as a trait: what a program sees, what it is, how it ended.

mod limits;

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use crate::diagnostic::Explain;
use crate::event::Stream;

pub use limits::{Cpus, Deadline, Held, Holder, Limits, amount, span};

/// How a mounted path may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Writes fail.
    ReadOnly,
    /// Writes reach the source.
    ReadWrite,
}

/// A path of the host, seen at `target` inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Path on the host: a folder or a file.
    pub source: PathBuf,
    /// Absolute path inside; made if it is missing.
    pub target: PathBuf,
    /// How it may be used.
    pub access: Access,
}

/// A file that exists in memory only, such as a config var of ENV_DIR.
#[derive(Clone, PartialEq, Eq)]
pub struct MemoryFile {
    /// Absolute path inside; its folder becomes a tmpfs.
    pub target: PathBuf,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// What a program sees: a root, what is mounted over it, and what lives in memory only.
#[derive(Clone, PartialEq, Eq)]
pub struct Room {
    /// Unpacked image folders, lowest first; never written to.
    pub root: Vec<PathBuf>,
    /// Folder of this room's own writes outside the mounts; made if missing, on one file system.
    pub scratch: PathBuf,
    /// Mounted in order, so that a later one may stand inside an earlier one.
    pub mounts: Vec<Mount>,
    /// Files in memory, by folder a tmpfs.
    pub memory: Vec<MemoryFile>,
    /// User and group id that programs see themselves as.
    pub user: (u32, u32),
    /// How much of the machine they may use.
    pub limits: Limits,
}

/// A program to run in a room.
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    /// Program and arguments; the program is looked up in the room by the command's `PATH`.
    pub argv: Vec<String>,
    /// Folder it starts in.
    pub cwd: PathBuf,
    /// Its whole environment: nothing is inherited.
    pub env: BTreeMap<String, String>,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(u8),
    /// By this signal.
    Signal(i32),
    /// By the kernel, which ended it or a program of its own at the room's limit of memory.
    OutOfMemory {
        /// The most that was used at once, in bytes, where the kernel counts it.
        peak: Option<NonZeroU64>,
    },
    /// By us, at the room's deadline.
    OutOfTime,
}

impl Exit {
    /// Whether it ended well.
    pub fn success(self) -> bool {
        self == Self::Code(0)
    }

    /// The code that it ended with, if it ended by itself.
    pub fn code(self) -> Option<u8> {
        match self {
            Self::Code(code) => Some(code),
            _ => None,
        }
    }

    /// The signal that ended it, if one did. What ends a program at a limit is signal 9.
    pub fn signal(self) -> Option<i32> {
        match self {
            Self::Code(_) => None,
            Self::Signal(signal) => Some(signal),
            Self::OutOfMemory { .. } | Self::OutOfTime => Some(9),
        }
    }

    /// The code a shell would report: 128 and the signal's number where one ended it, 124 at the end of its time.
    pub fn shell_code(self) -> i32 {
        match self {
            Self::Code(code) => i32::from(code),
            Self::Signal(signal) => 128 + signal,
            Self::OutOfMemory { .. } => 128 + 9,
            // As timeout(1) has it.
            Self::OutOfTime => 124,
        }
    }
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
            Self::OutOfMemory { .. } => f.write_str("signal 9, out of memory"),
            Self::OutOfTime => f.write_str("signal 9, out of time"),
        }
    }
}

/// What a program that was asked something had said when it ended, or when its time was over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// How it ended, if it did in time; a program that can't be started ends with a shell's 126 or 127.
    pub exit: Option<Exit>,
    /// The first [`LONGEST_ANSWER`] bytes of its output; errors are not kept.
    pub printed: Vec<u8>,
}

/// How much of an answer is kept, in bytes.
pub const LONGEST_ANSWER: usize = 4096;

/// Where a program's terminal is.
pub enum Terminal<'a> {
    /// None: standard input is empty, output and errors come by lines, as they are printed. Lines that were there together
    /// come together, with a `\n` between them and none behind the last.
    Lines(&'a mut (dyn FnMut(&[u8]) + Send)),
    /// As [`Lines`](Self::Lines), each with its stream. The lines of one stream keep their order; between the two it is the
    /// order in which they came here, which need not be that in which they were printed.
    Streams(&'a mut (dyn FnMut(Stream, &[u8]) + Send)),
    /// Ours: the program talks to the person at the terminal.
    Inherit,
}

/// The lines that came together.
pub fn each_line(lines: &[u8]) -> impl Iterator<Item = &[u8]> {
    lines.split(|byte| *byte == b'\n')
}

/// Runs programs in rooms.
pub trait Sandbox: Send + Sync {
    /// A word for the output: `namespace`, `none`.
    fn name(&self) -> &'static str;

    /// Whether programs run where `bp` stands: a room's root is ignored, and the app must really lie at its target path.
    fn in_place(&self) -> bool {
        false
    }

    /// What would hold programs to `limits` here; nothing where nothing does.
    fn held(&self, limits: &Limits) -> Held {
        let _ = limits;
        Held::default()
    }

    /// Runs `command` in `room` and waits for its end; nothing that it started outlives the call.
    fn run(
        &self,
        room: &Room,
        command: &Command,
        terminal: Terminal<'_>,
    ) -> Result<Exit, Box<dyn SandboxError>>;

    /// Runs all `commands` at once in one room, each without input and as a script where its file has no other
    /// interpreter; ends those that take longer than `limit`. Answers stand in the order of the commands; nothing that
    /// was started outlives the call.
    fn ask(
        &self,
        room: &Room,
        commands: &[Command],
        limit: Duration,
    ) -> Result<Vec<Answer>, Box<dyn SandboxError>>;
}

/// Why a program could not be run at all.
pub trait SandboxError: Explain + Send + Sync {}
