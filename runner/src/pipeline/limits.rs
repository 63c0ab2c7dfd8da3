//! What a build's programs may use of the machine: held by the sandbox, said in the log, and told to those programs that
//! would take more by themselves.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use buildpack_core::diagnostic::Diagnostic;
use buildpack_core::event::{Event, EventSink};
use buildpack_core::pack::CompileError;
use buildpack_core::sandbox::{Cpus, Deadline, Held, Holder, Limits, Sandbox, amount, span};

use super::memory::Memory;

/// Limits of a build, each where somebody wants it. They are no part of any key: what is built doesn't depend on them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BuildLimits {
    /// Bytes of memory, for the programs of a step together.
    pub memory: Option<u64>,
    /// Processors, for the same.
    pub cpus: Option<Cpus>,
    /// How long all steps may take together; what `bp` itself does before and after them doesn't count.
    pub timeout: Option<Duration>,
}

/// Variables by which programs know how many of them may work at once, where they would else ask for the machine's
/// processors: Go (esbuild), OpenMP and `nproc`, Rayon (Tailwind), Cargo. Make and node-gyp take one job unless they are
/// told, so that they are not: no limit makes a build more parallel than it is without.
const JOBS: [&str; 4] = [
    "GOMAXPROCS",
    "OMP_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "CARGO_BUILD_JOBS",
];

/// Bytes that a virtual machine of Erlang needs to compile packages beside others.
const OF_A_COMPILER: u64 = 512 << 20;

/// What programs say that could get no memory: the kernel's own words, glibc's, the Erlang VM's, C++'s, Go's, Node's.
const WANT: [&str; 6] = [
    "Cannot allocate memory",
    "ENOMEM",
    "_alloc: Cannot",
    "bad_alloc",
    "out of memory",
    "Out of memory",
];

/// Node's option for the size of its heap, in MiB, as it is asked for.
const HEAP: &str = "--max-old-space-size=";

impl BuildLimits {
    /// Of programs that run before or beside the steps.
    pub(super) fn of_room(&self) -> Limits {
        Limits {
            memory: self.memory,
            cpus: self.cpus,
            deadline: None,
        }
    }

    /// Of the steps, whose time begins at `begin`.
    pub(super) fn of_steps(&self, begin: Instant) -> Limits {
        let deadline = |allowed| Deadline::after(begin, allowed);
        Limits {
            deadline: self.timeout.and_then(deadline),
            ..self.of_room()
        }
    }

    /// How many processes may compile at once where there are `there` processors.
    pub(super) fn processors(&self, there: usize) -> usize {
        let by_cpus = self.cpus.map_or(there, |cpus| cpus.whole().min(there));
        let by_memory = self.memory.map(|memory| memory / OF_A_COMPILER);
        let by_memory = by_memory.and_then(|count| usize::try_from(count).ok());
        by_memory.map_or(by_cpus, |count| by_cpus.min(count.max(1)))
    }

    /// Tells programs by their environment, in which what the user or a pack has set stays as it is.
    pub(super) fn tell(&self, env: &mut BTreeMap<String, String>, there: usize) {
        if let Some(cpus) = self.cpus {
            let count = cpus.whole().min(there);
            for name in JOBS {
                let entry = env.entry(name.to_owned());
                entry.or_insert_with(|| count.to_string());
            }
            // Flags of the user's own, in ERL_FLAGS or on the command line, come after these and win.
            let schedulers = || format!("+S {count}:{count}");
            env.entry("ERL_AFLAGS".to_owned())
                .or_insert_with(schedulers);
        }
        if let Some(heap) = self.heap() {
            let options = env.entry("NODE_OPTIONS".to_owned()).or_default();
            if !options
                .replace('_', "-")
                .contains(HEAP.trim_end_matches('='))
            {
                let space = if options.is_empty() { "" } else { " " };
                *options = format!("{options}{space}{HEAP}{heap}");
            }
        }
    }

    /// MiB that Node's heap may grow to: the rest is for what Node keeps beside it, and for who started it.
    fn heap(&self) -> Option<u64> {
        self.memory.map(|memory| (memory / 4 * 3) >> 20)
    }

    /// Says in one line which limits there are and what holds them, and warns of what this machine cannot give.
    pub(super) fn announce(
        &self,
        sandbox: &dyn Sandbox,
        there: usize,
        events: &dyn EventSink,
    ) -> Held {
        if *self == Self::default() {
            return Held::default();
        }
        let held = sandbox.held(&self.of_room());
        events.heading(&format!("Limits: {}", self.said(held)));
        for diagnostic in self.beyond(held, Memory::now().most(), there) {
            events.emit(Event::Diagnostic { diagnostic });
        }
        held
    }

