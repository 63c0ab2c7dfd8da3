//! A control group of one run: made, limited, read and removed.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use buildpack_core::sandbox::Holder;
use rustix::fs::{FlockOperation, flock};

/// How names of our groups begin; our process id and a number follow.
const PREFIX: &str = "bp-run-";

/// Microseconds that a share of processors is a share of.
const PERIOD: u64 = 100_000;

/// Bytes below a limit at which it is met: the kernel charges many pages at once.
const CLOSE: u64 = 1 << 20;

/// A group, removed when dropped. Its folder is locked as long as this process lives, so that others can tell one that
/// was left behind.
pub(in crate::sandbox) struct Group {
    folder: PathBuf,
    version: Version,
    _lock: File,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    One,
    Two,
}

/// What became of a group's memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::sandbox) struct Used {
    /// Whether the kernel ended a program of the group at the group's own limit.
    pub(in crate::sandbox) ran_out: bool,
    /// The most that was used at once, in bytes.
    pub(in crate::sandbox) peak: Option<u64>,
}

impl Group {
    /// A new group below `parent`, after those that killed processes left there were removed.
    pub(super) fn make(parent: &Path, version: Version) -> io::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        sweep(parent);
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let folder = parent.join(format!("{PREFIX}{}-{number}", std::process::id()));
            match fs_err::create_dir(&folder) {
                Ok(()) => {
                    // Another process that sweeps may be faster than our lock: then it is made anew.
                    if let Some(lock) = lock(&folder)? {
                        return Ok(Self {
                            folder,
                            version,
                            _lock: lock,
                        });
                    }
                }
                // Of a process in another pid namespace, or of one that had our number.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) fn limit_memory(&self, bytes: u64) -> io::Result<()> {
        match self.version {
            Version::One => {
                self.put("memory.limit_in_bytes", &bytes.to_string())?;
                // With swap. Not every kernel counts that.
                let _ = self.put("memory.memsw.limit_in_bytes", &bytes.to_string());
                Ok(())
            }
            Version::Two => {
                self.put("memory.max", &bytes.to_string())?;
                let _ = self.put("memory.swap.max", "0");
                // What is left of a build whose compiler was ended is no build.
                let _ = self.put("memory.oom.group", "1");
                Ok(())
            }
        }
    }

    pub(super) fn limit_cpus(&self, hundredths: u32) -> io::Result<()> {
        let quota = PERIOD / 100 * u64::from(hundredths);
        match self.version {
            Version::One => {
                self.put("cpu.cfs_period_us", &PERIOD.to_string())?;
                self.put("cpu.cfs_quota_us", &quota.to_string())
            }
            Version::Two => self.put("cpu.max", &format!("{quota} {PERIOD}")),
        }
    }

    /// What a process writes `0` to, to enter; so opened, it counts who we are and not who it is.
    pub(in crate::sandbox) fn door(&self) -> io::Result<OwnedFd> {
        let door = fs_err::OpenOptions::new()
            .write(true)
            .open(self.folder.join("cgroup.procs"))?;
        Ok(door.into_parts().0.into())
    }

    pub(in crate::sandbox) fn holder(&self) -> Holder {
        match self.version {
            Version::One => Holder::CgroupV1,
            Version::Two => Holder::CgroupV2,
        }
    }

    pub(in crate::sandbox) fn used(&self) -> Used {
        let text = |name: &str| fs_err::read_to_string(self.folder.join(name)).unwrap_or_default();
        let whole = |name: &str| text(name).trim().parse::<u64>().ok();
        match self.version {
            Version::One => {
                let peak = whole("memory.max_usage_in_bytes");
                // `memory.failcnt` stays 0 where the same limit of memory and swap is met first.
                let limit = whole("memory.limit_in_bytes");
                let at_limit = (peak.zip(limit)).is_some_and(|(peak, limit)| peak + CLOSE >= limit);
                let ended = entry(&text("memory.oom_control"), "oom_kill") > Some(0);
                Used {
                    ran_out: ended && at_limit,
                    peak,
                }
            }
            Version::Two => {
                let events = text("memory.events");
                Used {
                    ran_out: entry(&events, "oom") > Some(0)
                        && entry(&events, "oom_kill") > Some(0),
                    peak: whole("memory.peak"),
                }
            }
        }
    }

    fn put(&self, file: &str, text: &str) -> io::Result<()> {
        // Such files are there or are not; none can be made.
        let mut file = fs_err::OpenOptions::new()
            .write(true)
            .open(self.folder.join(file))?;
        io::Write::write_all(&mut file, text.as_bytes())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // What the kernel has killed may not be gone yet.
        for _ in 0..100 {
            match fs_err::remove_dir(&self.folder) {
                Err(error) if error.kind() == ErrorKind::ResourceBusy => {
                    thread::sleep(Duration::from_millis(5));
                }
                _ => return,
            }
        }
    }
}

