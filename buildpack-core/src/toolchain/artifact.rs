//! What is to be fetched, and how it is known to be the right thing.

use serde::Serialize;

use super::redact_url;
use crate::digest::Digest;

/// A file of the net.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Artifact {
    /// For people, such as `Erlang 27.3.4`.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// How it is known to be the right one.
    pub verify: Verify,
    /// More bytes than this are refused.
    pub max_bytes: u64,
    /// What it is.
    pub kind: Kind,
}

impl Artifact {
    /// What it is, whatever the mirror: the published digest, or its address where nobody publishes one.
    pub fn identity(&self) -> String {
        match &self.verify {
            Verify::Sha256(digest) => digest.to_string(),
            Verify::Sha512Hex(hex) => format!("sha512:{}", hex.to_ascii_lowercase()),
            Verify::FirstUse | Verify::Unknown => redact_url(&self.url),
        }
    }
}

/// How a download is known to be the right one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verify {
    /// By its SHA-256.
    Sha256(Digest),
    /// By its SHA-512: 128 hex digits, case ignored.
    Sha512Hex(String),
    /// Nobody publishes a digest: the one seen at first is pinned, and compared ever after.
    FirstUse,
    /// Nobody publishes a digest, and another file may stand there tomorrow: whoever asks looks at the digest of what came.
    Unknown,
}

impl Verify {
    /// Whether a file that was put together of parts of two others would be found out.
    pub(super) fn tells_parts_apart(&self) -> bool {
        matches!(self, Self::Sha256(_) | Self::Sha512Hex(_))
    }
}

/// What a file is; its first bytes must agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A gzipped tar.
    TarGz,
    /// A tar, as it is or compressed in some way.
    Tar,
    /// A zip.
    Zip,
    /// An executable program of Linux (ELF).
    Program,
    /// Anything.
    Raw,
}
