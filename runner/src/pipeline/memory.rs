//! How much memory a build may use, and whether the kernel ended a program of a step for want of it (the kernel's
//! documentation of cgroups, versions 1 and 2, and of `/proc/vmstat`).
//!
//! A step with `--memory` in a control group of its own is none of this: its end says so itself. Without, the counts of the
//! narrowest group that counts, else of the machine, are of everybody in it. So nothing is said of memory unless the step
//! itself was ended by signal 9, and whether the count rose while it ran tells what of.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use buildpack_core::diagnostic::Diagnostic;
use buildpack_core::pack::CompileError;
use buildpack_core::sandbox::{
    Answer, Command, Exit, Held, Limits, Room, Sandbox, SandboxError, Terminal, amount,
};

/// More than this is what version 1 says where there is no limit.
const NO_LIMIT: u64 = 1 << 60;

/// What the kernel tells of memory, and how many programs it had ended when a step began.
pub(super) struct Memory {
    files: Files,
    /// None where nothing counts them.
    ended: Mutex<Option<u64>>,
}

/// A sandbox whose programs are watched: [`Memory::explain`] is about the last one that it ran.
pub(super) struct Watched<'a> {
    pub(super) sandbox: &'a dyn Sandbox,
    pub(super) memory: &'a Memory,
}

/// Where the kernel tells of memory.
struct Files {
    proc: PathBuf,
    cgroups: PathBuf,
}

/// What sets a limit.
#[derive(Debug, PartialEq, Eq)]
enum Limit {
    /// The cgroup, or one above it.
    Cgroup(u64),
    /// The machine: its memory and its swap.
    Machine(u64, u64),
}

impl Memory {
    /// As it is now.
    pub(super) fn now() -> Self {
        Self::of(Files {
            proc: "/proc".into(),
            cgroups: "/sys/fs/cgroup".into(),
        })
    }

    fn of(files: Files) -> Self {
        Self {
            ended: Mutex::new(files.ended()),
            files,
        }
    }

    /// A step begins.
    fn begins(&self) {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = self.files.ended();
    }

    /// The most that programs may use here, in bytes, where that is known.
    pub(super) fn most(&self) -> Option<u64> {
        match self.files.limit()? {
            Limit::Cgroup(bytes) => Some(bytes),
            Limit::Machine(memory, swap) => Some(memory + swap),
        }
    }

    /// `problem`, with what is known of memory where `error` may come from the want of it.
    pub(super) fn explain(&self, error: &CompileError, problem: Diagnostic) -> Diagnostic {
        let (exit, tail) = match error {
            // The limit of memory is known, and it was that.
            CompileError::Step {
                exit: Exit::OutOfMemory { .. } | Exit::OutOfTime,
                ..
            } => return problem,
            CompileError::Step { exit, tail, .. } => (exit, &tail[..]),
            CompileError::Tests { exit, .. } => (exit, &[][..]),
            _ => return problem,
        };
        if !matches!(exit, Exit::Code(137) | Exit::Signal(9)) && !says_killed(tail) {
            return problem;
        }
        let limit = match self.files.limit() {
            Some(Limit::Cgroup(bytes)) => format!("{}, the limit of its cgroup", amount(bytes)),
            Some(Limit::Machine(memory, 0)) => {
                format!("all that this machine has, {} and no swap", amount(memory))
            }
            Some(Limit::Machine(memory, swap)) => {
                let (memory, swap) = (amount(memory), amount(swap));
                format!("all that this machine has, {memory} and {swap} of swap")
            }
            None => return problem,
        };
        let before = *self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        match before.zip(self.files.ended()) {
            Some((before, now)) if now > before => problem
                .note(format!(
                    "the kernel ended a program because memory had run out while the step ran: the build may use {limit}"
                ))
                .help("give the build more memory, or add swap"),
            Some(_) => problem.note(format!(
                "the kernel ended no program for want of memory while the step ran: somebody else sent signal 9, such as \
                 systemd-oomd, which watches memory too; the build may use {limit}"
            )),
            None => problem
                .note(format!("the build may use {limit}"))
                .help("signal 9 is what the kernel sends when memory has run out: if that was it, give the build more, or add swap"),
        }
    }
}

