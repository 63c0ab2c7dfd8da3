//! What builds of different apps share: laid into a tree where all that went into it is the same, kept when a step has made
//! it. An entry holds nothing of the app that it was made for.

mod entry;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::{fmt, io};

use buildpack_core::event::{Event, EventSink};
use buildpack_core::layer::Normalise;
use buildpack_core::pack::{Part, PartKind, Shared};
use buildpack_core::secret::SecretGate;
use buildpack_core::store::{Bucket, CacheKey, MissReason, Store, StoreError};
use walkdir::WalkDir;

use super::request::{ConfigVars, Request};
use entry::NotKept;

/// What one build may take and leave.
pub(super) struct SharedParts<'a> {
    /// What is kept.
    pub(super) store: &'a Store,
    /// What is said of it.
    pub(super) events: &'a dyn EventSink,
    /// The app's folder on the host.
    pub(super) tree: &'a Path,
    /// The app's folder in the sandbox.
    pub(super) app_dir: &'a str,
    /// What is built.
    pub(super) request: &'a Request,
    /// The stack's build image; none where programs run in place.
    pub(super) build_image: Option<String>,
    /// What no entry may hold.
    pub(super) gate: SecretGate,
    /// What files say once their own compression is undone.
    pub(super) normalisers: Vec<Box<dyn Normalise>>,
    /// Whether anything is shared at all.
    pub(super) shares: bool,
    /// Whether what is kept may be used.
    pub(super) takes: bool,
    /// What steps are about to make.
    pub(super) expected: RefCell<Vec<Expected>>,
}

/// A part that is to be kept when it is made.
pub(super) struct Expected {
    kind: PartKind,
    /// The step that makes it.
    maker: String,
    part: Part,
    key: CacheKey,
    /// What it is made of, as that was before.
    before: Files,
}

/// Files below a folder, with what tells that one was written.
type Files = BTreeMap<PathBuf, (u64, i64, i64, u64)>;

