//! What a build left that is no source goes, unless it is kept.

use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::Tree;
use super::laid::open_up;
use crate::pipeline::source::{Source, SourceFile};

impl Tree {
    /// Removes what is neither source nor at or below a kept path, and returns what that was.
    pub(super) fn remove_strangers(
        &self,
        source: &Source,
        kept: &[String],
    ) -> io::Result<Vec<PathBuf>> {
        let kept: Vec<&Path> = (kept.iter().map(Path::new))
            .filter(|path| self.app.join(path).symlink_metadata().is_ok())
            .collect();
        // In their order, so that each lies in one that is open.
        open_up(&self.app)?;
        for (path, file) in &source.files {
            if matches!(file, SourceFile::Folder) && self.holds(path) {
                open_up(&self.app.join(path))?;
            }
        }
        self.remove_where(Path::new(""), &|path, entry| {
            if kept.contains(&path) {
                return Fate::Whole;
            }
            let known = match source.files.get(path) {
                Some(SourceFile::Folder) => entry.is_dir(),
                Some(SourceFile::Link(_)) => entry.is_symlink(),
                Some(SourceFile::File { .. }) => entry.is_file(),
                None => false,
            };
            // A folder above a kept one stays, whoever made it.
            let above = entry.is_dir() && kept.iter().any(|kept| kept.starts_with(path));
            if known || above {
                Fate::Stays
            } else {
                Fate::Goes
            }
        })
    }

    /// Removes what lies at or below `path` and is no source.
    pub(super) fn empty(
        &self,
        path: &Path,
        is_source: &dyn Fn(&Path) -> bool,
    ) -> io::Result<Vec<PathBuf>> {
        if !self.holds(path) || self.app.join(path).symlink_metadata().is_err() {
            return Ok(Vec::new());
        }
        self.remove_where(path, &|path, _| {
            if is_source(path) {
                Fate::Stays
            } else {
                Fate::Goes
            }
        })
    }

    /// Walks the tree from `below`, links not followed, and removes what `fate` says.
    fn remove_where(
        &self,
        below: &Path,
        fate: &dyn Fn(&Path, std::fs::FileType) -> Fate,
    ) -> io::Result<Vec<PathBuf>> {
        let mut removed = Vec::new();
        let mut walk = WalkDir::new(self.app.join(below))
            .follow_root_links(false)
            .into_iter();
        while let Some(entry) = walk.next() {
            let entry = entry?;
            let Ok(path) = entry.path().strip_prefix(&self.app) else {
                continue;
            };
            if path.as_os_str().is_empty() {
                continue;
            }
            let fate = fate(path, entry.file_type());
            if fate != Fate::Stays && entry.file_type().is_dir() {
                walk.skip_current_dir();
            }
            if fate == Fate::Goes {
                self.trash.take(entry.path())?;
                removed.push(path.to_owned());
            }
        }
        Ok(removed)
    }
}

/// What becomes of a file or folder of the tree.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It stays, and so does all below it.
    Whole,
    /// It stays; what is in it is looked at.
    Stays,
    /// It goes, with all below it.
    Goes,
}
