//! An image as it stands in its registry.

use buildpack_core::image::{Document, Image};

use super::{Access, Reference, Registries, RegistryError};

/// Manifest and config of the image called `at`, asked for where pushes go: a mirror may be behind.
pub(super) fn read(registries: &Registries, at: &Reference) -> Result<Image, RegistryError> {
    let from = registries.repository(at, Access::Push)?;
    let name = match (at.digest(), at.tag()) {
        (Some(digest), _) => digest.to_string(),
        (None, tag) => tag.unwrap_or("latest").to_owned(),
    };
    let unusable = |why: String| RegistryError::Unusable {
        reference: at.to_string(),
        why,
    };
    let manifest = from.get_manifest(&name)?;
    let document = Document::parse("its manifest", &manifest.bytes);
    let document = match document.map_err(|error| unusable(error.to_string()))? {
        Document::Manifest(document) => document,
        Document::Index(_) => {
            return Err(unusable(
                "it is an index of images for several platforms, not an image".to_owned(),
            ));
        }
    };
    let config = from.document(&document.config.digest, "an image config")?;
    Image::from_documents(manifest.bytes, config).map_err(|error| unusable(error.to_string()))
}
