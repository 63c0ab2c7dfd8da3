//! Manifests and indexes as registries and layouts hold them, in OCI's and in Docker's dialect.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::record::ordered_config;
use super::{BaseImage, BaseLayer, Descriptor, Image, ImageError, ImageLayer, MediaType};
use crate::digest::Digest;

/// Media type of an OCI manifest.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// Media type of an OCI index.
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Media type of an OCI image config.
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// Media type of a Docker manifest.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Media type of a Docker manifest list.
pub const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// Media type of Docker's image config.
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";

/// Words before a layer's purpose in our history entries.
pub(super) const CREATED_BY: &str = "bp layer: ";
/// The purpose of layers that are not ours: those of the base, and those of which nothing is known.
pub const BASE_PURPOSE: &str = "stack";

/// The manifest of one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestDocument {
    /// The config blob.
    pub config: Descriptor,
    /// The layers' blobs, lowest first.
    pub layers: Vec<Descriptor>,
}

/// A list of manifests: one image for several platforms, or the table of a layout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexDocument {
    /// The entries.
    pub manifests: Vec<ManifestEntry>,
}

/// An entry of an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestEntry {
    /// What it points to: a manifest, or another index.
    #[serde(flatten)]
    pub blob: Descriptor,
    /// What it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Notes, among them a layout's tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<std::collections::BTreeMap<String, String>>,
}

/// What an image runs on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// `amd64`, `arm64`, …; `unknown` for what is no image, such as an attestation.
    pub architecture: String,
    /// `linux`, ….
    pub os: String,
}

/// Whether `bytes` are a manifest or an index.
pub enum Document {
    /// One image.
    Manifest(ManifestDocument),
    /// Several.
    Index(IndexDocument),
}

impl Document {
    /// Reads `bytes`; `what` names them in errors. The media type inside decides, then the fields.
    pub fn parse(what: &str, bytes: &[u8]) -> Result<Self, ImageError> {
        let value: Value = parse(what, bytes)?;
        let media_type = value.get("mediaType").and_then(Value::as_str);
        match media_type {
            Some(OCI_MANIFEST | DOCKER_MANIFEST) => Ok(Self::Manifest(typed(what, value)?)),
            Some(OCI_INDEX | DOCKER_INDEX) => Ok(Self::Index(typed(what, value)?)),
            Some(other) => Err(ImageError::malformed(
                what,
                &format!("its media type is `{other}`"),
            )),
            None if value.get("schemaVersion") == Some(&Value::from(1)) => {
                Err(ImageError::malformed(
                    what,
                    "it has Docker's old schema 1, which carries no config",
                ))
            }
            // OCI lets the field away; a document must not be both (CVE-2021-41190).
            None => match (value.get("manifests"), value.get("layers")) {
                (Some(_), None) => Ok(Self::Index(typed(what, value)?)),
                (None, Some(_)) => Ok(Self::Manifest(typed(what, value)?)),
                _ => Err(ImageError::malformed(
                    what,
                    "it is neither a manifest nor an index",
                )),
            },
        }
    }
}

impl IndexDocument {
    /// The entry for `linux/<architecture>`.
    pub fn pick(&self, architecture: &str) -> Option<&ManifestEntry> {
        self.manifests.iter().find(|entry| {
            entry
                .platform
                .as_ref()
                .is_some_and(|on| on.os == "linux" && on.architecture == architecture)
        })
    }

    /// The platforms that are there, as `linux/amd64`; what is no image is left out.
    pub fn platforms(&self) -> Vec<String> {
        let mut all: Vec<_> = self
            .manifests
            .iter()
            .filter_map(|entry| entry.platform.as_ref())
            .filter(|on| on.architecture != "unknown")
            .map(|on| format!("{}/{}", on.os, on.architecture))
            .collect();
        all.sort();
        all.dedup();
        all
    }
}

impl BaseImage {
    /// The image that a manifest and its config describe, known as `reference`; `digest` is the manifest's.
    pub fn from_documents(
        reference: &str,
        digest: Digest,
        manifest: &ManifestDocument,
        config: &[u8],
    ) -> Result<Self, ImageError> {
        let what = format!("the config of `{reference}`");
        let config = ordered_config::deserialize(&mut serde_json::Deserializer::from_slice(config))
            .map_err(|error| ImageError::malformed(&what, &error))?;
        let diff_ids = config
            .rootfs()
            .diff_ids()
            .iter()
            .map(|id| id.parse::<Digest>())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| ImageError::malformed(&what, &error))?;
        let layers = layers(&format!("the manifest of `{reference}`"), manifest)?;
        if layers.len() != diff_ids.len() {
            return Err(ImageError::malformed(
                what,
                &format!(
                    "it names {} layers, its manifest {}",
                    diff_ids.len(),
                    layers.len()
                ),
            ));
        }
        let layers = layers
            .into_iter()
            .zip(diff_ids)
            .map(|((digest, size, media_type), diff_id)| BaseLayer {
                digest,
                diff_id,
                size,
                media_type,
            })
            .collect();
        Ok(Self {
            reference: reference.to_owned(),
            digest,
            config_blob: manifest.config.clone(),
            config,
            layers,
        })
    }
}

impl Image {
    /// The image that the bytes of a manifest and of its config make; purposes are read from its history.
    pub fn from_documents(manifest: Vec<u8>, config: Vec<u8>) -> Result<Self, ImageError> {
        let Document::Manifest(document) = Document::parse("the manifest", &manifest)? else {
            return Err(ImageError::malformed("the manifest", "it is an index"));
        };
        let manifest_digest = Digest::of(&manifest);
        let base = BaseImage::from_documents("the image", manifest_digest, &document, &config)?;
        let history = base.config.history().as_deref().unwrap_or_default();
        let purposes: Vec<_> = history
            .iter()
            .filter(|entry| entry.empty_layer() != Some(true))
            .map(|entry| {
                entry
                    .created_by()
                    .as_deref()
                    .and_then(|by| by.strip_prefix(CREATED_BY))
                    .unwrap_or(BASE_PURPOSE)
            })
            .collect();
        let layers = base
            .layers
            .iter()
            .enumerate()
            .map(|(at, layer)| ImageLayer {
                purpose: (*purposes.get(at).unwrap_or(&BASE_PURPOSE)).to_owned(),
                digest: layer.digest,
                diff_id: layer.diff_id,
                size: layer.size,
                media_type: layer.media_type,
            })
            .collect();
        Ok(Self {
            config_digest: Digest::of(&config),
            manifest,
            config,
            manifest_digest,
            layers,
        })
    }
}

fn layers(
    what: &str,
    manifest: &ManifestDocument,
) -> Result<Vec<(Digest, u64, MediaType)>, ImageError> {
    manifest
        .layers
        .iter()
        .map(|layer| {
            let media_type = MediaType::from_name(&layer.media_type).ok_or_else(|| {
                ImageError::malformed(
                    what,
                    &format!("it has a layer of the type `{}`", layer.media_type),
                )
            })?;
            Ok((layer.digest, layer.size, media_type))
        })
        .collect()
}

fn parse<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, ImageError> {
    serde_json::from_slice(bytes).map_err(|error| ImageError::malformed(what, &error))
}

fn typed<T: DeserializeOwned>(what: &str, value: Value) -> Result<T, ImageError> {
    serde_json::from_value(value).map_err(|error| ImageError::malformed(what, &error))
}

/// JSON with the keys of every object in order: the same value gives the same bytes.
pub(super) fn canonical(mut value: Value) -> Vec<u8> {
    value.sort_all_objects();
    value.to_string().into_bytes()
}
