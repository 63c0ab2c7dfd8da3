//! Folders that go are put aside at once and removed while the build goes on: a pack of scripts unpacks thousands of
//! files each time, and some disks take milliseconds for each that goes.

use std::io;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use super::laid::remove;

/// Where folders are put aside. What a build that was killed left there goes with the next one.
pub(super) struct Trash {
    folder: PathBuf,
    removing: Option<JoinHandle<()>>,
}

impl Trash {
    /// A trash below the folder of a tree's memory.
    pub(super) fn below(memory: &Path) -> Self {
        Self {
            folder: memory.join("trash"),
            removing: None,
        }
    }

    /// Takes a file, link or folder away from where it is.
    pub(super) fn take(&self, path: &Path) -> io::Result<()> {
        if !path.symlink_metadata()?.is_dir() {
            return fs_err::remove_file(path);
        }
        fs_err::create_dir_all(&self.folder)?;
        let place = tempfile::Builder::new()
            .prefix("")
            .tempdir_in(&self.folder)?
            .keep();
        // Where programs run in place, the tree may lie on another disk; and a folder that is closed cannot be moved.
        fs_err::rename(path, place.join("gone")).or_else(|_| remove(path))
    }

    /// Begins to remove what was taken until now. What is taken meanwhile stays for the next time.
    pub(super) fn empty(&mut self) {
        let Ok(there) = fs_err::read_dir(&self.folder) else {
            return;
        };
        if self.removing.is_none() {
            let all: Vec<_> = there.flatten().map(|entry| entry.path()).collect();
            // What cannot be removed now is tried again by the next build.
            let removing = move || all.iter().for_each(|path| drop(remove(path)));
            self.removing = Some(thread::spawn(removing));
        }
    }
}

impl Drop for Trash {
    fn drop(&mut self) {
        if let Some(removing) = self.removing.take() {
            // A panic in there leaves files to the next build, and nothing else.
            let _ = removing.join();
            // It stays where it is not empty.
            let _ = fs_err::remove_dir(&self.folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_while_it_is_emptied_is_taken_all_the_same() {
        let temp = tempfile::tempdir().unwrap();
        let mut trash = Trash::below(temp.path());
        for round in 0..200 {
            for number in 0..3 {
                let folder = temp.path().join(format!("{round}-{number}/deep"));
                fs_err::create_dir_all(&folder).unwrap();
                trash.take(folder.parent().unwrap()).unwrap();
                trash.empty();
            }
            drop(trash);
            trash = Trash::below(temp.path());
        }
        trash.empty();
        drop(trash);
        assert!(!temp.path().join("trash").exists());
    }
}
