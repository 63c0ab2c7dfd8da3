//! What can go wrong with images on disk.

use std::io;
use std::path::PathBuf;

use crate::diagnostic::{Class, Diagnostic, Explain};
use crate::digest::Digest;

/// Why an image could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// A file could not be read or written; the cause names it.
    #[error("could not {doing}")]
    Io {
        /// What was being done, with its object.
        doing: String,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// A blob that the image needs is not where it should be.
    #[error("blob `{digest}` ({what}) is missing")]
    MissingBlob {
        /// The blob.
        digest: Digest,
        /// What it is.
        what: String,
    },
    /// A blob's bytes are not those of its name.
    #[error("{what} is damaged: `{expected}` was expected, its bytes are `{found}`")]
    Damaged {
        /// What it is.
        what: String,
        /// Its name.
        expected: Digest,
        /// What its bytes are.
        found: Digest,
    },
    /// A document of an image says what cannot be.
    #[error("{what} is not usable: {why}")]
    Malformed {
        /// The document.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// The layout holds no such image.
    #[error("`{}` holds no image {}", layout.display(), tag.as_deref().map_or("at all".to_owned(), |tag| format!("tagged `{tag}`")))]
    NoSuchImage {
        /// The layout.
        layout: PathBuf,
        /// The tag that was asked for.
        tag: Option<String>,
        /// The tags that are there.
        there: Vec<String>,
    },
}

impl ImageError {
    /// A wrapper for `map_err`: what was being done.
    pub fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |cause| Self::Io { doing, cause }
    }

    /// A document that says what cannot be.
    pub fn malformed(what: impl Into<String>, why: &(impl ToString + ?Sized)) -> Self {
        Self::Malformed {
            what: what.into(),
            why: why.to_string(),
        }
    }
}

impl Explain for ImageError {
    fn diagnostic(&self) -> Diagnostic {
        let message = self.to_string();
        match self {
            Self::Io { cause, .. } => {
                let told = Diagnostic::error("image-io", Class::Surroundings, message)
                    .note(cause.to_string());
                match cause.kind() {
                    io::ErrorKind::StorageFull => told.help("make room on that disk and try again"),
                    io::ErrorKind::PermissionDenied => {
                        told.help("choose a place that you may write to")
                    }
                    _ => told.help("look at the path named above"),
                }
            }
            Self::MissingBlob { .. } => {
                Diagnostic::error("image-blob-missing", Class::Surroundings, message)
                    .help("build or pull the image again; what is missing is made anew")
            }
            Self::Damaged { .. } => {
                Diagnostic::error("image-blob-damaged", Class::Surroundings, message)
                    .help("remove the damaged copy and build or pull again")
            }
            Self::Malformed { .. } => {
                Diagnostic::error("image-malformed", Class::Surroundings, message)
                    .help("have the image made again by whoever made it")
            }
            Self::NoSuchImage { there, .. } => {
                let told = Diagnostic::error("image-not-in-layout", Class::Usage, message);
                if there.is_empty() {
                    told.help("give the path of an OCI layout that has an index.json with an image")
                } else {
                    told.help(format!("name one of its tags: {}", there.join(", ")))
                }
            }
        }
    }
}
