//! A folder that stands for a root: every path is resolved inside it, whatever links say.

use std::collections::HashMap;
use std::ffi::{CString, OsStr};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::rc::Rc;

use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Stat, Timespec, Timestamps, fstat, linkat,
    mkdirat, openat, openat2, statat, symlinkat, unlinkat, utimensat,
};
use rustix::io::Errno;

/// Folders inside each other: deep enough for any image, and shallow enough to be removed again without care.
pub(super) const DEEPEST: u32 = 512;

/// What can't be done in a tree.
#[derive(Debug)]
pub(super) enum TreeError {
    /// The entry is at fault: this is wrong with it.
    Entry(String),
    /// The system is.
    Io(io::Error),
}

impl From<Errno> for TreeError {
    fn from(error: Errno) -> Self {
        let fault = match error {
            Errno::NAMETOOLONG => "has a name that is too long",
            Errno::LOOP => "leads through links that go in circles",
            Errno::NOTDIR => "leads through something that is no folder",
            Errno::XDEV => "leads out of the image",
            _ => return Self::Io(error.into()),
        };
        Self::Entry(fault.to_owned())
    }
}

/// The root, and what is known about it.
pub(super) struct Tree {
    root: OwnedFd,
    /// The folder of the last entry: archives list a folder's files one after another.
    pub(super) last: Option<(Vec<u8>, Rc<OwnedFd>)>,
    /// How deep each folder stands that was made here.
    depths: HashMap<u64, u32>,
    /// Inodes that the layer at hand made or named: its whiteouts leave them alone.
    pub(super) ours: std::collections::HashSet<u64>,
}

impl Tree {
    /// The tree in `folder`, which must be there and empty.
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        let root = rustix::fs::open(folder, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let depths = HashMap::from([(fstat(&root)?.st_ino, 0)]);
        Ok(Self {
            root,
            last: None,
            depths,
            ours: std::collections::HashSet::new(),
        })
    }

    /// A new layer begins: what is there now is below it.
    pub(super) fn next_layer(&mut self) {
        self.ours.clear();
    }

    /// Opens what `path` leads to for reading, links followed inside the root.
    pub(super) fn open(&self, path: &Path) -> Result<std::fs::File, TreeError> {
        Ok(self
            .resolve(path.as_os_str().as_bytes(), OFlags::RDONLY)?
            .into())
    }

    pub(super) fn resolve(&self, path: &[u8], flags: OFlags) -> rustix::io::Result<OwnedFd> {
        let path = if path.is_empty() {
            b".".as_slice()
        } else {
            path
        };
        openat2(
            &self.root,
            OsStr::from_bytes(path),
            flags | OFlags::CLOEXEC,
            Mode::empty(),
            ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS,
        )
    }

