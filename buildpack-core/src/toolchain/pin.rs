//! A digest that the app itself names for a tool, such as the one behind `packageManager` in `package.json`: the tool is
//! held against it, besides what its host publishes.

use std::fmt;
use std::fmt::Write as _;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::digest::DynDigest;

use crate::diagnostic::{Class, Diagnostic, Explain, Origin};

/// How a digest is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// SHA-1: Corepack before 0.25 wrote what npm's registry called `shasum`.
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// By the name that OpenSSL has for it: `sha512`.
    pub fn named(name: &str) -> Option<Self> {
        let all = [
            Self::Sha1,
            Self::Sha224,
            Self::Sha256,
            Self::Sha384,
            Self::Sha512,
        ];
        all.into_iter().find(|one| one.name() == name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha224 => "sha224",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// Hex digits of a digest.
    pub fn digits(self) -> usize {
        self.hasher().output_size() * 2
    }

    fn hasher(self) -> Box<dyn DynDigest> {
        match self {
            Self::Sha1 => Box::new(sha1::Sha1::default()),
            Self::Sha224 => Box::new(sha2::Sha224::default()),
            Self::Sha256 => Box::new(sha2::Sha256::default()),
            Self::Sha384 => Box::new(sha2::Sha384::default()),
            Self::Sha512 => Box::new(sha2::Sha512::default()),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What the app says a tool must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pin {
    /// How the digest is made.
    pub algorithm: Algorithm,
    /// Its hex digits in lower case.
    pub hex: String,
    /// The file of the unpacked tool that it is of; the whole archive, where it is none.
    pub file: Option<String>,
    /// Where the app says so.
    pub origin: Origin,
}

/// Why a tool is not what the app says.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    /// It is another one.
    #[error(
        "{name} is not the one that the app asks for: expected {algorithm} `{expected}`, found `{found}`"
    )]
    Other {
        /// The tool's name.
        name: String,
        /// How the digests are made.
        algorithm: Algorithm,
        /// What the app says.
        expected: String,
        /// What there is.
        found: String,
        /// Where the app says so.
        origin: Box<Origin>,
    },
    /// It could not be read.
    #[error("cannot read `{}`: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Explain for PinError {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Other { origin, .. } => {
                Diagnostic::error("tool-pin", Class::Config, self.to_string())
                    .from(origin, "the digest is named here")
                    .help(
                        "if the version was changed by hand, take the old digest out, or let `corepack use` write both; \
                         otherwise find out who changed the file",
                    )
            }
            Self::Unreadable { .. } => {
                Diagnostic::error("tool-unreadable", Class::Surroundings, self.to_string())
                    .help("check the owner of the cache folder, or let `bp cache clear` make it anew")
            }
        }
    }
}

impl Pin {
    /// Holds a tool against the digest: its archive, or its folder, as [`Self::file`] says.
    pub fn check(&self, name: &str, archive_or_folder: &Path) -> Result<(), PinError> {
        let path = match &self.file {
            Some(file) => archive_or_folder.join(file),
            None => archive_or_folder.to_owned(),
        };
        let found = digest(self.algorithm, &path).map_err(|source| PinError::Unreadable {
            path: path.clone(),
            source,
        })?;
        if found == self.hex {
            return Ok(());
        }
        Err(PinError::Other {
            name: name.to_owned(),
            algorithm: self.algorithm,
            expected: self.hex.clone(),
            found,
            origin: Box::new(self.origin.clone()),
        })
    }
}

fn digest(algorithm: Algorithm, path: &Path) -> io::Result<String> {
    let mut file = fs_err::File::open(path)?;
    let mut hasher = algorithm.hasher();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => hasher.update(&buffer[..read]),
        }
    }
    let digest = hasher.finalize();
    Ok(digest.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The digests of `abc` (FIPS 180-4's examples).
    const OF_ABC: [(&str, &str); 4] = [
        ("sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (
            "sha224",
            "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
        ),
        (
            "sha256",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        (
            "sha384",
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        ),
    ];

    #[test]
    fn archives_and_files_are_held_against_what_the_app_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("yarn.js");
        fs_err::write(&path, "abc").unwrap();
        for (name, hex) in OF_ABC {
            let algorithm = Algorithm::named(name).unwrap();
            assert_eq!(algorithm.digits(), hex.len(), "{name}");
            let mut pin = Pin {
                algorithm,
                hex: hex.to_owned(),
                file: None,
                origin: Origin::Env("X".to_owned()),
            };
            pin.check("yarn 4.9.2", &path).unwrap();
            pin.file = Some("yarn.js".to_owned());
            pin.check("yarn 4.9.2", folder.path()).unwrap();
            pin.hex = "0".repeat(hex.len());
            let error = pin.check("yarn 4.9.2", folder.path()).unwrap_err();
            let problem = error.diagnostic();
            assert_eq!(problem.code.0, "tool-pin");
            assert!(problem.message.contains(hex), "{}", problem.message);
            pin.file = Some("none".to_owned());
            let error = pin.check("yarn 4.9.2", folder.path()).unwrap_err();
            assert!(matches!(error, PinError::Unreadable { .. }), "{error}");
        }
        assert_eq!(Algorithm::named("sha512").map(Algorithm::digits), Some(128));
        assert_eq!(Algorithm::named("md5"), None);
    }
}
