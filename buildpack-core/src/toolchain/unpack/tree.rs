//! The folder that is being filled. It knows every path that it made, so it never has to ask the disk, and never
//! follows a link: a parent is a folder made here, or it is refused.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::Permissions;
use std::io::{ErrorKind, Read, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::UnpackLimits;
use super::error::{UnpackError, shown};

/// 2000-01-01T00:00:00Z: Mix takes it as the floor of times, so that nothing looks newer than what was made of it.
const TIME: u64 = 946_684_800;

/// A longer name part no file system takes; a longer path no system call.
const PART: usize = 255;
const PATH: usize = 4_000;

/// As Linux does.
const LINKS_IN_A_ROW: u32 = 40;

/// A path inside the folder: its parts.
type Parts = Vec<Vec<u8>>;

enum Made {
    Folder { mode: u32 },
    File,
    Link { target: Vec<u8> },
}

pub(super) struct Tree<'a> {
    root: &'a Path,
    strip: usize,
    limits: UnpackLimits,
    faithful: bool,
    made: HashMap<Parts, Made>,
    entries: u64,
    bytes: u64,
}

impl<'a> Tree<'a> {
    /// Fills `root`, an empty folder.
    pub(super) fn new(root: &'a Path, strip: usize, limits: UnpackLimits) -> Self {
        Self {
            root,
            strip,
            limits,
            faithful: false,
            made: HashMap::new(),
            entries: 0,
            bytes: 0,
        }
    }

    /// Files keep the times that the archive has for them, and links may name absolute paths: nothing is ever written
    /// through one.
    pub(super) fn faithful(mut self) -> Self {
        self.faithful = true;
        self
    }

