//! From an artifact to a tool on disk.

use std::path::{Path, PathBuf};

use super::download::{download, known_digest};
use super::unpack::{UnpackError, UnpackLimits, unpack_tar, unpack_tar_gz, unpack_zip};
use super::{Artifact, DownloadError, Fetch, Kind, RetryPolicy};
use crate::diagnostic::{Diagnostic, Explain};
use crate::digest::Digest;
use crate::event::{Event, EventSink};
use crate::store::{Bucket, CacheKey, Store, StoreError};

/// Raised when the same archive is unpacked in another way than before.
const UNPACK_VERSION: u32 = 1;

/// A tool on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// Its unpacked folder, not to be written to. [`Kind::Raw`] and [`Kind::Program`] are a folder with the one file, called as in its address.
    pub path: PathBuf,
    /// SHA-256 of the archive it came from.
    pub digest: Digest,
    /// Whether it was kept from before.
    pub reused: bool,
}

/// Why a tool could not be had.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// Its archive.
    #[error(transparent)]
    Download(#[from] DownloadError),
    /// Unpacking.
    #[error("cannot unpack {name}: {source}")]
    Unpack {
        /// The artifact's name.
        name: String,
        /// Why.
        source: UnpackError,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Explain for InstallError {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Download(error) => error.diagnostic(),
            Self::Store(error) => error.diagnostic(),
            Self::Unpack { source, .. } => {
                let mut diagnostic = source.diagnostic();
                diagnostic.message = self.to_string();
                diagnostic
            }
        }
    }
}

/// The tool that `artifact` holds, from the store, or fetched and unpacked without the first `strip` parts of each name.
pub fn install(
    fetch: &dyn Fetch,
    store: &Store,
    artifact: &Artifact,
    strip: usize,
    policy: &RetryPolicy<'_>,
    events: &dyn EventSink,
) -> Result<Tool, InstallError> {
    if let Some(digest) = known_digest(store, artifact)?
        && let Some(path) = store.dir(Bucket::Tools, &key(artifact, strip, digest))
    {
        events.emit(Event::Cache {
            what: artifact.name.clone(),
            hit: true,
            reason: None,
        });
        return Ok(Tool {
            path,
            digest,
            reused: true,
        });
    }
    let downloaded = download(fetch, store, artifact, policy, events)?;
    let key = key(artifact, strip, downloaded.digest);
    let path = store.make_dir(Bucket::Tools, &key, events, |folder| {
        unpack(artifact, &downloaded.path, folder, strip)
    })?;
    Ok(Tool {
        path,
        digest: downloaded.digest,
        reused: false,
    })
}

fn key(artifact: &Artifact, strip: usize, digest: Digest) -> CacheKey {
    let kind = match artifact.kind {
        Kind::TarGz => "tar.gz",
        Kind::Tar => "tar",
        Kind::Zip => "zip",
        Kind::Program => "program",
        Kind::Raw => "raw",
    };
    let key = CacheKey::new("tool")
        .part("sha256", digest)
        .part("kind", kind)
        .part("strip", strip)
        .part("unpack", UNPACK_VERSION);
    match artifact.kind {
        Kind::Program | Kind::Raw => key.part("file", file_name(&artifact.url)),
        _ => key,
    }
}

fn unpack(
    artifact: &Artifact,
    archive: &Path,
    into: &Path,
    strip: usize,
) -> Result<(), InstallError> {
    let limits = UnpackLimits::default();
    let unpacked = match artifact.kind {
        Kind::TarGz => {
            let file = fs_err::File::open(archive)
                .map_err(|error| StoreError::io("read", archive, error))?;
            unpack_tar_gz(file, into, strip, limits)
        }
        Kind::Tar => {
            let file = fs_err::File::open(archive)
                .map_err(|error| StoreError::io("read", archive, error))?;
            unpack_tar(file, into, strip, limits)
        }
        Kind::Zip => unpack_zip(archive, into, strip, limits),
        Kind::Program | Kind::Raw => {
            let file = into.join(file_name(&artifact.url));
            fs_err::copy(archive, &file).map_err(|error| StoreError::io("write", &file, error))?;
            Ok(())
        }
    };
    unpacked.map_err(|source| InstallError::Unpack {
        name: artifact.name.clone(),
        source,
    })
}

/// The last part of an address, as a file may be called.
fn file_name(url: &str) -> &str {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    match path.rsplit('/').next().unwrap_or_default() {
        "" | "." | ".." => "file",
        name => name,
    }
}
