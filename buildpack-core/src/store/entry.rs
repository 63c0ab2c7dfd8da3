//! Entries: files and folders that are made once, under a key made of all that went into them.

use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::key::{CacheKey, Key, MissReason};
use super::lock::{Guard, Share};
use super::outline::Outline;
use super::record::{self, Record};
use super::temp::{self, TempSpace};
use super::{Bucket, Store, StoreError};
use crate::digest::Digest;
use crate::event::EventSink;

/// Shared locks on the entries that were handed out, kept as long as the store is open.
#[derive(Default)]
pub(super) struct Held(Mutex<HashMap<(Bucket, String), Guard>>);

impl Held {
    fn map(&self) -> MutexGuard<'_, HashMap<(Bucket, String), Guard>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is written down beside an entry.
#[derive(Serialize, Deserialize)]
pub(super) struct Note {
    /// Bytes of its files.
    pub(super) bytes: u64,
    /// Names and sizes of a folder's files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) outline: Option<Digest>,
    /// What it was made of, where the name is not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<CacheKey>,
    /// The boot in which it was made, while it is not known to be on disk: after another boot it may be half.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) unsynced: Option<String>,
}

impl Note {
    /// Whether the machine may have stopped before all of it was on disk.
    pub(super) fn is_cut(&self) -> bool {
        let made = self.unsynced.as_ref();
        made.is_some_and(|made| boot().as_ref() != Some(made))
    }
}

/// Names the time since the machine was started (`random(4)`); none where nobody tells.
fn boot() -> Option<String> {
    let id = fs_err::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
}

/// After this time the kernel has written what it was given, so that asking for it costs nothing.
const WRITTEN: std::time::Duration = std::time::Duration::from_mins(1);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Folder,
    File,
}

impl Shape {
    fn stands(self, path: &Path) -> bool {
        match self {
            Self::Folder => path.is_dir(),
            Self::File => path.is_file(),
        }
    }
}

impl Store {
    /// The folder kept under `key`, if there is one, here or elsewhere; marks it as used.
    ///
    /// A folder that another room put there by a rename of its own, such as an unpacked stack image, is taken in: from
    /// then on its size is known, its use is noticed, and `gc` leaves it alone while this store is open.
    pub fn dir(&self, bucket: Bucket, key: &dyn Key) -> Option<PathBuf> {
        let found = self.find(bucket, &key.entry_name(), Shape::Folder);
        let Some(parts) = key.parts() else {
            return found;
        };
        if let Some(path) = &found {
            self.note_use(bucket, parts, path);
            return found;
        }
        self.bring(bucket, parts)
    }

