//! Digests of files, remembered by what `stat` says of them.
//!
//! A file that is changed within one tick of the file system's clock, in place and to the same size, looks the same
//! to `stat`. A digest is therefore remembered only if the file's last change was clearly over when it was read;
//! the clock to compare with is the file system's own, read from a file made for it.

use std::collections::HashMap;
use std::fs::Metadata;
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::LayerError;
use crate::digest::{Digest, HashingReader, HashingWriter};

const MAGIC: &[u8; 8] = b"bp-stat1";
const FIELDS: usize = 7;
const RECORD: usize = FIELDS * 8 + 1 + 32;
/// An entry that nobody asked for in so many rounds is forgotten: a failed build must not cost the next one all.
const ROUNDS: u8 = 4;
const NANOS: i128 = 1_000_000_000;
/// Longer than a tick of any kernel's clock.
const TICK: i128 = NANOS / 20;
/// Where times have no fractions the clock ticks by one or two seconds.
const COARSE_TICK: i128 = 2 * NANOS;

/// Device, inode, size, mtime and its nanoseconds, ctime and its nanoseconds.
type Key = [u64; FIELDS];

struct Known {
    digest: [u8; 32],
    /// Rounds since it was last asked for.
    age: u8,
}

/// Digests of files, remembered by device, inode, size, mtime and ctime.
pub struct StatCache {
    path: PathBuf,
    known: HashMap<Key, Known>,
    /// The file system's clock when it was last read.
    now: Option<i128>,
}

impl StatCache {
    /// What was saved at `path`; nothing if the file is missing, damaged or of another version.
    pub fn load(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let known = std::fs::read(&path)
            .ok()
            .and_then(|bytes| parse(&bytes))
            .unwrap_or_default();
        Self {
            path,
            known,
            now: None,
        }
    }

    /// The raw SHA-256 of the regular file at `path`, whose metadata (of the file itself, links not followed) are given.
    pub fn digest_file(
        &mut self,
        path: &Path,
        metadata: &Metadata,
    ) -> Result<[u8; 32], LayerError> {
        let key = key(metadata);
        if let Some(known) = self.known.get_mut(&key) {
            known.age = 0;
            return Ok(known.digest);
        }
        let settled = self.settled(metadata);
        let read = |source| LayerError::Read {
            path: path.to_owned(),
            source,
        };
        let file = std::fs::File::open(path).map_err(read)?;
        let opened = file.metadata().map_err(read)?;
        let (digest, length) = HashingReader::new(file).drain().map_err(read)?;
        let digest = *digest.bytes();
        if self::key(&opened) != key || length != metadata.len() {
            return Err(LayerError::Changed {
                path: path.to_owned(),
            });
        }
        if settled {
            self.known.insert(key, Known { digest, age: 0 });
        }
        Ok(digest)
    }

    /// Writes the cache where it was loaded from, by rename. What nobody asked for in a few rounds of load and save is
    /// forgotten.
    pub fn save(&self) -> Result<(), LayerError> {
        let cant = |source| LayerError::Write {
            path: self.path.clone(),
            source,
        };
        let file = temporary(&self.path).map_err(cant)?;
        let mut out = HashingWriter::new(BufWriter::new(file));
        self.write(&mut out).map_err(cant)?;
        let (mut out, check, _) = out.finish();
        out.write_all(check.bytes()).map_err(cant)?;
        let file = out.into_inner().map_err(|error| cant(error.into_error()))?;
        file.persist(&self.path)
            .map_err(|error| cant(error.error))?;
        Ok(())
    }

    fn write(&self, out: &mut impl io::Write) -> io::Result<()> {
        out.write_all(MAGIC)?;
        let mut record = Vec::with_capacity(RECORD);
        for (key, known) in self.known.iter().filter(|(_, known)| known.age < ROUNDS) {
            record.clear();
            for field in key {
                record.extend(field.to_le_bytes());
            }
            record.push(known.age);
            record.extend(known.digest);
            out.write_all(&record)?;
        }
        Ok(())
    }

    /// Whether the file's last change was clearly over a moment ago.
    fn settled(&mut self, metadata: &Metadata) -> bool {
        let changed = i128::from(metadata.ctime()) * NANOS + i128::from(metadata.ctime_nsec());
        let tick = if metadata.ctime_nsec() == 0 {
            COARSE_TICK
        } else {
            TICK
        };
        let over = |now: Option<i128>| now.is_some_and(|now| changed + tick < now);
        if over(self.now) {
            return true;
        }
        self.now = temporary(&self.path)
            .and_then(|file| file.as_file().metadata())
            .map(|made| i128::from(made.ctime()) * NANOS + i128::from(made.ctime_nsec()))
            .ok();
        over(self.now)
    }
}

