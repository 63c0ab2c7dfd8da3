//! All that is kept, held against what it claims to be.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use serde_json::Value;

use super::entry::Note;
use super::key::{CacheKey, Key as _};
use super::lock::{Guard, Share};
use super::outline::Outline;
use super::usage::list;
use super::{Bucket, Store, StoreError, record, temp};
use crate::diagnostic::{Class, Diagnostic, Explain};
use crate::digest::{Digest, Hasher};

/// Bytes read at once.
const PIECE: usize = 256 << 10;

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

/// One thing to look at.
struct Item {
    bucket: Bucket,
    kept: Kept,
    path: PathBuf,
    /// What it will cost, for the order alone.
    bytes: u64,
}

/// What one look found.
enum Found {
    /// All is well; so many bytes were read.
    Whole(u64),
    /// It went away meanwhile, or claims nothing.
    Nothing,
    InUse,
    Unsure,
    Damaged(String),
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

    fn look(&self, item: &Item, told: &(dyn Fn(u64) + Sync)) -> Result<Found, StoreError> {
        let found = match item.kept {
            Kept::Blob => digest_of(&item.path, told)
                .map(|(digest, bytes)| held(&digest, &item.name(), bytes)),
            Kept::Record => Ok(item.look_at_record()),
            Kept::Entry => {
                // Held while it is read, so that nobody removes it; who holds it alone makes or removes it.
                let lock = self.lock_path(item.bucket, &item.name());
                let Some(_lock) = Guard::attempt(&lock, Share::Shared)? else {
                    return Ok(Found::InUse);
                };
                self.look_at_entry(item, told)
            }
        };
        match found {
            Ok(found) => Ok(found),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Found::Nothing),
            // That it may not be read is no damage, and removing it would mend nothing.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                Err(StoreError::io("read", &item.path, error))
            }
            Err(error) => Ok(Found::Damaged(error.to_string())),
        }
    }

    fn look_at_entry(&self, item: &Item, told: &(dyn Fn(u64) + Sync)) -> io::Result<Found> {
        let name = item.name();
        let note = match record::read_json::<Note>(&self.note_path(item.bucket, &name)) {
            Ok(note) => note,
            Err(error) => return Ok(Found::Damaged(format!("its note cannot be read: {error}"))),
        };
        if note.as_ref().is_some_and(Note::is_cut) {
            return Ok(Found::Unsure);
        }
        let key = note.as_ref().and_then(|note| note.key.as_ref());
        if let Some(key) = key.map(CacheKey::entry_name)
            && key != name
        {
            return Ok(Found::Damaged(format!("its note is about `{key}`")));
        }
        if item.is_read() {
            let (digest, bytes) = digest_of(&item.path, told)?;
            return Ok(held(&digest, &name, bytes));
        }
        if !fs_err::symlink_metadata(&item.path)?.is_dir() {
            return Ok(Found::Damaged("it is no folder".to_owned()));
        }
        // A build's tree is worked in after it was made.
        let (Some(note), false) = (note, item.bucket == Bucket::Builds) else {
            return Ok(Found::Whole(0));
        };
        let now = Outline::of(&item.path)?;
        Ok(if now.bytes != note.bytes {
            Found::Damaged(format!(
                "its files have {} bytes instead of {}",
                now.bytes, note.bytes
            ))
        } else if note.outline.is_some_and(|outline| outline != now.digest) {
            Found::Damaged("its files are not those that were put there".to_owned())
        } else {
            Found::Whole(0)
        })
    }
}

impl Item {
    fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    fn look_at_record(&self) -> Found {
        let read = record::read_json::<record::Envelope<Value>>(&self.path);
        match read {
            Ok(None) => Found::Nothing,
            Ok(Some(record)) => {
                let name = record::file_name(&record.name);
                if self.name() == name {
                    Found::Whole(0)
                } else {
                    Found::Damaged(format!("it is the record of `{}`", record.name))
                }
            }
            Err(StoreError::Damaged { why, .. }) => Found::Damaged(why),
            Err(error) => Found::Damaged(error.to_string()),
        }
    }

