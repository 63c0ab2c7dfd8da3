//! Layers and images as values that can be kept as JSON.

use std::fmt;

use oci_spec::image::ImageConfiguration;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::layer::Compression;
use crate::libraries::Libraries;
use crate::store::{NamedBlob, Sharable};

/// How a layer's blob is packed (image-spec, media-types.md; Docker's distribution manifest v2 schema 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum MediaType {
    /// A tar, as OCI names it.
    #[serde(rename = "application/vnd.oci.image.layer.v1.tar")]
    OciTar,
    /// A gzipped tar, as OCI names it.
    #[serde(rename = "application/vnd.oci.image.layer.v1.tar+gzip")]
    OciGzip,
    /// A zstd-compressed tar, as OCI names it.
    #[serde(rename = "application/vnd.oci.image.layer.v1.tar+zstd")]
    OciZstd,
    /// A gzipped tar, as Docker names it.
    #[serde(rename = "application/vnd.docker.image.rootfs.diff.tar.gzip")]
    DockerGzip,
    /// A tar, as Docker names it.
    #[serde(rename = "application/vnd.docker.image.rootfs.diff.tar")]
    DockerTar,
}

impl MediaType {
    /// The name that stands in manifests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OciTar => "application/vnd.oci.image.layer.v1.tar",
            Self::OciGzip => "application/vnd.oci.image.layer.v1.tar+gzip",
            Self::OciZstd => "application/vnd.oci.image.layer.v1.tar+zstd",
            Self::DockerGzip => "application/vnd.docker.image.rootfs.diff.tar.gzip",
            Self::DockerTar => "application/vnd.docker.image.rootfs.diff.tar",
        }
    }

    /// The media type that `name` stands for; none for what is no layer that may be passed on.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::OciTar,
            Self::OciGzip,
            Self::OciZstd,
            Self::DockerGzip,
            Self::DockerTar,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == name)
    }

    /// The same packing under OCI's name.
    pub fn to_oci(self) -> Self {
        match self {
            Self::DockerGzip => Self::OciGzip,
            Self::DockerTar => Self::OciTar,
            oci => oci,
        }
    }
}

impl MediaType {
    /// The same packing under Docker's name, where it has one.
    pub fn to_docker(self) -> Option<Self> {
        match self {
            Self::OciGzip | Self::DockerGzip => Some(Self::DockerGzip),
            Self::OciTar | Self::DockerTar => Some(Self::DockerTar),
            Self::OciZstd => None,
        }
    }
}

impl From<Compression> for MediaType {
    /// A tar that is packed so, as OCI names it.
    fn from(compression: Compression) -> Self {
        match compression {
            Compression::Gzip => Self::OciGzip,
            Compression::Zstd => Self::OciZstd,
        }
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A layer of our own, as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerRecord {
    /// What it is for, in words that stand in the image's history: `Erlang`, `app`.
    pub purpose: String,
    /// Digest of the compressed blob.
    pub digest: Digest,
    /// Digest of the tar.
    pub diff_id: Digest,
    /// Bytes of the compressed blob.
    pub size: u64,
    /// Bytes of the tar.
    pub unpacked_size: u64,
    /// How the blob is packed.
    pub media_type: MediaType,
    /// What its ELF files need and offer.
    #[serde(default, skip_serializing_if = "Libraries::is_empty")]
    pub libraries: Libraries,
}

impl LayerRecord {
    /// Its blob.
    pub fn blob(&self) -> NamedBlob {
        NamedBlob {
            digest: self.digest,
            size: self.size,
            media_type: self.media_type.to_string(),
        }
    }
}

impl Sharable for LayerRecord {
    fn blobs(&self) -> Vec<NamedBlob> {
        vec![self.blob()]
    }
}

/// A blob as a manifest names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What the blob is.
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its bytes.
    pub size: u64,
}

/// A layer of the stack's image: named by its manifest and config, perhaps not yet fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseLayer {
    /// Digest of the compressed blob.
    pub digest: Digest,
    /// Digest of the tar.
    pub diff_id: Digest,
    /// Bytes of the compressed blob.
    pub size: u64,
    /// How the blob is packed.
    pub media_type: MediaType,
}

