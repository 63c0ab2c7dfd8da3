//! Fetch, verify, unpack: from an address to a tool on disk. Nothing reads a file that was not verified.

mod artifact;
mod fetch;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use artifact::{Artifact, Kind, Verify};
pub use fetch::{Cause, Fetch, FetchError, Offline, Request, Response, TimeLimits, redact_url};

use crate::diagnostic::{Diagnostic, Explain};
use crate::digest::Digest;
use crate::event::EventSink;
use crate::store::{Store, StoreError};

/// How often and after what waits a failed download is tried again. The wait doubles each time.
pub struct RetryPolicy<'a> {
    /// Tries in all, at least one.
    pub attempts: u32,
    /// The first wait.
    pub first_wait: Duration,
    /// No wait is longer, whatever the server asks for.
    pub longest_wait: Duration,
    /// Waits.
    pub sleep: &'a (dyn Fn(Duration) + Sync),
}

/// A verified file of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downloaded {
    /// Where it is kept.
    pub path: PathBuf,
    /// Its SHA-256.
    pub digest: Digest,
    /// Its bytes.
    pub size: u64,
    /// Whether it was kept from before.
    pub reused: bool,
}

/// Why a file could not be had.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The network.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Explain for DownloadError {
    fn diagnostic(&self) -> Diagnostic {
        unimplemented!()
    }
}

/// Gets `artifact` from the store or from the net, verified.
pub fn download(
    _fetch: &dyn Fetch,
    _store: &Store,
    _artifact: &Artifact,
    _policy: &RetryPolicy<'_>,
    _events: &dyn EventSink,
) -> Result<Downloaded, DownloadError> {
    unimplemented!()
}

/// What an archive may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnpackLimits {
    /// Entries.
    pub entries: u64,
    /// Unpacked bytes in all.
    pub bytes: u64,
}

/// Why an archive could not be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {}

impl Explain for UnpackError {
    fn diagnostic(&self) -> Diagnostic {
        unimplemented!()
    }
}

/// Unpacks a gzipped tar into the empty folder `into`, without the first `strip` parts of each name.
pub fn unpack_tar_gz(
    _reader: impl Read,
    _into: &Path,
    _strip: usize,
    _limits: UnpackLimits,
) -> Result<(), UnpackError> {
    unimplemented!()
}

/// Unpacks a zip into the empty folder `into`.
pub fn unpack_zip(_archive: &Path, _into: &Path, _limits: UnpackLimits) -> Result<(), UnpackError> {
    unimplemented!()
}

/// A tool on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// Its unpacked folder, not to be written to.
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
        unimplemented!()
    }
}

/// The tool that `artifact` holds, from the store, or fetched and unpacked without the first `strip` parts of each name.
pub fn install(
    _fetch: &dyn Fetch,
    _store: &Store,
    _artifact: &Artifact,
    _strip: usize,
    _policy: &RetryPolicy<'_>,
    _events: &dyn EventSink,
) -> Result<Tool, InstallError> {
    unimplemented!()
}