impl Sandbox for Watched<'_> {
    fn name(&self) -> &'static str {
        self.sandbox.name()
    }

    fn in_place(&self) -> bool {
        self.sandbox.in_place()
    }

    fn held(&self, limits: &Limits) -> Held {
        self.sandbox.held(limits)
    }

    fn run(
        &self,
        room: &Room,
        command: &Command,
        terminal: Terminal<'_>,
    ) -> Result<Exit, Box<dyn SandboxError>> {
        self.memory.begins();
        self.sandbox.run(room, command, terminal)
    }

    fn ask(
        &self,
        room: &Room,
        commands: &[Command],
        limit: Duration,
    ) -> Result<Vec<Answer>, Box<dyn SandboxError>> {
        self.sandbox.ask(room, commands, limit)
    }
}

impl Files {
    fn limit(&self) -> Option<Limit> {
        let said = self.text("meminfo");
        let of_machine = |name: &str| {
            let mut lines = said.lines();
            let rest = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            let kibibytes: u64 = rest.trim().strip_suffix("kB")?.trim().parse().ok()?;
            Some(kibibytes << 10)
        };
        let machine = of_machine("MemTotal");
        let limits = self.groups().into_iter().filter_map(|folder| {
            let text = |name: &str| fs_err::read_to_string(folder.join(name)).ok();
            let said = text("memory.max").or_else(|| text("memory.limit_in_bytes"))?;
            // `max` is no number.
            said.trim().parse().ok().filter(|limit| *limit < NO_LIMIT)
        });
        match (limits.min(), machine) {
            (Some(limit), machine) if machine.is_none_or(|machine| limit < machine) => {
                Some(Limit::Cgroup(limit))
            }
            (_, Some(machine)) => {
                let swap = of_machine("SwapTotal").unwrap_or(0);
                Some(Limit::Machine(machine, swap))
            }
            (_, None) => None,
        }
    }

    /// Folders of the cgroup that limits memory and of those above it, the own one first. In a container its path may be
    /// that of the host, of which only the top can be seen.
    fn groups(&self) -> Vec<PathBuf> {
        let said = self.text("self/cgroup");
        let mut all = Vec::new();
        for line in said.lines() {
            let mut parts = line.splitn(3, ':').skip(1);
            let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else {
                continue;
            };
            let roots = match controllers {
                "" => vec![self.cgroups.clone(), self.cgroups.join("unified")],
                names if names.split(',').any(|name| name == "memory") => {
                    vec![self.cgroups.join("memory")]
                }
                _ => continue,
            };
            for root in roots {
                let own = path.trim_start_matches('/');
                let below = Path::new(own).ancestors().map(|above| root.join(above));
                all.extend(below.filter(|folder| folder.is_dir()));
            }
        }
        all
    }

    /// Programs that the kernel has ended so far, in the own cgroup and below it, else on the machine; none where neither
    /// is counted.
    fn ended(&self) -> Option<u64> {
        let count = |folder: PathBuf| {
            let text = |name: &str| fs_err::read_to_string(folder.join(name)).ok();
            let said = text("memory.events").or_else(|| text("memory.oom_control"))?;
            number(&said, "oom_kill")
        };
        let of_group = self.groups().into_iter().find_map(count);
        of_group.or_else(|| number(&self.text("vmstat"), "oom_kill"))
    }

    fn text(&self, name: &str) -> String {
        fs_err::read_to_string(self.proc.join(name)).unwrap_or_default()
    }
}

/// Whether a program tells of another one that signal 9 ended: yarn 1, for one, ends with 1 itself.
fn says_killed(tail: &[String]) -> bool {
    const WORDS: [&str; 3] = ["SIGKILL", "code 137", "exited with 137"];
    let mut lines = tail.iter();
    lines.any(|line| WORDS.iter().any(|words| line.contains(words)))
}

