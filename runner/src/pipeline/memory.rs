//! How much memory a build may use, and whether the kernel ended a program for want of it (the kernel's documentation of
//! cgroups, versions 1 and 2).

use std::path::{Path, PathBuf};

use buildpack_core::diagnostic::Diagnostic;
use buildpack_core::pack::CompileError;
use buildpack_core::sandbox::{Exit, amount};

/// More than this is what version 1 says where there is no limit.
const NO_LIMIT: u64 = 1 << 60;

/// Memory as it stands when a build's programs begin.
pub(super) struct Memory {
    files: Files,
    /// Programs that the kernel had ended until then: in this cgroup, on the whole machine.
    ended: (u64, u64),
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
            ended: (files.ended_in_cgroup(), files.ended_on_machine()),
            files,
        }
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
        let is_killed = matches!(exit, Exit::Code(137) | Exit::Signal(9));
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
        let by_cgroup = self.files.ended_in_cgroup() > self.ended.0;
        let by_machine = self.files.ended_on_machine() > self.ended.1;
        if by_cgroup || by_machine {
            problem
                .note(format!(
                    "the kernel ended a program because memory had run out: the build may use {limit}"
                ))
                .help("give the build more memory, or add swap")
        } else if is_killed || says_killed(tail) {
            problem
                .note(format!("the build may use {limit}"))
                .help("signal 9 is what the kernel sends when memory has run out: if that was it, give the build more, or add swap")
        } else {
            problem
        }
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

    /// Programs that the kernel ended in the own cgroup and below it.
    fn ended_in_cgroup(&self) -> u64 {
        let count = |folder: PathBuf| {
            let text = |name: &str| fs_err::read_to_string(folder.join(name)).ok();
            let said = text("memory.events").or_else(|| text("memory.oom_control"))?;
            number(&said, "oom_kill")
        };
        self.groups().into_iter().find_map(count).unwrap_or(0)
    }

    fn ended_on_machine(&self) -> u64 {
        number(&self.text("vmstat"), "oom_kill").unwrap_or(0)
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
        assert_eq!(files.ended_in_cgroup(), 3);
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
        assert_eq!(files.ended_in_cgroup(), 2);
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
        assert_eq!(files.ended_on_machine(), 7);
        let (_folder, nothing) = kernel(&[]);
        assert_eq!(nothing.limit(), None);
    }
}
