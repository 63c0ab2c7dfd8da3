//! What other machines keep: asked for what is not here, and told of what a build used, so that it can be sent there.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::record::{self, Record};
use super::{Bucket, CacheKey, Store, StoreError};
use crate::digest::Digest;
use crate::event::Silent;

/// A place of the same kind as the store that many machines share. It is a help and never needed: whatever goes wrong
/// there is told by whoever stands behind this, and here the thing counts as not there.
pub trait Elsewhere: Send + Sync {
    /// Whether it is worth asking for an entry: nothing is fetched for the answer.
    fn has(&self, bucket: Bucket, key: &CacheKey) -> bool;

    /// Fills the empty folder `into` with the entry; `false` where it can't be had, whatever is in `into` then.
    fn folder(&self, bucket: Bucket, key: &CacheKey, into: &Path) -> bool;

    /// The value of a record.
    fn record(&self, bucket: Bucket, key: &CacheKey) -> Option<serde_json::Value>;

    /// Writes a blob to the file `into`, checked against its digest; `false` where it can't be had.
    fn blob(&self, blob: &NamedBlob, into: &Path) -> bool;

    /// Takes note of what was made or used here. It stays where it is as long as the store is open.
    fn used(&self, bucket: Bucket, key: &CacheKey, what: Used);
}

/// A thing of the store that was made or used.
#[derive(Debug, Clone, PartialEq)]
pub enum Used {
    /// An entry.
    Folder(PathBuf),
    /// A record and the blobs that it names.
    Record(serde_json::Value, Vec<NamedBlob>),
}

/// A blob as a record names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedBlob {
    /// Its digest.
    pub digest: Digest,
    /// Its bytes.
    pub size: u64,
    /// What it is.
    pub media_type: String,
}

/// The value of a record that machines share.
pub trait Sharable: Serialize + DeserializeOwned {
    /// The blobs without which it is worth nothing, but for those that any machine can have from where they came.
    fn blobs(&self) -> Vec<NamedBlob>;
}

/// A record under a key made of all that went into its value, so that any machine's is as good as this one's.
pub struct KeyedRecord<'s, T> {
    store: &'s Store,
    record: Record<T>,
    bucket: Bucket,
    key: &'s CacheKey,
}

impl<T: Sharable> KeyedRecord<'_, T> {
    /// The value, from here or from elsewhere. Its blobs need not be here: [`Store::bring_blob`].
    pub fn get(&self) -> Option<T> {
        if let Some(value) = self.record.get() {
            self.note(&value);
            return Some(value);
        }
        let elsewhere = self.store.sharing(self.bucket, self.key)?;
        if !elsewhere.has(self.bucket, self.key) {
            return None;
        }
        let value = elsewhere.record(self.bucket, self.key)?;
        let value: T = serde_json::from_value(value).ok()?;
        // What can't be kept can be used.
        let _ = self.record.write(&value);
        self.note(&value);
        Some(value)
    }

    /// Writes the value.
    pub fn write(&self, value: &T) -> Result<(), StoreError> {
        self.record.write(value)?;
        self.note(value);
        Ok(())
    }

    fn note(&self, value: &T) {
        if let Some(elsewhere) = self.store.sharing(self.bucket, self.key)
            && let Ok(json) = serde_json::to_value(value)
        {
            let used = Used::Record(json, value.blobs());
            elsewhere.used(self.bucket, self.key, used);
        }
    }
}

impl Store {
    /// From now on what is not here is asked for there. Only the first call counts.
    pub fn look_elsewhere(&self, elsewhere: Arc<dyn Elsewhere>) {
        let _ = self.inner.elsewhere.set(elsewhere);
    }

    /// Whether there is another place to look.
    pub fn looks_elsewhere(&self) -> bool {
        self.inner.elsewhere.get().is_some()
    }

    /// The record of `key`, whose file is called after `prefix` and the key's digest.
    pub fn keyed_record<'s, T: Sharable>(
        &'s self,
        bucket: Bucket,
        prefix: &str,
        key: &'s CacheKey,
    ) -> KeyedRecord<'s, T> {
        let name = format!("{prefix}{}", key.digest().hex());
        KeyedRecord {
            store: self,
            record: self.record(bucket, &name),
            bucket,
            key,
        }
    }

    /// Whether the blob is here, after it was looked for elsewhere too.
    pub fn bring_blob(&self, blob: &NamedBlob) -> bool {
        let file = self.blob_dir().join("sha256").join(blob.digest.hex());
        let here =
            fs_err::metadata(&file).is_ok_and(|found| found.is_file() && found.len() == blob.size);
        here || self.fetch_blob(blob, &file).unwrap_or(false)
    }

    fn fetch_blob(&self, blob: &NamedBlob, file: &Path) -> Result<bool, StoreError> {
        let Some(elsewhere) = self.inner.elsewhere.get() else {
            return Ok(false);
        };
        let space = self.temp_dir(Bucket::Blobs)?;
        let draft = space.path().join("blob");
        if !elsewhere.blob(blob, &draft) {
            return Ok(false);
        }
        let fail = |error| StoreError::io("write", file, error);
        let written = fs_err::File::open(&draft).map_err(fail)?;
        written.sync_all().map_err(fail)?;
        fs_err::rename(&draft, file).map_err(fail)?;
        record::sync_folder_of(file);
        Ok(true)
    }

    /// The entry of `key` from elsewhere, if it is there.
    pub(super) fn bring(&self, bucket: Bucket, key: &CacheKey) -> Option<PathBuf> {
        let elsewhere = self.sharing(bucket, key)?;
        if !elsewhere.has(bucket, key) {
            return None;
        }
        let make = |into: &Path| {
            let had = elsewhere.folder(bucket, key, into);
            had.then_some(()).ok_or(NotHad)
        };
        self.make_dir(bucket, key, &Silent, make).ok()
    }

    /// Tells that an entry was used.
    pub(super) fn note_use(&self, bucket: Bucket, key: &CacheKey, path: &Path) {
        if let Some(elsewhere) = self.sharing(bucket, key) {
            elsewhere.used(bucket, key, Used::Folder(path.to_owned()));
        }
    }

    /// The other place, for what means the same there.
    fn sharing(&self, bucket: Bucket, key: &CacheKey) -> Option<&dyn Elsewhere> {
        let elsewhere = self.inner.elsewhere.get()?;
        (bucket.is_shared() && !key.is_own()).then_some(&**elsewhere)
    }

    /// The key under which config vars are hashed in place of the store's own, so that hashes are equal on all machines
    /// that have it. Only the first call counts.
    pub fn set_shared_key(&self, key: [u8; 32]) {
        let _ = self.inner.shared_key.set(key);
    }

    /// What [`Store::set_shared_key`] was given.
    pub fn shared_key(&self) -> Option<&[u8; 32]> {
        self.inner.shared_key.get()
    }
}

