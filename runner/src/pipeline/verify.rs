//! All that is kept, held against what it claims: the store's things one by one, and images against their blobs.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use buildpack_core::diagnostic::{Class, Diagnostic, Explain};
use buildpack_core::digest::Digest;
use buildpack_core::image::BlobDir;
use buildpack_core::store::{Damaged, Kept, Store, Verified};

use super::failure::Failure;
use super::record::{BuildRecord, all_named, by_name};
use super::services::Services;
use super::stack_images::parse;
use crate::rootfs::StackImage;

/// Bytes between two words on progress.
const STEP: u64 = 16 << 20;
/// The name of the work in progress.
const WHAT: &str = "verify what is kept";

/// What was looked at, and what is wrong with it.
pub struct Examined {
    /// What the store says of it, save for what is damaged.
    pub kept: Verified,
    /// What is wrong.
    pub flaws: Vec<Flaw>,
}

/// Something that is kept and is not what it claims to be.
#[derive(Debug, thiserror::Error)]
pub enum Flaw {
    /// A thing by itself.
    #[error(transparent)]
    Damaged(Damaged),
    /// A built image without all of its parts.
    #[error("the kept image `{name}` is not whole: {why}")]
    Image {
        /// Its name.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// An imported stack image without all of its parts. No registry may have them.
    #[error("the imported stack image `{}` is not whole: {why}", image.base.reference)]
    Imported {
        /// Its record.
        image: Box<StackImage>,
        /// What is wrong.
        why: String,
    },
}

impl Explain for Flaw {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Damaged(damaged) => damaged.diagnostic(),
            Self::Image { .. } => Diagnostic::error(
                "cache-image-incomplete",
                Class::Surroundings,
                self.to_string(),
            )
            .help("`bp cache verify --remove` forgets it: build it again"),
            Self::Imported { .. } => Diagnostic::error(
                "cache-import-incomplete",
                Class::Surroundings,
                self.to_string(),
            )
            .help("`bp cache verify --remove` forgets it: import it again with `bp stack import`"),
        }
    }
}

impl Flaw {
    /// Removes what is damaged, or the record of what is not whole; whether it is gone.
    pub fn remove(&self, services: &Services) -> Result<bool, Failure> {
        match self {
            Self::Damaged(damaged) => Ok(services.store.remove_damaged(damaged)?),
            Self::Image { name, .. } => {
                by_name(&services.store, name).remove()?;
                Ok(true)
            }
            Self::Imported { image, .. } => {
                let name = parse(&image.base.reference)?;
                let architecture = image.base.config.architecture().to_string();
                Ok(services.stacks.remove(&name, &architecture)?)
            }
        }
    }
}

/// Looks at everything that is kept, on all threads. Nothing is changed.
pub fn examine(services: &Services) -> Result<Examined, Failure> {
    let mut kept = verified(services)?;
    let damaged = std::mem::take(&mut kept.damaged);
    let bad: BTreeSet<Digest> = damaged.iter().filter_map(blob).collect();
    let blobs = BlobDir::new(services.store.blob_dir());
    let mut flaws: Vec<Flaw> = damaged.into_iter().map(Flaw::Damaged).collect();
    flaws.extend(images(&services.store, &blobs, &bad));
    flaws.extend(imports(&services.stacks.list()?, &blobs, &bad));
    Ok(Examined { kept, flaws })
}

/// Stack images that were imported and have not all of their parts. What a registry has is pulled when it is needed; a tree
/// is enough to build in.
fn imports(images: &[StackImage], blobs: &BlobDir, bad: &BTreeSet<Digest>) -> Vec<Flaw> {
    let flaw = |image: &StackImage| {
        let config = &image.base.config_blob;
        let layers = image.base.layers.iter();
        let mut parts = layers
            .map(|layer| (layer.digest, layer.size))
            .chain([(config.digest, config.size)]);
        let why = parts.find_map(|(digest, size)| missing(blobs, bad, digest, size))?;
        let image = Box::new(image.clone());
        Some(Flaw::Imported { image, why })
    };
    let imported = images.iter().filter(|image| !image.from_registry);
    imported.filter_map(flaw).collect()
}

/// What a look at records, names and sizes shows to be incomplete; no content is read.
pub fn glance(store: &Store, imported: &[StackImage]) -> Vec<Flaw> {
    let blobs = BlobDir::new(store.blob_dir());
    let none = BTreeSet::new();
    let mut flaws = images(store, &blobs, &none);
    flaws.extend(imports(imported, &blobs, &none));
    flaws
}

fn verified(services: &Services) -> Result<Verified, Failure> {
    let events = &*services.events;
    let total = services.store.bytes_to_verify()?;
    let (done, told) = (AtomicU64::new(0), AtomicU64::new(0));
    let progress = |more: u64| {
        let now = done.fetch_add(more, Ordering::Relaxed) + more;
        if now.saturating_sub(told.load(Ordering::Relaxed)) >= STEP {
            told.store(now, Ordering::Relaxed);
            events.progress(WHAT, now, Some(total), false);
        }
    };
    let verified = services.store.verify(services.threads, &progress);
    events.progress(WHAT, total, Some(total), true);
    Ok(verified?)
}

/// The digest that a damaged blob claims.
fn blob(damaged: &Damaged) -> Option<Digest> {
    let name = damaged.path.file_name()?.to_str()?;
    let name = (damaged.kept == Kept::Blob).then_some(name)?;
    name.parse().ok()
}

/// Images that have a name and not all of their parts. Those that are known by their inputs alone lose their blobs to a
/// clean-up, and are made again.
fn images(store: &Store, blobs: &BlobDir, bad: &BTreeSet<Digest>) -> Vec<Flaw> {
    let flaw = |record: BuildRecord| {
        let image = &record.image;
        let documents = Digest::of(&image.manifest) == image.manifest_digest
            && Digest::of(&image.config) == image.config_digest;
        let mut layers = image.layers.iter();
        let why = if documents {
            layers.find_map(|layer| missing(blobs, bad, layer.digest, layer.size))?
        } else {
            "its manifest or its config has another digest".to_owned()
        };
        Some(Flaw::Image {
            name: record.name,
            why,
        })
    };
    all_named(store).into_iter().filter_map(flaw).collect()
}

fn missing(blobs: &BlobDir, bad: &BTreeSet<Digest>, digest: Digest, size: u64) -> Option<String> {
    if bad.contains(&digest) {
        Some(format!("blob `{digest}` is damaged"))
    } else if blobs.has(&digest, size) {
        None
    } else {
        Some(format!("blob `{digest}` is missing"))
    }
}
