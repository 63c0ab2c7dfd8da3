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

impl RegistryError {
    /// Whether the same request may well succeed in a moment.
    pub fn is_worth_a_retry(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Stalled { .. } | Self::Broken { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 429 | 500..=599),
            _ => false,
        }
    }

    /// How long the registry asks us to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

const MIRROR: &str = "where this registry can't be reached, name one that can with `--registry-mirror HOST=URL`, or take the image in from a file with `bp stack import`";

impl Explain for RegistryError {
    fn diagnostic(&self) -> Diagnostic {
        let error =
            |code: &'static str| Diagnostic::error(code, Class::Surroundings, self.to_string());
        match self {
            Self::Reference(_) => Diagnostic::error("image-name", Class::Usage, self.to_string())
                .help("write it as `heroku/heroku:24` or `registry.example/team/app@sha256:…`"),
            Self::Setting { .. } => {
                Diagnostic::error("registry-setting", Class::Usage, self.to_string())
                    .help("write a mirror as `docker.io=http://127.0.0.1:5000`")
            }
            Self::Tls(tls) => tls.diagnostic(),
            Self::Connect { why, .. } => {
                error("registry-unreachable").note(why.clone()).help(MIRROR)
            }
            Self::Stalled { .. } => error("registry-stalled")
                .help("try again; what was fetched whole is kept")
                .help(MIRROR),
            Self::Broken { why, .. } => error("registry-broke-off")
                .note(why.clone())
                .help("try again; what was fetched whole is kept"),
            Self::Denied {
                host,
                why,
                had_credentials,
                ..
            } => {
                let told = error("registry-denied").note(format!("it says: {why}"));
                if *had_credentials {
                    told.help(format!("look whether the credentials kept for `{host}` are still good: `docker login {host}`"))
                } else {
                    told.help(format!("log in with `docker login {host}`; `bp` reads Docker's and podman's credential files"))
                        .help("look whether the image's name is right: registries hide what they don't show")
                }
            }
            Self::NotFound { .. } => error("registry-not-found")
                .help("look whether name and tag are right")
                .help(MIRROR),
            Self::Status {
                status: 429, why, ..
            } => error("registry-rate-limit")
                .note(format!("it says: {why}"))
                .help("wait, or log in: registries give more to those they know")
                .help(MIRROR),
            Self::Status { why, .. } => error("registry-refused")
                .note(format!("it says: {why}"))
                .help("try again later; if it stays so, ask whoever runs that registry"),
            Self::Unexpected { why, .. } => error("registry-unexpected")
                .note(why.clone())
                .help("look whether a proxy or a log-in page stands between `bp` and the registry"),
            Self::WrongDigest {
                expected, found, ..
            } => error("registry-wrong-digest")
                .note(format!("asked for `{expected}`, got `{found}`"))
                .help("look whether a proxy or mirror alters what passes through it"),
            Self::NoPlatform { there, .. } => {
                let told = error("image-no-platform");
                if there.is_empty() {
                    told.help("choose an image that is built for this architecture")
                } else {
                    told.help(format!("choose one of its platforms: {}", there.join(", ")))
                }
            }
            Self::Unusable { .. } => error("image-unusable").help("choose another image"),
            Self::Keep { cause, .. } => error("registry-keep")
                .note(cause.to_string())
                .help("look whether the disk is full, or the cache folder is not yours"),
        }
    }
}
