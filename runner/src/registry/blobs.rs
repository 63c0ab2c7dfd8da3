//! The blobs of one image into a folder: several at once, each checked before it gets its name.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use buildpack_core::digest::Digest;
use buildpack_core::event::EventSink;
use buildpack_core::image::{BaseImage, BlobDir};

use super::endpoint::Endpoint;
use super::stream::BlobReader;
use super::wire::Wire;
use super::{Arrivals, Reference, RegistryError, parallel};

/// Bytes between two words on progress.
const STEP: u64 = 1 << 20;

/// Fetches what is missing of the image's config and layers into `into`.
pub(super) fn pull(
    wire: &Arc<Wire>,
    image: &BaseImage,
    into: &BlobDir,
    arrivals: &Arrivals,
    events: &dyn EventSink,
) -> Result<(), RegistryError> {
    let reference: Reference = image.reference.parse()?;
    let folder = into.folder().join("sha256");
    fs_err::create_dir_all(&folder).map_err(|cause| RegistryError::Keep {
        reference: image.reference.clone(),
        cause,
    })?;
    let missing = missing(image, into);
    if missing.is_empty() {
        return Ok(());
    }
    let pull = Pull {
        wire,
        from: Endpoint::of(&reference, wire.settings())?,
        image,
        into,
        arrivals,
        events,
        what: format!("pull {}", image.reference),
        done: AtomicU64::new(0),
        told: AtomicU64::new(0),
        total: missing.iter().map(|(_, size)| size).sum(),
        stop: AtomicBool::new(false),
    };
    let workers = wire.settings().parallel;
    let pulled = parallel::each(missing, workers, &pull.stop, &|| {}, |(digest, size)| {
        pull.blob(&digest, size)
    });
    let done = pull.done.load(Ordering::Relaxed);
    events.progress(&pull.what, done, Some(pull.total), true);
    pulled
}

/// Config and layers that are not in `into` yet, each once, the largest first: the last to end is then a small one.
fn missing(image: &BaseImage, into: &BlobDir) -> Vec<(Digest, u64)> {
    let mut all: Vec<_> = image
        .layers
        .iter()
        .map(|layer| (layer.digest, layer.size))
        .chain([(image.config_blob.digest, image.config_blob.size)])
        .filter(|(digest, size)| !into.has(digest, *size))
        .collect();
    all.sort_by_key(|(digest, size)| (std::cmp::Reverse(*size), *digest));
    all.dedup();
    all
}

/// One pull of several blobs.
struct Pull<'a> {
    wire: &'a Arc<Wire>,
    from: Endpoint,
    image: &'a BaseImage,
    into: &'a BlobDir,
    arrivals: &'a Arrivals,
    events: &'a dyn EventSink,
    what: String,
    done: AtomicU64,
    told: AtomicU64,
    total: u64,
    /// Set when one blob failed: the others need not be finished.
    stop: AtomicBool,
}

impl Pull<'_> {
    fn blob(&self, digest: &Digest, size: u64) -> Result<(), RegistryError> {
        let mut reader = BlobReader::new(self.wire, &self.from, digest, size);
        match self.keep(digest, &mut reader) {
            // Halves that do not fit each other: a whole one gets its chance, once.
            Err(RegistryError::WrongDigest { .. }) if reader.was_resumed() => {
                let mut whole = BlobReader::new(self.wire, &self.from, digest, size);
                self.keep(digest, &mut whole)
            }
            other => other,
        }
    }

    /// Writes one blob to a temporary file, and gives it its name when all of it is there.
    fn keep(&self, digest: &Digest, reader: &mut BlobReader) -> Result<(), RegistryError> {
        let file = self.into.file(digest);
        let folder = file.parent().unwrap_or(self.into.folder());
        let failed = |cause| RegistryError::Keep {
            reference: self.image.reference.clone(),
            cause,
        };
        let temp = tempfile::Builder::new()
            .prefix(".pull-")
            .tempfile_in(folder)
            .map_err(failed)?;
        self.arrivals.begin(digest, temp.path()).map_err(failed)?;
        let mut buffer = vec![0; 128 << 10];
        let mut written = 0;
        let received = loop {
            match reader.read(&mut buffer) {
                Ok(0) => break Ok(()),
                Ok(read) => {
                    temp.as_file().write_all(&buffer[..read]).map_err(failed)?;
                    written += read as u64;
                    self.arrivals.grow(digest, read as u64);
                    self.progress(read as u64);
                }
                Err(error) => break Err(RegistryError::of_read(error)),
            }
            if self.stop.load(Ordering::Relaxed) {
                // Another blob failed; its error is the one that is told.
                break Err(RegistryError::Stopped);
            }
        };
        self.arrivals.end(digest, received.is_ok());
        if let Err(error) = received {
            self.done.fetch_sub(written, Ordering::Relaxed);
            return Err(error);
        }
        persist(temp, &file).map_err(failed)
    }

    fn progress(&self, more: u64) {
        let done = self.done.fetch_add(more, Ordering::Relaxed) + more;
        let told = self.told.load(Ordering::Relaxed);
        if done.saturating_sub(told) >= STEP {
            self.told.store(done, Ordering::Relaxed);
            self.events
                .progress(&self.what, done, Some(self.total), false);
        }
    }
}

fn persist(temp: tempfile::NamedTempFile, file: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    temp.as_file()
        .set_permissions(PermissionsExt::from_mode(0o644))?;
    temp.as_file().sync_all()?;
    temp.persist(file).map_err(|error| error.error)?;
    Ok(())
}
