//! The manifest of a cache: which entries there are, under which keys, and when each was last used.

use std::collections::BTreeMap;

use buildpack_core::digest::Digest;
use buildpack_core::image::OCI_MANIFEST;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// What the artifact is. Another format gets another number.
pub(super) const ARTIFACT: &str = "application/vnd.build.bp.cache.v1+json";
/// How the types of all formats begin.
const ANY_FORMAT: &str = "application/vnd.build.bp.cache.";
/// A folder: a tar packed with zstd, whose first member says what it is.
pub(super) const ENTRY: &str = "application/vnd.build.bp.cache.entry.v1.tar+zstd";
/// A record: JSON that says what it is.
pub(super) const RECORD: &str = "application/vnd.build.bp.cache.record.v1+json";

/// OCI's empty descriptor (image-spec 1.1, guidance for an empty descriptor).
pub(super) const EMPTY: &[u8] = b"{}";
const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";

const BUCKET: &str = "build.bp.cache.bucket";
const KEY: &str = "build.bp.cache.key";
const USED: &str = "build.bp.cache.used";
const SIGNATURE: &str = "build.bp.cache.signature";
const BLOBS: &str = "build.bp.cache.blobs";

/// What there is of a cache.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Index {
    /// By bucket, with its format, and key.
    pub(super) entries: BTreeMap<(String, String), Entry>,
    /// Blobs of image layers that entries name.
    pub(super) blobs: BTreeMap<Digest, Stored>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) stored: Stored,
    /// The day of the last use that anybody told of.
    pub(super) used: Date,
    /// What vouches for it among builders who share a secret.
    pub(super) signature: Option<String>,
    /// Blobs without which it is worth nothing.
    pub(super) blobs: Vec<Digest>,
}

/// A blob in the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) media_type: String,
    pub(super) digest: Digest,
    pub(super) size: u64,
}

/// What stands under a tag that is no cache that can be read here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoCache {
    /// Something else, such as an image.
    Foreign(String),
    /// A cache of a format that is not known here.
    OtherFormat(String),
    /// What is said of it makes no sense.
    Broken(String),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema_version: u8,
    #[serde(default)]
    media_type: String,
    #[serde(default)]
    artifact_type: String,
    config: Descriptor,
    layers: Vec<Descriptor>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: Digest,
    size: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

impl Index {
    /// Reads a manifest.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, NoCache> {
        let document: Document =
            serde_json::from_slice(bytes).map_err(|error| NoCache::Broken(error.to_string()))?;
        match document.artifact_type.as_str() {
            ARTIFACT => {}
            other if other.starts_with(ANY_FORMAT) => {
                return Err(NoCache::OtherFormat(other.to_owned()));
            }
            "" => return Err(NoCache::Foreign(document.config.media_type)),
            other => return Err(NoCache::Foreign(other.to_owned())),
        }
        let mut index = Self::default();
        for layer in document.layers {
            index.add(layer)?;
        }
        Ok(index)
    }

    fn add(&mut self, layer: Descriptor) -> Result<(), NoCache> {
        let stored = Stored {
            media_type: layer.media_type,
            digest: layer.digest,
            size: layer.size,
        };
        let told = |name: &str| layer.annotations.get(name).cloned();
        let (Some(bucket), Some(key)) = (told(BUCKET), told(KEY)) else {
            // A manifest has at least one layer: of a cache without any it is the empty one.
            if stored.media_type != EMPTY_TYPE {
                self.blobs.insert(stored.digest, stored);
            }
            return Ok(());
        };
        let used = told(USED).and_then(|day| day.parse().ok());
        let blobs = told(BLOBS).unwrap_or_default();
        let blobs: Result<Vec<Digest>, _> = blobs.split_whitespace().map(str::parse).collect();
        let (Some(used), Ok(blobs)) = (used, blobs) else {
            return Err(NoCache::Broken(format!(
                "its entry `{}` says neither day nor blobs as it should",
                stored.digest
            )));
        };
        let entry = Entry {
            stored,
            used,
            signature: told(SIGNATURE),
            blobs,
        };
        self.entries.insert((bucket, key), entry);
        Ok(())
    }

    /// The manifest's bytes: the same for the same index.
    pub(super) fn write(&self) -> Vec<u8> {
        let mut layers: Vec<_> = self
            .entries
            .iter()
            .map(|((bucket, key), entry)| entry.descriptor(bucket, key))
            .collect();
        let blobs = self
            .blobs
            .values()
            .map(|blob| blob.descriptor(BTreeMap::new()));
        layers.extend(blobs);
        if layers.is_empty() {
            layers.push(empty());
        }
        let document = Document {
            schema_version: 2,
            media_type: OCI_MANIFEST.to_owned(),
            artifact_type: ARTIFACT.to_owned(),
            config: empty(),
            layers,
        };
        serde_json::to_vec(&document).unwrap_or_default()
    }
}