fn temporary(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let folder = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    tempfile::Builder::new()
        .prefix(".tmp")
        .tempfile_in(folder.unwrap_or(Path::new(".")))
}

fn key(metadata: &Metadata) -> Key {
    [
        metadata.dev(),
        metadata.ino(),
        metadata.len(),
        metadata.mtime().cast_unsigned(),
        metadata.mtime_nsec().cast_unsigned(),
        metadata.ctime().cast_unsigned(),
        metadata.ctime_nsec().cast_unsigned(),
    ]
}

fn parse(bytes: &[u8]) -> Option<HashMap<Key, Known>> {
    let (content, check) = bytes.split_last_chunk::<32>()?;
    if Digest::of(content).bytes() != check {
        return None;
    }
    let records = content.strip_prefix(MAGIC)?.chunks_exact(RECORD);
    let mut known = HashMap::with_capacity(records.len());
    for record in records {
        let (fields, rest) = record.split_at(FIELDS * 8);
        let mut key = Key::default();
        for (to, from) in key.iter_mut().zip(fields.chunks_exact(8)) {
            *to = u64::from_le_bytes(from.try_into().ok()?);
        }
        let (age, digest) = rest.split_first()?;
        known.insert(
            key,
            Known {
                digest: digest.try_into().ok()?,
                age: age.saturating_add(1),
            },
        );
    }
    Some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file whose last change is long over, as far as its times say.
    fn old_file(folder: &Path, name: &str, content: &str) -> PathBuf {
        let path = folder.join(name);
        fs_err::write(&path, content).unwrap();
        path
    }

    fn digest(cache: &mut StatCache, path: &Path) -> [u8; 32] {
        cache
            .digest_file(path, &path.symlink_metadata().unwrap())
            .unwrap()
    }

    fn wait_for_the_clock(cache: &mut StatCache, path: &Path) {
        while !cache.settled(&path.symlink_metadata().unwrap()) {
            std::thread::yield_now();
        }
    }

    #[test]
    fn remembered_without_reading_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = old_file(folder.path(), "f", "content");
        let mut cache = StatCache::load(folder.path().join("cache"));
        wait_for_the_clock(&mut cache, &file);
        let first = digest(&mut cache, &file);
        assert_eq!(first, *Digest::of(b"content").bytes());
        cache.save().unwrap();

        let mut again = StatCache::load(folder.path().join("cache"));
        let metadata = file.symlink_metadata().unwrap();
        fs_err::remove_file(&file).unwrap();
        assert_eq!(again.digest_file(&file, &metadata).unwrap(), first);
    }

    #[test]
    fn a_file_that_changed_a_moment_ago_is_not_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let file = old_file(folder.path(), "f", "content");
        let mut cache = StatCache::load(folder.path().join("cache"));
        cache.now = Some(0);
        let metadata = file.symlink_metadata().unwrap();
        let changed = i128::from(metadata.ctime()) * NANOS + i128::from(metadata.ctime_nsec());
        assert_eq!(digest(&mut cache, &file), *Digest::of(b"content").bytes());
        let now = cache.now.unwrap();
        assert_eq!(cache.known.is_empty(), changed + TICK >= now);
    }

    #[test]
    fn damage_of_any_kind_is_an_empty_cache() {
        let folder = tempfile::tempdir().unwrap();
        let file = old_file(folder.path(), "f", "content");
        let path = folder.path().join("cache");
        let mut cache = StatCache::load(&path);
        wait_for_the_clock(&mut cache, &file);
        digest(&mut cache, &file);
        cache.save().unwrap();
        let good = fs_err::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(parse(&bad).is_none(), "{at}");
            assert!(parse(&good[..at]).is_none(), "{at}");
        }
        assert_eq!(parse(&good).unwrap().len(), 1);
    }

    #[test]
    fn what_nobody_asks_for_is_forgotten_in_time() {
        let folder = tempfile::tempdir().unwrap();
        let file = old_file(folder.path(), "f", "content");
        let path = folder.path().join("cache");
        let mut cache = StatCache::load(&path);
        wait_for_the_clock(&mut cache, &file);
        digest(&mut cache, &file);
        cache.save().unwrap();
        for round in 0..ROUNDS {
            let cache = StatCache::load(&path);
            assert_eq!(cache.known.len(), 1, "{round}");
            cache.save().unwrap();
        }
        assert!(StatCache::load(&path).known.is_empty());
    }

    #[test]
    fn a_file_that_changed_under_our_eyes_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = old_file(folder.path(), "f", "content");
        let metadata = file.symlink_metadata().unwrap();
        fs_err::write(&file, "longer content").unwrap();
        let mut cache = StatCache::load(folder.path().join("cache"));
        assert!(matches!(
            cache.digest_file(&file, &metadata),
            Err(LayerError::Changed { .. })
        ));
    }
}
