//! What is kept between builds: entries under content keys, records, locks, and their end.
//!
//! Everything enters by rename: a process that is killed at any moment leaves temporary files behind and nothing half.
//! An entry that was handed out stays until the [`Store`] that gave it is dropped: no other process's `gc` removes it.

mod bucket;
mod error;
mod key;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use bucket::Bucket;
pub use error::StoreError;
pub use key::{CacheKey, Key, MissReason};

use crate::digest::Digest;
use crate::event::EventSink;

/// A folder in which things are kept. Clones share its locks.
#[derive(Clone)]
pub struct Store {
    inner: Arc<PathBuf>,
}

impl Store {
    /// Opens the store at `root`, made with mode 0755 if it is missing; sweeps away what killed processes left.
    pub fn open(root: PathBuf) -> Result<Self, StoreError> {
        Ok(Self {
            inner: Arc::new(root),
        })
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.inner
    }

    /// The folder kept under `key`, if there is one; marks it as used.
    pub fn dir(&self, _bucket: Bucket, _key: &dyn Key) -> Option<PathBuf> {
        unimplemented!()
    }

    /// The folder kept under `key`, filled by `make` if it is not there. `make` gets an empty folder; its path is not the
    /// one under which the content will stand. One process makes, others wait (said by an event) and take what it made.
    pub fn make_dir<E: From<StoreError>>(
        &self,
        _bucket: Bucket,
        _key: &dyn Key,
        _events: &dyn EventSink,
        _make: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<PathBuf, E> {
        unimplemented!()
    }

    /// The file kept under `key`, if there is one; marks it as used.
    pub fn file(&self, _bucket: Bucket, _key: &dyn Key) -> Option<PathBuf> {
        unimplemented!()
    }

    /// As [`Store::make_dir`] for a single file; `make` gets a path where nothing is yet.
    pub fn make_file<E: From<StoreError>>(
        &self,
        _bucket: Bucket,
        _key: &dyn Key,
        _events: &dyn EventSink,
        _make: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<PathBuf, E> {
        unimplemented!()
    }

    /// Removes the entry kept under `key`; `false` if there was none, or a process uses it.
    pub fn remove(&self, _bucket: Bucket, _key: &dyn Key) -> Result<bool, StoreError> {
        unimplemented!()
    }

    /// Why `key` is not there. `slot` names what is looked for independently of its content, such as an app's folder:
    /// the key that [`Store::remember`] wrote for the slot is compared with this one.
    pub fn miss(&self, _bucket: Bucket, _slot: &str, _key: &CacheKey) -> MissReason {
        unimplemented!()
    }

    /// Writes down that `slot` now has the content of `key`.
    pub fn remember(
        &self,
        _bucket: Bucket,
        _slot: &str,
        _key: &CacheKey,
    ) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// The record called `name`: any text, such as an image's name.
    pub fn record<T: Serialize + DeserializeOwned>(
        &self,
        _bucket: Bucket,
        _name: &str,
    ) -> Record<T> {
        unimplemented!()
    }

    /// All readable records of a bucket with their names, sorted by name.
    pub fn records<T: Serialize + DeserializeOwned>(&self, _bucket: Bucket) -> Vec<(String, T)> {
        unimplemented!()
    }

    /// The folder of blobs: `<root>/blobs-v1`, in it `sha256/<hex>`. It exists.
    pub fn blob_dir(&self) -> PathBuf {
        unimplemented!()
    }

    /// Locks a name of the caller's choice in a bucket; `waiting` is called once if another process holds it.
    pub fn lock(
        &self,
        _bucket: Bucket,
        _name: &str,
        _share: Share,
        _waiting: &dyn Fn(),
    ) -> Result<Guard, StoreError> {
        unimplemented!()
    }

    /// A temporary folder in the bucket, removed when dropped, or swept by a later process if this one is killed.
    pub fn temp_dir(&self, _bucket: Bucket) -> Result<TempSpace, StoreError> {
        unimplemented!()
    }

    /// Bytes and entries of each bucket.
    pub fn usage(&self) -> Result<Vec<Usage>, StoreError> {
        unimplemented!()
    }

    /// Removes blobs that are not `live` (unless another process has the store open), then entries by age of use until
    /// the store is within `cap` bytes. What a process uses stays.
    pub fn gc(&self, _cap: u64, _live: &dyn Fn(&Digest) -> bool) -> Result<Freed, StoreError> {
        unimplemented!()
    }

    /// Removes everything but pins and what another process uses.
    pub fn clear(&self) -> Result<Freed, StoreError> {
        unimplemented!()
    }
}

/// Whether others may hold a lock at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// Others with `Shared` may.
    Shared,
    /// Nobody may.
    Exclusive,
}

/// A held lock; dropped, it is given back.
#[derive(Debug)]
pub struct Guard {
    _file: (),
}

/// A temporary folder of the store; dropped, it is removed.
#[derive(Debug)]
pub struct TempSpace {
    path: PathBuf,
}

impl TempSpace {
    /// The folder: it exists and is empty at first.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A small JSON document with a name, replaced as a whole.
pub struct Record<T> {
    path: PathBuf,
    _value: std::marker::PhantomData<T>,
}

impl<T: Serialize + DeserializeOwned> Record<T> {
    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The value; absent if it was never written.
    pub fn read(&self) -> Result<Option<T>, StoreError> {
        unimplemented!()
    }

    /// The value, where a damaged record counts as absent; marks it as used.
    pub fn get(&self) -> Option<T> {
        unimplemented!()
    }

    /// Writes the value.
    pub fn write(&self, _value: &T) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// Removes the record, if it is there.
    pub fn remove(&self) -> Result<(), StoreError> {
        unimplemented!()
    }

    /// When it was last written or used, by its file's time.
    pub fn used(&self) -> io::Result<std::time::SystemTime> {
        unimplemented!()
    }
}

/// What a bucket holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// The bucket.
    pub bucket: Bucket,
    /// Entries or records in it.
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
