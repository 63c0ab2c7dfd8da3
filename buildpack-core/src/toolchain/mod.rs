//! Fetch, verify, unpack: from an address to a tool on disk. Nothing reads a file that was not verified.

mod artifact;
mod download;
mod download_error;
mod draft;
mod fetch;
mod install;
mod pin;
mod retry;
#[cfg(test)]
mod tests;
mod transfer;
mod unpack;

pub use artifact::{Artifact, Kind, Verify};
pub use download::{Downloaded, download};
pub use download_error::DownloadError;
pub use fetch::{Cause, Fetch, FetchError, Offline, Request, Response, TimeLimits, redact_url};
pub use install::{InstallError, Tool, install};
pub use pin::{Algorithm, Pin, PinError};
pub use retry::RetryPolicy;
pub use unpack::{
    UnpackError, UnpackLimits, unpack_slug, unpack_tar, unpack_tar_gz, unpack_tar_zst, unpack_zip,
};
