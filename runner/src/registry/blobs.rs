//! The blobs of one image: several at once, each checked before it gets its name.

use std::collections::VecDeque;
use std::io::{Read, Seek, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use buildpack_core::digest::{Digest, Hasher};
use buildpack_core::event::EventSink;
use buildpack_core::image::{BaseImage, BlobDir};
use reqwest::StatusCode;
use reqwest::blocking::Response;
use reqwest::header::CONTENT_RANGE;

use super::endpoint::Endpoint;
use super::pull::refuse_page;
use super::refusal::broken;
use super::wire::{Request, Wire};
use super::{Reference, RegistryError};

/// Bytes between two words on progress.
const STEP: u64 = 1 << 20;

/// Fetches what is missing of the image's config and layers into `into`.
pub(super) fn pull(
    wire: &Wire,
    image: &BaseImage,
    into: &BlobDir,
    events: &dyn EventSink,
) -> Result<(), RegistryError> {
    let reference: Reference = image.reference.parse()?;
    let from = Endpoint::of(&reference, wire.settings())?;
    let folder = into.folder().join("sha256");
    fs_err::create_dir_all(&folder).map_err(|cause| RegistryError::Keep {
        reference: image.reference.clone(),
        cause,
    })?;
    let missing = missing(image, into);
    let pull = Pull {
        wire,
        from,
        image,
        into,
        events,
        what: format!("pull {}", image.reference),
        done: AtomicU64::new(0),
        told: AtomicU64::new(0),
        total: missing.iter().map(|(_, size)| size).sum(),
        stop: AtomicBool::new(false),
    };
    pull.all(missing)
}

/// Config and layers that are not in `into` yet, each once, the largest first: the last to end is then a small one.
fn missing(image: &BaseImage, into: &BlobDir) -> VecDeque<(Digest, u64)> {
    let mut all: Vec<_> = image
        .layers
        .iter()
        .map(|layer| (layer.digest, layer.size))
        .chain([(image.config_blob.digest, image.config_blob.size)])
        .filter(|(digest, size)| !into.has(digest, *size))
        .collect();
    all.sort_by_key(|(digest, size)| (std::cmp::Reverse(*size), *digest));
    all.dedup();
    all.into()
}

/// One pull of several blobs.
struct Pull<'a> {
    wire: &'a Wire,
    from: Endpoint,
    image: &'a BaseImage,
    into: &'a BlobDir,
    events: &'a dyn EventSink,
    what: String,
    done: AtomicU64,
    told: AtomicU64,
    total: u64,
    /// Set when one blob failed: the others need not be finished.
    stop: AtomicBool,
}

