//! Where blobs come from.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::ImageError;
use crate::digest::Digest;

/// Gives blobs by digest.
pub trait BlobSource: Send + Sync {
    /// The blob's bytes. `NotFound` where it is not there.
    fn open(&self, digest: &Digest) -> io::Result<Box<dyn Read + Send>>;

    /// The file that holds the blob, where there is one, so that it can be linked rather than copied.
    fn path(&self, digest: &Digest) -> Option<PathBuf>;
}

/// A folder of blobs as an OCI layout has it: `<folder>/sha256/<hex>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobDir(PathBuf);

impl BlobDir {
    /// The blobs in `folder`, which need not exist yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// The folder given to [`BlobDir::new`].
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Where the blob of this digest stands or would stand.
    pub fn file(&self, digest: &Digest) -> PathBuf {
        self.0.join("sha256").join(digest.hex())
    }

    /// Whether the blob is there with `size` bytes; what is there under its digest was checked as it came in.
    pub fn has(&self, digest: &Digest, size: u64) -> bool {
        fs_err::metadata(self.file(digest))
            .is_ok_and(|found| found.is_file() && found.len() == size)
    }
}

impl BlobSource for BlobDir {
    fn open(&self, digest: &Digest) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(fs_err::File::open(self.file(digest))?))
    }

    fn path(&self, digest: &Digest) -> Option<PathBuf> {
        let file = self.file(digest);
        file.is_file().then_some(file)
    }
}

/// The largest manifest or config that is read: registries refuse manifests above 4 MiB.
const SMALL: u64 = 4 << 20;

/// Opens a blob; `what` says in errors what it is.
pub(super) fn open(
    blobs: &dyn BlobSource,
    digest: &Digest,
    what: &str,
) -> Result<Box<dyn Read + Send>, ImageError> {
    blobs.open(digest).map_err(|cause| {
        if cause.kind() == io::ErrorKind::NotFound {
            ImageError::MissingBlob {
                digest: *digest,
                what: what.to_owned(),
            }
        } else {
            ImageError::io(format!("read blob `{digest}` ({what})"))(cause)
        }
    })
}

/// Reads a manifest or config whole, and checks it.
pub fn read_small(
    blobs: &dyn BlobSource,
    digest: &Digest,
    what: &str,
) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Vec::new();
    open(blobs, digest, what)?
        .take(SMALL + 1)
        .read_to_end(&mut bytes)
        .map_err(ImageError::io(format!("read blob `{digest}` ({what})")))?;
    if bytes.len() as u64 > SMALL {
        return Err(ImageError::malformed(what, "it is larger than 4 MiB"));
    }
    let found = Digest::of(&bytes);
    if found != *digest {
        return Err(ImageError::Damaged {
            what: what.to_owned(),
            expected: *digest,
            found,
        });
    }
    Ok(bytes)
}
