//! What is remembered of a built image.

use std::collections::BTreeMap;
use std::path::PathBuf;

use buildpack_core::digest::Digest;
use buildpack_core::image::{BaseImage, Image, LayerRecord};
use buildpack_core::pack::Finding;
use buildpack_core::store::{Bucket, CacheKey, KeyedRecord, NamedBlob, Record, Sharable, Store};
use serde::{Deserialize, Serialize};

/// A built image in the store.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BuildRecord {
    /// The name it is kept under.
    pub name: String,
    /// The app's folder.
    pub app: PathBuf,
    /// The stack's name.
    pub stack: String,
    /// The architecture, as OCI writes it.
    pub architecture: String,
    /// The folder that the app runs in.
    pub app_dir: String,
    /// User and group id of the app's processes.
    pub user: (u32, u32),
    /// Commands by process type.
    pub processes: BTreeMap<String, String>,
    /// The run image below the app's layers.
    pub run_image: BaseImage,
    /// The app's own layers, lowest first.
    pub layers: Vec<LayerRecord>,
    /// The image.
    pub image: Image,
    /// What will not work in it.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// When it was built.
    pub built: jiff::Timestamp,
}

impl BuildRecord {
    /// Without what only the machine that made it knows.
    #[must_use]
    pub fn of_any_machine(&self) -> Self {
        Self {
            name: String::new(),
            app: PathBuf::new(),
            ..self.clone()
        }
    }

    /// Whether its parts are what it says: another machine may have written it.
    pub fn is_sound(&self) -> bool {
        let image = &self.image;
        let own = self.layers.iter().map(|layer| (layer.digest, layer.size));
        let all: Vec<_> = (image.layers.iter())
            .map(|layer| (layer.digest, layer.size))
            .collect();
        Digest::of(&image.manifest) == image.manifest_digest
            && Digest::of(&image.config) == image.config_digest
            && own.into_iter().all(|layer| all.contains(&layer))
    }
}

impl Sharable for BuildRecord {
    /// Those of its own layers: those of the stack are at its registry.
    fn blobs(&self) -> Vec<NamedBlob> {
        self.layers.iter().map(LayerRecord::blob).collect()
    }
}

/// The record of the image called `name`.
pub fn by_name(store: &Store, name: &str) -> Record<BuildRecord> {
    store.record(Bucket::Images, &format!("name {name}"))
}

/// The record of the image built from these inputs, as any machine makes it.
pub fn by_inputs<'s>(store: &'s Store, inputs: &'s CacheKey) -> KeyedRecord<'s, BuildRecord> {
    store.keyed_record(Bucket::Images, "inputs ", inputs)
}

/// All images that are kept under a name, sorted by it.
pub fn all_named(store: &Store) -> Vec<BuildRecord> {
    store
        .records::<BuildRecord>(Bucket::Images)
        .into_iter()
        .filter(|(record, _)| record.starts_with("name "))
        .map(|(_, build)| build)
        .collect()
}
