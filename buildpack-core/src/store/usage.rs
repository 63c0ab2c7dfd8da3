//! How much is kept, and its end: by age of use, never while in use.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;

use super::entry::Note;
use super::lock::{Guard, Share};
use super::outline::tree_bytes;
use super::{Bucket, Store, StoreError, record, temp};
use crate::digest::Digest;

/// What a bucket holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// The bucket.
    pub bucket: Bucket,
    /// Entries, blobs and records in it.
    pub entries: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Freed {
    /// Entries removed.
    pub entries: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Entries that would have been removed but are in use.
    pub in_use: u64,
}

/// One thing of a bucket that could be removed.
struct Kept {
    bucket: Bucket,
    name: String,
    bytes: u64,
    used: SystemTime,
    /// Whether the store knows who uses it. What another room put there is locked by nobody.
    own: bool,
}

impl Store {
    /// Bytes and entries of each bucket.
    pub fn usage(&self) -> Result<Vec<Usage>, StoreError> {
        let mut all = Vec::new();
        for bucket in Bucket::ALL {
            let mut usage = Usage {
                bucket,
                entries: 0,
                bytes: 0,
            };
            let blobs = match bucket {
                Bucket::Blobs => self.blobs()?,
                _ => Vec::new(),
            };
            for kept in self.entries(bucket)?.into_iter().chain(blobs) {
                usage.entries += 1;
                usage.bytes += kept.bytes;
            }
            let records = self.record_files(bucket)?;
            for (_, bytes) in records.into_iter().chain(self.partials(bucket)?) {
                usage.entries += 1;
                usage.bytes += bytes;
            }
            all.push(usage);
        }
        Ok(all)
    }

    /// Removes blobs that are not `live` (unless another process has the store open), then entries by age of use until
    /// the store is within `cap` bytes. What a process uses stays, records stay. Not to be called while this process
    /// still writes blobs that no record names yet.
    pub fn gc(&self, cap: u64, live: &dyn Fn(&Digest) -> bool) -> Result<Freed, StoreError> {
        let mut freed = Freed::default();
        self.remove_blobs(live, &mut freed)?;
        let mut total: u64 = self.usage()?.iter().map(|usage| usage.bytes).sum();
        if total > cap {
            let before = freed.bytes;
            self.remove_partials(&mut freed)?;
            total = total.saturating_sub(freed.bytes - before);
        }
        let mut oldest_first = Vec::new();
        for bucket in Bucket::ALL {
            if bucket != Bucket::Pins {
                oldest_first.extend(self.entries(bucket)?);
            }
        }
        oldest_first.sort_by(|one, other| (one.used, &one.name).cmp(&(other.used, &other.name)));
        for kept in oldest_first {
            if total <= cap {
                break;
            }
            if self.remove_kept(&kept, &mut freed)? {
                total = total.saturating_sub(kept.bytes);
            }
        }
        Ok(freed)
    }

    /// Removes everything but pins and what a process uses.
    pub fn clear(&self) -> Result<Freed, StoreError> {
        let mut freed = Freed::default();
        self.remove_blobs(&|_| false, &mut freed)?;
        self.remove_partials(&mut freed)?;
        for bucket in Bucket::ALL {
            if bucket == Bucket::Pins {
                continue;
            }
            for kept in self.entries(bucket)? {
                self.remove_kept(&kept, &mut freed)?;
            }
            for (path, bytes) in self.record_files(bucket)? {
                remove(&path)?;
                freed.entries += 1;
                freed.bytes += bytes;
            }
        }
        Ok(freed)
    }

    fn remove_kept(&self, kept: &Kept, freed: &mut Freed) -> Result<bool, StoreError> {
        let take =
            || match Guard::attempt(&self.lock_path(kept.bucket, &kept.name), Share::Exclusive)? {
                Some(lock) => Ok(Some(self.discard(kept.bucket, &kept.name, lock)?)),
                None => Ok(None),
            };
        let taken = if kept.own {
            take()?
        } else {
            self.alone(take)?.flatten()
        };
        match taken {
            None => freed.in_use += 1,
            Some(false) => {}
            Some(true) => {
                freed.entries += 1;
                freed.bytes += kept.bytes;
            }
        }
        Ok(taken == Some(true))
    }

