//! What can go wrong with a layer.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::diagnostic::{Class, Diagnostic, Explain};

/// A config var's value that was found in a file of a layer. The value itself is nowhere in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Absolute path in the image.
    pub path: String,
    /// Name of the config var.
    pub name: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the value of `{}` in `{}`", self.name, self.path)
    }
}

/// Why a layer could not be made.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// A file or folder that belongs into the layer can't be read.
    #[error("can't read `{}` for the image: {source}", path.display())]
    Read {
        /// Path on the host.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file changed between two looks at it.
    #[error("`{}` changed while it was being read for the image", path.display())]
    Changed {
        /// Path on the host.
        path: PathBuf,
    },
    /// A path for the image is not absolute, or has `.`, `..` or a NUL in it.
    #[error("`{0}` is no plain absolute path for the image")]
    Target(String),
    /// Two parts of a layer bring the same path, one as a folder, one as something else.
    #[error("two things want to be `{path}` in the image: a folder and a file or link")]
    Conflict {
        /// Absolute path in the image.
        path: String,
    },
    /// The blob or the cache of file digests can't be written.
    #[error("can't write `{}`: {source}", path.display())]
    Write {
        /// Path on the host.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Values of config vars are in the files.
    #[error("{} would be in the image", list(findings))]
    Secret {
        /// What was found; never empty.
        findings: Vec<Finding>,
    },
}

fn list(findings: &[Finding]) -> String {
    match findings {
        [] => "a secret".to_owned(),
        [one] => one.to_string(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    }
}

impl Explain for LayerError {
    fn diagnostic(&self) -> Diagnostic {
        let error = |code, class| Diagnostic::error(code, class, self.to_string());
        match self {
            Self::Read { source, .. } => {
                let unreadable = error("layer-unreadable-file", Class::Build);
                if source.kind() == io::ErrorKind::PermissionDenied {
                    unreadable.help(
                        "give the file's owner read permission in the app or in the build hook that made it",
                    )
                } else {
                    unreadable
                }
            }
            Self::Changed { .. } => error("layer-file-changed", Class::Surroundings)
                .help("stop what writes to the app's folder during the build, then build again"),
            Self::Target(_) => error("layer-bad-path", Class::Bug),
            Self::Conflict { .. } => error("layer-conflict", Class::Build)
                .help("rename the file or the folder in the app"),
            Self::Write { .. } => error("layer-not-written", Class::Surroundings)
                .help("check the free space and the permissions of the cache folder"),
            Self::Secret { findings } => {
                let all = error("secret-in-image", Class::Build)
                    .help("read the config var when the app starts (`config/runtime.exs`), not when it is compiled");
                // One finding is the message itself.
                findings
                    .iter()
                    .filter(|_| findings.len() > 1)
                    .fold(all, |all, finding| all.note(finding.to_string()))
            }
        }
    }
}
