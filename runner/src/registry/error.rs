//! What can go wrong with a registry.

use std::io;
use std::time::Duration;

use buildpack_core::diagnostic::{Class, Diagnostic, Explain};
use buildpack_core::digest::Digest;

use super::{Access, ParseReferenceError};

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
    /// It speaks no TLS, or its certificate is by an authority that is not known.
    #[error("no TLS connection to `{url}` can be trusted")]
    NoTrust {
        /// What was asked for.
        url: String,
        /// What the TLS library says.
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
    #[error("`{host}` does not let us {} `{repository}`", access.refused())]
    Denied {
        /// The registry.
        host: String,
        /// What was asked for.
        repository: String,
        /// What was to be done there.
        access: Access,
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
    /// Nothing can be pushed to a repository that is not there.
    #[error("`{host}` has no repository `{repository}` to push to")]
    NoRepository {
        /// The registry.
        host: String,
        /// The repository.
        repository: String,
        /// What the registry says.
        why: String,
    },
    /// The registry takes no pushes at all.
    #[error("`{host}` takes no pushes")]
    TakesNone {
        /// The registry.
        host: String,
        /// What it says.
        why: String,
    },
    /// The registry has no room for what was pushed.
    #[error("`{host}` has no room for what was to be pushed: HTTP status {status}")]
    Full {
        /// The registry.
        host: String,
        /// The status.
        status: u16,
        /// What it says.
        why: String,
    },
    /// A blob of ours is not what it should be, or not there.
    #[error("blob `{digest}` can't be pushed: {why}")]
    Source {
        /// The blob.
        digest: Digest,
        /// What is wrong with it.
        why: String,
    },
    /// An image of ours can't be pushed as it was asked to be.
    #[error("the image can't be pushed to `{reference}`: {why}")]
    NotPushable {
        /// Where to.
        reference: String,
        /// Why not.
        why: String,
    },
    /// It was ended because something beside it failed, whose error is the one that is told.
    #[error("it was ended, as something beside it failed")]
    Stopped,
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

    /// Whether a manifest was refused because a blob of it is missing.
    pub(crate) fn is_about_a_blob(&self) -> bool {
        matches!(self, Self::Status { why, .. } if why.contains("BLOB_UNKNOWN"))
    }

    /// What a failing stream of ours means: the error that it holds.
    pub fn of_read(error: io::Error) -> Self {
        let text = error.to_string();
        let own = error.into_inner().and_then(|own| own.downcast().ok());
        match own {
            Some(own) => *own,
            None => Self::Broken {
                url: "the stream".to_owned(),
                why: text,
            },
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
            Self::NoTrust { why, .. } => untrusted(self.to_string(), why),
            Self::Stalled { .. } => error("registry-stalled")
                .help("try again; what was fetched whole is kept")
                .help(MIRROR),
            Self::Broken { why, .. } => error("registry-broke-off")
                .note(why.clone())
                .help("try again; what was fetched whole is kept"),
            Self::Denied {
                host,
                repository,
                access: Access::Push,
                why,
                had_credentials,
            } => {
                let told = error("registry-push-denied").note(format!("it says: {why}"));
                if *had_credentials {
                    told.help(format!("look whether the credentials kept for `{host}` are still good, and whether they may write to `{repository}`: `docker login {host}`"))
                } else {
                    told.help(format!("log in with `docker login {host}`; `bp` reads Docker's and podman's credential files"))
                }
            }
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
            Self::NoRepository { why, repository, .. } => error("registry-no-repository")
                .note(format!("it says: {why}"))
                .help(format!("make the repository `{repository}` there first: this registry makes none by itself"))
                .help("look whether its name is right"),
            Self::TakesNone { why, .. } => error("registry-takes-none")
                .note(format!("it says: {why}"))
                .help("push to the registry itself: a mirror or a cache before it takes nothing"),
            Self::Full { why, .. } => error("registry-full")
                .note(format!("it says: {why}"))
                .help("make room there, or have its limits raised by whoever runs it; nothing was tagged"),
            Self::Source { .. } => error("push-blob")
                .help("build the image again: what is missing or damaged is made anew"),
            Self::NotPushable { .. } => {
                Diagnostic::error("push-impossible", Class::Usage, self.to_string())
                    .help("name the image as `registry.example/team/app:tag`")
            }
            Self::Stopped => Diagnostic::error("registry-stopped", Class::Bug, self.to_string())
                .help("try again"),
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

fn untrusted(message: String, why: &str) -> Diagnostic {
    Diagnostic::error("registry-untrusted", Class::Surroundings, message)
        .note(why.to_owned())
        .help("if an authority of your own signs its certificates, set `SSL_CERT_FILE` to a PEM file that has it")
        .help("if it speaks no TLS, name it with `--insecure-registry HOST:PORT`")
}
