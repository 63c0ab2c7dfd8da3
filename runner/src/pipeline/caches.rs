//! Folders of downloads for package managers: kept under keys, given to a build as a copy of its own.
//!
//! A copy and no hard links: npm, for one, appends to files of its cache in place, which would reach what is kept under
//! other keys.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use buildpack_core::digest::Digest;
use buildpack_core::event::{Event, EventSink};
use buildpack_core::pack::StepMemo;
use buildpack_core::plan::{CacheFolder, PackPlan, Step};
use buildpack_core::store::{Bucket, CacheKey, Store};
use walkdir::WalkDir;

use super::failure::{Failure, disk};
use super::shared::SharedParts;
use super::source::{Source, SourceFile, executable};
use super::tree::{self, Tree};

/// A larger entry begins no new key: what nobody asks for any more would be carried on for ever.
const SEED_LIMIT: u64 = 1 << 30;

/// The folders that one build sees, below its kept folder.
pub(super) struct Caches<'a> {
    store: &'a Store,
    events: &'a dyn EventSink,
    folders: Vec<Cache<'a>>,
}

struct Cache<'a> {
    plan: &'a CacheFolder,
    key: CacheKey,
    /// Whose entries begin a new key: those of the same app.
    slot: String,
    folder: PathBuf,
    /// Steps that were started and did not succeed yet; none before one was started.
    open: Option<Vec<String>>,
}

/// Where a build of the app whose kept folder is `kept` has its copy of a cache.
pub(super) fn copy_of(kept: &Path, cache: &CacheFolder) -> PathBuf {
    let name = Digest::of(cache.id.as_bytes()).hex();
    kept.join("caches").join(name)
}

impl<'a> Caches<'a> {
    /// The folders of `plan`, empty so far. Whoever calls holds the lock of `kept`.
    pub(super) fn prepare(
        plan: &'a PackPlan,
        app: &Path,
        source: &Source,
        kept: &Path,
        store: &'a Store,
        events: &'a dyn EventSink,
    ) -> Result<Self, Failure> {
        let mut folders = Vec::new();
        for cache in &plan.caches {
            let folder = copy_of(kept, cache);
            renew(&folder).map_err(|error| disk("make a folder for packages", &error))?;
            folders.push(Cache {
                plan: cache,
                key: key(cache, source),
                slot: format!("{} {}", cache.id, app.display()),
                folder,
                open: None,
            });
        }
        Ok(Self {
            store,
            events,
            folders,
        })
    }

    /// The folders that steps used, with their places in the sandbox.
    pub(super) fn used(&self) -> impl Iterator<Item = (&Path, &str)> {
        let used = self.folders.iter().filter(|cache| cache.open.is_some());
        used.map(|cache| (cache.folder.as_path(), cache.plan.place.as_str()))
    }

    /// A step is about to run: what it uses is filled.
    fn started(&mut self, step: &Step) -> io::Result<()> {
        for cache in self.folders.iter_mut().filter(|cache| cache.uses(step)) {
            if cache.open.is_none() {
                cache.fill(self.store, self.events)?;
            }
            cache.open.get_or_insert_default().push(step.id.clone());
        }
        Ok(())
    }

    fn succeeded(&mut self, step: &Step) {
        for cache in &mut self.folders {
            if let Some(open) = &mut cache.open {
                open.retain(|id| *id != step.id);
            }
        }
    }

    /// Keeps what the steps left, where all that used it succeeded and nothing is kept under its key yet. Not to be
    /// called while programs run.
    pub(super) fn take_in(self) -> Result<(), Failure> {
        let store = self.store;
        for cache in &self.folders {
            if cache.open.as_ref().is_some_and(Vec::is_empty) {
                let bucket = Bucket::Packages;
                store.make_dir::<Failure>(bucket, &cache.key, self.events, |draft| {
                    take(&cache.folder, draft).map_err(|error| disk("keep packages", &error))
                })?;
                store.remember(bucket, &cache.slot, &cache.key)?;
            }
            // The next build makes it anew; what can't be removed now is removed then.
            let _ = tree::remove(&cache.folder);
        }
        Ok(())
    }
}