impl Pull<'_> {
    fn all(&self, missing: VecDeque<(Digest, u64)>) -> Result<(), RegistryError> {
        if missing.is_empty() {
            return Ok(());
        }
        let workers = self.wire.settings().parallel.clamp(1, missing.len());
        let queue = Mutex::new(missing);
        let failure = Mutex::new(None);
        let next = || queue.lock().ok()?.pop_front();
        std::thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| {
                    while let Some((digest, size)) = next() {
                        if self.stop.load(Ordering::Relaxed) {
                            break;
                        }
                        if let Err(error) = self.blob(&digest, size) {
                            if let Ok(mut failure) = failure.lock() {
                                failure.get_or_insert(error);
                            }
                            self.stop.store(true, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        let failure = failure
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let done = self.done.load(Ordering::Relaxed);
        self.events
            .progress(&self.what, done, Some(self.total), true);
        failure.map_or(Ok(()), Err)
    }

    /// Fetches one blob to a temporary file, and gives it its name when its digest is right.
    fn blob(&self, digest: &Digest, size: u64) -> Result<(), RegistryError> {
        let file = self.into.file(digest);
        let folder = file.parent().unwrap_or(self.into.folder());
        let temp = tempfile::Builder::new()
            .prefix(".pull-")
            .tempfile_in(folder)
            .map_err(|cause| self.keep(cause))?;
        let mut part = Part {
            file: temp.as_file(),
            hasher: Hasher::new(),
        };
        let mut fresh = true;
        self.wire.patiently(|| {
            let again = self.fetch(digest, size, &mut part);
            match again {
                // Two halves of two answers may not fit each other; a whole one gets its chance, once.
                Err(RegistryError::WrongDigest { .. }) if !fresh => {
                    fresh = true;
                    self.restart(&mut part)?;
                    self.fetch(digest, size, &mut part)
                }
                other => {
                    fresh = false;
                    other
                }
            }
        })?;
        persist(temp, &file).map_err(|cause| self.keep(cause))
    }

    /// Fetches what is missing of one blob into `part`.
    fn fetch(&self, digest: &Digest, size: u64, part: &mut Part<'_>) -> Result<(), RegistryError> {
        let name = format!("blobs/{digest}");
        let request = Request {
            part: &name,
            accept: "",
            from: part.hasher.length(),
        };
        let url = self.from.url(&name);
        // All may be there already when the connection broke at the very end.
        if part.hasher.length() < size || size == 0 {
            let mut response = match self.wire.send(&self.from, &request) {
                Err(RegistryError::Status { status: 416, .. }) => {
                    self.restart(part)?;
                    self.wire
                        .send(&self.from, &Request { from: 0, ..request })?
                }
                other => other?,
            };
            refuse_page(&url, &response, "a layer")?;
            if !continues(&response, part.hasher.length()) {
                self.restart(part)?;
            }
            self.receive(&url, size, &mut response, part)?;
        }
        let found = part.hasher.clone().finish();
        if found == *digest {
            return Ok(());
        }
        Err(RegistryError::WrongDigest {
            url,
            expected: *digest,
            found,
        })
    }

    fn receive(
        &self,
        url: &str,
        size: u64,
        response: &mut Response,
        part: &mut Part<'_>,
    ) -> Result<(), RegistryError> {
        let patience = self.wire.settings().patience;
        let mut buffer = vec![0; 128 << 10];
        loop {
            let read = response
                .read(&mut buffer)
                .map_err(|error| broken(url, &error, patience))?;
            if self.stop.load(Ordering::Relaxed) {
                // Another blob failed; its error is the one that is told.
                return Err(RegistryError::Unexpected {
                    url: url.to_owned(),
                    expected: "needed any more",
                    why: "another blob failed".to_owned(),
                });
            }
            let bytes = &buffer[..read];
            let length = part.hasher.length() + read as u64;
            if length > size {
                return Err(RegistryError::Unexpected {
                    url: url.to_owned(),
                    expected: "as long as its manifest says",
                    why: format!("it is longer than {size} bytes"),
                });
            }
            if bytes.is_empty() {
                if length < size {
                    return Err(RegistryError::Broken {
                        url: url.to_owned(),
                        why: format!("it ended after {length} of {size} bytes"),
                    });
                }
                return Ok(());
            }
            part.file
                .write_all(bytes)
                .map_err(|cause| self.keep(cause))?;
            part.hasher.update(bytes);
            self.progress(read as u64);
        }
    }

    fn restart(&self, part: &mut Part<'_>) -> Result<(), RegistryError> {
        part.file
            .rewind()
            .and_then(|()| part.file.set_len(0))
            .map_err(|cause| self.keep(cause))?;
        self.done.fetch_sub(part.hasher.length(), Ordering::Relaxed);
        part.hasher = Hasher::new();
        Ok(())
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

    fn keep(&self, cause: std::io::Error) -> RegistryError {
        RegistryError::Keep {
            reference: self.image.reference.clone(),
            cause,
        }
    }
}

/// What is there of one blob.
struct Part<'a> {
    file: &'a std::fs::File,
    hasher: Hasher,
}

fn persist(temp: tempfile::NamedTempFile, file: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    temp.as_file()
        .set_permissions(PermissionsExt::from_mode(0o644))?;
    temp.as_file().sync_all()?;
    temp.persist(file).map_err(|error| error.error)?;
    Ok(())
}

/// Whether an answer goes on at byte `from`: servers may answer a range with the whole.
fn continues(response: &Response, from: u64) -> bool {
    if from == 0 {
        return true;
    }
    let start = response
        .headers()
        .get(CONTENT_RANGE)
        .and_then(|value| value.to_str().ok()?.strip_prefix("bytes ")?.split_once('-'))
        .and_then(|(start, _)| start.trim().parse().ok());
    response.status() == StatusCode::PARTIAL_CONTENT && start == Some(from)
}
