//! Temporary folders inside a bucket, so that a rename takes their content to its place.
//!
//! Beside each stands a lock file that its maker holds. A folder whose lock is free belongs to nobody alive.

use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::StoreError;
use super::lock::{Guard, Share};

/// A temporary folder of the store; dropped, it is removed.
#[derive(Debug)]
pub struct TempSpace {
    path: PathBuf,
    lock: Option<Guard>,
}

impl TempSpace {
    /// A new empty folder in `parent`, which exists.
    pub(super) fn new(parent: &Path) -> Result<Self, StoreError> {
        let process = std::process::id();
        for count in 0u64.. {
            let name = format!("{process}-{count}");
            let lock_path = parent.join(format!("{name}.lock"));
            // Asking first keeps a lock that is held from being opened over and over.
            let Some(lock) = Guard::attempt(&lock_path, Share::Exclusive)? else {
                continue;
            };
            let path = parent.join(name);
            match make_folder(&path) {
                Ok(()) => {
                    return Ok(Self {
                        path,
                        lock: Some(lock),
                    });
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => {
                    let _ = lock.remove();
                    return Err(StoreError::io("make the folder", &path, error));
                }
            }
        }
        Err(StoreError::io(
            "make a folder in",
            parent,
            ErrorKind::QuotaExceeded.into(),
        ))
    }

    /// The folder: it exists and is empty at first.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for TempSpace {
    fn drop(&mut self) {
        // What cannot be removed now is swept by a later process.
        if remove_tree(&self.path).is_ok()
            && let Some(lock) = self.lock.take()
        {
            let _ = lock.remove();
        }
    }
}

/// Makes a folder with mode 0755, whatever the umask.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().mode(0o755).create(path)?;
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

/// Removes what processes that are gone left in `parent`.
pub(super) fn sweep(parent: &Path) -> Result<(), StoreError> {
    let entries =
        fs_err::read_dir(parent).map_err(|error| StoreError::io("read", parent, error))?;
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let name = name.strip_suffix(".lock").unwrap_or(name);
        // A process that just took the lock is alive, one that is gone holds none.
        if let Some(lock) = Guard::attempt(&parent.join(format!("{name}.lock")), Share::Exclusive)?
        {
            let path = parent.join(name);
            remove_tree(&path).map_err(|error| StoreError::io("remove", &path, error))?;
            lock.remove()?;
        }
    }
    Ok(())
}

/// Removes a file, or a folder with all that is in it, folders without write permission too. Nothing there is fine.
pub(super) fn remove_tree(path: &Path) -> io::Result<()> {
    let gone = |result: io::Result<()>| match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    };
    match fs_err::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(metadata) if !metadata.is_dir() => return gone(fs_err::remove_file(path)),
        Ok(_) => {}
    }
    match gone(fs_err::remove_dir_all(path)) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            open_folders(path)?;
            gone(fs_err::remove_dir_all(path))
        }
        other => other,
    }
}

/// Makes every folder of a tree writable; a folder is changed before it is read.
fn open_folders(path: &Path) -> io::Result<()> {
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o700))?;
    for entry in fs_err::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_folders(&entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_living_keep_theirs_and_the_dead_are_swept() {
        let parent = tempfile::tempdir().unwrap();
        let alive = TempSpace::new(parent.path()).unwrap();
        let dead = TempSpace::new(parent.path()).unwrap();
        let left = dead.path().to_owned();
        fs_err::create_dir(left.join("sub")).unwrap();
        // A killed process runs no destructor, but the kernel gives its lock back.
        let mut dead = std::mem::ManuallyDrop::new(dead);
        drop(dead.lock.take());
        sweep(parent.path()).unwrap();
        assert!(alive.path().is_dir());
        assert!(!left.exists());
        drop(alive);
        assert_eq!(fs_err::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn folders_without_write_permission_go_too() {
        let parent = tempfile::tempdir().unwrap();
        let space = TempSpace::new(parent.path()).unwrap();
        let locked = space.path().join("a");
        fs_err::create_dir(&locked).unwrap();
        fs_err::write(locked.join("f"), "").unwrap();
        fs_err::set_permissions(&locked, std::fs::Permissions::from_mode(0o000)).unwrap();
        open_folders(space.path()).unwrap();
        let mode = fs_err::metadata(&locked).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        drop(space);
        assert_eq!(fs_err::read_dir(parent.path()).unwrap().count(), 0);
    }
}
