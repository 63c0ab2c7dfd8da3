//! Static files of an app's earlier builds, kept so that a page that was loaded before a deploy finds them after it. They
//! are in an image only where that is asked for: it then depends on the builds before it, which is what is wanted.
//!
//! An entry of the store is what one build left: digested files with a manifest. Which they are, newest first, is a record
//! of the app's folder and stack.

use std::cell::OnceCell;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use buildpack_core::digest::{Digest, Hasher, HashingReader};
use buildpack_core::event::EventSink;
use buildpack_core::pack::EarlierFiles;
use buildpack_core::store::{Bucket, CacheKey, Store};
use walkdir::WalkDir;

use super::failure::{Failure, disk};
use super::request::Request;
use super::tree::{self, Lent};

/// More bytes of earlier builds are in no image: the oldest are left out first.
const MOST: u64 = 256 << 20;

/// What the builds of one app left.
pub(super) struct History<'a> {
    store: &'a Store,
    /// Whose it is.
    of: String,
    /// How many of them an image is to hold besides its own.
    count: usize,
    /// Those that are still there, newest first: what was left, and its folder.
    versions: Vec<(Digest, PathBuf)>,
}

impl<'a> History<'a> {
    /// Of the app that is asked for; none where it is asked for none.
    pub(super) fn read(request: &Request, store: &'a Store) -> Option<Self> {
        if request.keep_assets == 0 {
            return None;
        }
        let app = fs_err::canonicalize(&request.app).unwrap_or_else(|_| request.app.clone());
        let mut history = Self {
            store,
            of: format!("{} on {}", app.display(), request.target.stack.name),
            count: request.keep_assets,
            versions: Vec::new(),
        };
        // A damaged record is none: there is nothing in it that could not be done without.
        let known: Vec<Digest> = store
            .record(Bucket::Assets, &history.of)
            .get()
            .unwrap_or_default();
        if !request.clear_cache {
            let there = |left| Some((left, store.dir(Bucket::Assets, &history.key(left))?));
            history.versions = known.into_iter().filter_map(there).collect();
        }
        Some(history)
    }

    /// All that an image depends on.
    pub(super) fn identity(&self) -> String {
        let known = self.versions.iter().take(self.count + 1);
        let known: Vec<String> = known.map(|(left, _)| left.hex()).collect();
        format!("{} of {}", self.count, known.join(" "))
    }

    fn key(&self, left: Digest) -> CacheKey {
        CacheKey::new("earlier assets")
            .part("of", &self.of)
            .part("files", left)
    }

    /// The folders of as many other versions as are wanted.
    fn others(&self, own: Digest) -> io::Result<Vec<PathBuf>> {
        let others = self.versions.iter().filter(|(left, _)| *left != own);
        let mut folders = Vec::new();
        let mut bytes = 0;
        for (_, folder) in others.take(self.count) {
            bytes += size(folder)?;
            if bytes > MOST {
                break;
            }
            folders.push(folder.clone());
        }
        Ok(folders)
    }

    /// Makes what lies in `draft` the newest version; those that no image will want any more go.
    fn add(&mut self, own: Digest, draft: &Path, events: &dyn EventSink) -> Result<(), Failure> {
        let key = self.key(own);
        let make = |entry: &Path| {
            let moved = fs_err::read_dir(draft).and_then(|mut files| {
                files.try_for_each(|file| {
                    let file = file?;
                    fs_err::rename(file.path(), entry.join(file.file_name()))
                })
            });
            moved.map_err(|error| disk("keep static files", &error))
        };
        let folder = self
            .store
            .make_dir::<Failure>(Bucket::Assets, &key, events, make)?;
        self.versions.retain(|(left, _)| *left != own);
        self.versions.insert(0, (own, folder));
        let kept = self.versions.len().min(self.count + 1);
        let gone = self.versions.split_off(kept);
        let known: Vec<Digest> = self.versions.iter().map(|(left, _)| *left).collect();
        self.store.record(Bucket::Assets, &self.of).write(&known)?;
        for (left, _) in gone {
            self.store.remove(Bucket::Assets, &self.key(left))?;
        }
        Ok(())
    }
}

/// What one build finds of earlier ones, and leaves for later ones.
pub(super) struct EarlierAssets<'a> {
    history: History<'a>,
    events: &'a dyn EventSink,
    draft: PathBuf,
    lent: Lent,
    /// What this build left; none before all of it is there.
    own: OnceCell<Digest>,
}

impl<'a> EarlierAssets<'a> {
    /// For a build in the tree `app`, of which `kept` remembers things. Whoever calls holds the tree's lock.
    pub(super) fn begin(
        history: History<'a>,
        app: &Path,
        kept: &Path,
        events: &'a dyn EventSink,
    ) -> Result<Self, Failure> {
        let draft = kept.join("assets-draft");
        let emptied = tree::remove(&draft).and_then(|()| fs_err::create_dir_all(&draft));
        emptied.map_err(|error| disk("make a folder for static files", &error))?;
        Ok(Self {
            history,
            events,
            draft,
            lent: Lent::to(app, kept),
            own: OnceCell::new(),
        })
    }

    /// Keeps what this build left, now that its image is made; the history with it.
    pub(super) fn take_in(mut self) -> Result<History<'a>, Failure> {
        let failed = |error: io::Error| disk("keep static files", &error);
        if let Some(own) = self.own.get().copied() {
            if size(&self.draft).map_err(failed)? > MOST {
                let limit = MOST >> 20;
                self.events.detail(&format!(
                    "More than {limit} MiB of static files: later builds will not hold them"
                ));
            } else {
                self.history.add(own, &self.draft, self.events)?;
            }
        }
        // The next build makes it anew; what can't be removed now is removed then.
        let _ = tree::remove(&self.draft);
        Ok(self.history)
    }
}

impl EarlierFiles for EarlierAssets<'_> {
    fn draft(&self) -> &Path {
        &self.draft
    }

    fn others(&self) -> io::Result<Vec<PathBuf>> {
        let own = content(&self.draft)?;
        let others = self.history.others(own)?;
        let _ = self.own.set(own);
        match others.len() {
            0 => {}
            1 => self
                .events
                .detail("With static files of one earlier version"),
            count => {
                let text = format!("With static files of {count} earlier versions");
                self.events.detail(&text);
            }
        }
        Ok(others)
    }

    fn lend(&self, path: &str) -> io::Result<()> {
        self.lent.lend(path)
    }
}

/// A digest of the names and contents of all files of a folder.
fn content(folder: &Path) -> io::Result<Digest> {
    let mut hasher = Hasher::new();
    for entry in WalkDir::new(folder).sort_by_file_name() {
        let entry = entry?;
        if entry.file_type().is_file() {
            let below = entry.path().strip_prefix(folder).unwrap_or(entry.path());
            let file = fs_err::File::open(entry.path())?;
            let (digest, _) = HashingReader::new(file).drain()?;
            hasher.field(below.as_os_str().as_bytes());
            hasher.field(digest.bytes());
        }
    }
    Ok(hasher.finish())
}

fn size(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in WalkDir::new(folder) {
        let entry = entry?;
        if entry.file_type().is_file() {
            bytes += entry.metadata()?.len();
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
