//! Locks between processes: files locked with flock, which the kernel gives back however a process ends.

use std::fs::TryLockError;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::StoreError;

/// Whether others may hold a lock at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Others with `Shared` may.
    Shared,
    /// Nobody may.
    Exclusive,
}

/// A held lock; dropped, it is given back.
#[derive(Debug)]
pub struct Guard {
    file: fs_err::File,
    path: PathBuf,
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Closing is not enough: a process that is just being started has a copy until it becomes its program.
        let _ = self.file.file().unlock();
    }
}

impl Guard {
    /// Waits for the lock; `waiting` is called once if somebody else holds it.
    pub(super) fn wait(path: &Path, share: Share, waiting: &dyn Fn()) -> Result<Self, StoreError> {
        let fail = |error| StoreError::io("lock", path, error);
        let mut told = false;
        loop {
            let guard = Self::open(path)?;
            if !guard.try_take(share).map_err(fail)? {
                if !std::mem::replace(&mut told, true) {
                    waiting();
                }
                guard.take(share).map_err(fail)?;
            }
            if guard.stands().map_err(fail)? {
                return Ok(guard);
            }
        }
    }

    /// The lock, if nobody else holds it.
    pub(super) fn attempt(path: &Path, share: Share) -> Result<Option<Self>, StoreError> {
        let fail = |error| StoreError::io("lock", path, error);
        loop {
            let guard = Self::open(path)?;
            if !guard.try_take(share).map_err(fail)? {
                return Ok(None);
            }
            if guard.stands().map_err(fail)? {
                return Ok(Some(guard));
            }
        }
    }

    /// Lets others share from now on. For a moment nobody holds the lock: look again at what it guards.
    pub(super) fn downgrade(self) -> Result<Self, StoreError> {
        match self.take(Share::Shared) {
            Ok(()) => Ok(self),
            Err(error) => Err(StoreError::io("lock", &self.path, error)),
        }
    }

    /// Tries to become the only holder. Where that fails, the shared lock is taken again.
    pub(super) fn upgrade(&self) -> Result<bool, StoreError> {
        let fail = |error| StoreError::io("lock", &self.path, error);
        let alone = self.try_take(Share::Exclusive).map_err(fail)?;
        if !alone {
            self.take(Share::Shared).map_err(fail)?;
        }
        Ok(alone)
    }

    /// Shares again after [`Guard::upgrade`].
    pub(super) fn share(&self) -> Result<(), StoreError> {
        self.take(Share::Shared)
            .map_err(|error| StoreError::io("lock", &self.path, error))
    }

    /// Removes the lock's file; only for the one exclusive holder. Whoever waits notices and makes a new one.
    pub(super) fn remove(self) -> Result<(), StoreError> {
        match fs_err::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::io("remove", &self.path, error))
            }
            _ => Ok(()),
        }
    }

    fn open(path: &Path) -> Result<Self, StoreError> {
        let file = fs_err::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(|error| StoreError::io("lock", path, error))?;
        Ok(Self {
            file,
            path: path.to_owned(),
        })
    }

    fn try_take(&self, share: Share) -> io::Result<bool> {
        let file = self.file.file();
        let taken = match share {
            Share::Shared => file.try_lock_shared(),
            Share::Exclusive => file.try_lock(),
        };
        match taken {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn take(&self, share: Share) -> io::Result<()> {
        loop {
            let taken = match share {
                Share::Shared => self.file.file().lock_shared(),
                Share::Exclusive => self.file.file().lock(),
            };
            match taken {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    /// Whether the locked file is still the one that the path names: the holder before may have removed it.
    fn stands(&self) -> io::Result<bool> {
        let own = self.file.metadata()?;
        match fs_err::metadata(&self.path) {
            Ok(named) => Ok((own.dev(), own.ino()) == (named.dev(), named.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sharers_share_and_the_only_one_is_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("l");
        let one = Guard::attempt(&path, Share::Shared).unwrap().unwrap();
        let two = Guard::attempt(&path, Share::Shared).unwrap().unwrap();
        assert!(Guard::attempt(&path, Share::Exclusive).unwrap().is_none());
        assert!(!one.upgrade().unwrap());
        drop(two);
        assert!(one.upgrade().unwrap());
        assert!(Guard::attempt(&path, Share::Shared).unwrap().is_none());
        one.share().unwrap();
        assert!(Guard::attempt(&path, Share::Shared).unwrap().is_some());
    }

    #[test]
    fn a_copy_in_a_process_being_started_holds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("l");
        let held = Guard::attempt(&path, Share::Exclusive).unwrap().unwrap();
        let _copy = held.file.try_clone().unwrap();
        drop(held);
        assert!(Guard::attempt(&path, Share::Exclusive).unwrap().is_some());
    }

    #[test]
    fn a_removed_lock_file_does_not_let_two_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("l");
        let held = Guard::attempt(&path, Share::Exclusive).unwrap().unwrap();
        let (told, heard) = std::sync::mpsc::channel();
        let waiter = {
            let path = path.clone();
            std::thread::spawn(move || {
                Guard::wait(&path, Share::Exclusive, &|| told.send(()).unwrap()).unwrap()
            })
        };
        heard.recv().unwrap();
        held.remove().unwrap();
        let now = waiter.join().unwrap();
        assert!(Guard::attempt(&path, Share::Shared).unwrap().is_none());
        drop(now);
    }
}
