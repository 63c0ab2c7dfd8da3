//! Stage `init`: the first process of the room's pid namespace. Mounts everything, runs the program, reaps.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use rustix::mount::{MountPropagationFlags, UnmountFlags, mount_change, unmount};
use rustix::process::{Pid, WaitOptions, chdir, fchdir, pivot_root, wait};

use super::at_once::Asked;
use super::bounds::Bounds;
use super::program::{self, Started, Walls};
use super::trouble::{During, Trouble};
use super::{devices, mounts, overlay, system};
use crate::sandbox::Step;
use crate::sandbox::wire::{self, Ended, Report, Spec, Work};

pub(super) fn run(control: &UnixStream) -> i32 {
    if system::die_with_parent(control).is_err() {
        return 1;
    }
    let Ok(Some((spec, fds))) = wire::receive::<Spec>(control) else {
        return 1;
    };
    // Among the descriptors is the scratch's lock, which is to last as long as this process.
    match live(&spec, &fds, control) {
        Ok(()) => 0,
        Err(trouble) => {
            trouble.report(control);
            1
        }
    }
}

fn live(spec: &Spec, fds: &[OwnedFd], control: &UnixStream) -> Result<(), Trouble> {
    build(spec)?;
    let walls = Walls::Namespace { user: spec.user };
    let bounds = Bounds::of(&spec.bounds, fds).during(Step::Limits, "")?;
    let report = match &spec.work {
        Work::Trial => {
            program::attempt(walls)?;
            let _ = wire::send(control, &Report::Started, &[]);
            Report::Ended(Ended::Code(0))
        }
        Work::Program(program) => {
            match program::start(program, spec.streams, fds.first(), walls, &bounds, control)? {
                Started::Running(child) => Report::Ended(reap(child)),
                Started::Failed(code) => Report::Ended(Ended::Code(code)),
            }
        }
        // The kernel ends what is left of them when this process ends.
        Work::Questions(questions) => {
            Asked::start(questions, walls, &bounds, control)?.answers(control)
        }
    };
    let _ = wire::send(control, &report, &[]);
    Ok(())
}

fn build(spec: &Spec) -> Result<(), Trouble> {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).during(Step::Namespaces, "/")?;
    let root = overlay::mount(spec)?;
    mounts::temporary(&root, &spec.scratch.path())?;
    devices::proc(&root)?;
    devices::dev(&root)?;
    mounts::network(&root, &spec.scratch.path())?;
    for bind in &spec.mounts {
        mounts::bind(
            &root,
            &bind.source.path(),
            &bind.target.path(),
            bind.read_only,
        )?;
    }
    mounts::memory(&root, &spec.memory)?;
    rustix::system::sethostname(mounts::HOSTNAME.as_bytes())
        .during(Step::Hostname, mounts::HOSTNAME)?;

    // The old root is put under the new one and let go: nothing of the host stays reachable.
    fchdir(&root).during(Step::Pivot, "")?;
    pivot_root(".", ".").during(Step::Pivot, "")?;
    unmount(".", UnmountFlags::DETACH).during(Step::Pivot, "")?;
    chdir("/").during(Step::Pivot, "/")?;
    rustix::thread::set_no_new_privs(true).during(Step::User, "")
}

/// Buries every orphan of the room until the program itself has ended.
fn reap(child: Pid) -> Ended {
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == child => {
                if let Some(ended) = program::outcome(status) {
                    return ended;
                }
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            // Cannot be: the program is our child and only this loop waits.
            Err(_) => return Ended::Code(u8::MAX),
        }
    }
}