    /// The folder kept under `key`, filled by `make` if it is not there. `make` gets an empty folder; its path is not the
    /// one under which the content will stand. One process makes, others wait (said by an event) and take what it made.
    pub fn make_dir<E: From<StoreError>>(
        &self,
        bucket: Bucket,
        key: &dyn Key,
        events: &dyn EventSink,
        make: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<PathBuf, E> {
        let path = self.make(bucket, key, Shape::Folder, events, make)?;
        if let Some(parts) = key.parts() {
            self.note_use(bucket, parts, &path);
        }
        Ok(path)
    }

    /// The file kept under `key`, if there is one; marks it as used.
    pub fn file(&self, bucket: Bucket, key: &dyn Key) -> Option<PathBuf> {
        self.find(bucket, &key.entry_name(), Shape::File)
    }

    /// As [`Store::make_dir`] for a single file; `make` gets a path where nothing is yet.
    pub fn make_file<E: From<StoreError>>(
        &self,
        bucket: Bucket,
        key: &dyn Key,
        events: &dyn EventSink,
        make: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<PathBuf, E> {
        self.make(bucket, key, Shape::File, events, make)
    }

    /// Removes the entry kept under `key`; `false` if there was none, or another process uses it.
    pub fn remove(&self, bucket: Bucket, key: &dyn Key) -> Result<bool, StoreError> {
        let name = key.entry_name();
        drop(self.held().map().remove(&(bucket, name.clone())));
        match Guard::attempt(&self.lock_path(bucket, &name), Share::Exclusive)? {
            Some(lock) => self.discard(bucket, &name, lock),
            None => Ok(false),
        }
    }

    /// Why `key` is not there. `slot` names what is looked for independently of its content, such as an app's folder:
    /// the key that [`Store::remember`] wrote for the slot is compared with this one.
    pub fn miss(&self, bucket: Bucket, slot: &str, key: &CacheKey) -> MissReason {
        match self.slot(bucket, slot).read() {
            Ok(None) => MissReason::Absent,
            Ok(Some(before)) => key.difference(&before).unwrap_or(MissReason::Cleared),
            Err(_) => MissReason::Damaged,
        }
    }

    /// Writes down that `slot` now has the content of `key`.
    pub fn remember(&self, bucket: Bucket, slot: &str, key: &CacheKey) -> Result<(), StoreError> {
        self.slot(bucket, slot).write(key)
    }

    /// The key that [`Store::remember`] wrote for a slot last.
    pub fn last(&self, bucket: Bucket, slot: &str) -> Option<CacheKey> {
        self.slot(bucket, slot).read().ok().flatten()
    }

    fn slot(&self, bucket: Bucket, slot: &str) -> Record<CacheKey> {
        Record::new(
            &self.folder(bucket).join(".slots"),
            self.temp_folder(bucket),
            slot,
        )
    }

    fn find(&self, bucket: Bucket, name: &str, shape: Shape) -> Option<PathBuf> {
        if !self.whole(bucket, name, shape) {
            return None;
        }
        // Who holds it alone is about to remove it.
        let guard = Guard::attempt(&self.lock_path(bucket, name), Share::Shared).ok()??;
        self.keep(bucket, name, shape, guard)
    }

    /// Keeps the shared lock of an entry that is there, and gives its path.
    fn keep(&self, bucket: Bucket, name: &str, shape: Shape, guard: Guard) -> Option<PathBuf> {
        let path = self.folder(bucket).join(name);
        if !self.whole(bucket, name, shape) {
            return None;
        }
        let note = self.note_path(bucket, name);
        if note.exists() {
            self.settle(bucket, &path, &note);
            record::touch(&note);
        } else {
            let outline = Outline::of(&path).ok()?;
            let taken_in = Note {
                bytes: outline.bytes,
                outline: (shape == Shape::Folder).then_some(outline.digest),
                key: None,
                unsynced: None,
            };
            record::write_json(&self.temp_folder(bucket), &note, &taken_in).ok()?;
        }
        self.held()
            .map()
            .entry((bucket, name.to_owned()))
            .or_insert(guard);
        Some(path)
    }

    /// Whether the entry is there, all of it: one that a crash of the machine may have cut is as good as none.
    fn whole(&self, bucket: Bucket, name: &str, shape: Shape) -> bool {
        let note: Option<Note> = record::read_json(&self.note_path(bucket, name))
            .ok()
            .flatten();
        let cut = note.as_ref().is_some_and(Note::is_cut);
        !cut && shape.stands(&self.folder(bucket).join(name))
    }

    /// Notes that an entry is on disk, once that can be had for nothing.
    fn settle(&self, bucket: Bucket, path: &Path, note: &Path) {
        let was: Option<Note> = record::read_json(note).ok().flatten();
        let Some(mut was) = was.filter(|note| note.unsynced.is_some()) else {
            return;
        };
        let old = fs_err::metadata(path)
            .and_then(|metadata| metadata.modified())
            .is_ok_and(|time| time.elapsed().is_ok_and(|age| age > WRITTEN));
        if old
            && let Ok(file) = fs_err::File::open(path)
            && rustix::fs::syncfs(file.file()).is_ok()
        {
            was.unsynced = None;
            // Where this fails, the next use tries again.
            let _ = record::write_json(&self.temp_folder(bucket), note, &was);
        }
    }

    fn make<E: From<StoreError>>(
        &self,
        bucket: Bucket,
        key: &dyn Key,
        shape: Shape,
        events: &dyn EventSink,
        make: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<PathBuf, E> {
        let name = key.entry_name();
        let mut make = Some(make);
        let lock_path = self.lock_path(bucket, &name);
        loop {
            if let Some(path) = self.find(bucket, &name, shape) {
                return Ok(path);
            }
            let Some(lock) = Guard::attempt(&lock_path, Share::Exclusive)? else {
                // Whoever made it shares it for as long as it lives: wait to share as well, not to be alone.
                Guard::wait(&lock_path, Share::Shared, &|| {
                    events.detail(&format!(
                        "Waiting for another bp that works on the same {bucket}"
                    ));
                })?;
                continue;
            };
            let path = self.folder(bucket).join(&name);
            if !self.whole(bucket, &name, shape)
                && let Some(make) = make.take()
                && let Err(error) = self.enter(bucket, key, shape, make)
            {
                let _ = lock.remove();
                return Err(error);
            }
            // Between the two locks a `gc` elsewhere may have taken it away again.
            if let Some(path) = self.keep(bucket, &name, shape, lock.downgrade()?) {
                return Ok(path);
            }
            if make.is_none() {
                let gone = std::io::ErrorKind::NotFound.into();
                return Err(StoreError::io("keep", &path, gone).into());
            }
        }
    }

    /// Makes the content aside, and takes it to its place by a rename when all of it is on disk.
    fn enter<E: From<StoreError>>(
        &self,
        bucket: Bucket,
        key: &dyn Key,
        shape: Shape,
        make: impl FnOnce(&Path) -> Result<(), E>,
    ) -> Result<(), E> {
        let name = key.entry_name();
        let path = self.folder(bucket).join(&name);
        let space = TempSpace::new(&self.temp_folder(bucket))?;
        let draft = space.path().join("entry");
        let fail = |error| StoreError::io("write", &draft, error);
        if shape == Shape::Folder {
            temp::make_folder(&draft).map_err(fail)?;
        }
        make(&draft)?;
        if shape == Shape::Folder {
            // A folder that its owner cannot write to cannot be moved.
            fs_err::set_permissions(&draft, std::fs::Permissions::from_mode(0o755))
                .map_err(fail)?;
        }
        let Outline { bytes, digest } = Outline::of(&draft).map_err(fail)?;
        let file = fs_err::File::open(&draft).map_err(fail)?;
        // Thousands of files would take seconds to be on disk. Until they are, the entry counts in this boot alone.
        let unsynced = boot().filter(|_| shape == Shape::Folder && bytes > 0);
        match shape {
            Shape::Folder if unsynced.is_some() => {}
            Shape::Folder if bytes > 0 => {
                rustix::fs::syncfs(file.file()).map_err(|e| fail(e.into()))?;
            }
            _ => file.sync_all().map_err(fail)?,
        }
        // A build's tree is worked in after it was made.
        let lasting = shape == Shape::Folder && bucket != Bucket::Builds;
        let note = Note {
            bytes,
            outline: lasting.then_some(digest),
            key: key.parts().cloned(),
            unsynced,
        };
        record::write_json(
            &self.temp_folder(bucket),
            &self.note_path(bucket, &name),
            &note,
        )?;
        // Something of another shape may stand there: no store of this format put it there.
        temp::remove_tree(&path).map_err(|error| StoreError::io("remove", &path, error))?;
        fs_err::rename(&draft, &path).map_err(|error| StoreError::io("write", &path, error))?;
        record::sync_folder_of(&path);
        Ok(())
    }

    /// Removes an entry whose lock is held alone: out of sight first, so that it never stands there half.
    pub(super) fn discard(
        &self,
        bucket: Bucket,
        name: &str,
        lock: Guard,
    ) -> Result<bool, StoreError> {
        let path = self.folder(bucket).join(name);
        let space = TempSpace::new(&self.temp_folder(bucket))?;
        let was = match fs_err::rename(&path, space.path().join("entry")) {
            Ok(()) => true,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
            Err(error) => return Err(StoreError::io("remove", &path, error)),
        };
        let note = self.note_path(bucket, name);
        temp::remove_tree(&note).map_err(|error| StoreError::io("remove", &note, error))?;
        lock.remove()?;
        Ok(was)
    }

    pub(super) fn note_path(&self, bucket: Bucket, name: &str) -> PathBuf {
        self.folder(bucket).join(".notes").join(name)
    }

    pub(super) fn lock_path(&self, bucket: Bucket, name: &str) -> PathBuf {
        self.folder(bucket).join(".locks").join(name)
    }
}
