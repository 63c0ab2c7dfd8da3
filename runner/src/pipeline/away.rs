//! Layers of images that are not on this machine: where they may stay, and how they come when they are wanted.

use std::io::{self, ErrorKind, Read};
use std::path::PathBuf;

use buildpack_core::digest::Digest;
use buildpack_core::image::{BaseImage, BaseLayer, BlobSource, Descriptor};
use buildpack_core::store::NamedBlob;

use super::record::BuildRecord;
use super::request::Request;
use super::secrets::SecretGuard;
use super::services::Services;
use crate::registry::{Arrivals, Reference};

/// Whether layers of an image may stay where they are: nobody is to read them here.
pub(super) fn may_stay(request: &Request, guard: &SecretGuard) -> bool {
    // What is searched for secrets has to be here.
    request.only_to.is_some() && guard.gate.is_open()
}

/// Whether a layer is here, after it was looked for elsewhere too; or may stay where a push takes it from.
pub(super) fn is_at_hand(
    blob: &NamedBlob,
    request: &Request,
    guard: &SecretGuard,
    services: &Services,
) -> bool {
    let is_beside = || match (&request.only_to, &services.remote_cache) {
        (Some(to), Some(remote)) if may_stay(request, guard) => remote.is_beside(to, blob),
        _ => false,
    };
    services.stacks.blobs().has(&blob.digest, blob.size)
        || is_beside()
        || services.store.bring_blob(blob)
}

/// The blobs of an image: from here, else from the remote cache, else from the registry that its name says. What is
/// fetched stays here.
pub(super) struct Fetched<'a> {
    image: BaseImage,
    services: &'a Services,
}

impl<'a> Fetched<'a> {
    /// Those of a stack image.
    pub(super) fn of_stack(image: &BaseImage, services: &'a Services) -> Self {
        Self {
            image: image.clone(),
            services,
        }
    }

    /// Those of the app's own layers in a kept image.
    pub(super) fn of_app(record: &BuildRecord, services: &'a Services) -> Self {
        let layers = record.layers.iter().map(|layer| BaseLayer {
            digest: layer.digest,
            diff_id: layer.diff_id,
            size: layer.size,
            media_type: layer.media_type,
        });
        let image = BaseImage {
            reference: record.name.clone(),
            digest: record.image.manifest_digest,
            config_blob: Descriptor {
                digest: record.image.config_digest,
                size: record.image.config.len() as u64,
                ..record.run_image.config_blob.clone()
            },
            layers: layers.collect(),
            ..record.run_image.clone()
        };
        Self { image, services }
    }

    fn fetch(&self, layer: &BaseLayer) -> io::Result<()> {
        let services = self.services;
        let blob = NamedBlob {
            digest: layer.digest,
            size: layer.size,
            media_type: layer.media_type.to_string(),
        };
        // A name without a registry is no place to ask: Docker's, by default, knows nothing of it.
        if services.store.bring_blob(&blob)
            || services.offline
            || Reference::in_full(&self.image.reference).is_err()
        {
            return Ok(());
        }
        let one = BaseImage {
            layers: vec![layer.clone()],
            ..self.image.clone()
        };
        let blobs = services.stacks.blobs();
        let fetched =
            (services.images).blobs(&one, &blobs, &Arrivals::default(), &*services.events);
        fetched.map_err(io::Error::other)
    }
}

impl BlobSource for Fetched<'_> {
    fn open(&self, digest: &Digest) -> io::Result<Box<dyn Read + Send>> {
        let blobs = self.services.stacks.blobs();
        let mut layers = self.image.layers.iter();
        match blobs.open(digest) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if let Some(layer) = layers.find(|layer| layer.digest == *digest) {
                    self.fetch(layer)?;
                }
                blobs.open(digest)
            }
            opened => opened,
        }
    }

    fn path(&self, digest: &Digest) -> Option<PathBuf> {
        self.services.stacks.blobs().path(digest)
    }
}
