//! The cache as a build sees it: its index is read once, and then no more than what is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use buildpack_core::digest::Digest;
use buildpack_core::event::{Event, EventSink};
use buildpack_core::store::{Bucket, CacheKey, Elsewhere, NamedBlob, Used};
use fs_err::File;
use serde_json::Value;

use super::artifact::{Entry, Index, Stored};
use super::problem::Problem;
use super::secret::SharedSecret;
use super::{packed, record};
use crate::registry::{
    Access, Holders, Manifest, Reference, Registries, RegistryError, Repository,
};

/// A larger record is none.
const LONGEST_RECORD: u64 = 16 << 20;

/// Where a cache is read and where it is written: names with a tag.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// What is read.
    pub from: Option<Reference>,
    /// What is written.
    pub to: Option<Reference>,
}

/// A cache in a registry.
pub struct RemoteCache {
    pub(super) from: Option<Place>,
    pub(super) to: Option<Place>,
    pub(super) secret: Option<SharedSecret>,
    pub(super) events: Box<dyn EventSink>,
    index: OnceLock<Index>,
    /// Nothing is asked for any more.
    given_up: AtomicBool,
    refused: Mutex<BTreeSet<Name>>,
    told: Mutex<BTreeSet<&'static str>>,
    used: Mutex<BTreeMap<Name, Noted>>,
    pub(super) taken: AtomicU64,
    pub(super) taken_bytes: AtomicU64,
}

/// A tag of a repository.
pub(super) struct Place {
    pub(super) name: String,
    host: String,
    pub(super) repository: Repository,
    pub(super) tag: String,
}

/// Bucket, with its format, and key.
pub(super) type Name = (String, String);

/// What a build used.
#[derive(Clone)]
pub(super) struct Noted {
    pub(super) bucket: Bucket,
    pub(super) key: CacheKey,
    pub(super) what: Used,
}

impl Place {
    fn new(
        registries: &Registries,
        reference: Option<&Reference>,
        access: Access,
    ) -> Result<Option<Self>, RegistryError> {
        let Some(reference) = reference else {
            return Ok(None);
        };
        Ok(Some(Self {
            name: reference.to_string(),
            host: reference.host().to_owned(),
            repository: registries.repository(reference, access)?,
            tag: reference.tag().unwrap_or("latest").to_owned(),
        }))
    }

    /// What stands there; a tag that is not there is an empty cache.
    pub(super) fn read(&self) -> Result<Index, Problem> {
        match self.manifest()? {
            Some(manifest) => Index::read(&manifest.bytes).map_err(Problem::NoCache),
            None => Ok(Index::default()),
        }
    }

    fn manifest(&self) -> Result<Option<Manifest>, Problem> {
        match self.repository.get_manifest(&self.tag) {
            Ok(manifest) => Ok(Some(manifest)),
            Err(RegistryError::NotFound { .. } | RegistryError::NoRepository { .. }) => Ok(None),
            Err(error) => Err(Problem::Unread(error)),
        }
    }
}

impl RemoteCache {
    /// The cache at `places`. Nothing is asked yet.
    pub fn new(
        registries: &Registries,
        places: &Places,
        secret: Option<SharedSecret>,
        events: Box<dyn EventSink>,
    ) -> Result<Self, RegistryError> {
        Ok(Self {
            from: Place::new(registries, places.from.as_ref(), Access::Pull)?,
            to: Place::new(registries, places.to.as_ref(), Access::Push)?,
            secret,
            events,
            index: OnceLock::new(),
            given_up: AtomicBool::new(false),
            refused: Mutex::default(),
            told: Mutex::default(),
            used: Mutex::default(),
            taken: AtomicU64::new(0),
            taken_bytes: AtomicU64::new(0),
        })
    }