    /// The folder `path`, made with its parents where it is missing.
    fn folder(&mut self, path: &[u8]) -> Result<Rc<OwnedFd>, TreeError> {
        if let Some((known, folder)) = &self.last
            && known == path
        {
            return Ok(Rc::clone(folder));
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let folder = match self.resolve(path, flags) {
            Err(Errno::NOENT) => {
                let (parent, name) = split(path);
                let parent = self.folder(parent)?;
                self.make_folder(parent.as_fd(), name, 0o755)?;
                self.resolve(path, flags)?
            }
            other => other?,
        };
        let folder = Rc::new(folder);
        self.last = Some((path.to_owned(), Rc::clone(&folder)));
        Ok(folder)
    }

    fn make_folder(
        &mut self,
        parent: BorrowedFd<'_>,
        name: &OsStr,
        mode: u32,
    ) -> Result<(), TreeError> {
        let above = fstat(parent)?.st_ino;
        let depth = self.depths.get(&above).copied().unwrap_or(0) + 1;
        if depth > DEEPEST {
            return Err(TreeError::Entry(format!(
                "stands more than {DEEPEST} folders deep"
            )));
        }
        match mkdirat(parent, name, Mode::from_raw_mode(mode)) {
            // A link to nowhere stands there.
            Err(Errno::EXIST) => {
                return Err(TreeError::Entry(
                    "leads through a link to nowhere".to_owned(),
                ));
            }
            other => other?,
        }
        let inode = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?.st_ino;
        self.depths.insert(inode, depth);
        self.ours.insert(inode);
        Ok(())
    }

    /// Makes the folder `path`, or gives the one that is there this mode.
    pub(super) fn put_folder(&mut self, path: &[u8], mode: u32) -> Result<(), TreeError> {
        if path.is_empty() {
            return Ok(());
        }
        let (parent, name) = split(path);
        let parent = self.folder(parent)?;
        match look(parent.as_fd(), name)? {
            Some(there) if is_folder(&there) => {
                self.ours.insert(there.st_ino);
            }
            there => {
                if there.is_some() {
                    self.remove(parent.as_fd(), name)?;
                }
                self.make_folder(parent.as_fd(), name, mode)?;
            }
        }
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = openat(&parent, name, flags, Mode::empty())?;
        rustix::fs::fchmod(folder, Mode::from_raw_mode(mode))?;
        Ok(())
    }

    /// Makes the file `path`, in place of what is there.
    pub(super) fn put_file(&mut self, path: &[u8]) -> Result<std::fs::File, TreeError> {
        let (parent, name) = self.place(path)?;
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = match openat(&parent, name, flags, Mode::from_raw_mode(0o600)) {
            Err(Errno::EXIST) => {
                self.remove(parent.as_fd(), name)?;
                openat(&parent, name, flags, Mode::from_raw_mode(0o600))?
            }
            other => other?,
        };
        self.ours.insert(fstat(&file)?.st_ino);
        Ok(file.into())
    }

    /// Makes a symbolic link, in place of what is there. It may point anywhere: it is only ever followed inside.
    pub(super) fn put_symlink(&mut self, path: &[u8], target: &[u8]) -> Result<(), TreeError> {
        let (parent, name) = self.place(path)?;
        let target = CString::new(target)
            .map_err(|_| TreeError::Entry("is a link whose target holds a NUL".to_owned()))?;
        if target.is_empty() {
            return Err(TreeError::Entry("is a link to nothing".to_owned()));
        }
        self.remove(parent.as_fd(), name)?;
        symlinkat(&*target, &parent, name)?;
        if let Some(made) = look(parent.as_fd(), name)? {
            self.ours.insert(made.st_ino);
        }
        Ok(())
    }

    /// Makes a second name for the file `target`.
    pub(super) fn put_hard_link(&mut self, path: &[u8], target: &[u8]) -> Result<(), TreeError> {
        let missing = || TreeError::Entry("is a hard link to a file that is not there".to_owned());
        let (target_parent, target_name) = split(target);
        if target_name.is_empty() {
            return Err(missing());
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let from = match self.resolve(target_parent, flags) {
            Err(Errno::NOENT) => return Err(missing()),
            other => other?,
        };
        let source = look(from.as_fd(), target_name)?.ok_or_else(missing)?;
        if is_folder(&source) {
            return Err(TreeError::Entry("is a hard link to a folder".to_owned()));
        }
        let (parent, name) = self.place(path)?;
        if let Some(there) = look(parent.as_fd(), name)? {
            // The same file under the same or another name: nothing is to be done, and nothing to be removed.
            if there.st_ino == source.st_ino && there.st_dev == source.st_dev {
                return Ok(());
            }
            self.remove(parent.as_fd(), name)?;
        }
        match linkat(&from, target_name, &parent, name, AtFlags::empty()) {
            Err(Errno::NOENT) => return Err(missing()),
            other => other?,
        }
        self.ours.insert(source.st_ino);
        Ok(())
    }

    /// Removes what stands under `name`, whoever brought it.
    fn remove(&mut self, parent: BorrowedFd<'_>, name: &OsStr) -> Result<(), TreeError> {
        self.last = None;
        match unlinkat(parent, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(Errno::ISDIR | Errno::PERM) => remove_folder(parent, name, 0),
            Err(error) => Err(error.into()),
        }
    }

    /// The folder in which `path` is to stand, and its name there.
    fn place<'p>(&mut self, path: &'p [u8]) -> Result<(Rc<OwnedFd>, &'p OsStr), TreeError> {
        let (parent, name) = split(path);
        if name.is_empty() {
            return Err(TreeError::Entry(
                "stands for the root and is no folder".to_owned(),
            ));
        }
        Ok((self.folder(parent)?, name))
    }

    /// Sets the time of `path` itself; what is not there any more is passed over.
    pub(super) fn set_time(&self, path: &[u8], seconds: i64) -> Result<(), TreeError> {
        let (parent, name) = split(path);
        let name = if name.is_empty() {
            OsStr::new(".")
        } else {
            name
        };
        let parent = match self.resolve(parent, OFlags::PATH | OFlags::DIRECTORY) {
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(()),
            other => other?,
        };
        match utimensat(&parent, name, &times(seconds), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Both times of a file.
pub(super) fn times(seconds: i64) -> Timestamps {
    let time = Timespec {
        tv_sec: seconds,
        tv_nsec: 0,
    };
    Timestamps {
        last_access: time,
        last_modification: time,
    }
}

/// Parent and name of a clean relative path.
pub(super) fn split(path: &[u8]) -> (&[u8], &OsStr) {
    let (parent, name) = match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (&path[..0], path),
    };
    (parent, OsStr::from_bytes(name))
}

pub(super) fn look(parent: BorrowedFd<'_>, name: &OsStr) -> Result<Option<Stat>, TreeError> {
    match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(there) => Ok(Some(there)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn is_folder(there: &Stat) -> bool {
    FileType::from_raw_mode(there.st_mode) == FileType::Directory
}

pub(super) fn names(folder: &OwnedFd) -> Result<Vec<std::ffi::OsString>, TreeError> {
    let mut all = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            all.push(OsStr::from_bytes(name).to_owned());
        }
    }
    Ok(all)
}

fn remove_folder(parent: BorrowedFd<'_>, name: &OsStr, depth: u32) -> Result<(), TreeError> {
    if depth > DEEPEST {
        return Err(TreeError::Entry(
            "replaces a tree that is too deep".to_owned(),
        ));
    }
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = openat(parent, name, flags, Mode::empty())?;
    for child in names(&folder)? {
        match unlinkat(&folder, &*child, AtFlags::empty()) {
            Err(Errno::ISDIR | Errno::PERM) => {
                remove_folder(folder.as_fd(), &child, depth + 1)?;
            }
            other => other?,
        }
    }
    drop(folder);
    unlinkat(parent, name, AtFlags::REMOVEDIR)?;
    Ok(())
}
