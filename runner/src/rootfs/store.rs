//! Base images by name and by digest.

use std::path::{Path, PathBuf};
use std::time::Duration;

use buildpack_core::event::EventSink;
use buildpack_core::image::{BaseImage, BlobDir};
use serde::{Deserialize, Serialize};

use super::StackError;
use crate::registry::{ImageSource, Reference};

/// Base images below one folder: blobs in `blobs-v1/sha256/<hex>`, unpacked trees in `rootfs-v1/<manifest hex>`, names
/// in `stacks-v1/`.
#[derive(Debug, Clone)]
pub struct StackStore {
    root: PathBuf,
}

/// What to pull, and how fresh it has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// The image.
    pub reference: Reference,
    /// `amd64` or `arm64`.
    pub architecture: String,
    /// How long a tag that was resolved once is believed. A name with a digest is believed for ever.
    pub max_age: Duration,
    /// Whether no registry may be asked.
    pub offline: bool,
    /// Whether to unpack it: only what a sandbox is to run in has to be.
    pub unpack: bool,
    /// The time.
    pub now: jiff::Timestamp,
}

/// A base image in the store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StackImage {
    /// What it is.
    pub base: BaseImage,
    /// Its unpacked tree, if it is unpacked.
    pub rootfs: Option<PathBuf>,
    /// When its name was last resolved.
    pub resolved: jiff::Timestamp,
    /// Whether a registry gave it, rather than an import.
    pub from_registry: bool,
}

impl StackStore {
    /// The images below `root`, the store's folder; made when first needed.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The blobs of all images.
    pub fn blobs(&self) -> BlobDir {
        BlobDir::new(self.root.join("blobs-v1"))
    }

    /// The image that `request` names, from the store where that is fresh enough, else from `source`.
    pub fn pull(
        &self,
        source: &dyn ImageSource,
        request: &PullRequest,
        events: &dyn EventSink,
    ) -> Result<StackImage, StackError> {
        let _ = (source, request, events);
        unimplemented!()
    }

    /// What the store knows of a name, however old; no registry is asked.
    pub fn get(
        &self,
        reference: &Reference,
        architecture: &str,
    ) -> Result<Option<StackImage>, StackError> {
        let _ = (reference, architecture);
        unimplemented!()
    }

    /// The unpacked tree of an image whose blobs are in the store; unpacked now if it is not yet.
    pub fn rootfs(&self, base: &BaseImage, events: &dyn EventSink) -> Result<PathBuf, StackError> {
        let _ = (base, events);
        unimplemented!()
    }

    /// All names of the store, sorted.
    pub fn list(&self) -> Result<Vec<StackImage>, StackError> {
        unimplemented!()
    }

    /// Forgets a name and its unpacked tree; whether it was there. Its blobs go with the store's next clean-up.
    pub fn remove(&self, reference: &Reference, architecture: &str) -> Result<bool, StackError> {
        let _ = (reference, architecture);
        unimplemented!()
    }

    /// Takes in an image from an OCI layout (folder or tar) or a `docker save` archive under the name `as_name`.
    pub fn import(
        &self,
        from: &Path,
        as_name: &Reference,
        now: jiff::Timestamp,
        events: &dyn EventSink,
    ) -> Result<StackImage, StackError> {
        let _ = (from, as_name, now, events);
        unimplemented!()
    }
}