impl Entry {
    fn descriptor(&self, bucket: &str, key: &str) -> Descriptor {
        let blobs: Vec<String> = self.blobs.iter().map(Digest::to_string).collect();
        let told = [
            (BUCKET, Some(bucket.to_owned())),
            (KEY, Some(key.to_owned())),
            (USED, Some(self.used.to_string())),
            (SIGNATURE, self.signature.clone()),
            (BLOBS, (!blobs.is_empty()).then(|| blobs.join(" "))),
        ];
        let told = told.into_iter();
        let annotations = told
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect();
        self.stored.descriptor(annotations)
    }

    /// Bytes of the manifest that are about it.
    pub(super) fn told_in(&self, bucket: &str, key: &str) -> u64 {
        let descriptor = self.descriptor(bucket, key);
        serde_json::to_vec(&descriptor).map_or(0, |bytes| bytes.len() as u64 + 1)
    }
}

impl Stored {
    fn descriptor(&self, annotations: BTreeMap<String, String>) -> Descriptor {
        Descriptor {
            media_type: self.media_type.clone(),
            digest: self.digest,
            size: self.size,
            annotations,
        }
    }
}

fn empty() -> Descriptor {
    let stored = Stored {
        media_type: EMPTY_TYPE.to_owned(),
        digest: Digest::of(EMPTY),
        size: EMPTY.len() as u64,
    };
    stored.descriptor(BTreeMap::new())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn index() -> Index {
        let stored = |text: &[u8], media_type: &str| Stored {
            media_type: media_type.to_owned(),
            digest: Digest::of(text),
            size: text.len() as u64,
        };
        let layer = stored(b"layer", "application/vnd.oci.image.layer.v1.tar+gzip");
        let entry = Entry {
            stored: stored(b"entry", ENTRY),
            used: "2026-11-21".parse().unwrap(),
            signature: Some("c2lnbmVk".to_owned()),
            blobs: vec![layer.digest],
        };
        Index {
            entries: BTreeMap::from([(("tools-v1".to_owned(), "ab".to_owned()), entry)]),
            blobs: BTreeMap::from([(layer.digest, layer)]),
        }
    }

    #[test]
    fn an_index_comes_back_as_it_was_written() {
        for index in [index(), Index::default()] {
            assert_eq!(Index::read(&index.write()), Ok(index));
        }
    }

    #[test]
    fn it_is_an_artifact_by_the_specification() {
        let manifest: Value = serde_json::from_slice(&Index::default().write()).unwrap();
        let empty = json!({
            "mediaType": "application/vnd.oci.empty.v1+json",
            "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
            "size": 2
        });
        let wanted = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": "application/vnd.build.bp.cache.v1+json",
            "config": empty,
            "layers": [empty]
        });
        assert_eq!(manifest, wanted);
    }

    #[test]
    fn what_is_no_cache_is_told_apart() {
        let changed = |change: &dyn Fn(&mut Value)| {
            let mut manifest: Value = serde_json::from_slice(&index().write()).unwrap();
            change(&mut manifest);
            Index::read(&serde_json::to_vec(&manifest).unwrap()).unwrap_err()
        };
        let image = changed(&|manifest| {
            manifest["artifactType"] = "".into();
            manifest["config"]["mediaType"] = "application/vnd.oci.image.config.v1+json".into();
        });
        assert!(matches!(image, NoCache::Foreign(what) if what.contains("image.config")));
        let later = "application/vnd.build.bp.cache.v2+json";
        let new = changed(&|manifest| manifest["artifactType"] = later.into());
        assert_eq!(new, NoCache::OtherFormat(later.to_owned()));
        let day = changed(&|manifest| {
            manifest["layers"][0]["annotations"]["build.bp.cache.used"] = "some day".into();
        });
        assert!(matches!(day, NoCache::Broken(_)));
        let truncated = Index::read(&index().write()[..100]);
        assert!(matches!(truncated, Err(NoCache::Broken(_))));
    }
}
