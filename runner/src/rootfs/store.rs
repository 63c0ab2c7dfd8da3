//! Base images by name and by digest.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use buildpack_core::digest::Digest;
use buildpack_core::event::{Event, EventSink};
use buildpack_core::image::{BaseImage, BlobDir, BlobSource};
use buildpack_core::store::{Bucket, Record, Share, Store};
use serde::{Deserialize, Serialize};

use super::request::PullRequest;
use super::unpack::{Limits, unpack_image};
use super::{StackError, import};
use crate::registry::{Arrivals, ImageSource, Reference, RegistryError};

/// Before the names of our records, among those of built images.
const STACK: &str = "stack image ";
/// Bytes between two words on progress.
const STEP: u64 = 4 << 20;

/// Base images in the store: blobs beside those of our own images, trees by manifest digest, and a record for each
/// name and architecture.
#[derive(Clone)]
pub struct StackStore {
    pub(super) store: Store,
}

/// A base image in the store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StackImage {
    /// What it is.
    pub base: BaseImage,
    /// Its unpacked tree, if it is unpacked. Only [`StackStore::pull`] with `unpack` and [`StackStore::rootfs`] keep
    /// a clean-up from taking it away while this process runs.
    #[serde(skip)]
    pub rootfs: Option<PathBuf>,
    /// When its name was last resolved.
    pub resolved: jiff::Timestamp,
    /// Whether a registry gave it, rather than an import.
    pub from_registry: bool,
}

impl StackStore {
    /// The base images in `store`.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// The blobs of all images.
    pub fn blobs(&self) -> BlobDir {
        BlobDir::new(self.store.blob_dir())
    }

    /// The image that `request` names, from the store where that is fresh enough, else from `source`.
    ///
    /// Where no registry answers, what the store has is used, with a warning. Unless a tree is asked for and is there
    /// already, the image's blobs are in the store afterwards.
    pub fn pull(
        &self,
        source: &dyn ImageSource,
        request: &PullRequest,
        events: &dyn EventSink,
    ) -> Result<StackImage, StackError> {
        let mut image = self.resolve(source, request, events)?;
        if request.unpack
            && let Some(tree) = self.unpacked(&image.base)
        {
            image.rootfs = Some(tree);
            return Ok(image);
        }
        if !self.is_whole(&image.base) {
            if request.offline {
                return Err(offline(request));
            }
            events.detail(&format!("Pulling {}", image.base.reference));
            if request.unpack {
                image.rootfs = Some(self.unpack_as_it_comes(source, &image.base, events)?);
                return Ok(image);
            }
            source.blobs(&image.base, &self.blobs(), &Arrivals::default(), events)?;
        }
        if !request.unpack {
            return Ok(self.with_tree(image));
        }
        image.rootfs = Some(self.rootfs(&image.base, events)?);
        Ok(image)
    }

    /// What the image is that `request` names, from the store where that is fresh enough, else by the word of `source`: none
    /// of its layers is fetched.
    pub fn resolve(
        &self,
        source: &dyn ImageSource,
        request: &PullRequest,
        events: &dyn EventSink,
    ) -> Result<StackImage, StackError> {
        let known = self.known(request)?;
        let said = |hit, reason: Option<String>| Event::Cache {
            what: format!("image {}", request.reference),
            hit,
            reason,
        };
        let reason = match &known {
            None => "it is not in the store".to_owned(),
            Some(image) => match request.stale(image) {
                None => {
                    events.emit(said(true, None));
                    return Ok(image.clone());
                }
                Some(reason) => reason,
            },
        };
        if request.offline {
            return known.ok_or_else(|| offline(request));
        }
        events.emit(said(false, Some(reason)));
        let name = request.name();
        let mut base = match source.manifest(&name, &request.architecture) {
            Ok(base) => base,
            Err(error) => {
                let Some(image) = known.filter(|_| error.is_worth_a_retry()) else {
                    return Err(error.into());
                };
                events.emit(old_is_used(&error, &image));
                return Ok(image);
            }
        };
        if request.digest.is_some() {
            // Images of today and of then say the same name of what they stand on.
            base.reference = request.reference.to_string();
        }
        let image = StackImage {
            base,
            rootfs: None,
            resolved: request.now,
            from_registry: true,
        };
        self.record(&name, &request.architecture).write(&image)?;
        Ok(image)
    }

