//! Base images by name and by digest.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use buildpack_core::event::{Event, EventSink};
use buildpack_core::image::{BaseImage, BlobDir};

use super::record::{self, StackImage};
use super::unpack::{Limits, unpack_image};
use super::{StackError, import};
use crate::registry::{ImageSource, Reference, RegistryError};

/// Bytes between two words on progress.
const STEP: u64 = 4 << 20;

/// Base images below one folder: blobs in `blobs-v1/sha256/<hex>`, unpacked trees in `rootfs-v1/<manifest hex>`, names
/// in `stacks-v1/`.
#[derive(Debug, Clone)]
pub struct StackStore {
    root: PathBuf,
}

/// What to pull, and how fresh it has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// The image.
    pub reference: Reference,
    /// `amd64` or `arm64`.
    pub architecture: String,
    /// How long a tag that was resolved once is believed; zero asks the registry now. A name with a digest is
    /// believed for ever, and so is an import while this is not zero.
    pub max_age: Duration,
    /// Whether no registry may be asked.
    pub offline: bool,
    /// Whether to unpack it: only what a sandbox is to run in has to be.
    pub unpack: bool,
    /// The time.
    pub now: jiff::Timestamp,
}

impl StackStore {
    /// The images below `root`, the store's folder; made when first needed.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The blobs of all images.
    pub fn blobs(&self) -> BlobDir {
        BlobDir::new(self.root.join("blobs-v1"))
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
            source.blobs(&image.base, &self.blobs(), events)?;
        }
        image.rootfs = if request.unpack {
            Some(self.rootfs(&image.base, events)?)
        } else {
            self.unpacked(&image.base)
        };
        Ok(image)
    }

    fn resolve(
        &self,
        source: &dyn ImageSource,
        request: &PullRequest,
        events: &dyn EventSink,
    ) -> Result<StackImage, StackError> {
        let known = self.get(&request.reference, &request.architecture)?;
        let said = |hit, reason: Option<String>| Event::Cache {
            what: format!("image {}", request.reference),
            hit,
            reason,
        };
        let reason = match &known {
            None => "it is not in the store".to_owned(),
            Some(image) => match stale(image, request) {
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
        let base = match source.manifest(&request.reference, &request.architecture) {
            Ok(base) => base,
            Err(error) => {
                let Some(image) = known.filter(|_| error.is_worth_a_retry()) else {
                    return Err(error.into());
                };
                events.emit(old_is_used(&error, &image));
                return Ok(image);
            }
        };
        let image = StackImage {
            base,
            rootfs: None,
            resolved: request.now,
            from_registry: true,
        };
        record::write(
            &self.record(&request.reference, &request.architecture),
            &image,
        )?;
        Ok(image)
    }

    /// What the store knows of a name, however old; no registry is asked.
    pub fn get(
        &self,
        reference: &Reference,
        architecture: &str,
    ) -> Result<Option<StackImage>, StackError> {
        let found = record::read(&self.record(reference, architecture))?;
        Ok(found.map(|image| self.with_tree(image)))
    }

    fn with_tree(&self, mut image: StackImage) -> StackImage {
        image.rootfs = self.unpacked(&image.base);
        image
    }

    fn record(&self, reference: &Reference, architecture: &str) -> PathBuf {
        let name = record::file_name(&reference.to_string(), architecture);
        self.root.join("stacks-v1").join(name)
    }

    fn tree(&self, base: &BaseImage) -> PathBuf {
        self.root.join("rootfs-v1").join(base.digest.hex())
    }

    fn unpacked(&self, base: &BaseImage) -> Option<PathBuf> {
        let tree = self.tree(base);
        tree.is_dir().then_some(tree)
    }

    fn is_whole(&self, base: &BaseImage) -> bool {
        let blobs = self.blobs();
        base.layers
            .iter()
            .all(|layer| blobs.has(&layer.digest, layer.size))
            && blobs.has(&base.config_blob.digest, base.config_blob.size)
    }

    /// The unpacked tree of an image whose blobs are in the store; unpacked now if it is not yet.
    pub fn rootfs(&self, base: &BaseImage, events: &dyn EventSink) -> Result<PathBuf, StackError> {
        if let Some(tree) = self.unpacked(base) {
            return Ok(tree);
        }
        let tree = self.tree(base);
        let folder = self.root.join("rootfs-v1");
        let doing = || StackError::io(format!("make `{}`", tree.display()));
        fs_err::create_dir_all(&folder).map_err(doing())?;
        let lock = fs_err::File::create(folder.join(format!(".{}.lock", base.digest.hex())))
            .map_err(doing())?;
        lock.file().lock().map_err(doing())?;
        // Another process may have done it while we waited.
        if let Some(tree) = self.unpacked(base) {
            return Ok(tree);
        }
        // What a killed run left; whoever holds the lock is the only one at it.
        let temp = folder.join(format!(".{}.tmp", base.digest.hex()));
        remove_tree(&temp)?;
        fs_err::create_dir(&temp).map_err(doing())?;
        let unpacked = self.unpack(base, &temp, events);
        if let Err(error) = unpacked {
            remove_tree(&temp)?;
            return Err(error);
        }
        fs_err::rename(&temp, &tree).map_err(doing())?;
        Ok(tree)
    }

    fn unpack(
        &self,
        base: &BaseImage,
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
        let unpacked = unpack_image(base, &self.blobs(), into, Limits::default(), &progress);
        events.progress(&what, done.load(Ordering::Relaxed), Some(total), true);
        unpacked?;
        // A tree that got its name must be whole after a power cut too.
        let folder = fs_err::File::open(into).map_err(StackError::io("open the unpacked image"))?;
        rustix::fs::syncfs(folder.file())
            .map_err(|error| StackError::io("write the unpacked image to disk")(error.into()))
    }

    /// All names of the store, sorted.
    pub fn list(&self) -> Result<Vec<StackImage>, StackError> {
        let folder = self.root.join("stacks-v1");
        let entries = match fs_err::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(StackError::io("list the images of the store")(error)),
        };
        let mut all = Vec::new();
        for entry in entries {
            let path = entry
                .map_err(StackError::io("list the images of the store"))?
                .path();
            if path.extension().is_some_and(|it| it == "json")
                && let Some(image) = record::read(&path)?
            {
                all.push(self.with_tree(image));
            }
        }
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
        let file = self.record(reference, architecture);
        fs_err::remove_file(&file).map_err(StackError::io(format!("forget `{reference}`")))?;
        let shared = self
            .list()?
            .iter()
            .any(|other| other.base.digest == image.base.digest);
        if !shared {
            // First out of sight, so that nobody finds half a tree.
            let tree = self.tree(&image.base);
            let gone = tree.with_file_name(format!(".{}.gone", image.base.digest.hex()));
            remove_tree(&gone)?;
            match fs_err::rename(&tree, &gone) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(StackError::io(format!("remove `{}`", tree.display()))(
                        error,
                    ));
                }
                _ => remove_tree(&gone)?,
            }
        }
        Ok(true)
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
        let folder = self.root.join("stacks-v1");
        fs_err::create_dir_all(&folder)
            .map_err(StackError::io(format!("make `{}`", folder.display())))?;
        let base = import::import(from, as_name, architecture, &self.blobs(), &folder, events)?;
        let image = StackImage {
            base,
            rootfs: None,
            resolved: now,
            from_registry: false,
        };
        record::write(&self.record(as_name, architecture), &image)?;
        Ok(self.with_tree(image))
    }
}

/// Why what is known is not fresh enough.
fn stale(image: &StackImage, request: &PullRequest) -> Option<String> {
    if request.reference.digest().is_some() {
        return None;
    }
    if request.max_age.is_zero() {
        return Some("the registry is to be asked each time".to_owned());
    }
    if !image.from_registry {
        return None;
    }
    // A clock that was set back makes no image fresh for ever.
    let age = Duration::try_from(request.now.duration_since(image.resolved)).ok();
    match age {
        Some(age) if age < request.max_age => None,
        _ => Some(format!("it was resolved at {}", image.resolved)),
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

fn remove_tree(tree: &Path) -> Result<(), StackError> {
    match fs_err::remove_dir_all(tree) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StackError::io(format!(
            "remove `{}`",
            tree.display()
        ))(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