    /// Counts one entry of the archive.
    pub(super) fn count(&mut self) -> Result<(), UnpackError> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(UnpackError::TooMany(self.limits.entries));
        }
        Ok(())
    }

    /// The bytes of all files so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The parts of an archive's name below the stripped ones; absent if nothing is left.
    pub(super) fn place(&self, name: &[u8]) -> Result<Option<Parts>, UnpackError> {
        let bad = |why| UnpackError::BadName {
            name: shown(name),
            why,
        };
        if name.len() > PATH {
            return Err(bad("is too long"));
        }
        if name.contains(&0) {
            return Err(bad("holds a zero byte"));
        }
        if name.starts_with(b"/") {
            return Err(bad("is an absolute path"));
        }
        let mut parts = Vec::new();
        for part in name.split(|byte| *byte == b'/') {
            match part {
                b"" | b"." => {}
                b".." => return Err(bad("leads out of the folder")),
                part if part.len() > PART => return Err(bad("is too long")),
                part => parts.push(part.to_vec()),
            }
        }
        let below = parts.split_off(self.strip.min(parts.len()));
        Ok((!below.is_empty()).then_some(below))
    }

    pub(super) fn folder(&mut self, name: &[u8], mode: u32) -> Result<(), UnpackError> {
        let Some(parts) = self.place(name)? else {
            return Ok(());
        };
        self.parents(name, &parts)?;
        match self.made.get_mut(&parts) {
            None => self.make_folder(parts, mode),
            Some(Made::Folder { mode: set }) => {
                *set = mode;
                Ok(())
            }
            Some(_) => Err(twice(name)),
        }
    }

    pub(super) fn file(
        &mut self,
        name: &[u8],
        mode: u32,
        seconds: u64,
        content: &mut dyn Read,
    ) -> Result<(), UnpackError> {
        let Some(parts) = self.free(name)? else {
            return Ok(());
        };
        let path = self.path(&parts);
        let mut file = fs_err::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(|error| clash(name, error))?;
        let mut buffer = [0; 16 << 10];
        loop {
            let read = match content.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(UnpackError::damaged(error)),
            };
            self.bytes += read as u64;
            if self.bytes > self.limits.bytes {
                return Err(UnpackError::TooLarge(self.limits.bytes));
            }
            file.write_all(&buffer[..read]).map_err(UnpackError::Disk)?;
        }
        let time = if self.faithful {
            // A time that the system cannot hold is none.
            let since = Duration::from_secs(seconds);
            SystemTime::UNIX_EPOCH
                .checked_add(since)
                .unwrap_or_else(time)
        } else {
            time()
        };
        // Read and write for the owner, so that the store can be copied and emptied; never a foreign identity.
        file.set_permissions(Permissions::from_mode(mode & 0o777 | 0o600))
            .and_then(|()| file.file().set_modified(time))
            .map_err(UnpackError::Disk)?;
        self.made.insert(parts, Made::File);
        Ok(())
    }

    pub(super) fn link(&mut self, name: &[u8], target: &[u8]) -> Result<(), UnpackError> {
        let Some(parts) = self.free(name)? else {
            return Ok(());
        };
        if target.is_empty() || target.len() > PATH || target.contains(&0) {
            return Err(bad_link(name, target, "names nothing"));
        }
        if target.starts_with(b"/") && !self.faithful {
            return Err(bad_link(name, target, "leads out of the folder"));
        }
        let path = self.path(&parts);
        fs_err::os::unix::fs::symlink(OsStr::from_bytes(target), &path)
            .map_err(|error| clash(name, error))?;
        let target = target.to_vec();
        self.made.insert(parts, Made::Link { target });
        Ok(())
    }

    pub(super) fn hard_link(&mut self, name: &[u8], target: &[u8]) -> Result<(), UnpackError> {
        let Some(parts) = self.free(name)? else {
            return Ok(());
        };
        let source = self
            .place(target)?
            .filter(|source| matches!(self.made.get(source), Some(Made::File)))
            .ok_or_else(|| bad_link(name, target, "names no file that came before"))?;
        let path = self.path(&parts);
        fs_err::hard_link(self.path(&source), &path).map_err(|error| clash(name, error))?;
        self.made.insert(parts, Made::File);
        Ok(())
    }

    /// Checks where the links lead, now that all of them are known, and gives the folders their modes and times.
    pub(super) fn finish(self) -> Result<(), UnpackError> {
        for (parts, made) in &self.made {
            if let Made::Link { target } = made
                && !self.faithful
            {
                self.follow(parts, target)?;
            }
        }
        let mut folders: Vec<(PathBuf, u32)> = self
            .made
            .iter()
            .filter_map(|(parts, made)| match made {
                Made::Folder { mode } => Some((self.path(parts), *mode)),
                _ => None,
            })
            .collect();
        folders.sort_by(|one, other| other.0.cmp(&one.0));
        folders.push((self.root.to_owned(), 0o755));
        for (path, mode) in folders {
            fs_err::File::open(&path)
                .and_then(|folder| {
                    folder.set_permissions(Permissions::from_mode(mode & 0o777 | 0o700))?;
                    folder.file().set_modified(time())
                })
                .map_err(UnpackError::Disk)?;
        }
        Ok(())
    }

    /// Walks a link as the kernel would. It may end nowhere, but not outside.
    fn follow(&self, link: &Parts, target: &[u8]) -> Result<(), UnpackError> {
        let name = link.join(&b'/');
        let mut at: Parts = link[..link.len() - 1].to_vec();
        let mut ahead: Vec<Vec<u8>> = split_reversed(target);
        let mut links = 1;
        while let Some(part) = ahead.pop() {
            match &part[..] {
                b"" | b"." => {}
                b".." => {
                    if at.pop().is_none() {
                        return Err(bad_link(&name, target, "leads out of the folder"));
                    }
                }
                _ => {
                    at.push(part);
                    if let Some(Made::Link { target: next }) = self.made.get(&at) {
                        links += 1;
                        if links > LINKS_IN_A_ROW {
                            return Err(bad_link(&name, target, "leads in a circle"));
                        }
                        at.pop();
                        ahead.extend(split_reversed(next));
                    }
                }
            }
        }
        Ok(())
    }

    /// The place of a new entry, its parents made; absent if nothing of the name is left.
    fn free(&mut self, name: &[u8]) -> Result<Option<Parts>, UnpackError> {
        let Some(parts) = self.place(name)? else {
            return Ok(None);
        };
        self.parents(name, &parts)?;
        if self.made.contains_key(&parts) {
            return Err(twice(name));
        }
        Ok(Some(parts))
    }

    fn parents(&mut self, name: &[u8], parts: &[Vec<u8>]) -> Result<(), UnpackError> {
        for depth in 1..parts.len() {
            let parent = &parts[..depth];
            match self.made.get(parent) {
                Some(Made::Folder { .. }) => {}
                Some(_) => {
                    return Err(UnpackError::BadName {
                        name: shown(name),
                        why: "lies behind a link or a file",
                    });
                }
                None => self.make_folder(parent.to_vec(), 0o755)?,
            }
        }
        Ok(())
    }

    fn make_folder(&mut self, parts: Parts, mode: u32) -> Result<(), UnpackError> {
        let path = self.path(&parts);
        fs_err::create_dir(&path).map_err(|error| clash(&parts.join(&b'/'), error))?;
        self.made.insert(parts, Made::Folder { mode });
        Ok(())
    }

    fn path(&self, parts: &[Vec<u8>]) -> PathBuf {
        let mut path = self.root.to_owned();
        path.extend(parts.iter().map(|part| OsStr::from_bytes(part)));
        path
    }
}

/// What is there without our doing: a file system that takes two names for one.
fn clash(name: &[u8], error: std::io::Error) -> UnpackError {
    if error.kind() == ErrorKind::AlreadyExists {
        return twice(name);
    }
    UnpackError::Disk(error)
}

fn split_reversed(target: &[u8]) -> Vec<Vec<u8>> {
    let parts = target.split(|byte| *byte == b'/');
    parts.rev().map(<[u8]>::to_vec).collect()
}

fn time() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(TIME)
}

fn twice(name: &[u8]) -> UnpackError {
    UnpackError::BadName {
        name: shown(name),
        why: "is there twice",
    }
}

fn bad_link(name: &[u8], target: &[u8], why: &'static str) -> UnpackError {
    UnpackError::BadLink {
        name: shown(name),
        target: shown(target),
        why,
    }
}