impl Shared for SharedParts<'_> {
    fn restore(&self, kind: PartKind, maker: &str, parts: Vec<Part>) -> io::Result<Vec<String>> {
        if !self.shares {
            return Ok(Vec::new());
        }
        let count = parts.len();
        let mut standing = Vec::new();
        for part in parts {
            match self.take(kind, &part)? {
                Ok(()) => standing.push(part.name),
                Err((key, reason)) => {
                    self.say(kind, &part.name, Some(reason));
                    let Some(key) = key else { continue };
                    let of = part.made_of.as_ref().map(|folder| self.tree.join(folder));
                    self.expected.borrow_mut().push(Expected {
                        kind,
                        maker: maker.to_owned(),
                        before: of.map_or_else(Files::new, |folder| files(&folder)),
                        part,
                        key,
                    });
                }
            }
        }
        if kind == PartKind::Compiled && !standing.is_empty() {
            let number = standing.len();
            let heading = format!("Reusing {number} of {count} compiled packages");
            self.events.heading(&heading);
        }
        Ok(standing)
    }

    fn config_vars(&self, count: &dyn Fn(&str) -> bool) -> io::Result<Option<String>> {
        let machine = self.request.here.iter().flat_map(|here| &here.env);
        let counting: BTreeMap<String, String> = machine
            .chain(&self.request.config_vars.0)
            .filter(|(name, _)| count(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if counting.is_empty() {
            return Ok(None);
        }
        let hash = ConfigVars(counting).keyed_hash(self.store);
        hash.map(Some)
            .map_err(|failure| io::Error::other(failure.to_string()))
    }
}

impl SharedParts<'_> {
    /// Lays a part down; else its key, where it has one, and why it was not laid down.
    fn take(
        &self,
        kind: PartKind,
        part: &Part,
    ) -> io::Result<Result<(), (Option<CacheKey>, String)>> {
        let key = match &part.key {
            Ok(key) => self.whole_key(kind, part, key.clone()),
            Err(why) => return Ok(Err((None, why.clone()))),
        };
        let bucket = bucket(kind);
        if !self.takes {
            let reason = "nothing that is kept is to be used".to_owned();
            return Ok(Err((Some(key), reason)));
        }
        let folders: Vec<&str> = std::iter::once(part.place.as_str())
            .chain(part.made_of.as_deref())
            .collect();
        let mut reason = self.store.miss(bucket, &part.name, &key);
        let narrow = self.narrow_key(kind, part);
        for key in std::iter::once(&key).chain(&narrow) {
            let Some(entry) = self.store.dir(bucket, key) else {
                continue;
            };
            if entry::lay(&entry, self.tree, &folders, key)? {
                self.say(kind, &part.name, None);
                return Ok(Ok(()));
            }
            // Another build may be reading it; then the next one tries again.
            let _ = self.store.remove(bucket, key);
            reason = MissReason::Damaged;
        }
        Ok(Err((Some(key), reason.to_string())))
    }

    fn narrow_key(&self, kind: PartKind, part: &Part) -> Option<CacheKey> {
        let narrow = part.narrow.clone()?;
        Some(self.whole_key(kind, part, narrow))
    }

    fn whole_key(&self, kind: PartKind, part: &Part, key: CacheKey) -> CacheKey {
        if kind == PartKind::Sources {
            return key;
        }
        let target = &self.request.target;
        let key = key
            .part("stack", target.stack.name)
            .part("architecture", target.arch);
        if !part.native {
            return key;
        }
        let image = self.build_image.as_deref().unwrap_or("in place");
        key.part("build image", image)
    }

    /// A step succeeded: what it was to make is kept.
    pub(super) fn succeeded(&self, step: &str) {
        let all = std::mem::take(&mut *self.expected.borrow_mut());
        let (made, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|it| it.maker == step);
        *self.expected.borrow_mut() = others;
        for expected in &made {
            if let Err(why) = self.keep(expected) {
                let name = &expected.part.name;
                self.events.emit(Event::Cache {
                    what: called(expected.kind, name),
                    hit: false,
                    reason: Some(format!("and not kept for other builds: {why}")),
                });
            }
        }
    }

    /// Keeps one part, or says why not: the build is none the worse for it.
    fn keep(&self, expected: &Expected) -> Result<(), String> {
        let Expected { part, key, .. } = expected;
        let bucket = bucket(expected.kind);
        let mut folders = vec![part.place.clone()];
        if let Some(of) = &part.made_of
            && files(&self.tree.join(of)) != expected.before
        {
            folders.push(of.clone());
        }
        let keep = |key: &CacheKey, is_narrow: bool| {
            let check = |path: &str, content: Vec<u8>| {
                let checked = (part.check)(path, content).map_err(NotKept::Unfit)?;
                if self.holds_secret(path, &checked.content) {
                    let why = "it holds the value of a config var".to_owned();
                    return Err(NotKept::Unfit(why));
                }
                if checked.narrow && !is_narrow {
                    return Err(NotKept::Narrow);
                }
                Ok(checked)
            };
            let make = |draft: &Path| {
                let written = entry::write(draft, self.tree, &folders, key, &check);
                written.map_err(Trouble::from)
            };
            self.store.make_dir(bucket, key, self.events, make)
        };
        match keep(key, false) {
            Err(Trouble::Kept(NotKept::Narrow)) => {
                let why = "it follows from the words of the app";
                let narrow = self.narrow_key(expected.kind, part).ok_or(why)?;
                keep(&narrow, true).map_err(|trouble| trouble.to_string())?;
            }
            other => drop(other.map_err(|trouble| trouble.to_string())?),
        }
        let remembered = self.store.remember(bucket, &part.name, key);
        remembered.map_err(|error| error.to_string())
    }

    fn holds_secret(&self, path: &str, content: &[u8]) -> bool {
        if self.gate.is_open() {
            return false;
        }
        let image_path = format!("{}/{path}", self.app_dir);
        let revealed = (self.normalisers.iter())
            .filter(|normaliser| normaliser.wants(&image_path))
            .flat_map(|normaliser| normaliser.reveal(&image_path, content));
        self.gate.finds(path.as_bytes())
            || self.gate.finds(content)
            || revealed.into_iter().any(|text| self.gate.finds(&text))
    }

    fn say(&self, kind: PartKind, name: &str, missed: Option<String>) {
        self.events.emit(Event::Cache {
            what: called(kind, name),
            hit: missed.is_none(),
            reason: missed,
        });
    }
}

/// Why something was not kept.
enum Trouble {
    Store(StoreError),
    Kept(NotKept),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<NotKept> for Trouble {
    fn from(why: NotKept) -> Self {
        Self::Kept(why)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Kept(NotKept::Unfit(why)) => f.write_str(why),
            Self::Kept(NotKept::Narrow) => f.write_str("it follows from more than its key"),
            Self::Kept(NotKept::Failed(error)) => error.fmt(f),
        }
    }
}

fn bucket(kind: PartKind) -> Bucket {
    match kind {
        PartKind::Sources => Bucket::Sources,
        PartKind::Compiled => Bucket::Compiled,
    }
}

fn called(kind: PartKind, name: &str) -> String {
    match kind {
        PartKind::Sources => format!("source of {name}"),
        PartKind::Compiled => format!("compiled {name}"),
    }
}

/// All files below a folder; what cannot be looked at counts as not there.
fn files(folder: &Path) -> Files {
    let entries = WalkDir::new(folder).follow_root_links(false).into_iter();
    let entries = entries
        .flatten()
        .filter(|entry| !entry.file_type().is_dir());
    entries
        .filter_map(|entry| {
            let found = entry.metadata().ok()?;
            let stat = (found.len(), found.mtime(), found.mtime_nsec(), found.ino());
            Some((entry.into_path(), stat))
        })
        .collect()
}

#[cfg(test)]
mod tests;