impl Cache<'_> {
    fn uses(&self, step: &Step) -> bool {
        self.plan.steps.contains(&step.id)
    }

    fn fill(&self, store: &Store, events: &dyn EventSink) -> io::Result<()> {
        let kept = store.dir(Bucket::Packages, &self.key);
        events.emit(Event::Cache {
            what: format!("packages of {}", self.plan.id),
            hit: kept.is_some(),
            reason: (kept.is_none()).then(|| {
                store
                    .miss(Bucket::Packages, &self.slot, &self.key)
                    .to_string()
            }),
        });
        let (entry, limit) = if kept.is_some() {
            (kept, u64::MAX)
        } else {
            let last = store.last(Bucket::Packages, &self.slot);
            let entry = last.and_then(|key| store.dir(Bucket::Packages, &key));
            (entry, SEED_LIMIT)
        };
        match entry {
            // Packages can be fetched again: what can't be copied is no reason to fail.
            Some(entry) if !copy(&entry, &self.folder, limit).unwrap_or(false) => {
                renew(&self.folder)
            }
            _ => Ok(()),
        }
    }
}

/// What a cache is kept under.
fn key(cache: &CacheFolder, source: &Source) -> CacheKey {
    let mut key = CacheKey::new("packages").part("of", &cache.id);
    for (name, value) in &cache.key {
        key = key.part(name, value);
    }
    for path in &cache.files {
        let file = source.files.get(Path::new(path));
        key = match file {
            Some(SourceFile::File { digest, .. }) => key.part(path, digest),
            _ => key.part(path, "missing"),
        };
    }
    key
}

/// An empty folder, whatever stood there.
pub(super) fn renew(folder: &Path) -> io::Result<()> {
    tree::remove(folder)?;
    fs_err::create_dir_all(folder)
}

/// Copies the folders, files and links of `from` into the empty folder `to`. `false` where they are more than `limit`
/// bytes.
pub(super) fn copy(from: &Path, to: &Path, limit: u64) -> io::Result<bool> {
    let mut bytes = 0;
    for entry in WalkDir::new(from).min_depth(1) {
        let entry = entry?;
        let Ok(below) = entry.path().strip_prefix(from) else {
            continue;
        };
        let target = to.join(below);
        let kind = entry.file_type();
        if kind.is_dir() {
            fs_err::create_dir(&target)?;
        } else if kind.is_symlink() {
            symlink(fs_err::read_link(entry.path())?, &target)?;
        } else {
            bytes += fs_err::copy(entry.path(), &target)?;
            if bytes > limit {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Moves what is in `from` to `to`.
fn take(from: &Path, to: &Path) -> io::Result<()> {
    settle(from)?;
    for entry in fs_err::read_dir(from)? {
        let entry = entry?;
        fs_err::rename(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Makes all below `folder` readable for its owner, and removes sockets, pipes and devices. A folder is opened before it
/// is read.
fn settle(folder: &Path) -> io::Result<()> {
    fs_err::set_permissions(folder, Permissions::from_mode(0o755))?;
    for entry in fs_err::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            settle(&entry.path())?;
        } else if kind.is_file() {
            let program = executable(&entry.metadata()?);
            let mode = if program { 0o755 } else { 0o644 };
            fs_err::set_permissions(entry.path(), Permissions::from_mode(mode))?;
        } else if !kind.is_symlink() {
            fs_err::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// What a compile tells of its steps, to the tree, to the caches and to what builds share.
pub(super) struct Memo<'a, 'c> {
    /// The tree.
    pub(super) tree: &'a mut Tree,
    /// The caches.
    pub(super) caches: &'a mut Caches<'c>,
    /// What builds share.
    pub(super) shared: &'a SharedParts<'c>,
}

impl StepMemo for Memo<'_, '_> {
    fn due(&self, step: &Step) -> Option<String> {
        self.tree.due(step)
    }

    fn is_idle(&self, step: &Step) -> bool {
        self.tree.is_idle(step)
    }

    fn started(&mut self, step: &Step) -> io::Result<()> {
        self.tree.started(step)?;
        self.caches.started(step)
    }

    fn succeeded(&mut self, step: &Step) -> io::Result<()> {
        self.caches.succeeded(step);
        self.shared.succeeded(&step.id);
        self.tree.succeeded(step)
    }
}

#[cfg(test)]
mod tests;