/// Removes groups below `parent` that nobody holds any more. One in which a process is left, the kernel refuses to remove.
fn sweep(parent: &Path) {
    let Ok(entries) = fs_err::read_dir(parent) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let ours = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        if ours.is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit() || b == b'-'))
            && let Ok(folder) = File::open(entry.path())
            && flock(&folder, FlockOperation::NonBlockingLockExclusive).is_ok()
        {
            let _ = fs_err::remove_dir(entry.path());
        }
    }
}

/// The lock of a folder; none if the folder was removed meanwhile.
fn lock(folder: &Path) -> io::Result<Option<File>> {
    let missing = |error: &io::Error| error.kind() == ErrorKind::NotFound;
    let file = match File::open(folder) {
        Err(error) if missing(&error) => return Ok(None),
        file => file?,
    };
    flock(&file, FlockOperation::LockExclusive)?;
    match fs_err::metadata(folder) {
        Err(error) if missing(&error) => Ok(None),
        there => Ok((there?.ino() == file.metadata()?.ino()).then_some(file)),
    }
}

/// The number behind `name` and a space, at the beginning of a line.
fn entry(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.split_once(' '));
    let (_, number) = lines.find(|(key, _)| *key == name)?;
    number.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that looks like a group of this version, as far as we look.
    fn group(parent: &Path, version: Version, files: &[(&str, &str)]) -> Group {
        let group = Group::make(parent, version).unwrap();
        for (name, text) in files {
            fs_err::write(group.folder.join(name), text).unwrap();
        }
        group
    }

    fn said(group: &Group, file: &str) -> String {
        fs_err::read_to_string(group.folder.join(file)).unwrap()
    }

    #[test]
    fn version_2_is_limited_and_read() {
        let parent = tempfile::tempdir().unwrap();
        let group = group(
            parent.path(),
            Version::Two,
            &[
                ("memory.max", ""),
                ("memory.oom.group", ""),
                ("cpu.max", ""),
                ("memory.peak", "536870912\n"),
                (
                    "memory.events",
                    "low 0\nmax 9\noom 1\noom_kill 2\noom_group_kill 1\n",
                ),
            ],
        );
        group.limit_memory(512 << 20).unwrap();
        group.limit_cpus(150).unwrap();
        assert_eq!(said(&group, "memory.max"), "536870912");
        assert_eq!(said(&group, "memory.oom.group"), "1");
        assert_eq!(said(&group, "cpu.max"), "150000 100000");
        let used = group.used();
        assert!(used.ran_out);
        assert_eq!(used.peak, Some(512 << 20));
        // Ended by the kernel, but for want of memory elsewhere.
        fs_err::write(group.folder.join("memory.events"), "oom 0\noom_kill 1\n").unwrap();
        assert!(!group.used().ran_out);
    }

    #[test]
    fn version_1_is_limited_and_read() {
        let parent = tempfile::tempdir().unwrap();
        let group = group(
            parent.path(),
            Version::One,
            &[
                ("memory.limit_in_bytes", ""),
                ("cpu.cfs_period_us", ""),
                ("cpu.cfs_quota_us", ""),
                ("memory.max_usage_in_bytes", "67100000\n"),
                (
                    "memory.oom_control",
                    "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
                ),
            ],
        );
        group.limit_memory(64 << 20).unwrap();
        group.limit_cpus(25).unwrap();
        assert_eq!(said(&group, "memory.limit_in_bytes"), "67108864");
        assert_eq!(said(&group, "cpu.cfs_quota_us"), "25000");
        let peak = Some(67_100_000);
        assert_eq!(
            group.used(),
            Used {
                ran_out: true,
                peak
            }
        );
        // It was ended, but far below its limit.
        fs_err::write(group.folder.join("memory.max_usage_in_bytes"), "9000000\n").unwrap();
        assert!(!group.used().ran_out);
    }

    #[test]
    fn what_a_killed_process_left_goes_and_what_is_held_stays() {
        let parent = tempfile::tempdir().unwrap();
        let left = parent.path().join(format!("{PREFIX}1-0"));
        let other = parent.path().join("bp-run-of-somebody");
        fs_err::create_dir(&left).unwrap();
        fs_err::create_dir(&other).unwrap();
        let held = Group::make(parent.path(), Version::Two).unwrap();
        let second = Group::make(parent.path(), Version::Two).unwrap();
        assert!(!left.exists() && other.exists() && held.folder.exists());
        assert_ne!(held.folder, second.folder);
        let folder = held.folder.clone();
        drop(held);
        assert!(!folder.exists() && second.folder.exists());
    }
}