/// The image that ours stands on: one platform's manifest and config.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BaseImage {
    /// The name it was asked for by, in full: `docker.io/heroku/heroku:24`.
    pub reference: String,
    /// Digest of the manifest of this platform.
    pub digest: Digest,
    /// The config blob.
    pub config_blob: Descriptor,
    /// What the config blob says; its lists in order.
    #[serde(with = "ordered_config")]
    pub config: ImageConfiguration,
    /// The layers, lowest first.
    pub layers: Vec<BaseLayer>,
}

impl BaseImage {
    /// Compressed bytes of all layers.
    pub fn size(&self) -> u64 {
        self.layers.iter().map(|layer| layer.size).sum()
    }

    /// The environment that its config gives to programs: names and values in the config's order.
    pub fn env(&self) -> Vec<(String, String)> {
        self.config
            .config()
            .as_ref()
            .and_then(|config| config.env().as_ref())
            .map(|env| env.iter().map(|entry| split_env(entry)).collect())
            .unwrap_or_default()
    }
}

/// `NAME=value` in two; an entry without `=` is a name with an empty value.
pub(super) fn split_env(entry: &str) -> (String, String) {
    let (name, value) = entry.split_once('=').unwrap_or((entry, ""));
    (name.to_owned(), value.to_owned())
}

/// A layer of a finished image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageLayer {
    /// What it is for; `stack` for the base's layers, and where nothing is known.
    pub purpose: String,
    /// Digest of the compressed blob.
    pub digest: Digest,
    /// Digest of the tar.
    pub diff_id: Digest,
    /// Bytes of the compressed blob.
    pub size: u64,
    /// How the blob is packed, under OCI's name; under Docker's in what [`Image::to_docker`] gives.
    pub media_type: MediaType,
}

/// A finished image: all but the blobs of its layers. Kept as JSON, it is the record of a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// The manifest's bytes, JSON.
    #[serde(with = "json_text")]
    pub manifest: Vec<u8>,
    /// The config's bytes, JSON.
    #[serde(with = "json_text")]
    pub config: Vec<u8>,
    /// Digest of `manifest`: what the image is known by.
    pub manifest_digest: Digest,
    /// Digest of `config`: the image's id in Docker.
    pub config_digest: Digest,
    /// The layers, lowest first.
    pub layers: Vec<ImageLayer>,
}

impl Image {
    /// Bytes of manifest, config and compressed layers; a blob that stands in it twice counts once.
    pub fn total_size(&self) -> u64 {
        let blobs: std::collections::BTreeMap<_, _> = self
            .layers
            .iter()
            .map(|layer| (layer.digest, layer.size))
            .collect();
        (self.manifest.len() + self.config.len()) as u64 + blobs.values().sum::<u64>()
    }
}

/// JSON bytes as a JSON string, so that a record stays readable.
mod json_text {
    use serde::{Deserialize, Deserializer, Serializer, ser::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(std::str::from_utf8(bytes).map_err(S::Error::custom)?)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        String::deserialize(deserializer).map(String::into_bytes)
    }
}

/// A config with everything in order: `oci_spec` keeps labels, ports and volumes in hash maps.
pub(super) mod ordered_config {
    use oci_spec::image::ImageConfiguration;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::Error};

    pub(in super::super) fn serialize<S: Serializer>(
        config: &ImageConfiguration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut value = serde_json::to_value(config).map_err(S::Error::custom)?;
        value.sort_all_objects();
        value.serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<ImageConfiguration, D::Error> {
        let mut config = ImageConfiguration::deserialize(deserializer)?;
        if let Some(mut inner) = config.config().clone() {
            inner.set_exposed_ports(sorted(inner.exposed_ports().clone()));
            inner.set_volumes(sorted(inner.volumes().clone()));
            config.set_config(Some(inner));
        }
        Ok(config)
    }

    fn sorted(list: Option<Vec<String>>) -> Option<Vec<String>> {
        list.map(|mut list| {
            list.sort();
            list
        })
    }
}
