//! Why a file could not be had.

use std::path::Path;

use super::{FetchError, redact_url};
use crate::diagnostic::{Class, Diagnostic, Explain};
use crate::digest::Digest;
use crate::store::StoreError;

/// Why a file could not be had. Addresses come without credentials.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The network.
    #[error("cannot download {name}: {}", error.cause)]
    Fetch {
        /// The artifact's name.
        name: String,
        /// What happened at the last try.
        error: FetchError,
        /// How many tries there were.
        tries: u32,
    },
    /// What came is something else.
    #[error("{name} is not what it should be: expected {expected}, found {found}")]
    WrongDigest {
        /// The artifact's name.
        name: String,
        /// Where it came from.
        url: String,
        /// The published digest.
        expected: String,
        /// The digest of what came.
        found: String,
    },
    /// What came is not what came the first time.
    #[error("{name} has changed since it was first downloaded: pinned {pinned}, found {found}")]
    PinChanged {
        /// The artifact's name.
        name: String,
        /// Where it came from.
        url: Box<str>,
        /// The digest of the first time.
        pinned: Digest,
        /// The digest now.
        found: Digest,
        /// The file of the pin.
        pin: Box<Path>,
    },
    /// A web page or nothing came where an archive should.
    #[error("{name} is {what}, not {expected}")]
    NotAnArchive {
        /// The artifact's name.
        name: String,
        /// Where it came from.
        url: String,
        /// What came, such as `a web page`.
        what: String,
        /// What should have come, such as `a gzipped tar`.
        expected: &'static str,
    },
    /// More came than may.
    #[error("{name} is larger than {max_bytes} bytes")]
    TooLarge {
        /// The artifact's name.
        name: String,
        /// Where it came from.
        url: String,
        /// The limit.
        max_bytes: u64,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Explain for DownloadError {
    fn diagnostic(&self) -> Diagnostic {
        let say = |code| Diagnostic::error(code, Class::Surroundings, self.to_string());
        let from = |url: &str| format!("from {}", redact_url(url));
        match self {
            Self::Fetch { error, tries, .. } => {
                let mut diagnostic = error.diagnostic();
                diagnostic.message = self.to_string();
                let tried = if *tries > 1 { format!(", {tries} tries") } else { String::new() };
                diagnostic.note(format!("{}{tried}", from(&error.url)))
            }
            Self::WrongDigest { url, .. } => say("download-wrong-digest")
                .note(from(url))
                .help("a proxy or mirror on the way serves another file: ask it for a fresh copy, or leave it out"),
            Self::PinChanged { url, pin, .. } => say("download-pin-changed").note(from(url)).help(format!(
                "if the change is known to be meant, remove `{}` and run again",
                pin.display()
            )),
            Self::NotAnArchive { url, .. } => say("download-not-an-archive")
                .note(from(url))
                .help("look at the address in a browser: a proxy, a login page or an outage may answer in its place"),
            Self::TooLarge { url, .. } => say("download-too-large")
                .note(from(url))
                .help("look at what the address serves"),
            Self::Store(error) => error.diagnostic(),
        }
    }
}