    fn remove_blobs(
        &self,
        live: &dyn Fn(&Digest) -> bool,
        freed: &mut Freed,
    ) -> Result<(), StoreError> {
        let dead: Vec<Kept> = self
            .blobs()?
            .into_iter()
            .filter(|kept| !kept.name.parse().is_ok_and(|digest| live(&digest)))
            .collect();
        if dead.is_empty() {
            return Ok(());
        }
        // Another process may just have written a blob that no record names yet.
        let removed = self.alone(|| {
            dead.iter().try_for_each(|kept| {
                remove(&self.blob_dir().join("sha256").join(&kept.name))?;
                freed.entries += 1;
                freed.bytes += kept.bytes;
                Ok(())
            })
        })?;
        if removed.is_none() {
            freed.in_use += dead.len() as u64;
        }
        Ok(())
    }

    fn remove_partials(&self, freed: &mut Freed) -> Result<(), StoreError> {
        for bucket in Bucket::ALL {
            for (path, bytes) in self.partials(bucket)? {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let lock = self.named_lock_path(bucket, &name);
                let Some(lock) = Guard::attempt(&lock, Share::Exclusive)? else {
                    freed.in_use += 1;
                    continue;
                };
                remove(&path)?;
                lock.remove()?;
                freed.entries += 1;
                freed.bytes += bytes;
            }
        }
        Ok(())
    }

    fn partials(&self, bucket: Bucket) -> Result<Vec<(PathBuf, u64)>, StoreError> {
        Ok(sized(list(&self.folder(bucket).join(".partial"))?))
    }

    /// Does something while no other process has the store open; absent if one has.
    fn alone<T>(
        &self,
        work: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        if !self.session().upgrade()? {
            return Ok(None);
        }
        let done = work();
        self.session().share()?;
        done.map(Some)
    }

    fn entries(&self, bucket: Bucket) -> Result<Vec<Kept>, StoreError> {
        let mut all = Vec::new();
        for (name, path) in list(&self.folder(bucket))? {
            if name.parse::<Digest>().is_err() || name.len() != 64 {
                continue;
            }
            let note_path = self.note_path(bucket, &name);
            let note: Option<Note> = record::read_json(&note_path).ok().flatten();
            let own = note.is_some();
            let bytes = match note {
                // A build's tree is worked in after it was made.
                Some(note) if bucket != Bucket::Builds => note.bytes,
                _ => tree_bytes(&path).unwrap_or(0),
            };
            let used = modified(&note_path).or_else(|| modified(&path));
            all.push(Kept {
                bucket,
                name,
                bytes,
                used: used.unwrap_or(SystemTime::UNIX_EPOCH),
                own,
            });
        }
        Ok(all)
    }

    fn blobs(&self) -> Result<Vec<Kept>, StoreError> {
        let blobs = list(&self.blob_dir().join("sha256"))?;
        Ok(blobs
            .into_iter()
            .filter_map(|(name, path)| {
                let metadata = fs_err::symlink_metadata(path).ok()?;
                Some(Kept {
                    bucket: Bucket::Blobs,
                    name,
                    bytes: metadata.len(),
                    used: metadata.modified().ok()?,
                    own: false,
                })
            })
            .collect())
    }

    fn record_files(&self, bucket: Bucket) -> Result<Vec<(PathBuf, u64)>, StoreError> {
        let mut files = list(&self.folder(bucket))?;
        files.retain(|(_, path)| record::is_record(path));
        Ok(sized(files))
    }
}

fn sized(files: Vec<(String, PathBuf)>) -> Vec<(PathBuf, u64)> {
    let size = |path: &Path| fs_err::metadata(path).map_or(0, |metadata| metadata.len());
    files
        .into_iter()
        .map(|(_, path)| (path.clone(), size(&path)))
        .collect()
}

pub(super) fn list(folder: &Path) -> Result<Vec<(String, PathBuf)>, StoreError> {
    let entries = match fs_err::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::io("read", folder, error)),
    };
    Ok(entries
        .flatten()
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())))
        .collect())
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs_err::symlink_metadata(path).ok()?.modified().ok()
}

fn remove(path: &Path) -> Result<(), StoreError> {
    temp::remove_tree(path).map_err(|error| StoreError::io("remove", path, error))
}
