//! Stage `room`: makes the namespaces and starts the room's first process in them.

use std::fs;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};

use rustix::process::{PidfdFlags, getegid, geteuid, pidfd_open};
use rustix::thread::UnshareFlags;

use super::system;
use super::trouble::{During, Trouble};
use crate::sandbox::{Step, WORD};

pub(super) fn run(control: &UnixStream) -> i32 {
    match enter(control) {
        Ok(mut init) => {
            watch(&mut init, control);
            0
        }
        Err(trouble) => {
            trouble.report(control);
            1
        }
    }
}

fn enter(control: &UnixStream) -> Result<Child, Trouble> {
    system::die_with_parent(control).during(Step::Helper, "")?;
    system::seal_descriptors().during(Step::Helper, "/proc/self/fd")?;
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    system::unshare(UnshareFlags::NEWUSER).during(Step::UserNamespace, "")?;
    // A group may be mapped by an ordinary user only once no other can be dropped.
    fs::write("/proc/self/setgroups", "deny").during(Step::IdMap, "/proc/self/setgroups")?;
    fs::write("/proc/self/uid_map", format!("0 {uid} 1"))
        .during(Step::IdMap, "/proc/self/uid_map")?;
    fs::write("/proc/self/gid_map", format!("0 {gid} 1"))
        .during(Step::IdMap, "/proc/self/gid_map")?;
    // New credentials clear the wish to die with the parent.
    system::die_with_parent(control).during(Step::Helper, "")?;
    system::unshare(
        UnshareFlags::NEWNS | UnshareFlags::NEWPID | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS,
    )
    .during(Step::Namespaces, "")?;
    let stdin = control.as_fd().try_clone_to_owned();
    Command::new("/proc/self/exe")
        .arg(WORD)
        .arg("init")
        .stdin(Stdio::from(stdin.during(Step::Helper, "")?))
        .spawn()
        .during(Step::Helper, "/proc/self/exe")
}

/// Waits for the room's end; ends it if `bp` lets go of it. The kernel kills all processes of a pid namespace
/// before its first process can be waited for.
fn watch(init: &mut Child, control: &UnixStream) {
    let process = i32::try_from(init.id())
        .ok()
        .and_then(rustix::process::Pid::from_raw)
        .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
    if let Some(process) = process
        && !super::ended(&process, control)
    {
        let _ = init.kill();
    }
    let _ = init.wait();
}