    fn said(&self, held: Held) -> String {
        let by = |holder: Option<Holder>| match holder {
            Some(holder) => format!("({holder})"),
            None => "(held by nothing)".to_owned(),
        };
        let memory = self.memory.map(|memory| {
            let of = match held.memory {
                Some(Holder::Rlimit) => "memory for each program",
                _ => "memory",
            };
            format!("{} of {of} {}", amount(memory), by(held.memory))
        });
        let cpus = self.cpus.map(|cpus| {
            let (count, s) = match held.cpus {
                // Processors are given as wholes.
                Some(Holder::Affinity) => (cpus.whole().to_string(), cpus.whole() != 1),
                _ => (cpus.to_string(), cpus.hundredths() != 100),
            };
            let s = if s { "s" } else { "" };
            format!("{count} processor{s} {}", by(held.cpus))
        });
        let time = self
            .timeout
            .map(|time| format!("{} for all steps", span(time)));
        let all: Vec<String> = [memory, cpus, time].into_iter().flatten().collect();
        all.join(", ")
    }

    /// What of it can't be had where programs may use `most` bytes and `there` processors.
    fn beyond(&self, held: Held, most: Option<u64>, there: usize) -> Vec<Diagnostic> {
        let mut all = Vec::new();
        let memory = self.memory.zip(most).filter(|(memory, most)| memory > most);
        let memory = memory.map(|(memory, most)| {
            format!(
                "{} of memory, where {} can be had",
                amount(memory),
                amount(most)
            )
        });
        let cpus = self.cpus.filter(|cpus| cpus.whole() > there);
        let cpus = cpus.map(|cpus| format!("{cpus} processors, where there are {there}"));
        for what in memory.into_iter().chain(cpus) {
            all.push(
                Diagnostic::warning(
                    "limit-beyond-machine",
                    format!("a step may use {what}: the machine is the limit"),
                )
                .help("build on a larger machine, or take a lower limit"),
            );
        }
        if held.memory == Some(Holder::Rlimit) {
            all.push(
                Diagnostic::warning(
                    "limit-per-program",
                    "the limit of memory holds for each program of a step by itself and not for all together: no control \
                     group for memory can be made here",
                )
                .help("`bp doctor` says how to get one"),
            );
        }
        all
    }

    /// `problem`, with what a limit of memory may have to do with it where no kernel told so.
    pub(super) fn explain(
        &self,
        held: Held,
        error: &CompileError,
        problem: Diagnostic,
    ) -> Diagnostic {
        let (Some(memory), CompileError::Step { command, tail, .. }) = (self.memory, error) else {
            return problem;
        };
        let says = |words: &str| tail.iter().any(|line| line.contains(words));
        let own = self.heap().map(|heap| format!("{HEAP}{heap}"));
        let options = command.command.env.get("NODE_OPTIONS");
        let is_held = (options.zip(own)).is_some_and(|(options, own)| options.ends_with(&own));
        let more = format!(
            "give the build more memory: `--memory {}MiB`",
            (memory * 2) >> 20
        );
        if says("JavaScript heap out of memory") && is_held {
            let heap = amount(memory / 4 * 3);
            let limit = amount(memory);
            let mut problem = problem;
            // A larger heap would only meet the limit itself.
            problem.helps.retain(|help| !help.text.contains(HEAP));
            problem
                .note(format!(
                    "Node's heap may grow to {heap}, three quarters of the limit of {limit} (`--memory`)"
                ))
                .help(more)
        } else if held.memory == Some(Holder::Rlimit) && WANT.iter().any(|words| says(words)) {
            problem
                .note(format!(
                    "each program may use {} (`--memory`, by an rlimit)",
                    amount(memory)
                ))
                .help(more)
        } else {
            problem
        }
    }
}

#[cfg(test)]
mod tests {
    use buildpack_core::pack::FailedCommand;
    use buildpack_core::sandbox::{Command, Exit, Room};

    use super::*;

    const MIB: u64 = 1 << 20;

    fn limits(memory: Option<u64>, cpus: Option<&str>) -> BuildLimits {
        BuildLimits {
            memory: memory.map(|memory| memory * MIB),
            cpus: cpus.map(|cpus| cpus.parse().unwrap()),
            timeout: None,
        }
    }

    fn told(limits: BuildLimits, set: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let mut env = set.iter().map(owned).collect();
        limits.tell(&mut env, 8);
        env
    }

    #[test]
    fn programs_are_told_what_they_would_take_by_themselves() {
        let env = told(limits(Some(1024), Some("1.5")), &[]);
        assert_eq!(env["NODE_OPTIONS"], "--max-old-space-size=768");
        assert_eq!(env["ERL_AFLAGS"], "+S 2:2");
        assert_eq!(env["GOMAXPROCS"], "2");
        assert_eq!(told(limits(None, Some("64")), &[])["GOMAXPROCS"], "8");
        assert!(told(limits(None, None), &[]).is_empty());
    }

