//! Whiteouts: what a layer hides of the layers below it, and never of itself.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, Mode, OFlags, openat, unlinkat};
use rustix::io::Errno;

use super::tree::{DEEPEST, Tree, TreeError, is_folder, look, names, split};

impl Tree {
    /// Hides `path` of the layers below (image-spec, layer.md, "Whiteouts").
    pub(super) fn hide(&mut self, path: &[u8]) -> Result<(), TreeError> {
        let (parent, name) = split(path);
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let parent = match self.resolve(parent, flags) {
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(()),
            other => other?,
        };
        self.last = None;
        self.clear(parent.as_fd(), name, 0)
    }

    /// Hides all that the layers below have in the folder `path`.
    pub(super) fn hide_inside(&mut self, path: &[u8]) -> Result<(), TreeError> {
        let folder = match self.resolve(path, OFlags::RDONLY | OFlags::DIRECTORY) {
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(()),
            other => other?,
        };
        self.last = None;
        for name in names(&folder)? {
            self.clear(folder.as_fd(), &name, 0)?;
        }
        Ok(())
    }

    /// Removes what the layers below have under `name`, and keeps what the layer at hand brought.
    fn clear(&self, parent: BorrowedFd<'_>, name: &OsStr, depth: u32) -> Result<(), TreeError> {
        let Some(there) = look(parent, name)? else {
            return Ok(());
        };
        let ours = self.ours.contains(&there.st_ino);
        if !is_folder(&there) {
            if !ours {
                unlinkat(parent, name, AtFlags::empty())?;
            }
            return Ok(());
        }
        if depth > DEEPEST {
            return Err(TreeError::Entry("hides a tree that is too deep".to_owned()));
        }
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = openat(parent, name, flags, Mode::empty())?;
        for child in names(&folder)? {
            self.clear(folder.as_fd(), &child, depth + 1)?;
        }
        if !ours {
            match unlinkat(parent, name, AtFlags::REMOVEDIR) {
                // Something of ours stands in it.
                Err(Errno::NOTEMPTY) => {}
                other => other?,
            }
        }
        Ok(())
    }
}