    /// Whether all of it is read: its name is the digest of its content.
    fn is_read(&self) -> bool {
        self.kept == Kept::Blob || (self.kept == Kept::Entry && self.bucket == Bucket::Downloads)
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

fn held(found: &Digest, name: &str, bytes: u64) -> Found {
    if found.hex() == name {
        Found::Whole(bytes)
    } else {
        Found::Damaged(format!("its bytes are `{found}`"))
    }
}

fn digest_of(path: &Path, told: &(dyn Fn(u64) + Sync)) -> io::Result<(Digest, u64)> {
    if !fs_err::symlink_metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut file = File::open(path)?;
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; PIECE];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                hasher.update(&buffer[..read]);
                told(read as u64);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let bytes = hasher.length();
    Ok((hasher.finish(), bytes))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{key, store};
    use super::*;
    use crate::event::Silent;

    /// A store with one thing of each kind, and where they stand.
    fn filled() -> (tempfile::TempDir, Store, Vec<PathBuf>) {
        let (folder, store) = store();
        let write = |path: &Path, text: &str| {
            fs_err::write(path, text).map_err(|error| StoreError::io("write", path, error))
        };
        let blob = store
            .blob_dir()
            .join("sha256")
            .join(Digest::of(b"blob").hex());
        write(&blob, "blob").unwrap();
        let download = Digest::of(b"download");
        let download = store.make_file(Bucket::Downloads, &download, &Silent, |path| {
            write(path, "download")
        });
        let tool = store.make_dir(Bucket::Tools, &key("tool"), &Silent, |folder| {
            write(&folder.join("one"), "1")?;
            write(&folder.join("two"), "2")
        });
        let tree = store.make_dir(Bucket::Builds, &key("tree"), &Silent, |folder| {
            write(&folder.join("app"), "")
        });
        let record = store.record(Bucket::Images, "name of an image");
        record.write(&1).unwrap();
        let pin = store.record(Bucket::Pins, "pin");
        pin.write(&1).unwrap();
        store
            .remember(Bucket::Builds, "slot", &key("tree"))
            .unwrap();
        let pin: PathBuf = pin.path().to_owned();
        let record: PathBuf = record.path().to_owned();
        let paths = vec![
            blob,
            download.unwrap(),
            tool.unwrap(),
            tree.unwrap(),
            record,
            pin,
        ];
        // What is in use is never removed: another process looks.
        let root = store.root().to_owned();
        drop(store);
        (folder, Store::open(root).unwrap(), paths)
    }

    fn damaged(store: &Store) -> Vec<Damaged> {
        store.verify(3, &|_| ()).unwrap().damaged
    }

    #[test]
    fn a_whole_store_has_no_damage_whatever_is_left_of_killed_processes() {
        let (_folder, store, paths) = filled();
        let blobs = store.blob_dir().join("sha256");
        fs_err::write(blobs.join(".tmpab12cd"), "half").unwrap();
        fs_err::write(store.partial(Bucket::Downloads, "x"), "half").unwrap();
        fs_err::write(paths[3].join("app"), "worked in").unwrap();
        let told = Mutex::new(0);
        let verified = store
            .verify(2, &|bytes| *told.lock().unwrap() += bytes)
            .unwrap();
        assert_eq!(verified.damaged, []);
        assert_eq!((verified.checked, verified.bytes), (7, 12));
        assert_eq!(*told.lock().unwrap(), 12);
        assert_eq!(store.bytes_to_verify().unwrap(), 12);
    }

    #[test]
    fn each_kind_of_damage_is_found_and_taken_away() {
        let (_folder, store, paths) = filled();
        let [blob, download, tool, tree, record, pin] = &paths[..] else {
            panic!("{paths:?}")
        };
        fs_err::write(blob, "blub").unwrap();
        fs_err::write(download, "downloa").unwrap();
        // The bytes are as many as before.
        fs_err::rename(tool.join("one"), tool.join("three")).unwrap();
        fs_err::remove_dir_all(tree).unwrap();
        fs_err::write(tree, "").unwrap();
        fs_err::copy(pin, record).unwrap();
        fs_err::write(pin, "{").unwrap();
        let found = damaged(&store);
        let mut wanted: Vec<_> = paths.iter().collect();
        wanted.sort();
        let places: Vec<_> = found.iter().map(|damaged| &damaged.path).collect();
        assert_eq!(places, wanted);
        for damaged in &found {
            let gone = store.remove_damaged(damaged).unwrap();
            assert_eq!(gone, damaged.path != *pin, "{damaged}");
            assert_eq!(gone, !damaged.path.exists());
        }
        assert_eq!(damaged(&store).len(), 1, "the pin stays");
    }

    #[test]
    fn a_note_that_is_damaged_or_of_another_entry_is_told() {
        let (_folder, store, paths) = filled();
        let note = |path: &Path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            let buckets = [Bucket::Tools, Bucket::Builds];
            let notes = buckets.map(|bucket| store.note_path(bucket, name));
            notes.into_iter().find(|path| path.exists()).unwrap()
        };
        fs_err::copy(note(&paths[3]), note(&paths[2])).unwrap();
        let [found] = &damaged(&store)[..] else {
            panic!()
        };
        assert!(found.why.contains("is about"), "{found}");
        fs_err::write(note(&paths[2]), "half a no").unwrap();
        let [found] = &damaged(&store)[..] else {
            panic!()
        };
        assert!(found.why.contains("cannot be read"), "{found}");
        assert_eq!(found.diagnostic().code.0, "cache-entry-damaged");
    }

    #[test]
    fn what_is_being_made_is_passed_over_and_what_is_used_stays() {
        let (_folder, store, paths) = filled();
        let name = paths[2].file_name().unwrap().to_str().unwrap();
        let lock = store.lock_path(Bucket::Tools, name);
        let maker = Guard::attempt(&lock, Share::Exclusive).unwrap();
        assert_eq!(store.verify(1, &|_| ()).unwrap().in_use, 1);
        drop(maker);
        fs_err::write(paths[2].join("one"), "more").unwrap();
        let user = Guard::attempt(&lock, Share::Shared).unwrap();
        let found = damaged(&store);
        assert!(!store.remove_damaged(&found[0]).unwrap());
        drop(user);
        assert!(store.remove_damaged(&found[0]).unwrap());
    }
}