    #[test]
    fn what_the_user_has_set_stays() {
        let limits = limits(Some(1024), Some("1"));
        for own in ["--max-old-space-size=99", "--max_old_space_size=99"] {
            assert_eq!(told(limits, &[("NODE_OPTIONS", own)])["NODE_OPTIONS"], own);
        }
        let env = told(
            limits,
            &[
                ("NODE_OPTIONS", "--openssl-legacy-provider"),
                ("GOMAXPROCS", "3"),
                ("ERL_AFLAGS", "-pa x"),
            ],
        );
        assert_eq!(
            env["NODE_OPTIONS"],
            "--openssl-legacy-provider --max-old-space-size=768"
        );
        assert_eq!((&*env["GOMAXPROCS"], &*env["ERL_AFLAGS"]), ("3", "-pa x"));
    }

    #[test]
    fn compilers_are_as_many_as_there_is_room_for() {
        assert_eq!(limits(None, None).processors(8), 8);
        assert_eq!(limits(None, Some("0.5")).processors(8), 1);
        assert_eq!(limits(Some(1536), Some("6")).processors(8), 3);
        assert_eq!(limits(Some(64), None).processors(8), 1);
        assert_eq!(limits(None, Some("64")).processors(8), 8);
    }

    #[test]
    fn the_log_says_what_holds_and_for_whom() {
        let mut limits = limits(Some(512), Some("1.5"));
        limits.timeout = Some(Duration::from_mins(15));
        let group = Held {
            memory: Some(Holder::CgroupV2),
            cpus: Some(Holder::CgroupV2),
        };
        assert_eq!(
            limits.said(group),
            "512 MiB of memory (cgroup v2), 1.5 processors (cgroup v2), 15 min for all steps"
        );
        let weak = Held {
            memory: Some(Holder::Rlimit),
            cpus: Some(Holder::Affinity),
        };
        assert_eq!(
            limits.said(weak),
            "512 MiB of memory for each program (rlimit), 2 processors (affinity), 15 min for all steps"
        );
    }

    #[test]
    fn what_the_machine_cannot_give_is_a_warning() {
        let codes = |limits: BuildLimits, held, most, there| -> Vec<&str> {
            let all = limits.beyond(held, most, there);
            assert!(all.iter().all(|diagnostic| !diagnostic.is_error()));
            all.iter().map(|diagnostic| diagnostic.code.0).collect()
        };
        let none = Held::default();
        let wanted = limits(Some(512), Some("3"));
        assert!(codes(wanted, none, Some(512 * MIB), 3).is_empty());
        assert!(codes(wanted, none, None, 3).is_empty());
        assert_eq!(
            codes(wanted, none, Some(511 * MIB), 2),
            ["limit-beyond-machine"; 2]
        );
        let rlimit = Held {
            memory: Some(Holder::Rlimit),
            cpus: None,
        };
        assert_eq!(codes(wanted, rlimit, None, 3), ["limit-per-program"]);
    }

    fn failed(limits: BuildLimits, last: &str, options: &[(&str, &str)]) -> CompileError {
        CompileError::Step {
            step: "assets".to_owned(),
            shown: "npm run deploy".to_owned(),
            exit: Exit::Signal(6),
            command: Box::new(FailedCommand {
                typed: String::new(),
                command: Command {
                    argv: Vec::new(),
                    cwd: "/".into(),
                    env: told(limits, options),
                },
                room: Room {
                    root: Vec::new(),
                    scratch: "/".into(),
                    mounts: Vec::new(),
                    memory: Vec::new(),
                    user: (0, 0),
                    limits: Limits::default(),
                },
            }),
            tail: vec!["before".to_owned(), last.to_owned()],
            told: Box::default(),
        }
    }

    #[test]
    fn nodes_heap_and_rlimits_are_told_with_the_limit() {
        let limits = limits(Some(512), None);
        let problem = || Diagnostic::error("test", buildpack_core::diagnostic::Class::Build, "x");
        let notes = |held, last: &str, options: &[(&str, &str)]| {
            let error = failed(limits, last, options);
            limits.explain(held, &error, problem()).notes.join("\n")
        };
        let (group, rlimit) = (
            Held::default(),
            Held {
                memory: Some(Holder::Rlimit),
                cpus: None,
            },
        );
        let heap = "FATAL ERROR: Reached heap limit - JavaScript heap out of memory";
        let said = notes(group, heap, &[]);
        assert!(
            said.contains("384 MiB") && said.contains("512 MiB"),
            "{said}"
        );
        let own = [("NODE_OPTIONS", "--max-old-space-size=64")];
        assert_eq!(notes(group, heap, &own), "");
        let erlang = "eheap_alloc: Cannot allocate 1318267840 bytes of memory (of type \"heap\").";
        assert!(notes(rlimit, erlang, &[]).contains("by an rlimit"));
        assert_eq!(notes(group, erlang, &[]), "");
        assert_eq!(notes(rlimit, "syntax error", &[]), "");
    }
}
