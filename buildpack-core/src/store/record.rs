//! Small JSON documents with a name, replaced as a whole.

use std::io::{ErrorKind, Write as _};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::temp::TempSpace;
use super::{Bucket, Store, StoreError};
use crate::digest::Digest;

/// A small JSON document with a name, replaced as a whole.
pub struct Record<T> {
    path: PathBuf,
    temp: PathBuf,
    name: String,
    value: PhantomData<fn() -> T>,
}

/// What the file holds: the name too, since a file's name cannot say every one.
#[derive(Serialize, Deserialize)]
pub(super) struct Envelope<T> {
    pub(super) name: String,
    value: T,
}

impl<T: Serialize + DeserializeOwned> Record<T> {
    pub(super) fn new(folder: &Path, temp: PathBuf, name: &str) -> Self {
        Self {
            path: folder.join(file_name(name)),
            temp,
            name: name.to_owned(),
            value: PhantomData,
        }
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The value; absent if it was never written.
    pub fn read(&self) -> Result<Option<T>, StoreError> {
        let envelope: Option<Envelope<T>> = read_json(&self.path)?;
        match envelope {
            Some(envelope) if envelope.name != self.name => Err(StoreError::Damaged {
                path: self.path.clone(),
                why: format!("it is the record of `{}`", envelope.name),
            }),
            Some(envelope) => Ok(Some(envelope.value)),
            None => Ok(None),
        }
    }

    /// The value, where a damaged record counts as absent; marks it as used.
    pub fn get(&self) -> Option<T> {
        let value = self.read().ok().flatten()?;
        touch(&self.path);
        Some(value)
    }

    /// Writes the value.
    pub fn write(&self, value: &T) -> Result<(), StoreError> {
        let envelope = Envelope {
            name: self.name.clone(),
            value,
        };
        write_json(&self.temp, &self.path, &envelope)
    }

    /// Removes the record, if it is there.
    pub fn remove(&self) -> Result<(), StoreError> {
        match fs_err::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(StoreError::io("remove", &self.path, error))
            }
            _ => Ok(()),
        }
    }

    /// When it was last written or used, by its file's time.
    pub fn used(&self) -> Option<std::time::SystemTime> {
        fs_err::metadata(&self.path).ok()?.modified().ok()
    }
}

impl Store {
    /// The record called `name`: any text, such as an image's name.
    pub fn record<T: Serialize + DeserializeOwned>(&self, bucket: Bucket, name: &str) -> Record<T> {
        Record::new(&self.folder(bucket), self.temp_folder(bucket), name)
    }

    /// All readable records of a bucket with their names, sorted by name.
    pub fn records<T: Serialize + DeserializeOwned>(&self, bucket: Bucket) -> Vec<(String, T)> {
        let Ok(entries) = fs_err::read_dir(self.folder(bucket)) else {
            return Vec::new();
        };
        let mut records: Vec<(String, T)> = entries
            .flatten()
            .filter(|entry| is_record(&entry.path()))
            .filter_map(|entry| read_json::<Envelope<T>>(&entry.path()).ok().flatten())
            .map(|envelope| (envelope.name, envelope.value))
            .collect();
        records.sort_by(|one, other| one.0.cmp(&other.0));
        records
    }
}

/// Whether a file of a bucket is a record.
pub(super) fn is_record(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "json")
}

/// A file name that says the name where it can, and a digest of it where it cannot.
pub(super) fn file_name(name: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if !name.is_empty() && name.len() <= 100 && name.chars().all(plain) {
        return format!("{name}.json");
    }
    let legible: String = name
        .chars()
        .take(60)
        .map(|c| if plain(c) { c } else { '_' })
        .collect();
    // The dot keeps these apart from the plain ones.
    format!(
        "{legible}.{}.json",
        &Digest::of(name.as_bytes()).hex()[..24]
    )
}

/// Reads a JSON file; absent if there is none.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, StoreError> {
    let text = match fs_err::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io("read", path, error)),
    };
    serde_json::from_slice(&text)
        .map(Some)
        .map_err(|error| StoreError::Damaged {
            path: path.to_owned(),
            why: error.to_string(),
        })
}

/// Writes a JSON file beside and renames it into place, on disk before it is seen.
pub(super) fn write_json<T: Serialize>(
    temp: &Path,
    path: &Path,
    value: &T,
) -> Result<(), StoreError> {
    let fail = |error| StoreError::io("write", path, error);
    let text = serde_json::to_vec_pretty(value).map_err(|error| fail(error.into()))?;
    let space = TempSpace::new(temp)?;
    let draft = space.path().join("record");
    let mut file = fs_err::File::create(&draft).map_err(fail)?;
    file.write_all(&text).map_err(fail)?;
    file.sync_all().map_err(fail)?;
    fs_err::rename(&draft, path).map_err(fail)?;
    sync_folder_of(path);
    Ok(())
}

/// Makes a rename lasting. A file system that cannot is no reason to fail: the rename itself is atomic.
pub(super) fn sync_folder_of(path: &Path) {
    if let Some(folder) = path.parent().and_then(|p| fs_err::File::open(p).ok()) {
        let _ = folder.sync_all();
    }
}

/// Marks a file as used just now. A store that cannot be written to still can be read.
pub(super) fn touch(path: &Path) {
    use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW};
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: UTIME_NOW,
    };
    let times = Timestamps {
        last_access: now,
        last_modification: now,
    };
    let _ = rustix::fs::utimensat(CWD, path, &times, AtFlags::empty());
}
