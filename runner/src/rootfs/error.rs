//! What can go wrong with base images in the store.

use std::io;
use std::path::PathBuf;

use buildpack_core::diagnostic::{Class, Diagnostic, Explain};
use buildpack_core::digest::Digest;
use buildpack_core::image::ImageError;

use crate::registry::RegistryError;

/// Why a base image can't be had.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// The registry did not give it.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// It could not be read or written.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// It is not in the store, and no registry may be asked.
    #[error("`{reference}` for linux/{architecture} is not in the store, and `bp` is offline")]
    Offline {
        /// The image.
        reference: String,
        /// The architecture.
        architecture: String,
    },
    /// The store could not be read or written.
    #[error("could not {doing}")]
    Io {
        /// What was being done, with its object.
        doing: String,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A layer is not safe to unpack.
    #[error("layer `{layer}` can't be unpacked: `{entry}` {why}")]
    Unsafe {
        /// The layer's diff id.
        layer: Digest,
        /// The entry, shortened.
        entry: String,
        /// What is wrong with it.
        why: String,
    },
    /// A layer is no tar, or its bytes are not what its digests say.
    #[error("layer `{layer}` is damaged: {why}")]
    Damaged {
        /// The layer's digest.
        layer: Digest,
        /// How.
        why: String,
    },
    /// A file that is to be imported is no image.
    #[error("`{}` can't be imported: {why}", path.display())]
    NotAnImage {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

impl Explain for StackError {
    fn diagnostic(&self) -> Diagnostic {
        Diagnostic::error("stack", Class::Surroundings, self.to_string())
    }
}
