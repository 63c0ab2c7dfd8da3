//! The part of a file that has come so far, hashed as it comes.

use std::io::{self, Read as _, Write as _};
use std::path::Path;

use sha2::{Digest as _, Sha512};

use super::{Artifact, Verify};
use crate::digest::{Digest, Hasher};
use crate::store::StoreError;

/// Bytes read at once.
pub(super) const BUFFER: usize = 64 << 10;

/// Bytes kept to see what kind of file it is.
const HEAD: usize = 256;

/// A whole file on disk, not verified yet.
pub(super) struct Transferred {
    pub(super) digest: Digest,
    pub(super) sha512: Option<String>,
    pub(super) size: u64,
    /// Whether a splice or an unmarked early end may have spoilt it, so that one clean try is worth it.
    pub(super) doubtful: bool,
    pub(super) head: Vec<u8>,
}

/// What is known of the bytes so far.
pub(super) struct Seen {
    hasher: Hasher,
    sha512: Option<Sha512>,
    pub(super) head: Vec<u8>,
}

impl Seen {
    fn nothing(artifact: &Artifact) -> Self {
        Self {
            hasher: Hasher::new(),
            sha512: matches!(artifact.verify, Verify::Sha512Hex(_)).then(Sha512::new),
            head: Vec::new(),
        }
    }

    fn take_in(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        if let Some(sha512) = &mut self.sha512 {
            sha512.update(bytes);
        }
        let missing = HEAD.saturating_sub(self.head.len());
        self.head
            .extend_from_slice(&bytes[..missing.min(bytes.len())]);
    }

    fn sha512(&self) -> Option<String> {
        use std::fmt::Write as _;
        let digest = self.sha512.clone()?.finalize();
        Some(digest.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        }))
    }
}

/// The part of a file that has come so far.
pub(super) struct Draft {
    file: fs_err::File,
    pub(super) seen: Seen,
    pub(super) etag: Option<String>,
    pub(super) total: Option<u64>,
    pub(super) spliced: bool,
}

impl Draft {
    pub(super) fn new(path: &Path, artifact: &Artifact) -> Result<Self, StoreError> {
        let file = fs_err::File::create(path).map_err(|e| StoreError::io("write", path, e))?;
        Ok(Self {
            file,
            seen: Seen::nothing(artifact),
            etag: None,
            total: None,
            spliced: false,
        })
    }

    /// With what an earlier process left. Only where a published digest judges the whole: nothing else tells whether
    /// those bytes reached the disk, or are of the same file.
    pub(super) fn resume(path: &Path, artifact: &Artifact) -> Result<Self, StoreError> {
        let fail = |error| StoreError::io("read", path, error);
        if !artifact.verify.tells_parts_apart() || !path.exists() {
            return Self::new(path, artifact);
        }
        let mut file = fs_err::OpenOptions::new()
            .read(true)
            .append(true)
            .open(path)
            .map_err(fail)?;
        let mut seen = Seen::nothing(artifact);
        let mut buffer = vec![0; BUFFER];
        loop {
            match file.read(&mut buffer).map_err(fail)? {
                0 => break,
                read => seen.take_in(&buffer[..read]),
            }
        }
        if seen.hasher.length() > artifact.max_bytes {
            return Self::new(path, artifact);
        }
        Ok(Self {
            file,
            spliced: !seen.head.is_empty(),
            seen,
            etag: None,
            total: None,
        })
    }

    pub(super) fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.seen.take_in(bytes);
        Ok(())
    }

    pub(super) fn length(&self) -> u64 {
        self.seen.hasher.length()
    }

    /// Whether nothing is missing: a process may have ended between the last byte and the file's new name.
    pub(super) fn is_whole(&self, artifact: &Artifact) -> bool {
        match &artifact.verify {
            Verify::Sha256(digest) => self.seen.hasher.clone().finish() == *digest,
            Verify::Sha512Hex(hex) => self
                .seen
                .sha512()
                .is_some_and(|own| own.eq_ignore_ascii_case(hex)),
            Verify::FirstUse | Verify::Unknown => false,
        }
    }

    pub(super) fn finish(self) -> Transferred {
        Transferred {
            sha512: self.seen.sha512(),
            size: self.length(),
            doubtful: self.spliced || self.total.is_none(),
            head: self.seen.head,
            digest: self.seen.hasher.finish(),
        }
    }
}
