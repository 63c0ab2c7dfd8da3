//! What can go wrong with the folder that things are kept in.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::diagnostic::{Class, Diagnostic, Explain};

/// Why something could not be kept or read. All of it is the surroundings' fault.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file stands where the store or one of its folders should be.
    #[error("the cache folder `{}` is not a folder", path.display())]
    NotAFolder {
        /// What stands there.
        path: PathBuf,
    },
    /// The folder may not be written to.
    #[error("cannot {operation} `{}`: not writable", path.display())]
    NotWritable {
        /// What was tried.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
    /// No room is left, or the quota is used up.
    #[error("cannot {operation} `{}`: the disk is full", path.display())]
    Full {
        /// What was tried.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
    /// Something else.
    #[error("{}", failed(operation, path, source))]
    Io {
        /// What was tried.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
    /// A record is there but cannot be read.
    #[error("`{}` in the cache is damaged: {why}", path.display())]
    Damaged {
        /// The record's file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

impl StoreError {
    /// Sorts the system's error by what the user can do about it.
    pub fn io(operation: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            ErrorKind::NotADirectory | ErrorKind::AlreadyExists => Self::NotAFolder { path },
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Self::NotWritable {
                operation,
                path,
                source,
            },
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full {
                operation,
                path,
                source,
            },
            _ => Self::Io {
                operation,
                path,
                source,
            },
        }
    }
}

/// What failed, on what and why; `fs_err` names the path itself.
fn failed(operation: &str, path: &Path, source: &io::Error) -> String {
    let (path, source) = (path.display().to_string(), source.to_string());
    if source.contains(&path) {
        format!("cannot {operation}: {source}")
    } else {
        format!("cannot {operation} `{path}`: {source}")
    }
}

/// The way out where the store's disk is full.
pub(crate) fn disk_full(error: &dyn std::error::Error) -> Diagnostic {
    Diagnostic::error("disk-full", Class::Surroundings, error.to_string()).help(
        "make room, for instance with `bp cache gc`, or name a folder on another disk with `BP_CACHE_DIR`",
    )
}

impl Explain for StoreError {
    fn diagnostic(&self) -> Diagnostic {
        let say = |code| Diagnostic::error(code, Class::Surroundings, self.to_string());
        match self {
            Self::NotAFolder { .. } => say("cache-not-a-folder")
                .help("move the file away, or name another folder with `BP_CACHE_DIR`"),
            Self::NotWritable { .. } => say("cache-not-writable").help(
                "make the folder writable for this user, or name another one with `BP_CACHE_DIR`",
            ),
            Self::Full { .. } => disk_full(self),
            Self::Io { .. } => say("cache-failed")
                .help("look at the disk, or name another folder with `BP_CACHE_DIR`"),
            Self::Damaged { path, .. } => {
                say("cache-damaged").help(format!("remove `{}` and run again", path.display()))
            }
        }
    }
}