/// The number behind `name` and a space, at the beginning of a line.
fn number(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines();
    lines.find_map(|line| {
        line.strip_prefix(name)?
            .strip_prefix(' ')?
            .trim()
            .parse()
            .ok()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use buildpack_core::diagnostic::Class;
    use buildpack_core::pack::FailedCommand;
    use tempfile::TempDir;

    use super::*;

    fn kernel(files: &[(&str, &str)]) -> (TempDir, Files) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            testdata::tree::write(folder.path(), name, text);
        }
        let files = Files {
            proc: folder.path().join("proc"),
            cgroups: folder.path().join("cgroup"),
        };
        (folder, files)
    }

    const MACHINE: (&str, &str) = (
        "proc/meminfo",
        "MemTotal:        2097152 kB\nMemFree: 1 kB\nSwapTotal:       0 kB\n",
    );

    #[test]
    fn the_least_limit_above_counts() {
        let (_folder, files) = kernel(&[
            MACHINE,
            ("proc/self/cgroup", "0::/user.slice/build\n"),
            ("cgroup/user.slice/memory.max", "536870912\n"),
            ("cgroup/user.slice/build/memory.max", "max\n"),
            (
                "cgroup/user.slice/build/memory.events",
                "oom 1\noom_kill 3\n",
            ),
        ]);
        assert_eq!(files.limit(), Some(Limit::Cgroup(512 << 20)));
        assert_eq!(files.ended(), Some(3));
    }

    #[test]
    fn version_1_and_containers_are_read_as_well() {
        let (_folder, files) = kernel(&[
            MACHINE,
            ("proc/self/cgroup", "4:memory:/docker/0123\n0::/\n"),
            ("cgroup/memory/memory.limit_in_bytes", "268435456\n"),
            (
                "cgroup/memory/memory.oom_control",
                "under_oom 0\noom_kill 2\n",
            ),
        ]);
        assert_eq!(files.limit(), Some(Limit::Cgroup(256 << 20)));
        assert_eq!(files.ended(), Some(2));
    }

    #[test]
    fn without_a_limit_the_machine_is_one() {
        let (_folder, files) = kernel(&[
            MACHINE,
            ("proc/self/cgroup", "4:memory:/x\n"),
            ("proc/vmstat", "nr_free_pages 1\noom_kill 7\n"),
            (
                "cgroup/memory/x/memory.limit_in_bytes",
                "9223372036854771712\n",
            ),
        ]);
        assert_eq!(files.limit(), Some(Limit::Machine(2 << 30, 0)));
        assert_eq!(files.ended(), Some(7));
        let (_folder, nothing) = kernel(&[]);
        assert_eq!((nothing.limit(), nothing.ended()), (None, None));
    }

    fn tests_end_with(exit: Exit) -> CompileError {
        CompileError::Tests {
            step: "test".to_owned(),
            shown: "mix test".to_owned(),
            exit,
            command: Box::new(FailedCommand {
                typed: String::new(),
                command: Command {
                    argv: Vec::new(),
                    cwd: "/".into(),
                    env: BTreeMap::new(),
                },
                room: Room {
                    root: Vec::new(),
                    scratch: PathBuf::new(),
                    mounts: Vec::new(),
                    memory: Vec::new(),
                    user: (0, 0),
                    limits: Limits::default(),
                },
            }),
        }
    }

    #[test]
    fn what_others_lost_is_no_hint_and_signal_9_is_one_by_the_count() {
        let (folder, files) = kernel(&[MACHINE, ("proc/vmstat", "oom_kill 7\n")]);
        let counts = |count: u32| {
            let file = folder.path().join("proc/vmstat");
            fs_err::write(file, format!("oom_kill {count}\n")).unwrap();
        };
        let memory = Memory::of(files);
        let said = |exit: Exit| {
            let problem = Diagnostic::error("tests-failed", Class::Build, "x");
            let told = memory.explain(&tests_end_with(exit), problem);
            told.notes.first().cloned().unwrap_or_default()
        };
        // Before the step.
        counts(8);
        memory.begins();
        assert!(said(Exit::Signal(9)).starts_with("the kernel ended no program"));
        // While it ran.
        counts(9);
        assert!(said(Exit::Signal(9)).starts_with("the kernel ended a program"));
        assert!(said(Exit::Code(137)).starts_with("the kernel ended a program"));
        assert_eq!(said(Exit::Code(2)), "");
        assert_eq!(said(Exit::OutOfMemory { peak: None }), "");
        fs_err::write(folder.path().join("proc/vmstat"), "").unwrap();
        assert_eq!(
            said(Exit::Signal(9)),
            "the build may use all that this machine has, 2 GiB and no swap"
        );
    }
}
