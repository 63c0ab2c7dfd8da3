//! `/proc` and `/dev` of the room.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::mount::{MountFlags, mount, mount_remount};

use super::mounts::{bind, tmpfs};
use super::overlay::link;
use super::place::{Kind, place};
use super::trouble::{During, Trouble};
use crate::sandbox::Step;

/// Where the kernel trusts the host's root without asking for a capability. If `bp` is root, so is the program
/// in the kernel's eyes, and must not set, say, the machine's core pattern.
const CLOSED: [&str; 7] = ["acpi", "bus", "fs", "irq", "scsi", "sys", "sysrq-trigger"];

/// Mounts the room's own `/proc`. To be done while the host's is in sight: the kernel gives no new one otherwise.
pub(super) fn proc(root: &OwnedFd) -> Result<(), Trouble> {
    let to = place(root, Path::new("/proc"), Kind::Folder).during(Step::Proc, "")?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("proc", link(&to), "proc", flags, None).during(Step::Proc, "")?;
    let mounted = place(root, Path::new("/proc"), Kind::Folder).during(Step::Proc, "")?;
    let top = fs::read_link(link(&mounted)).during(Step::Proc, "")?;
    for name in CLOSED {
        let source = top.join(name);
        if source.exists() {
            bind(root, &source, &Path::new("/proc").join(name), true)?;
        }
    }
    Ok(())
}

/// Makes `/dev`: the harmless devices, pseudo terminals and shared memory, all else absent.
pub(super) fn dev(root: &OwnedFd) -> Result<(), Trouble> {
    tmpfs(root, Path::new("/dev"), c"mode=0755,size=64k").during(Step::Devices, "")?;
    for name in ["null", "zero", "full", "random", "urandom", "tty"] {
        let source = Path::new("/dev").join(name);
        if source.exists() {
            bind(root, &source, &source, false)?;
        }
    }
    furnish(root).during(Step::Devices, "")
}

fn furnish(root: &OwnedFd) -> io::Result<()> {
    let pts = place(root, Path::new("/dev/pts"), Kind::Folder)?;
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    let options = c"newinstance,ptmxmode=0666,mode=0620";
    mount("devpts", link(&pts), "devpts", flags, options)?;
    place(root, Path::new("/dev/shm"), Kind::Folder)?;
    tmpfs(root, Path::new("/dev/shm"), c"mode=1777")?;
    let dev = place(root, Path::new("/dev"), Kind::Folder)?;
    let dev = link(&dev);
    for (name, target) in [
        ("ptmx", "pts/ptmx"),
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ] {
        symlink(target, Path::new(&dev).join(name))?;
    }
    let flags = MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV;
    Ok(mount_remount(&dev, flags, c"")?)
}
