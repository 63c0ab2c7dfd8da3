//! The seam behind which stands what takes images.

use buildpack_core::digest::Digest;
use buildpack_core::event::EventSink;
use buildpack_core::image::{BlobSource, Image};

use super::{Reference, RegistryError};

/// Where images go to.
pub trait ImageSink: Send + Sync {
    /// Whether we are somebody there: asked before the work whose result is to be pushed.
    fn ready(&self, to: &Reference) -> Result<(), RegistryError>;

    /// The image that stands under a name: its manifest and config.
    fn image(&self, at: &Reference) -> Result<Image, RegistryError>;

    /// Puts an image there under a tag: blobs first, the manifest last, so that a push that fails moves no tag.
    fn push(&self, push: &Push<'_>, events: &dyn EventSink) -> Result<Pushed, RegistryError>;
}

/// An image and where it goes.
pub struct Push<'a> {
    /// The image.
    pub image: &'a Image,
    /// Its name there; with a tag and without a digest.
    pub to: &'a Reference,
    /// The blobs that are here. What is not is fetched from `base`.
    pub blobs: &'a dyn BlobSource,
    /// The stack's image, whose layers need not be here.
    pub base: Option<&'a Reference>,
    /// Which repositories are known to hold which blob.
    pub holders: &'a dyn Holders,
}

/// What became of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// Digest of the manifest that stands there under the tag.
    pub digest: Digest,
    /// Blobs that were sent.
    pub uploaded: usize,
    /// Blobs that the registry took from another repository.
    pub mounted: usize,
    /// Blobs that were there.
    pub there: usize,
    /// Bytes of what was sent, the manifest among it.
    pub bytes: u64,
}

/// A memory of which repositories hold which blob. What it says is a hint: a blob may be gone.
pub trait Holders: Send + Sync {
    /// Repositories of `host` that were seen to hold the blob, the likeliest first.
    fn of(&self, host: &str, digest: &Digest) -> Vec<String>;

    /// Takes note that a repository holds these blobs.
    fn learn(&self, host: &str, repository: &str, digests: &[Digest]);
}

/// Knows nothing.
pub struct Unknown;

impl Holders for Unknown {
    fn of(&self, _: &str, _: &Digest) -> Vec<String> {
        Vec::new()
    }

    fn learn(&self, _: &str, _: &str, _: &[Digest]) {}
}
