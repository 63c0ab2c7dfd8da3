//! All that an image claims, recomputed.

use super::{BlobSource, Image, ImageError};

/// Something that an image claims and that is not so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// What the claim is about: `manifest`, `config`, `layer 3 (app)`.
    pub what: String,
    /// What is claimed.
    pub claimed: String,
    /// What was found.
    pub found: String,
}

/// Recomputes digests and sizes of manifest, config and every blob, the diff id of every layer, and whether manifest,
/// config and record agree. Empty where all is well; an error only where a blob can't be read.
pub fn validate(image: &Image, blobs: &dyn BlobSource) -> Result<Vec<Mismatch>, ImageError> {
    let _ = (image, blobs);
    unimplemented!()
}