    /// What the store knows of what is requested, however old; no registry is asked.
    pub fn known(&self, request: &PullRequest) -> Result<Option<StackImage>, StackError> {
        let named = self.get(&request.reference, &request.architecture)?;
        match request.digest {
            None => Ok(named),
            Some(digest) if named.as_ref().is_some_and(|it| it.base.digest == digest) => Ok(named),
            Some(_) => self.get(&request.name(), &request.architecture),
        }
    }

    /// What the store knows of a name, however old; no registry is asked.
    pub fn get(
        &self,
        reference: &Reference,
        architecture: &str,
    ) -> Result<Option<StackImage>, StackError> {
        // A record that can't be understood counts as none: it is of another `bp`, or damaged.
        let found = self.record(reference, architecture).get();
        Ok(found.map(|image| self.with_tree(image)))
    }

    /// With the tree's path, which does not hold the tree.
    fn with_tree(&self, mut image: StackImage) -> StackImage {
        let folder = self.store.root().join(Bucket::Rootfs.folder());
        let tree = folder.join(image.base.digest.hex());
        image.rootfs = tree.is_dir().then_some(tree);
        image
    }

    fn record(&self, reference: &Reference, architecture: &str) -> Record<StackImage> {
        self.store.record(
            Bucket::Images,
            &format!("{STACK}{reference} {architecture}"),
        )
    }

    /// The tree, marked as used: no clean-up takes it away before this process ends.
    fn unpacked(&self, base: &BaseImage) -> Option<PathBuf> {
        self.store.dir(Bucket::Rootfs, &base.digest)
    }

    fn is_whole(&self, base: &BaseImage) -> bool {
        let blobs = self.blobs();
        base.layers
            .iter()
            .all(|layer| blobs.has(&layer.digest, layer.size))
            && blobs.has(&base.config_blob.digest, base.config_blob.size)
    }

    /// Fetches the blobs of an image, and unpacks them while they come.
    fn unpack_as_it_comes(
        &self,
        source: &dyn ImageSource,
        base: &BaseImage,
        events: &dyn EventSink,
    ) -> Result<PathBuf, StackError> {
        let (blobs, arrivals) = (self.blobs(), Arc::<Arrivals>::default());
        let (fetched, unpacked) = thread::scope(|scope| {
            let fetching = scope.spawn(|| {
                let _over = Over(&arrivals);
                source.blobs(base, &blobs, &arrivals, events)
            });
            let coming = Coming {
                blobs: &blobs,
                arrivals: &arrivals,
            };
            let unpacked = self.rootfs_of(base, &coming, events);
            (fetching.join(), unpacked)
        });
        match fetched {
            Ok(fetched) => fetched?,
            Err(panic) => std::panic::resume_unwind(panic),
        }
        // A blob that broke off and came anew spoils the tree; now all of them are there.
        unpacked.or_else(|_| self.rootfs(base, events))
    }

    /// The unpacked tree of an image whose blobs are in the store; unpacked now if it is not yet.
    pub fn rootfs(&self, base: &BaseImage, events: &dyn EventSink) -> Result<PathBuf, StackError> {
        self.rootfs_of(base, &self.blobs(), events)
    }

    /// The unpacked tree of an image whose blobs `blobs` gives.
    pub fn rootfs_of(
        &self,
        base: &BaseImage,
        blobs: &dyn BlobSource,
        events: &dyn EventSink,
    ) -> Result<PathBuf, StackError> {
        // Who comes second waits here, and then finds the tree. Waiting for the tree's own lock would be waiting for
        // the end of the first process: it shares that lock for as long as it runs.
        let name = format!("unpack {}", base.digest);
        let _lock = self
            .store
            .lock(Bucket::Rootfs, &name, Share::Exclusive, &|| {
                events.detail(&format!(
                    "Waiting for another bp that unpacks {}",
                    base.reference
                ));
            })?;
        self.store
            .make_dir(Bucket::Rootfs, &base.digest, events, |into| {
                Self::unpack(base, blobs, into, events)
            })
    }

