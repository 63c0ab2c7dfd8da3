//! Pulling a base image.

use buildpack_core::digest::Digest;
use buildpack_core::event::EventSink;
use buildpack_core::image::{
    BaseImage, BlobDir, DOCKER_INDEX, DOCKER_MANIFEST, Descriptor, Document, ImageError,
    ManifestDocument, OCI_INDEX, OCI_MANIFEST,
};
use reqwest::blocking::Response;
use reqwest::header::CONTENT_TYPE;

use super::endpoint::Endpoint;
use super::refusal::{one_line, whole};
use super::wire::{Request, Wire};
use super::{ImageSource, Reference, RegistryError, RegistrySettings, blobs};

/// The largest manifest or config: registries refuse manifests above it.
const DOCUMENT: u64 = 4 << 20;

/// Pulls from registries over HTTP. Nothing is connected, and no certificate read, before the first request.
pub struct Puller {
    wire: Wire,
}

impl Puller {
    /// A puller that reaches registries as `settings` say.
    pub fn new(settings: RegistrySettings) -> Self {
        Self {
            wire: Wire::new(settings),
        }
    }

    /// A manifest or index by tag or digest.
    fn document(&self, from: &Endpoint, name: &str) -> Result<(Digest, Document), RegistryError> {
        let part = format!("manifests/{name}");
        let accept = [OCI_INDEX, DOCKER_INDEX, OCI_MANIFEST, DOCKER_MANIFEST].join(", ");
        let request = Request {
            part: &part,
            accept: &accept,
            from: 0,
        };
        let url = from.url(&part);
        let bytes = self.small(from, &request, &url, "a manifest")?;
        let digest = Digest::of(&bytes);
        if let Ok(expected) = name.parse::<Digest>()
            && expected != digest
        {
            return Err(RegistryError::WrongDigest {
                url,
                expected,
                found: digest,
            });
        }
        let document =
            Document::parse("it", &bytes).map_err(|error| RegistryError::Unexpected {
                url,
                expected: "a manifest",
                why: why(error),
            })?;
        Ok((digest, document))
    }

    /// A config, checked.
    fn config(&self, from: &Endpoint, blob: &Descriptor) -> Result<Vec<u8>, RegistryError> {
        let part = format!("blobs/{}", blob.digest);
        let request = Request {
            part: &part,
            ..Request::default()
        };
        let url = from.url(&part);
        let bytes = self.small(from, &request, &url, "an image config")?;
        let found = Digest::of(&bytes);
        if found != blob.digest {
            return Err(RegistryError::WrongDigest {
                url,
                expected: blob.digest,
                found,
            });
        }
        Ok(bytes)
    }

    fn small(
        &self,
        from: &Endpoint,
        request: &Request<'_>,
        url: &str,
        expected: &'static str,
    ) -> Result<Vec<u8>, RegistryError> {
        self.wire.patiently(|| {
            let response = self.wire.send(from, request)?;
            refuse_page(url, &response, expected)?;
            whole(url, response, DOCUMENT, self.wire.settings().patience)
        })
    }
}

impl ImageSource for Puller {
    fn manifest(
        &self,
        reference: &Reference,
        architecture: &str,
    ) -> Result<BaseImage, RegistryError> {
        let from = Endpoint::of(reference, self.wire.settings())?;
        let name = match (reference.digest(), reference.tag()) {
            (Some(digest), _) => digest.to_string(),
            (None, tag) => tag.unwrap_or("latest").to_owned(),
        };
        let no_platform = |there| RegistryError::NoPlatform {
            reference: reference.to_string(),
            wanted: architecture.to_owned(),
            there,
        };
        let (mut digest, mut document) = self.document(&from, &name)?;
        if let Document::Index(index) = &document {
            let entry = index
                .pick(architecture)
                .ok_or_else(|| no_platform(index.platforms()))?;
            (digest, document) = self.document(&from, &entry.blob.digest.to_string())?;
        }
        let Document::Manifest(manifest) = document else {
            return Err(RegistryError::Unusable {
                reference: reference.to_string(),
                why: "it is an index of indexes".to_owned(),
            });
        };
        let image = self.image(reference, &from, digest, &manifest)?;
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
        events: &dyn EventSink,
    ) -> Result<(), RegistryError> {
        blobs::pull(&self.wire, image, into, events)
    }
}

impl Puller {
    fn image(
        &self,
        reference: &Reference,
        from: &Endpoint,
        digest: Digest,
        manifest: &ManifestDocument,
    ) -> Result<BaseImage, RegistryError> {
        let config = self.config(from, &manifest.config)?;
        BaseImage::from_documents(&reference.to_string(), digest, manifest, &config).map_err(
            |error| RegistryError::Unusable {
                reference: reference.to_string(),
                why: why(error),
            },
        )
    }
}

fn why(error: ImageError) -> String {
    match error {
        ImageError::Malformed { what, why } => one_line(&format!("{what}: {why}")),
        other => other.to_string(),
    }
}

/// Refuses a page for people where a document or a blob was asked for.
pub(super) fn refuse_page(
    url: &str,
    response: &Response,
    expected: &'static str,
) -> Result<(), RegistryError> {
    let kind = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if kind
        .trim_start()
        .to_ascii_lowercase()
        .starts_with("text/html")
    {
        return Err(RegistryError::Unexpected {
            url: super::endpoint::redacted(url),
            expected,
            why: "it is a web page, as proxies and log-in pages send them".to_owned(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
