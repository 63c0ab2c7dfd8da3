//! All that is kept, held against what it claims to be.

mod look;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::lock::{Guard, Share};
use super::usage::list;
use super::{Bucket, Store, StoreError, record, temp};
use crate::diagnostic::{Class, Diagnostic, Explain};
use crate::digest::Digest;
use look::{Found, Item};

/// What kind of thing of the store it is: how it is read, locked and removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kept {
    /// A layer or config, named by its digest.
    Blob,
    /// A folder or file under a key, with a note of its size.
    Entry,
    /// A JSON document.
    Record,
}

/// A thing of the store that is not what it claims to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` in the cache is damaged: {why}", path.display())]
pub struct Damaged {
    /// Its bucket.
    pub bucket: Bucket,
    /// What kind of thing it is.
    pub kept: Kept,
    /// Where it stands.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

impl Explain for Damaged {
    fn diagnostic(&self) -> Diagnostic {
        let what = self.to_string();
        match self.kept {
            Kept::Blob => Diagnostic::error("cache-blob-damaged", Class::Surroundings, what)
                .help("`bp cache verify --remove` takes it away: it is then made or pulled again"),
            Kept::Entry => Diagnostic::error("cache-entry-damaged", Class::Surroundings, what)
                .help("`bp cache verify --remove` takes it away: it is then fetched or made again"),
            Kept::Record if self.bucket == Bucket::Pins => {
                Diagnostic::error("cache-pin-damaged", Class::Surroundings, what)
                    .help("remove the file if what it pinned may be trusted anew: `bp` removes no pin")
            }
            Kept::Record => Diagnostic::error("cache-record-damaged", Class::Surroundings, what)
                .help("`bp cache verify --remove` takes it away: what it told is then found out again"),
        }
    }
}

/// What a check of the store found.
#[derive(Debug, Default)]
pub struct Verified {
    /// Things that were looked at.
    pub checked: u64,
    /// Bytes that were read of them.
    pub bytes: u64,
    /// What is damaged, sorted by path.
    pub damaged: Vec<Damaged>,
    /// Things that another process makes or removes right now.
    pub in_use: u64,
    /// Entries that were not known to be on disk when the machine was last started: they count as absent.
    pub unsure: u64,
}

impl Store {
    /// Looks at everything that is kept, on `threads` threads: blobs and downloads by their digests, folders by
    /// names and sizes, notes, keys and records by whether they can be read. `told` hears of bytes read, and what
    /// is being made or removed meanwhile is passed over. Nothing is changed.
    pub fn verify(
        &self,
        threads: usize,
        told: &(dyn Fn(u64) + Sync),
    ) -> Result<Verified, StoreError> {
        let mut items = self.items()?;
        // The large ones first, so that no thread is left alone with one at the end.
        items.sort_by_key(|item| std::cmp::Reverse(item.bytes));
        let next = AtomicUsize::new(0);
        let verified = Mutex::new(Verified::default());
        let work = || -> Result<(), StoreError> {
            while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                let found = self.look(item, told)?;
                let mut verified = verified.lock().unwrap_or_else(PoisonError::into_inner);
                verified.take_in(item, found);
            }
            Ok(())
        };
        thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
            let mut done = work();
            for other in others {
                let other = other.join().unwrap_or_else(|_| {
                    let panicked = io::Error::other("a thread panicked");
                    Err(StoreError::io("verify", self.root(), panicked))
                });
                done = done.and(other);
            }
            done
        })?;
        let mut verified = verified
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        verified
            .damaged
            .sort_by(|one, other| one.path.cmp(&other.path));
        Ok(verified)
    }

    /// Bytes that [`Store::verify`] reads if all is well.
    pub fn bytes_to_verify(&self) -> Result<u64, StoreError> {
        let items = self.items()?;
        let read = items.iter().filter(|item| item.is_read());
        Ok(read.map(|item| item.bytes).sum())
    }

    /// Removes what was found to be damaged, unless a process uses it, or it is a pin; whether it is gone.
    pub fn remove_damaged(&self, damaged: &Damaged) -> Result<bool, StoreError> {
        if damaged.bucket == Bucket::Pins {
            return Ok(false);
        }
        let Some(name) = damaged.path.file_name().and_then(|name| name.to_str()) else {
            return Ok(false);
        };
        if damaged.kept != Kept::Entry {
            let removed = temp::remove_tree(&damaged.path);
            return removed
                .map(|()| true)
                .map_err(|error| StoreError::io("remove", &damaged.path, error));
        }
        match Guard::attempt(&self.lock_path(damaged.bucket, name), Share::Exclusive)? {
            Some(lock) => self.discard(damaged.bucket, name, lock).map(|_| true),
            None => Ok(false),
        }
    }

    fn items(&self) -> Result<Vec<Item>, StoreError> {
        let mut items = Vec::new();
        let mut add = |bucket, kept, path: PathBuf, bytes| {
            items.push(Item {
                bucket,
                kept,
                path,
                bytes,
            });
        };
        let length = |path: &Path| fs_err::symlink_metadata(path).map_or(0, |found| found.len());
        for (name, path) in list(&self.blob_dir().join("sha256"))? {
            // Others are what a killed process was writing.
            if is_hex(&name) {
                let bytes = length(&path);
                add(Bucket::Blobs, Kept::Blob, path, bytes);
            }
        }
        for bucket in Bucket::ALL {
            let folder = self.folder(bucket);
            for (name, path) in list(&folder)? {
                if is_hex(&name) {
                    let bytes = length(&path);
                    add(bucket, Kept::Entry, path, bytes);
                } else if record::is_record(&path) {
                    add(bucket, Kept::Record, path, 0);
                }
            }
            for (_, path) in list(&folder.join(".slots"))? {
                add(bucket, Kept::Record, path, 0);
            }
        }
        Ok(items)
    }
}

impl Verified {
    fn take_in(&mut self, item: &Item, found: Found) {
        self.checked += 1;
        match found {
            Found::Whole(bytes) => self.bytes += bytes,
            Found::Nothing => self.checked -= 1,
            Found::InUse => self.in_use += 1,
            Found::Unsure => self.unsure += 1,
            Found::Damaged(why) => self.damaged.push(Damaged {
                bucket: item.bucket,
                kept: item.kept,
                path: item.path.clone(),
                why,
            }),
        }
    }
}

fn is_hex(name: &str) -> bool {
    name.len() == 64 && name.parse::<Digest>().is_ok()
}