    fn unpack(
        base: &BaseImage,
        blobs: &dyn BlobSource,
        into: &Path,
        events: &dyn EventSink,
    ) -> Result<(), StackError> {
        let what = format!("unpack {}", base.reference);
        let total = base.size();
        let (done, told) = (AtomicU64::new(0), AtomicU64::new(0));
        let progress = |more: u64| {
            let now = done.fetch_add(more, Ordering::Relaxed) + more;
            if now.saturating_sub(told.load(Ordering::Relaxed)) >= STEP {
                told.store(now, Ordering::Relaxed);
                events.progress(&what, now, Some(total), false);
            }
        };
        let unpacked = unpack_image(base, blobs, into, Limits::default(), &progress);
        events.progress(&what, done.load(Ordering::Relaxed), Some(total), true);
        unpacked
    }

    /// All names of the store, sorted.
    pub fn list(&self) -> Result<Vec<StackImage>, StackError> {
        let mut all: Vec<_> = self
            .store
            .records(Bucket::Images)
            .into_iter()
            .filter(|(name, _)| name.starts_with(STACK))
            .map(|(_, image)| self.with_tree(image))
            .collect();
        all.sort_by_key(|image| {
            let architecture = image.base.config.architecture().to_string();
            (image.base.reference.clone(), architecture)
        });
        Ok(all)
    }

    /// Forgets a name and, where no other name has it, its unpacked tree; whether it was there. Its blobs go with the
    /// store's next clean-up.
    pub fn remove(&self, reference: &Reference, architecture: &str) -> Result<bool, StackError> {
        let Some(image) = self.get(reference, architecture)? else {
            return Ok(false);
        };
        self.record(reference, architecture).remove()?;
        let shared = self
            .list()?
            .iter()
            .any(|other| other.base.digest == image.base.digest);
        if !shared {
            self.store.remove(Bucket::Rootfs, &image.base.digest)?;
        }
        Ok(true)
    }

    /// The blobs that the names of the store need: a clean-up has to leave them.
    pub fn live_blobs(&self) -> Result<BTreeSet<Digest>, StackError> {
        let images = self.list()?;
        Ok(images
            .iter()
            .flat_map(|image| {
                let layers = image.base.layers.iter().map(|layer| layer.digest);
                layers.chain([image.base.config_blob.digest])
            })
            .collect())
    }

    /// Takes in an image from an OCI layout (folder or tar) or a `docker save` archive under the name `as_name`, for
    /// `architecture` where it is there for several.
    pub fn import(
        &self,
        from: &Path,
        as_name: &Reference,
        architecture: &str,
        now: jiff::Timestamp,
        events: &dyn EventSink,
    ) -> Result<StackImage, StackError> {
        let scratch = self.store.temp_dir(Bucket::Rootfs)?;
        let base = import::import(
            from,
            as_name,
            architecture,
            &self.blobs(),
            scratch.path(),
            events,
        )?;
        let image = StackImage {
            base,
            rootfs: None,
            resolved: now,
            from_registry: false,
        };
        self.record(as_name, architecture).write(&image)?;
        Ok(self.with_tree(image))
    }
}

/// Blobs that are there, or on their way.
struct Coming<'a> {
    blobs: &'a BlobDir,
    arrivals: &'a Arc<Arrivals>,
}

impl BlobSource for Coming<'_> {
    fn open(&self, digest: &Digest) -> io::Result<Box<dyn Read + Send>> {
        if self.path(digest).is_some() {
            return self.blobs.open(digest);
        }
        match self.arrivals.reader(digest) {
            Some(reader) => Ok(Box::new(reader)),
            // It was there before, or has come in one piece.
            None => self.blobs.open(digest),
        }
    }

    fn path(&self, digest: &Digest) -> Option<PathBuf> {
        self.blobs.path(digest)
    }
}

/// Says at its end, whatever that is, that nothing more will come.
struct Over<'a>(&'a Arrivals);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.over();
    }
}

fn offline(request: &PullRequest) -> StackError {
    StackError::Offline {
        reference: request.reference.to_string(),
        architecture: request.architecture.clone(),
    }
}

fn old_is_used(error: &RegistryError, image: &StackImage) -> Event {
    use buildpack_core::diagnostic::Diagnostic;
    let diagnostic = Diagnostic::warning(
        "stack-not-refreshed",
        format!(
            "`{}` could not be looked up anew: {error}",
            image.base.reference
        ),
    )
    .note(format!("the image resolved at {} is used", image.resolved));
    Event::Diagnostic { diagnostic }
}

#[cfg(test)]
pub(super) mod tests;
