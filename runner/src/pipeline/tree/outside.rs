//! What programs write outside of what is kept from build to build: the next build begins without it, so that a step that
//! left something there cannot be left out.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::Tree;
use super::laid::{Laid, name_of};

/// What tells that a file was written: its kind and mode, size, time and place on the disk.
type Stat = (u32, u64, i64, i64, u64);

/// Watches the files outside of the kept paths while steps run.
#[derive(Default)]
pub(super) struct Outside {
    /// The plan's kept paths.
    kept: Vec<PathBuf>,
    /// The files as they were when steps began that may be left out another time.
    before: Option<BTreeMap<PathBuf, Stat>>,
    /// Whether such steps are at work.
    watching: bool,
    /// A file that the last of them wrote or removed.
    left: Option<PathBuf>,
}

impl Outside {
    /// Of a plan with these kept paths.
    pub(super) fn of(kept: &[String]) -> Self {
        Self {
            kept: kept.iter().map(PathBuf::from).collect(),
            ..Self::default()
        }
    }

    fn look(&self, app: &Path) -> io::Result<BTreeMap<PathBuf, Stat>> {
        let below = |path: &Path| path.strip_prefix(app).map(Path::to_owned);
        let walk = WalkDir::new(app).follow_root_links(false).into_iter();
        let walk = walk
            .filter_entry(|entry| below(entry.path()).is_ok_and(|path| !self.kept.contains(&path)));
        let mut files = BTreeMap::new();
        for entry in walk {
            let entry = entry?;
            if entry.file_type().is_dir() {
                continue;
            }
            let now = entry.metadata()?;
            let stat = (
                now.mode(),
                now.len(),
                now.mtime(),
                now.mtime_nsec(),
                now.ino(),
            );
            files.extend(below(entry.path()).map(|path| (path, stat)));
        }
        Ok(files)
    }
}

impl Tree {
    /// A step is about to run, alone or with others; `remembered` is whether it may be left out another time.
    pub(super) fn watch_outside(&mut self, remembered: bool) -> io::Result<()> {
        let outside = &mut self.outside;
        if remembered {
            if outside.before.is_none() {
                outside.before = Some(outside.look(&self.app)?);
            }
            outside.watching = true;
        } else if !outside.watching {
            // Whatever it writes is nobody else's.
            outside.before = None;
        }
        Ok(())
    }

    /// A file outside of what is kept that differs from how it was when the steps that ended now began.
    pub(super) fn left_outside(&mut self) -> io::Result<Option<&Path>> {
        if self.outside.watching {
            let now = self.outside.look(&self.app)?;
            let before = self.outside.before.take().unwrap_or_default();
            let mut written = (now.iter())
                .filter(|(path, stat)| before.get(*path) != Some(*stat))
                .map(|(path, _)| path);
            let mut gone = before.keys().filter(|path| !now.contains_key(*path));
            let left = written.find(|path| !self.is_as_laid(path));
            self.outside.left = left.or_else(|| gone.next()).cloned();
            self.outside.before = Some(now);
            self.outside.watching = false;
        }
        Ok(self.outside.left.as_deref())
    }

    /// Whether a file is source that was written again as it was.
    fn is_as_laid(&self, path: &Path) -> bool {
        let laid = self.index.files.get(&name_of(path));
        laid.is_some_and(|laid| match laid {
            Laid::File {
                digest, executable, ..
            } => {
                let file = self.app.join(path);
                laid.stands(&file, *digest, *executable).is_some()
            }
            Laid::Folder | Laid::Link => false,
        })
    }
}
