//! One thing of the store, held against what it claims to be.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::entry::Note;
use super::super::key::{CacheKey, Key as _};
use super::super::lock::{Guard, Share};
use super::super::outline::Outline;
use super::super::{Bucket, Store, StoreError, record};
use super::Kept;
use crate::digest::{Digest, Hasher};

/// Bytes read at once.
const PIECE: usize = 256 << 10;

/// One thing to look at.
pub(super) struct Item {
    pub(super) bucket: Bucket,
    pub(super) kept: Kept,
    pub(super) path: PathBuf,
    /// What it will cost, for the order alone.
    pub(super) bytes: u64,
}

/// What one look found.
pub(super) enum Found {
    /// All is well; so many bytes were read.
    Whole(u64),
    /// It went away meanwhile, or claims nothing.
    Nothing,
    InUse,
    Unsure,
    Damaged(String),
}

impl Store {
    /// What is to be said of it. `told` hears of bytes read.
    pub(super) fn look(
        &self,
        item: &Item,
        told: &(dyn Fn(u64) + Sync),
    ) -> Result<Found, StoreError> {
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
    pub(super) fn is_read(&self) -> bool {
        self.kept == Kept::Blob || (self.kept == Kept::Entry && self.bucket == Bucket::Downloads)
    }
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
