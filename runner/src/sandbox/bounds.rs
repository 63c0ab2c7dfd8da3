//! What holds the programs of one run to the limits of their room.

use std::io;
use std::num::NonZeroU64;
use std::os::fd::OwnedFd;

use buildpack_core::sandbox::{Exit, Held, Holder, Limits};
use rustix::thread::{CpuSet, sched_getaffinity};

use super::cgroup::{Group, Groups};
use super::wire;

/// Control groups where they can be had, else what each process can be given for itself. Gone when dropped.
pub(super) struct Bounds {
    limits: Limits,
    groups: Groups,
    /// The processors to run on, where they are not all.
    cpus: Vec<usize>,
}

impl Bounds {
    /// For one run.
    pub(super) fn set(limits: Limits) -> Self {
        let groups = match (limits.memory, limits.cpus) {
            (None, None) => Groups::default(),
            _ => Groups::make(&limits),
        };
        let cpus = match limits.cpus {
            Some(cpus) if groups.cpus().is_none() => {
                share(&processors(), cpus.whole(), std::process::id() as usize)
            }
            _ => Vec::new(),
        };
        Self {
            limits,
            groups,
            cpus,
        }
    }

    /// What holds each limit.
    pub(super) fn held(&self) -> Held {
        let by = |wanted: bool, group: Option<&Group>, otherwise| {
            wanted.then(|| group.map_or(otherwise, Group::holder))
        };
        let memory = self.groups.memory.as_ref();
        Held {
            memory: by(self.limits.memory.is_some(), memory, Holder::Rlimit),
            cpus: by(
                self.limits.cpus.is_some(),
                self.groups.cpus(),
                Holder::Affinity,
            ),
        }
    }

    /// What the helper lets the program go through, and what it is to be told of the rest.
    pub(super) fn for_helper(&self) -> io::Result<(Vec<OwnedFd>, wire::Bounds)> {
        let doors: Vec<OwnedFd> = self
            .groups
            .all()
            .map(Group::door)
            .collect::<io::Result<_>>()?;
        let bounds = wire::Bounds {
            doors: doors.len(),
            data: (self.limits.memory).filter(|_| self.groups.memory.is_none()),
            cpus: self.cpus.clone(),
        };
        Ok((doors, bounds))
    }

    /// How a run ended that ended so, with what the kernel knows. What is left where a program was ended for want of
    /// memory is no success, whatever the others make of it.
    pub(super) fn explain(&self, exit: Exit) -> Exit {
        match self.groups.memory.as_ref().map(Group::used) {
            Some(used) if used.ran_out => Exit::OutOfMemory {
                peak: used.peak.and_then(NonZeroU64::new),
            },
            _ => exit,
        }
    }
}

/// The processors that this process may run on.
fn processors() -> Vec<usize> {
    let allowed = sched_getaffinity(None).unwrap_or_else(|_| CpuSet::new());
    (0..CpuSet::MAX_CPU)
        .filter(|cpu| allowed.is_set(*cpu))
        .collect()
}

/// `count` of them; none where that is all. `seed` spreads runs beside each other over the machine.
fn share(all: &[usize], count: usize, seed: usize) -> Vec<usize> {
    if count >= all.len() {
        return Vec::new();
    }
    let mut chosen: Vec<usize> = all
        .iter()
        .cycle()
        .skip(seed % all.len())
        .take(count)
        .copied()
        .collect();
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_beside_each_other_get_other_processors() {
        let all = [0, 1, 4, 5];
        assert_eq!(share(&all, 2, 0), [0, 1]);
        assert_eq!(share(&all, 2, 1), [1, 4]);
        assert_eq!(share(&all, 2, 7), [0, 5]);
        assert!(share(&all, 4, 3).is_empty() && share(&all, 9, 3).is_empty());
        assert!(share(&[], 1, 3).is_empty());
    }

    #[test]
    fn nothing_holds_where_nothing_is_limited() {
        assert_eq!(Bounds::set(Limits::default()).held(), Held::default());
    }
}
