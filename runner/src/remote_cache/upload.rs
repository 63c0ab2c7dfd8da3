//! After a build that succeeded: what it used or made, and nobody sent yet, goes to the repository; then the index.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use buildpack_core::digest::Digest;
use buildpack_core::event::Event;
use buildpack_core::image::{BlobDir, OCI_MANIFEST};
use buildpack_core::secret::SecretGate;
use buildpack_core::store::{Bucket, NamedBlob, Store, Used};
use fs_err::File;
use jiff::civil::Date;

use super::artifact::{EMPTY, Entry, Index, RECORD, Stored};
use super::merge::merge;
use super::packed::{self, Unfit};
use super::problem::Problem;
use super::record;
use super::remote::{Name, Noted, Place, RemoteCache, digests, lock};
use crate::registry::{Holders, Open, Put, RegistryError, Repository, each};

/// Entries that are packed and sent at once.
const WORKERS: usize = 4;

/// What sending depends on.
pub struct Sending<'a> {
    /// Where the entries are.
    pub store: &'a Store,
    /// No entry with a value that it knows is sent.
    pub gate: &'a SecretGate,
    /// The day of this run.
    pub today: Date,
    /// Bytes that the cache may have.
    pub cap: u64,
    /// Which repositories hold which blob.
    pub holders: &'a dyn Holders,
}

/// What was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sent {
    /// Entries that were not there.
    pub entries: usize,
    /// Bytes that were sent for them.
    pub bytes: u64,
}

/// What a build used.
#[derive(Default)]
struct Sorted {
    /// It is there.
    known: Vec<(Name, Entry)>,
    /// It is to be sent.
    new: Vec<(Name, Noted)>,
}

impl RemoteCache {
    /// Sends what was used or made and is not there, says what became of the cache, and what of it was used. What goes
    /// wrong is told as a warning.
    pub fn send(&self, sending: &Sending<'_>) -> Sent {
        let sent = self.to.as_ref().map(|to| {
            self.try_send(to, sending).unwrap_or_else(|problem| {
                self.tell(Some(to), problem);
                Sent::default()
            })
        });
        let place = self.to.as_ref().or(self.from.as_ref());
        if let Some(place) = place {
            let sent = sent.unwrap_or_default();
            self.events.emit(Event::RemoteCache {
                reference: place.name.clone(),
                taken: self.taken.load(Ordering::Relaxed),
                taken_bytes: self.taken_bytes.load(Ordering::Relaxed),
                sent: sent.entries as u64,
                sent_bytes: sent.bytes,
            });
        }
        sent.unwrap_or_default()
    }

    fn try_send(&self, to: &Place, sending: &Sending<'_>) -> Result<Sent, Problem> {
        let there = to.read()?;
        let Sorted { known, new } = self.sort(&there);
        let is_stale = |(_, entry): &(Name, Entry)| entry.used < sending.today;
        if new.is_empty() && !known.iter().any(is_stale) {
            return Ok(Sent::default());
        }
        let upload = Upload {
            cache: self,
            to: &to.repository,
            sending,
            bytes: Arc::default(),
            blobs_there: there.blobs.keys().copied().collect(),
            ours: Mutex::new(Index::default()),
        };
        let unwritten = Problem::Unwritten;
        let stop = AtomicBool::new(false);
        let work = |(name, noted)| upload.one(name, &noted);
        each(new, WORKERS, &stop, &|| {}, work).map_err(unwritten)?;
        let mut ours = std::mem::take(&mut *lock(&upload.ours));
        let entries = ours.entries.len();
        for (name, mut entry) in known {
            entry.used = entry.used.max(sending.today);
            ours.entries.insert(name, entry);
        }
        if entries > 0 {
            to.repository.put_bytes(EMPTY).map_err(unwritten)?;
        }
        let merged = write(to, &ours, sending.cap)?;
        let blobs: Vec<Digest> = merged.blobs.keys().copied().collect();
        let repository = &to.repository;
        sending
            .holders
            .learn(repository.host(), repository.name(), &blobs);
        Ok(Sent {
            entries,
            bytes: upload.bytes.load(Ordering::Relaxed),
        })
    }

    fn sort(&self, there: &Index) -> Sorted {
        let mut sorted = Sorted::default();
        for (name, noted) in self.noted() {
            let good = there.entries.get(&name).filter(|entry| {
                !self.was_refused(&name)
                    && self.is_vouched_for(&name, entry)
                    && entry
                        .blobs
                        .iter()
                        .all(|blob| there.blobs.contains_key(blob))
            });
            match good {
                Some(entry) => sorted.known.push((name, entry.clone())),
                None => sorted.new.push((name, noted)),
            }
        }
        sorted
    }
}

/// Puts the index there: theirs as it is now, and ours. Blobs that the registry has lost since are left out with all that
/// names them.
fn write(to: &Place, ours: &Index, cap: u64) -> Result<Index, Problem> {
    let merged = merge(to.read()?, ours.clone(), cap);
    match put(to, &merged) {
        Ok(()) => Ok(merged),
        Err(error) if error.is_about_a_blob() => {
            let merged = without_lost(to, merged, cap).map_err(Problem::Unwritten)?;
            put(to, &merged).map_err(Problem::Unwritten)?;
            Ok(merged)
        }
        Err(error) => Err(Problem::Unwritten(error)),
    }
}

fn put(to: &Place, index: &Index) -> Result<(), RegistryError> {
    let manifest = index.write();
    to.repository
        .put_manifest(&to.tag, OCI_MANIFEST, &manifest)
        .map(|_| ())
}

