//! An image under Docker's names, for registries and engines that know no others.

use super::assemble::with_manifest;
use super::document::{DOCKER_CONFIG, DOCKER_MANIFEST, OCI_MANIFEST};
use super::{Image, ImageError, ImageLayer};

impl Image {
    /// The media type of its manifest.
    pub fn media_type(&self) -> &'static str {
        let named = serde_json::from_slice::<serde_json::Value>(&self.manifest).ok();
        let named =
            named.and_then(|manifest| manifest.get("mediaType")?.as_str().map(str::to_owned));
        match named.as_deref() {
            Some(DOCKER_MANIFEST) => DOCKER_MANIFEST,
            _ => OCI_MANIFEST,
        }
    }

    /// The same image with a manifest of Docker's version 2, schema 2: the same config and blobs under other names, and
    /// so another manifest digest. Layers that Docker has no name for can't be in it.
    pub fn to_docker(&self) -> Result<Self, ImageError> {
        let layers = self
            .layers
            .iter()
            .map(|layer| {
                let media_type = layer.media_type.to_docker().ok_or_else(|| {
                    ImageError::malformed(
                        format!("layer `{}` under Docker's names", layer.purpose),
                        &format!("there is none for `{}`", layer.media_type),
                    )
                })?;
                Ok(ImageLayer {
                    media_type,
                    ..layer.clone()
                })
            })
            .collect::<Result<Vec<_>, ImageError>>()?;
        let config = self.config.clone();
        Ok(with_manifest(
            config,
            layers,
            DOCKER_MANIFEST,
            DOCKER_CONFIG,
        ))
    }
}

#[cfg(test)]
mod tests {
    use crate::image::assemble::tests::{base, layer, settings};
    use crate::image::{MediaType, assemble};

    use super::*;

    fn image() -> Image {
        assemble(&base(), &[layer("app")], &settings())
    }

    #[test]
    fn the_same_blobs_have_other_names() {
        let oci = image();
        let docker = oci.to_docker().unwrap();
        assert_eq!(oci.media_type(), OCI_MANIFEST);
        assert_eq!(docker.media_type(), DOCKER_MANIFEST);
        assert_eq!(docker.config_digest, oci.config_digest);
        assert_ne!(docker.manifest_digest, oci.manifest_digest);
        let text = String::from_utf8(docker.manifest.clone()).unwrap();
        assert!(!text.contains("vnd.oci"), "{text}");
        let read = Image::from_documents(docker.manifest.clone(), docker.config.clone()).unwrap();
        assert_eq!(read, docker);
    }

    #[test]
    fn what_docker_has_no_name_for_is_refused() {
        let mut image = image();
        image.layers[0].media_type = MediaType::OciZstd;
        assert!(image.to_docker().unwrap_err().to_string().contains("zstd"));
    }
}
