//! What is kept between builds: entries under content keys, records, locks, and their end.
//!
//! Everything enters by rename: a process that is killed at any moment leaves temporary files behind and nothing half.
//! An entry that was handed out stays until the [`Store`] that gave it is dropped: no other process's `gc` removes it.
//!
//! Below a bucket's folder stand entries (64 hex digits: a folder or a file) and records (`*.json`), and in folders with
//! a dot: `.notes` (size and key of each entry; their times say when it was used), `.slots` (the last key of a name),
//! `.locks`, `.temp`, `.partial` (downloads that go on in the next run).

mod bucket;
mod elsewhere;
mod entry;
mod error;
mod key;
#[cfg(test)]
mod kill_tests;
mod lock;
mod outline;
mod record;
mod temp;
#[cfg(test)]
mod tests;
mod usage;
mod verify;

use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

pub use bucket::Bucket;
pub use elsewhere::{Elsewhere, KeyedRecord, NamedBlob, Sharable, Used};
pub use error::StoreError;
pub(crate) use error::disk_full;
pub use key::{CacheKey, Key, MissReason, OWN};
pub use lock::{Guard, Share};
pub use record::Record;
pub use temp::TempSpace;
pub use usage::{Freed, Usage};
pub use verify::{Damaged, Kept, Verified};

use crate::digest::Digest;

/// Tells backup programs to leave the folder out (bford.info/cachedir).
const CACHE_TAG: &str =
    "Signature: 8a477f597d28d172789f06886806bc55\n# Kept by bp; `bp cache clear` empties it.\n";

/// A folder in which things are kept. Clones share its locks.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    root: PathBuf,
    /// Shared by every process that has the store open.
    session: Guard,
    held: entry::Held,
    /// Where to look for what is not here.
    elsewhere: OnceLock<Arc<dyn Elsewhere>>,
    /// What config vars are hashed under, if that is not the store's own.
    shared_key: OnceLock<[u8; 32]>,
}

impl Store {
    /// Opens the store at `root`, made with mode 0755 if it is missing; sweeps away what killed processes left.
    pub fn open(root: PathBuf) -> Result<Self, StoreError> {
        make_folders(&root)?;
        let session = Guard::wait(&root.join(".session"), Share::Shared, &|| {})?;
        for bucket in Bucket::ALL {
            let folder = root.join(bucket.folder());
            for inner in [".notes", ".slots", ".locks", ".temp", ".partial"] {
                make_folders(&folder.join(inner))?;
            }
        }
        make_folders(&root.join(Bucket::Blobs.folder()).join("sha256"))?;
        let store = Self {
            inner: Arc::new(Inner {
                root,
                session,
                held: entry::Held::default(),
                elsewhere: OnceLock::new(),
                shared_key: OnceLock::new(),
            }),
        };
        for bucket in Bucket::ALL {
            temp::sweep(&store.temp_folder(bucket))?;
        }
        let tag = store.root().join("CACHEDIR.TAG");
        if !tag.exists() {
            fs_err::write(&tag, CACHE_TAG).map_err(|error| StoreError::io("write", &tag, error))?;
        }
        Ok(store)
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.inner.root
    }

    /// The folder of blobs: `<root>/blobs-v1`, in it `sha256/<hex>`. It exists. Blobs enter it by rename from a
    /// [`Store::temp_dir`] of [`Bucket::Blobs`]; `gc` removes those that no record names.
    pub fn blob_dir(&self) -> PathBuf {
        self.folder(Bucket::Blobs)
    }

    /// Locks a name of the caller's choice in a bucket; `waiting` is called once if another process holds it.
    pub fn lock(
        &self,
        bucket: Bucket,
        name: &str,
        share: Share,
        waiting: &dyn Fn(),
    ) -> Result<Guard, StoreError> {
        let name = Digest::of(name.as_bytes()).hex();
        Guard::wait(&self.named_lock_path(bucket, &name), share, waiting)
    }

    /// A file that may hold what an earlier process left unfinished. Only for who holds [`Store::lock`] of that name
    /// alone; what nobody holds is removed by `clear`, and by `gc` before anything whole.
    pub fn partial(&self, bucket: Bucket, name: &str) -> PathBuf {
        let name = Digest::of(name.as_bytes()).hex();
        self.folder(bucket).join(".partial").join(name)
    }

    /// A temporary folder in the bucket, removed when dropped, or swept by a later process if this one is killed.
    pub fn temp_dir(&self, bucket: Bucket) -> Result<TempSpace, StoreError> {
        TempSpace::new(&self.temp_folder(bucket))
    }

    fn folder(&self, bucket: Bucket) -> PathBuf {
        self.root().join(bucket.folder())
    }

    fn temp_folder(&self, bucket: Bucket) -> PathBuf {
        self.folder(bucket).join(".temp")
    }

    /// The lock of a name's digest; the prefix keeps it apart from the locks of entries.
    fn named_lock_path(&self, bucket: Bucket, digest: &str) -> PathBuf {
        self.lock_path(bucket, &format!("name-{digest}"))
    }

    fn held(&self) -> &entry::Held {
        &self.inner.held
    }

    fn session(&self) -> &Guard {
        &self.inner.session
    }
}

/// Makes a folder and those above it.
fn make_folders(path: &Path) -> Result<(), StoreError> {
    match std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(path)
    {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        other => other.map_err(|error| StoreError::io("make the folder", path, error)),
    }
}