/// The index without what the repository does not have.
fn without_lost(to: &Place, mut index: Index, cap: u64) -> Result<Index, RegistryError> {
    let entries = index.entries.values().map(|entry| entry.stored.digest);
    let all: BTreeSet<Digest> = entries.chain(index.blobs.keys().copied()).collect();
    let lost = Mutex::new(BTreeSet::new());
    each(all, WORKERS, &AtomicBool::new(false), &|| {}, |digest| {
        if !to.repository.has_blob(&digest)? {
            lock(&lost).insert(digest);
        }
        Ok(())
    })?;
    let lost = std::mem::take(&mut *lock(&lost));
    let is_there = |digest: &Digest| !lost.contains(digest);
    index
        .entries
        .retain(|_, entry| is_there(&entry.stored.digest));
    index.blobs.retain(|digest, _| is_there(digest));
    to.repository.put_bytes(EMPTY)?;
    Ok(merge(index, Index::default(), cap))
}

/// One build's sending.
struct Upload<'a> {
    cache: &'a RemoteCache,
    to: &'a Repository,
    sending: &'a Sending<'a>,
    bytes: Arc<AtomicU64>,
    blobs_there: BTreeSet<Digest>,
    ours: Mutex<Index>,
}

impl Upload<'_> {
    /// Sends one entry, unless it must not be.
    fn one(&self, name: Name, noted: &Noted) -> Result<(), RegistryError> {
        let (bucket, key) = (noted.bucket, &noted.key);
        let (stored, blobs) = match &noted.what {
            Used::Folder(folder) => {
                let Some(stored) = self.folder(noted, folder)? else {
                    return Ok(());
                };
                (stored, BTreeMap::new())
            }
            Used::Record(value, named) => {
                let bytes = record::write(bucket, key, value.clone());
                if self.sending.gate.is_in(bytes.as_slice()).unwrap_or(true) {
                    self.keep_back(bucket, "it holds the value of a config var");
                    return Ok(());
                }
                let Some(blobs) = self.blobs(named)? else {
                    return Ok(());
                };
                let stored = Stored {
                    media_type: RECORD.to_owned(),
                    digest: Digest::of(&bytes),
                    size: bytes.len() as u64,
                };
                let open = || Ok(Box::new(Cursor::new(bytes.clone())) as Box<dyn Read + Send>);
                self.put(&stored, &open, &[])?;
                (stored, blobs)
            }
        };
        let signature = self.cache.secret.as_ref();
        let signature = signature.map(|secret| secret.sign(&name.0, &name.1, &stored.digest));
        let entry = Entry {
            stored,
            used: self.sending.today,
            signature,
            blobs: match &noted.what {
                Used::Folder(_) => Vec::new(),
                Used::Record(_, named) => digests(named),
            },
        };
        let mut ours = lock(&self.ours);
        ours.entries.insert(name, entry);
        ours.blobs.extend(blobs);
        Ok(())
    }

    fn folder(&self, noted: &Noted, folder: &Path) -> Result<Option<Stored>, RegistryError> {
        let of = (noted.bucket, &noted.key);
        let here = |why: String| {
            self.keep_back(noted.bucket, &why);
            Ok(None)
        };
        let space = match self.sending.store.temp_dir(noted.bucket) {
            Ok(space) => space,
            Err(error) => return here(error.to_string()),
        };
        let file = space.path().join("packed");
        let stored = match packed::pack(folder, of, self.sending.gate, &file) {
            Ok(stored) => stored,
            Err(Unfit::Secret(name)) => {
                return here(format!("`{name}` holds the value of a config var"));
            }
            Err(Unfit::Odd(why)) => return here(why),
            Err(Unfit::Failed(error)) => return here(error.to_string()),
        };
        self.put(&stored, &|| open(&file, &stored.digest), &[])?;
        Ok(Some(stored))
    }

    fn keep_back(&self, bucket: Bucket, why: &str) {
        let problem = Problem::Kept(format!("an entry of {bucket}: {why}"));
        self.cache.tell(self.cache.to.as_ref(), problem);
    }

    /// Sees to it that the blobs of a record are there; none where one of them is neither here nor there.
    fn blobs(
        &self,
        named: &[NamedBlob],
    ) -> Result<Option<BTreeMap<Digest, Stored>>, RegistryError> {
        let here = BlobDir::new(self.sending.store.blob_dir());
        let mut all = BTreeMap::new();
        for blob in named {
            let stored = Stored {
                media_type: blob.media_type.clone(),
                digest: blob.digest,
                size: blob.size,
            };
            let known = self.blobs_there.contains(&blob.digest);
            if !known && here.has(&blob.digest, blob.size) {
                let mut from = self.sending.holders.of(self.to.host(), &blob.digest);
                from.retain(|name| name != self.to.name());
                let file = here.file(&blob.digest);
                self.put(&stored, &|| open(&file, &blob.digest), &from)?;
            } else if !known && !self.to.has_blob(&blob.digest)? {
                return Ok(None);
            }
            all.insert(blob.digest, stored);
        }
        Ok(Some(all))
    }

    fn put(&self, stored: &Stored, open: &Open<'_>, from: &[String]) -> Result<(), RegistryError> {
        if self.to.has_blob(&stored.digest)? {
            return Ok(());
        }
        let put = self
            .to
            .put_blob(&stored.digest, stored.size, open, from, &Arc::default())?;
        if put == Put::Uploaded {
            self.bytes.fetch_add(stored.size, Ordering::Relaxed);
        }
        Ok(())
    }
}

fn open(file: &Path, digest: &Digest) -> Result<Box<dyn Read + Send>, RegistryError> {
    match File::open(file) {
        Ok(file) => Ok(Box::new(file)),
        Err(error) => Err(RegistryError::Source {
            digest: *digest,
            why: error.to_string(),
        }),
    }
}
