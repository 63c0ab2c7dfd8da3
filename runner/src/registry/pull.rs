//! Pulling a base image.

use buildpack_core::digest::Digest;
use buildpack_core::event::EventSink;
use buildpack_core::image::{BaseImage, BlobDir, Document, ImageError, ManifestDocument};

use super::endpoint::{Endpoint, redacted};
use super::refusal::one_line;
use super::{
    Access, Arrivals, ImageSource, Reference, Registries, RegistryError, Repository, blobs,
};

impl Registries {
    /// What a name is, where it is pulled from.
    fn source(&self, reference: &Reference) -> Result<Repository, RegistryError> {
        let from = Endpoint::of(reference, self.wire.settings())?;
        Ok(Repository::new(&self.wire, from, Access::Pull))
    }
}

/// A manifest or index by tag or digest.
fn read(from: &Repository, name: &str) -> Result<(Digest, Document), RegistryError> {
    let manifest = from.get_manifest(name)?;
    let document =
        Document::parse("it", &manifest.bytes).map_err(|error| RegistryError::Unexpected {
            url: redacted(&from.to.url(&format!("manifests/{name}"))),
            expected: "a manifest",
            why: why(error),
        })?;
    Ok((manifest.digest, document))
}

impl ImageSource for Registries {
    fn manifest(
        &self,
        reference: &Reference,
        architecture: &str,
    ) -> Result<BaseImage, RegistryError> {
        let from = self.source(reference)?;
        let name = match (reference.digest(), reference.tag()) {
            (Some(digest), _) => digest.to_string(),
            (None, tag) => tag.unwrap_or("latest").to_owned(),
        };
        let no_platform = |there| RegistryError::NoPlatform {
            reference: reference.to_string(),
            wanted: architecture.to_owned(),
            there,
        };
        let (mut digest, mut document) = read(&from, &name)?;
        if let Document::Index(index) = &document {
            let entry = index
                .pick(architecture)
                .ok_or_else(|| no_platform(index.platforms()))?;
            (digest, document) = read(&from, &entry.blob.digest.to_string())?;
        }
        let Document::Manifest(manifest) = document else {
            return Err(RegistryError::Unusable {
                reference: reference.to_string(),
                why: "it is an index of indexes".to_owned(),
            });
        };
        let image = image(reference, &from, digest, &manifest)?;
        let (os, found) = (
            image.config.os().to_string(),
            image.config.architecture().to_string(),
        );
        if os != "linux" || found != architecture {
            return Err(no_platform(vec![format!("{os}/{found}")]));
        }
        Ok(image)
    }

    fn blobs(
        &self,
        image: &BaseImage,
        into: &BlobDir,
        arrivals: &Arrivals,
        events: &dyn EventSink,
    ) -> Result<(), RegistryError> {
        blobs::pull(&self.wire, image, into, arrivals, events)
    }
}

fn image(
    reference: &Reference,
    from: &Repository,
    digest: Digest,
    manifest: &ManifestDocument,
) -> Result<BaseImage, RegistryError> {
    let config = from.document(&manifest.config.digest, "an image config")?;
    BaseImage::from_documents(&reference.to_string(), digest, manifest, &config).map_err(|error| {
        RegistryError::Unusable {
            reference: reference.to_string(),
            why: why(error),
        }
    })
}

fn why(error: ImageError) -> String {
    match error {
        ImageError::Malformed { what, why } => one_line(&format!("{what}: {why}")),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
