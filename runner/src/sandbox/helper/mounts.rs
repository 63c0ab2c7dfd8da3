//! Paths of the host and files in memory, shown inside the room.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags, fchmod, fstat, openat};
use rustix::mount::{MountFlags, mount, mount_bind_recursive, mount_remount};

use super::overlay::link;
use super::place::{Kind, place};
use super::trouble::{During, Trouble};
use crate::sandbox::Step;
use crate::sandbox::mountinfo::unescape;
use crate::sandbox::wire::Memory;

/// The room's name, the same on every machine.
pub(super) const HOSTNAME: &str = "build";

/// Shows `source` at `target`.
pub(super) fn bind(
    root: &OwnedFd,
    source: &Path,
    target: &Path,
    read_only: bool,
) -> Result<(), Trouble> {
    let from = openat(CWD, source, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
        .during(Step::Mount, source.display())?;
    show(root, &from, target, read_only).during(Step::Mount, target.display())
}

fn show(root: &OwnedFd, from: &OwnedFd, target: &Path, read_only: bool) -> io::Result<()> {
    let folder = FileType::from_raw_mode(fstat(from)?.st_mode) == FileType::Directory;
    let kind = if folder { Kind::Folder } else { Kind::File };
    let to = place(root, target, kind)?;
    mount_bind_recursive(link(from), link(&to))?;
    if read_only {
        // Looked up anew, so that it is the mount and no longer what lies below.
        let mounted = place(root, target, kind)?;
        close_for_writing(&fs::read_link(link(&mounted))?)?;
    }
    Ok(())
}

/// Makes the mount at `top`, and all that came with it, read-only. Whatever else a mount is (nosuid, nodev …)
/// must be said again: the kernel has locked it for us and refuses to take it off.
fn close_for_writing(top: &Path) -> io::Result<()> {
    for (point, flags) in parse_mounts(&fs::read("/proc/self/mountinfo")?) {
        if point.starts_with(top) {
            mount_remount(&point, flags | MountFlags::BIND | MountFlags::RDONLY, c"")?;
        }
    }
    Ok(())
}

/// Mount point and flags of each line of a `mountinfo` (`proc_pid_mountinfo(5)`, fields 5 and 6).
fn parse_mounts(table: &[u8]) -> Vec<(PathBuf, MountFlags)> {
    table
        .split(|byte| *byte == b'\n')
        .filter_map(|line| {
            let mut fields = line.split(|byte| *byte == b' ').skip(4);
            let point = unescape(fields.next()?);
            let flags = fields
                .next()?
                .split(|byte| *byte == b',')
                .map(|option| match option {
                    b"nosuid" => MountFlags::NOSUID,
                    b"nodev" => MountFlags::NODEV,
                    b"noexec" => MountFlags::NOEXEC,
                    b"noatime" => MountFlags::NOATIME,
                    b"nodiratime" => MountFlags::NODIRATIME,
                    b"relatime" => MountFlags::RELATIME,
                    _ => MountFlags::empty(),
                })
                .fold(MountFlags::empty(), |all, one| all | one);
            Some((PathBuf::from(std::ffi::OsStr::from_bytes(&point)), flags))
        })
        .collect()
}

/// `/tmp` is a folder of the scratch, so that it may grow and lasts from step to step without being a layer.
pub(super) fn temporary(root: &OwnedFd, scratch: &Path) -> Result<(), Trouble> {
    let source = scratch.join("tmp");
    fs::create_dir_all(&source).during(Step::Scratch, source.display())?;
    fs::set_permissions(
        &source,
        std::os::unix::fs::PermissionsExt::from_mode(0o1777),
    )
    .during(Step::Scratch, source.display())?;
    bind(root, &source, Path::new("/tmp"), false)
}

/// The host's network is used, so its names are too, with the room's own added: a program may look itself up.
pub(super) fn network(root: &OwnedFd, scratch: &Path) -> Result<(), Trouble> {
    let resolver = Path::new("/etc/resolv.conf");
    if resolver.is_file() {
        bind(root, resolver, resolver, true)?;
    }
    let table = Path::new("/etc/hosts");
    let mut names = fs::read(table).unwrap_or_else(|_| b"127.0.0.1 localhost\n".to_vec());
    names.extend_from_slice(format!("\n127.0.1.1 {HOSTNAME}\n").as_bytes());
    let ours = scratch.join("hosts");
    fs::write(&ours, names).during(Step::Scratch, ours.display())?;
    bind(root, &ours, table, true)
}

/// Each folder of memory files becomes a tmpfs that holds them alone.
pub(super) fn memory(root: &OwnedFd, files: &[Memory]) -> Result<(), Trouble> {
    let mut folders: Vec<PathBuf> = files
        .iter()
        .filter_map(|file| Some(file.target.path().parent()?.to_owned()))
        .collect();
    // A folder stands before those inside it.
    folders.sort();
    folders.dedup();
    for folder in folders {
        tmpfs(root, &folder, c"mode=0700,size=64m").during(Step::Memory, folder.display())?;
    }
    for file in files {
        let path = file.target.path();
        write(root, &path, &file.content).during(Step::Memory, path.display())?;
    }
    Ok(())
}

/// Mounts an empty tmpfs.
pub(super) fn tmpfs(root: &OwnedFd, target: &Path, options: &std::ffi::CStr) -> io::Result<()> {
    let to = place(root, target, Kind::Folder)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    Ok(mount("tmpfs", link(&to), "tmpfs", flags, options)?)
}

fn write(root: &OwnedFd, path: &Path, content: &[u8]) -> io::Result<()> {
    let place = place(root, path, Kind::File)?;
    fs::write(link(&place), content)?;
    let file = fs::File::open(link(&place))?;
    Ok(fchmod(&file, Mode::from_raw_mode(0o400))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_table_is_read_with_its_escapes() {
        let table = b"36 35 98:0 /r /mnt/a\\040b\\134c rw,nosuid,noatime - ext4 /dev/x rw\n\
            37 36 0:1 / /proc ro,nodev,noexec,relatime shared:1 - proc proc rw\ngarbage\n";
        let mounts = parse_mounts(table);
        assert_eq!(
            mounts,
            [
                (
                    PathBuf::from("/mnt/a b\\c"),
                    MountFlags::NOSUID | MountFlags::NOATIME
                ),
                (
                    PathBuf::from("/proc"),
                    MountFlags::NODEV | MountFlags::NOEXEC | MountFlags::RELATIME
                ),
            ]
        );
    }
}
