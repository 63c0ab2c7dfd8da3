//! A program's way into its bounds, between fork and exec: what it starts is in them too, and nothing leads out.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::thread::{CpuSet, sched_setaffinity};

use crate::sandbox::wire;

/// What a program enters before it is executed. The helper stays outside, so that it can tell how the program ended.
#[derive(Clone, Default)]
pub(super) struct Bounds {
    /// `cgroup.procs` of control groups.
    doors: Arc<[OwnedFd]>,
    /// The most bytes of memory that each process may write to.
    data: Option<u64>,
    cpus: Option<CpuSet>,
}

impl Bounds {
    /// As we were told; the doors are the last of the descriptors that came with it.
    pub(super) fn of(told: &wire::Bounds, fds: &[OwnedFd]) -> io::Result<Self> {
        let first = fds.len().checked_sub(told.doors);
        let doors = first.and_then(|first| fds.get(first..));
        let doors = doors.ok_or(io::ErrorKind::InvalidInput)?;
        let cpus = (!told.cpus.is_empty()).then(|| {
            let mut set = CpuSet::new();
            told.cpus.iter().for_each(|cpu| set.set(*cpu));
            set
        });
        Ok(Self {
            doors: doors
                .iter()
                .map(OwnedFd::try_clone)
                .collect::<io::Result<_>>()?,
            data: told.data,
            cpus,
        })
    }

    /// Runs in the child.
    pub(super) fn enter(&self) -> io::Result<()> {
        for door in &*self.doors {
            // Who writes is who enters.
            rustix::io::write(door, b"0")?;
        }
        if let Some(cpus) = &self.cpus {
            sched_setaffinity(None, cpus)?;
        }
        if let Some(data) = self.data {
            let most = Rlimit {
                current: Some(data),
                maximum: Some(data),
            };
            setrlimit(Resource::Data, most)?;
        }
        Ok(())
    }
}