    /// Begins to read the index, so that it is there when it is asked for.
    pub fn begin(self: &Arc<Self>) {
        let own = Arc::clone(self);
        // It ends with the process, should nobody wait for it.
        std::thread::spawn(move || {
            own.index();
        });
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| {
            let read = self.from.as_ref().map(Place::read);
            match read.unwrap_or_else(|| Ok(Index::default())) {
                Ok(index) => index,
                Err(problem) => {
                    self.tell(self.from.as_ref(), problem);
                    Index::default()
                }
            }
        })
    }

    /// Tells which blobs can be mounted from what was read.
    pub fn teach(&self, holders: &dyn Holders) {
        if let (Some(from), Some(index)) = (&self.from, self.index.get())
            && !index.blobs.is_empty()
        {
            let blobs: Vec<Digest> = index.blobs.keys().copied().collect();
            let repository = &from.repository;
            holders.learn(repository.host(), repository.name(), &blobs);
        }
    }

    /// Whether the registry of `to` has a blob in the cache that is read: a push can have it mounted, and it need not come
    /// here.
    pub fn is_beside(&self, to: &Reference, blob: &NamedBlob) -> bool {
        let Some(from) = (self.from.as_ref()).filter(|from| from.host == to.host()) else {
            return false;
        };
        if self.given_up.load(Ordering::Relaxed) {
            return false;
        }
        let stored = self.index().blobs.get(&blob.digest);
        // The index may name what the registry has lost since.
        stored.is_some_and(|stored| stored.size == blob.size)
            && from.repository.has_blob(&blob.digest).unwrap_or(false)
    }

    /// Tells of a problem, once of each kind.
    pub(super) fn tell(&self, place: Option<&Place>, problem: Problem) {
        let name = place.map_or("", |place| &place.name);
        let diagnostic = problem.diagnostic(name);
        if lock(&self.told).insert(diagnostic.code.0) {
            self.events.emit(Event::Diagnostic { diagnostic });
        }
    }

    fn find(&self, bucket: Bucket, key: &CacheKey) -> Option<(Name, &Entry)> {
        let name = name(bucket, key);
        if self.given_up.load(Ordering::Relaxed) || lock(&self.refused).contains(&name) {
            return None;
        }
        let entry = self.index().entries.get(&name)?;
        Some((name, entry))
    }

    /// Whether those who know the secret vouch for an entry, where there is a secret.
    pub(super) fn is_vouched_for(&self, name: &Name, entry: &Entry) -> bool {
        let Some(secret) = &self.secret else {
            return true;
        };
        let signature = entry.signature.as_deref().unwrap_or_default();
        secret.vouches(signature, &name.0, &name.1, &entry.stored.digest)
    }

    /// Whether what stands there under this name was found to be of no use.
    pub(super) fn was_refused(&self, name: &Name) -> bool {
        lock(&self.refused).contains(name)
    }

    fn refuse(&self, name: Name, why: String) {
        lock(&self.refused).insert(name);
        self.tell(self.from.as_ref(), Problem::Refused(why));
    }

    /// Does `take` with the file of an entry, whose digest was checked.
    fn take<T>(
        &self,
        (bucket, key): (Bucket, &CacheKey),
        beside: Option<&Path>,
        take: impl FnOnce(&Path) -> Result<T, String>,
    ) -> Option<T> {
        let (name, entry) = self.find(bucket, key)?;
        let what = format!("the entry `{}` of {bucket}", key.digest().short());
        if !self.is_vouched_for(&name, entry) {
            let why = format!("{what} is not signed with the secret of this builder");
            self.refuse(name, why);
            return None;
        }
        let file = match beside {
            Some(folder) => tempfile::NamedTempFile::new_in(folder),
            None => tempfile::NamedTempFile::new(),
        };
        let file = file.ok()?;
        if !self.fetch(&entry.stored, file.path(), Some(&name)) {
            return None;
        }
        match take(file.path()) {
            Ok(taken) => {
                self.events.emit(Event::Cache {
                    what: format!("{bucket} `{}` in the remote cache", key.digest().short()),
                    hit: true,
                    reason: None,
                });
                self.taken.fetch_add(1, Ordering::Relaxed);
                Some(taken)
            }
            Err(why) => {
                self.refuse(name, format!("{what}: {why}"));
                None
            }
        }
    }

    /// Writes a blob to a file; what is wrong is told, and remembered where it is about the entry `of` alone.
    fn fetch(&self, stored: &Stored, into: &Path, of: Option<&Name>) -> bool {
        let Some(from) = &self.from else { return false };
        let mut reader = from.repository.get_blob(&stored.digest, stored.size);
        let written = File::create(into).and_then(|mut file| io::copy(&mut reader, &mut file));
        let error = match written {
            Ok(bytes) => {
                self.taken_bytes.fetch_add(bytes, Ordering::Relaxed);
                return true;
            }
            Err(error) => RegistryError::of_read(error),
        };
        let about_it = matches!(
            error,
            RegistryError::WrongDigest { .. }
                | RegistryError::NotFound { .. }
                | RegistryError::Unexpected { .. }
        );
        match of {
            _ if !about_it => {
                // A registry that fails now would be waited for again and again.
                self.given_up.store(true, Ordering::Relaxed);
                self.tell(Some(from), Problem::Unread(error));
            }
            Some(name) => self.refuse(name.clone(), error.to_string()),
            None => self.tell(Some(from), Problem::Refused(error.to_string())),
        }
        false
    }

    /// All that was made or used so far.
    pub(super) fn noted(&self) -> Vec<(Name, Noted)> {
        let used = lock(&self.used);
        used.iter()
            .map(|(name, noted)| (name.clone(), noted.clone()))
            .collect()
    }
}

impl Elsewhere for RemoteCache {
    fn has(&self, bucket: Bucket, key: &CacheKey) -> bool {
        self.find(bucket, key).is_some()
    }

    fn folder(&self, bucket: Bucket, key: &CacheKey, into: &Path) -> bool {
        let take = |file: &Path| packed::unpack(file, (bucket, key), into);
        self.take((bucket, key), into.parent(), take).is_some()
    }

    fn record(&self, bucket: Bucket, key: &CacheKey) -> Option<Value> {
        self.take((bucket, key), None, |file| {
            let mut bytes = Vec::new();
            File::open(file)
                .and_then(|file| file.take(LONGEST_RECORD).read_to_end(&mut bytes))
                .map_err(|error| error.to_string())?;
            record::read(&bytes, bucket, key)
        })
    }

    fn blob(&self, blob: &NamedBlob, into: &Path) -> bool {
        if self.given_up.load(Ordering::Relaxed) {
            return false;
        }
        match self.index().blobs.get(&blob.digest) {
            Some(stored) if stored.size == blob.size => self.fetch(stored, into, None),
            _ => false,
        }
    }

    fn used(&self, bucket: Bucket, key: &CacheKey, what: Used) {
        let noted = Noted {
            bucket,
            key: key.clone(),
            what,
        };
        lock(&self.used).insert(name(bucket, key), noted);
    }
}

/// What an entry is called in the index.
pub(super) fn name(bucket: Bucket, key: &CacheKey) -> Name {
    (bucket.folder().to_owned(), key.digest().hex())
}

/// The digests of blobs.
pub(super) fn digests(blobs: &[NamedBlob]) -> Vec<Digest> {
    blobs.iter().map(|blob| blob.digest).collect()
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
