//! The ways in which an archive can lie.

use std::io;

use crate::diagnostic::{Class, Diagnostic, Explain};
use crate::store::disk_full;

/// Why an archive could not be unpacked. Names are shown cut and escaped: the archive chose them.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The archive's own structure is broken, or it ends too early.
    #[error("the archive is damaged: {0}")]
    Damaged(String),
    /// A name leaves the folder, or is no name.
    #[error("the archive holds `{name}`, which {why}")]
    BadName {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A link leads out of the folder, or nowhere that can be told.
    #[error("the archive's link `{name}` to `{target}` {why}")]
    BadLink {
        /// The link.
        name: String,
        /// What it names.
        target: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Something that is no file, folder or link.
    #[error("the archive holds `{name}`, which is {what}")]
    Unsupported {
        /// The name.
        name: String,
        /// What it is.
        what: String,
    },
    /// More entries than allowed.
    #[error("the archive holds more than {0} entries")]
    TooMany(u64),
    /// More bytes than allowed.
    #[error("the archive unpacks to more than {0} bytes")]
    TooLarge(u64),
    /// The disk.
    #[error("{0}")]
    Disk(io::Error),
}

impl UnpackError {
    /// A broken archive.
    pub(super) fn damaged(why: impl std::fmt::Display) -> Self {
        Self::Damaged(why.to_string())
    }
}

impl Explain for UnpackError {
    fn diagnostic(&self) -> Diagnostic {
        let say = |code| Diagnostic::error(code, Class::Surroundings, self.to_string());
        match self {
            Self::Damaged(_) => say("archive-damaged")
                .help("tell whoever publishes the archive; its digest is the published one"),
            Self::BadName { .. } | Self::BadLink { .. } | Self::Unsupported { .. } => {
                say("archive-unsafe")
                    .help("nothing of it was kept; tell whoever publishes the archive")
            }
            Self::TooMany(_) | Self::TooLarge(_) => say("archive-too-large")
                .help("nothing of it was kept; tell whoever publishes the archive"),
            Self::Disk(error) if error.kind() == io::ErrorKind::StorageFull => disk_full(self),
            Self::Disk(_) => say("unpack-failed").help("look at the disk"),
        }
    }
}

/// A name of the archive as a message can show it.
pub(super) fn shown(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(&name[..name.len().min(120)]);
    let mut shown: String = text.escape_debug().collect();
    if name.len() > 120 {
        shown.push('…');
    }
    shown
}
