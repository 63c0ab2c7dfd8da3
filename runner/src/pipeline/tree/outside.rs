//! What programs write outside of what is kept from build to build: the next build begins without it, so that a step that
//! left something there cannot be left out.

use std::cmp::Ordering;
use std::ffi::OsStr;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::Tree;
use super::laid::{Laid, name_of};

/// Files as they stand, sorted by path. An app may have a hundred thousand: their names lie in one piece.
#[derive(Default)]
struct Seen {
    names: Vec<u8>,
    files: Vec<File>,
}

struct File {
    /// Where its name ends; it begins where the one before it ends.
    end: usize,
    /// A hash of what tells that a file was written: its kind and mode, size, time and place on the disk.
    stat: u64,
}

impl Seen {
    fn add(&mut self, path: &Path, stat: u64) {
        self.names.extend(path.as_os_str().as_bytes());
        let end = self.names.len();
        self.files.push(File { end, stat });
    }

    fn iter(&self) -> impl Iterator<Item = (&Path, u64)> {
        let begins = [0]
            .into_iter()
            .chain(self.files.iter().map(|file| file.end));
        let files = self.files.iter().zip(begins);
        files.map(|(file, begin)| {
            let name = OsStr::from_bytes(&self.names[begin..file.end]);
            (Path::new(name), file.stat)
        })
    }

    /// Paths that are in one of both only, or differ; with whether it is here.
    fn differences<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = (&'a Path, bool)> {
        let mut now = self.iter().peekable();
        let mut before = before.iter().peekable();
        std::iter::from_fn(move || {
            loop {
                let order = match (now.peek(), before.peek()) {
                    (None, None) => return None,
                    (Some(_), None) => Ordering::Less,
                    (None, Some(_)) => Ordering::Greater,
                    (Some((here, _)), Some((then, _))) => here.cmp(then),
                };
                match order {
                    Ordering::Less => return now.next().map(|(path, _)| (path, true)),
                    Ordering::Greater => return before.next().map(|(path, _)| (path, false)),
                    Ordering::Equal => {
                        let (here, then) = (now.next()?, before.next()?);
                        if here.1 != then.1 {
                            return Some((here.0, true));
                        }
                    }
                }
            }
        })
    }
}

/// Watches the files outside of the kept paths while steps run.
#[derive(Default)]
pub(super) struct Outside {
    /// The plan's kept paths.
    kept: Vec<PathBuf>,
    /// The files as they were when steps began that may be left out another time.
    before: Option<Seen>,
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

    /// Forgets what stood where: no step is at work any more.
    pub(super) fn forget(&mut self) {
        self.before = None;
    }

    fn look(&self, app: &Path) -> io::Result<Seen> {
        let below = |path: &Path| path.strip_prefix(app).map(Path::to_owned);
        // Paths are compared by their parts: this is their order.
        let walk = WalkDir::new(app)
            .follow_root_links(false)
            .sort_by_file_name();
        let walk = (walk.into_iter())
            .filter_entry(|entry| below(entry.path()).is_ok_and(|path| !self.kept.contains(&path)));
        let mut files = Seen::default();
        for entry in walk {
            let entry = entry?;
            if entry.file_type().is_dir() {
                continue;
            }
            let now = entry.metadata()?;
            let mut stat = DefaultHasher::new();
            let times = (now.mtime(), now.mtime_nsec());
            (now.mode(), now.len(), times, now.ino()).hash(&mut stat);
            if let Ok(path) = below(entry.path()) {
                files.add(&path, stat.finish());
            }
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
            let mut gone = None;
            let written = now.differences(&before).find(|(path, here)| {
                if !here && gone.is_none() {
                    gone = Some(path.to_path_buf());
                }
                *here && !self.is_as_laid(path)
            });
            self.outside.left = written.map(|(path, _)| path.to_owned()).or(gone);
            self.outside.before = Some(now);
            self.outside.watching = false;
        }
        Ok(self.outside.left.as_deref())
    }

    /// Whether a file is source that was written again as it was.
    fn is_as_laid(&self, path: &Path) -> bool {
        let laid = self.files.get(&name_of(path));
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn seen(files: &BTreeMap<PathBuf, u64>) -> Seen {
        let mut seen = Seen::default();
        for (path, stat) in files {
            seen.add(path, *stat);
        }
        seen
    }

    #[test]
    fn a_walk_finds_files_in_the_order_of_their_paths() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["a/x", "a.b", "a-b/c", "A", "b/c/d", "b/c.d"] {
            let path = folder.path().join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, "").unwrap();
        }
        let seen = Outside::default().look(folder.path()).unwrap();
        let paths: Vec<_> = seen.iter().map(|(path, _)| path).collect();
        assert_eq!(paths.len(), 6);
        assert!(paths.is_sorted(), "{paths:?}");
    }

    proptest! {
        #[test]
        fn differences_are_those_of_the_files(
            now in prop::collection::btree_map("[ab./]{1,5}", 0_u64..3, 0..20),
            before in prop::collection::btree_map("[ab./]{1,5}", 0_u64..3, 0..20),
        ) {
            let paths = |files: BTreeMap<String, u64>| -> BTreeMap<PathBuf, u64> {
                files.into_iter().map(|(path, stat)| (PathBuf::from(path), stat)).collect()
            };
            let (now, before) = (paths(now), paths(before));
            let mut expected: Vec<_> = (now.iter())
                .filter(|(path, stat)| before.get(*path) != Some(*stat))
                .map(|(path, _)| (path.clone(), true))
                .chain(before.keys().filter(|path| !now.contains_key(*path)).map(|path| (path.clone(), false)))
                .collect();
            expected.sort();
            let (now, before) = (seen(&now), seen(&before));
            let mut found: Vec<_> = (now.differences(&before)).map(|(path, here)| (path.to_owned(), here)).collect();
            found.sort();
            prop_assert_eq!(found, expected);
        }
    }
}
