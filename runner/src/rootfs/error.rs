//! What can go wrong with base images in the store.

use std::io;
use std::path::PathBuf;

use buildpack_core::diagnostic::{Class, Diagnostic, Explain};
use buildpack_core::digest::Digest;
use buildpack_core::image::ImageError;
use buildpack_core::store::StoreError;

use crate::registry::RegistryError;

/// Why a base image can't be had.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// The registry did not give it.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The store refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
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
    /// A file could not be read or written.
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

impl StackError {
    /// A wrapper for `map_err`: what was being done.
    pub(super) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |cause| Self::Io { doing, cause }
    }
}

impl Explain for StackError {
    fn diagnostic(&self) -> Diagnostic {
        let error =
            |code: &'static str| Diagnostic::error(code, Class::Surroundings, self.to_string());
        match self {
            Self::Registry(registry) => registry.diagnostic(),
            Self::Store(store) => store.diagnostic(),
            Self::Image(image) => image.diagnostic(),
            Self::Offline { reference, .. } => error("stack-offline")
                .help(format!(
                    "pull it once while online: `bp stack pull {reference}`"
                ))
                .help("or take it in from a file: `bp stack import FILE`"),
            Self::Io { cause, .. } => {
                let told = error("stack-io").note(cause.to_string());
                match cause.kind() {
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                        told.help("make room, or set `BP_CACHE_DIR` to a disk that has some")
                    }
                    io::ErrorKind::Unsupported => told.help("`bp` unpacks images on Linux 5.6 and newer; in a container its seccomp profile must allow `openat2`"),
                    _ => told.help("look whether the cache folder is yours; `BP_CACHE_DIR` names another"),
                }
            }
            Self::Unsafe { .. } => error("stack-unsafe-layer")
                .help("use another image: a layer like this is made to harm, or by a broken tool"),
            Self::Damaged { .. } => error("stack-damaged-layer")
                .help("pull it again: `bp stack remove NAME`, then `bp stack pull NAME`"),
            Self::NotAnImage { .. } => {
                Diagnostic::error("stack-not-an-image", Class::Usage, self.to_string())
                    .help("give an OCI layout, a tar of one, or what `docker save` wrote")
            }
        }
    }
}
