//! The OCI image: config and manifest as values, and the forms they take on disk.
//!
//! [`assemble`] joins a [`BaseImage`] and the build's own [`LayerRecord`]s into an [`Image`]: bytes that depend on
//! nothing but the arguments. Blobs are never held in memory; whoever needs one asks a [`BlobSource`].
//! [`layout`] and [`archive`] write an image out, [`validate`] recomputes all that an image claims.

pub mod archive;
mod assemble;
mod blob;
mod docker;
mod document;
mod error;
pub mod layout;
mod rebase;
mod record;
mod settings;
mod validate;

pub use assemble::assemble;
pub use blob::{BlobDir, BlobSource, read_small};
pub use document::{
    BASE_PURPOSE, DOCKER_CONFIG, DOCKER_INDEX, DOCKER_MANIFEST, Document, IndexDocument,
    ManifestDocument, ManifestEntry, OCI_CONFIG, OCI_INDEX, OCI_MANIFEST, Platform,
};
pub use error::ImageError;
pub use rebase::rebase;
pub use record::{BaseImage, BaseLayer, Descriptor, Image, ImageLayer, LayerRecord, MediaType};
pub use settings::ImageSettings;
pub use validate::{Mismatch, validate};
