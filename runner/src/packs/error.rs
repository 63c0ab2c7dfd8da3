//! Why a pack could not be had.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use buildpack_core::diagnostic::{Class, Diagnostic, Explain, Origin, Sourced};
use buildpack_core::store::StoreError;
use buildpack_core::toolchain::{Cause, DownloadError, UnpackError};
use buildpack_core::wanted::ARCHIVES;
use buildpack_core::wanted::lock::{self, Identity};

/// Why a pack could not be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot get the buildpack `{shown}`: {why}")]
pub struct PackError {
    /// The pack, without credentials.
    shown: String,
    /// As it was written, without credentials.
    written: String,
    /// Who asked for it.
    origin: Box<Origin>,
    why: Box<Why>,
}

/// What happened. What git said holds no credentials.
#[derive(Debug, thiserror::Error)]
pub(super) enum Why {
    #[error("the program `git` is not installed")]
    NoGit,
    #[error("nothing answers there")]
    Unreachable { said: Vec<String> },
    #[error("there is no repository that may be read, and it is no archive")]
    NotFound { said: Vec<String> },
    #[error("it has no branch, tag or commit `{reference}`")]
    NoReference {
        reference: String,
        alike: Option<String>,
    },
    #[error("git cannot {doing}")]
    Git {
        doing: &'static str,
        said: Vec<String>,
    },
    #[error("git did not {doing} within {} s", limit.as_secs_f32())]
    TimedOut {
        doing: &'static str,
        limit: Duration,
    },
    #[error("working offline, and {}", match known {
        Some(known) => format!("{known} of it is not kept"),
        None => "it was never fetched".to_owned(),
    })]
    Offline { known: Option<String> },
    #[error("`buildpacks.lock` holds it to {}, {}", locked.short(), match found {
        Some(found) => format!("and it is {} now", found.short()),
        None => "which cannot be had any more".to_owned(),
    })]
    Drifted {
        locked: Identity,
        found: Option<Identity>,
    },
    #[error("there is no folder `{}`", .0.display())]
    NoFolder(PathBuf),
    #[error("it has no `{0}`")]
    Incomplete(&'static str),
    #[error(transparent)]
    Download(DownloadError),
    #[error(transparent)]
    Unpack(UnpackError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot {doing} `{}`: {source}", path.display())]
    Disk {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
}

impl Why {
    pub(super) fn disk(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Disk {
            doing,
            path: path.to_owned(),
            source,
        }
    }
}

impl From<DownloadError> for Why {
    fn from(error: DownloadError) -> Self {
        match &error {
            DownloadError::Fetch { error: of, .. } => match &of.cause {
                Cause::Status {
                    status: 403 | 404 | 410,
                    ..
                } => Self::NotFound {
                    said: vec![of.to_string()],
                },
                Cause::Offline => Self::Offline { known: None },
                _ => Self::Download(error),
            },
            _ => Self::Download(error),
        }
    }
}

impl PackError {
    pub(super) fn new(shown: String, wanted: &Sourced<String>, why: Why) -> Self {
        Self {
            shown,
            written: wanted.value.clone(),
            origin: Box::new(wanted.origin.clone()),
            why: Box::new(why),
        }
    }

    /// The address, without what stands behind its `#`.
    pub fn url(&self) -> &str {
        let (url, _) = self.written.split_once('#').unwrap_or((&self.written, ""));
        url
    }

    /// The lines that herokuish prints for it, without their `!     ` (compatibility facts 2.4); none where it has none.
    pub fn herokuish(&self) -> Vec<String> {
        let url = self.url();
        let is_archive = ARCHIVES.iter().any(|ending| url.ends_with(ending));
        match &*self.why {
            Why::NotFound { .. } | Why::Unreachable { .. } | Why::NoFolder(_) if !is_archive => {
                vec![
                    format!(
                        "Buildpack URL is not a reachable git remote or a recognised archive: '{url}'"
                    ),
                    format!("Supported archive extensions: {}", ARCHIVES.join(", ")),
                ]
            }
            Why::NotFound { .. }
            | Why::Unreachable { .. }
            | Why::NoFolder(_)
            | Why::Download(_)
            | Why::Unpack(_) => vec![format!("Failed to download buildpack from '{url}'")],
            Why::NoReference { reference, .. } => {
                vec![format!("Failed to checkout '{reference}' from '{url}'")]
            }
            Why::Git { .. } | Why::TimedOut { .. } | Why::NoGit => {
                vec![format!("Failed to clone buildpack from '{url}'")]
            }
            _ => Vec::new(),
        }
    }
}

impl Explain for PackError {
    fn diagnostic(&self) -> Diagnostic {
        let problem = self.problem().from(&self.origin, "asked for here");
        match &*self.why {
            Why::Unreachable { said } | Why::NotFound { said } | Why::Git { said, .. } => {
                said.iter().fold(problem, |problem, line| {
                    problem.note(format!("git: {line}"))
                })
            }
            _ => problem,
        }
    }
}

impl PackError {
    fn problem(&self) -> Diagnostic {
        let text = self.to_string();
        match &*self.why {
            Why::NoGit => Diagnostic::error("git-missing", Class::Surroundings, text)
                .help("install git, or name an archive of the pack (`https://host/pack.tgz`)"),
            Why::Unreachable { .. } => Diagnostic::error("pack-unreachable", Class::Surroundings, text)
                .help("check the network, the proxy and the host's name, then run again"),
            Why::NotFound { .. } => Diagnostic::error("pack-not-found", Class::Config, text)
                .help("check the address in a browser; for a private repository, make `git ls-remote` with it work first")
                .note("archives end with .tgz, .tar.gz, .tbz, .tar.bz or .tar"),
            Why::NoReference { alike, .. } => {
                let problem = Diagnostic::error("pack-version", Class::Config, text);
                match alike {
                    Some(alike) => problem.help(format!("did you mean `#{alike}`?")),
                    None => problem.help("put a branch, a tag or a commit of that repository behind the `#`"),
                }
            }
            Why::Git { .. } => Diagnostic::error("pack-git", Class::Surroundings, text)
                .help("try it by hand with `git clone`; what git needs there, it needs here"),
            Why::TimedOut { .. } => Diagnostic::error("pack-timeout", Class::Surroundings, text)
                .help("run again; where that host is slow, use a mirror of it or an archive"),
            Why::Offline { .. } => Diagnostic::error("pack-offline", Class::Surroundings, text)
                .help("run once with the network, so that it is kept, or leave out `--offline`"),
            Why::Drifted { .. } => lock::drifted(text),
            Why::NoFolder(_) => Diagnostic::error("pack-folder", Class::Config, text)
                .help("relative folders start at the app's folder; check the path"),
            Why::Incomplete(_) => Diagnostic::error("pack-incomplete", Class::Config, text)
                .note("a buildpack has `bin/detect` and `bin/compile`")
                .help("check that the address leads to a buildpack, and to its own folder"),
            Why::Download(error) => self.with_name(error.diagnostic()),
            Why::Unpack(error) => self.with_name(error.diagnostic()),
            Why::Store(error) => error.diagnostic(),
            Why::Disk { .. } => Diagnostic::error("pack-disk", Class::Surroundings, text)
                .help("check the disk and who may read there, then run again"),
        }
    }

    fn with_name(&self, mut problem: Diagnostic) -> Diagnostic {
        let mut message = String::new();
        // Writing to a string cannot fail.
        let _ = write!(
            message,
            "cannot get the buildpack `{}`: {}",
            self.shown, problem.message
        );
        problem.message = message;
        problem
    }
}