/// An entry could not be had from elsewhere; why was told where it was tried.
struct NotHad;

impl From<StoreError> for NotHad {
    fn from(_: StoreError) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Value(u8);

    impl Sharable for Value {
        fn blobs(&self) -> Vec<NamedBlob> {
            vec![blob()]
        }
    }

    fn blob() -> NamedBlob {
        NamedBlob {
            digest: Digest::of(b"blob"),
            size: 4,
            media_type: "text/plain".to_owned(),
        }
    }

    /// Has all that is asked for under keys of the kind `there`.
    #[derive(Default)]
    struct Place {
        used: Mutex<Vec<(Bucket, String, Used)>>,
        whole: bool,
    }

    impl Elsewhere for Place {
        fn has(&self, _: Bucket, key: &CacheKey) -> bool {
            key.kind() == "there"
        }

        fn folder(&self, _: Bucket, _: &CacheKey, into: &Path) -> bool {
            fs_err::write(into.join("file"), "from there").unwrap();
            self.whole
        }

        fn record(&self, _: Bucket, _: &CacheKey) -> Option<serde_json::Value> {
            Some(serde_json::json!(7))
        }

        fn blob(&self, _: &NamedBlob, into: &Path) -> bool {
            fs_err::write(into, "blob").unwrap();
            self.whole
        }

        fn used(&self, bucket: Bucket, key: &CacheKey, what: Used) {
            let used = (bucket, key.kind().to_owned(), what);
            self.used.lock().unwrap().push(used);
        }
    }

    fn store(whole: bool) -> (tempfile::TempDir, Store, Arc<Place>) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store")).unwrap();
        let place = Arc::new(Place {
            whole,
            ..Place::default()
        });
        store.look_elsewhere(Arc::clone(&place) as Arc<dyn Elsewhere>);
        (folder, store, place)
    }

    #[test]
    fn what_is_not_here_comes_from_elsewhere_and_is_noted() {
        let (_folder, store, place) = store(true);
        let there = CacheKey::new("there");
        let path = store.dir(Bucket::Tools, &there).unwrap();
        assert_eq!(
            fs_err::read_to_string(path.join("file")).unwrap(),
            "from there"
        );
        assert!(store.dir(Bucket::Tools, &CacheKey::new("gone")).is_none());
        let made = CacheKey::new("made");
        let nothing = |_: &Path| Ok::<_, StoreError>(());
        store
            .make_dir(Bucket::Packages, &made, &Silent, nothing)
            .unwrap();
        let noted = place.used.lock().unwrap();
        assert!(noted.contains(&(Bucket::Tools, "there".to_owned(), Used::Folder(path))));
        assert!(noted.iter().any(|(_, kind, _)| kind == "made"));
    }

    #[test]
    fn what_can_not_be_had_leaves_nothing() {
        let (_folder, store, _) = store(false);
        let there = CacheKey::new("there");
        assert!(store.dir(Bucket::Tools, &there).is_none());
        assert!(!store.bring_blob(&blob()));
        assert_eq!(
            store
                .usage()
                .unwrap()
                .iter()
                .map(|u| u.entries)
                .sum::<u64>(),
            0
        );
    }

    #[test]
    fn records_and_their_blobs_come_from_elsewhere() {
        let (_folder, store, place) = store(true);
        let there = CacheKey::new("there");
        let record = store.keyed_record::<Value>(Bucket::Layers, "", &there);
        assert_eq!(record.get(), Some(Value(7)));
        assert!(store.bring_blob(&blob()) && store.bring_blob(&blob()));
        let used = Used::Record(serde_json::json!(7), vec![blob()]);
        let noted = (Bucket::Layers, "there".to_owned(), used);
        assert_eq!(*place.used.lock().unwrap(), [noted]);
        let gone = CacheKey::new("gone");
        assert_eq!(
            store.keyed_record::<Value>(Bucket::Layers, "", &gone).get(),
            None
        );
    }

    #[test]
    fn what_means_nothing_elsewhere_is_neither_asked_for_nor_noted() {
        let (_folder, store, place) = store(true);
        let there = CacheKey::new("there");
        assert!(store.dir(Bucket::Builds, &there).is_none());
        let own = there.part("config vars", format!("{}ab", super::super::OWN));
        assert!(store.dir(Bucket::Tools, &own).is_none());
        let record = store.keyed_record(Bucket::Layers, "", &own);
        record.write(&Value(1)).unwrap();
        assert_eq!(record.get(), Some(Value(1)));
        assert!(place.used.lock().unwrap().is_empty());
    }
}
