//! What can go wrong with a registry.

use std::io;
use std::time::Duration;

use buildpack_core::diagnostic::{Class, Diagnostic, Explain};
use buildpack_core::digest::Digest;

use super::ParseReferenceError;

/// Why a registry did not give what was asked of it. URLs stand in it without user, password and query.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The name asked for is none.
    #[error(transparent)]
    Reference(#[from] ParseReferenceError),
    /// A setting of ours can't be used.
    #[error("the registry setting `{setting}` can't be used: {why}")]
    Setting {
        /// The setting as it was given.
        setting: String,
        /// What is wrong.
        why: String,
    },
    /// TLS could not be set up at all.
    #[error(transparent)]
    Tls(#[from] crate::tls::TlsError),
    /// No connection came about.
    #[error("could not connect to `{url}`")]
    Connect {
        /// What was asked for.
        url: String,
        /// Why, down to the operating system's word.
        why: String,
    },
    /// Nothing came any more.
    #[error("`{url}` stayed silent for {} seconds", patience.as_secs())]
    Stalled {
        /// What was asked for.
        url: String,
        /// How long we waited.
        patience: Duration,
    },
    /// The connection broke, or the body ended before its length.
    #[error("the answer from `{url}` broke off")]
    Broken {
        /// What was asked for.
        url: String,
        /// How.
        why: String,
    },
    /// The registry wants other credentials, or any.
    #[error("`{host}` refuses access to `{repository}`")]
    Denied {
        /// The registry.
        host: String,
        /// What was asked for.
        repository: String,
        /// What it says.
        why: String,
        /// Whether we had credentials to show.
        had_credentials: bool,
    },
    /// There is no such image, or no such blob.
    #[error("`{host}` has no {what}")]
    NotFound {
        /// The registry.
        host: String,
        /// What was asked for.
        what: String,
    },
    /// Any other refusal.
    #[error("`{url}` answered with HTTP status {status}")]
    Status {
        /// What was asked for.
        url: String,
        /// The status.
        status: u16,
        /// What the registry says.
        why: String,
        /// How long to wait, where it says so.
        retry_after: Option<Duration>,
    },
    /// The answer is not what a registry answers: an error page, a log-in page, broken JSON.
    #[error("the answer from `{url}` is not {expected}")]
    Unexpected {
        /// What was asked for.
        url: String,
        /// What it should have been.
        expected: &'static str,
        /// What came.
        why: String,
    },
    /// The bytes are not those of the digest.
    #[error("`{url}` gave other bytes than were asked for")]
    WrongDigest {
        /// What was asked for.
        url: String,
        /// The digest asked for.
        expected: Digest,
        /// The digest of what came.
        found: Digest,
    },
    /// The image is not there for this architecture.
    #[error("`{reference}` is not there for linux/{wanted}")]
    NoPlatform {
        /// The image.
        reference: String,
        /// The architecture.
        wanted: String,
        /// The platforms that are there.
        there: Vec<String>,
    },
    /// The image is of a kind that can't stand below ours.
    #[error("`{reference}` can't be used: {why}")]
    Unusable {
        /// The image.
        reference: String,
        /// Why.
        why: String,
    },
    /// A blob could not be kept.
    #[error("could not keep a blob of `{reference}`")]
    Keep {
        /// The image.
        reference: String,
        /// Why; names the path.
        #[source]
        cause: io::Error,
    },
}

impl Explain for RegistryError {
    fn diagnostic(&self) -> Diagnostic {
        Diagnostic::error("registry", Class::Surroundings, self.to_string())
    }
}
