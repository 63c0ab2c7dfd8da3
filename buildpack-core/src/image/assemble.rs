//! From a base, layers and settings to an image.

use std::collections::{BTreeMap, HashMap};

use oci_spec::image::{Config, History, HistoryBuilder, ImageConfiguration, RootFs};
use serde_json::json;

use super::document::{BASE_PURPOSE, CREATED_BY, OCI_CONFIG, OCI_MANIFEST, canonical};
use super::record::split_env;
use super::{BaseImage, BaseLayer, Image, ImageLayer, ImageSettings, LayerRecord};
use crate::digest::Digest;

/// Labels by which an image is taken for a Cloud Native one (Dokku looks at `io.buildpacks.stack.id`).
const CLOUD_NATIVE: &str = "io.buildpacks.";

/// The image of `layers` on top of `base`. Its bytes follow from the arguments alone.
///
/// Of the base stay its layers, its history, its environment and its labels, save all `io.buildpacks.*`: with such a
/// label an image is taken for a Cloud Native one. Each layer of ours gets one history entry that says its purpose.
pub fn assemble(base: &BaseImage, layers: &[LayerRecord], settings: &ImageSettings) -> Image {
    let layers = all_layers(base, layers);
    let config = configuration(base, &layers, settings);
    join(&config, layers)
}

/// The image of a config and the layers that it names.
pub(super) fn join(config: &ImageConfiguration, layers: Vec<ImageLayer>) -> Image {
    with_manifest(canonical(json!(config)), layers, OCI_MANIFEST, OCI_CONFIG)
}

/// The image of a config's bytes and the layers that it names; its manifest and config are of these media types.
pub(super) fn with_manifest(
    config: Vec<u8>,
    layers: Vec<ImageLayer>,
    manifest_type: &str,
    config_type: &str,
) -> Image {
    let config_digest = Digest::of(&config);
    let manifest = canonical(json!({
        "schemaVersion": 2,
        "mediaType": manifest_type,
        "config": {
            "mediaType": config_type,
            "digest": config_digest,
            "size": config.len(),
        },
        "layers": layers
            .iter()
            .map(|layer| json!({
                "mediaType": layer.media_type,
                "digest": layer.digest,
                "size": layer.size,
            }))
            .collect::<Vec<_>>(),
    }));
    Image {
        manifest_digest: Digest::of(&manifest),
        config_digest,
        manifest,
        config,
        layers,
    }
}

fn all_layers(base: &BaseImage, own: &[LayerRecord]) -> Vec<ImageLayer> {
    let below = base.layers.iter().map(of_base);
    let above = own.iter().map(|layer| ImageLayer {
        purpose: layer.purpose.clone(),
        digest: layer.digest,
        diff_id: layer.diff_id,
        size: layer.size,
        media_type: layer.media_type.to_oci(),
    });
    below.chain(above).collect()
}

/// A layer of the base as one of the image.
pub(super) fn of_base(layer: &BaseLayer) -> ImageLayer {
    ImageLayer {
        purpose: BASE_PURPOSE.to_owned(),
        digest: layer.digest,
        diff_id: layer.diff_id,
        size: layer.size,
        media_type: layer.media_type.to_oci(),
    }
}

fn configuration(
    base: &BaseImage,
    layers: &[ImageLayer],
    settings: &ImageSettings,
) -> ImageConfiguration {
    let created = settings.created.to_string();
    let mut config = base.config.clone();
    let mut rootfs = RootFs::default();
    rootfs.set_diff_ids(
        layers
            .iter()
            .map(|layer| layer.diff_id.to_string())
            .collect(),
    );
    let mut history = base_history(base);
    for layer in &layers[base.layers.len()..] {
        history.push(entry(
            Some(&created),
            &format!("{CREATED_BY}{}", layer.purpose),
        ));
    }
    config.set_author(None);
    config.set_architecture(settings.architecture.as_str().into());
    config.set_os(oci_spec::image::Os::Linux);
    config.set_config(Some(execution(
        config.config().clone().unwrap_or_default(),
        settings,
    )));
    config.set_rootfs(rootfs);
    config.set_history(Some(history));
    config.set_created(Some(created));
    config
}

/// The base's history; where it doesn't tell its layers one by one, one entry for each of them.
pub(super) fn base_history(base: &BaseImage) -> Vec<History> {
    let told = base.config.history().clone().unwrap_or_default();
    let filled = told
        .iter()
        .filter(|entry| entry.empty_layer() != Some(true))
        .count();
    if filled == base.layers.len() {
        return told;
    }
    let created = base.config.created().as_deref();
    base.layers
        .iter()
        .map(|_| entry(created, &base.reference))
        .collect()
}

fn entry(created: Option<&str>, created_by: &str) -> History {
    let mut entry = HistoryBuilder::default().build().unwrap_or_default();
    entry.set_created(created.map(str::to_owned));
    entry.set_created_by(Some(created_by.to_owned()));
    entry
}

fn execution(mut config: Config, settings: &ImageSettings) -> Config {
    config.set_env(non_empty(merged_env(
        config.env().as_deref(),
        &settings.env,
    )));
    config.set_labels(merged_labels(config.labels().as_ref(), &settings.labels));
    // A base's program and arguments belong together: told one, the other is ours to say as well.
    if !settings.entrypoint.is_empty() || !settings.cmd.is_empty() {
        config.set_entrypoint(non_empty(settings.entrypoint.clone()));
        config.set_cmd(non_empty(settings.cmd.clone()));
    }
    if !settings.user.is_empty() {
        config.set_user(Some(settings.user.clone()));
    }
    if !settings.working_dir.is_empty() {
        config.set_working_dir(Some(settings.working_dir.clone()));
    }
    if let Some(signal) = &settings.stop_signal {
        config.set_stop_signal(Some(signal.clone()));
    }
    let mut ports = config.exposed_ports().clone().unwrap_or_default();
    ports.extend(settings.exposed_ports.iter().cloned());
    ports.sort();
    ports.dedup();
    config.set_exposed_ports(non_empty(ports));
    config
}

fn non_empty<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

fn merged_env(base: Option<&[String]>, ours: &[(String, String)]) -> Vec<String> {
    let mut all: Vec<(String, String)> = Vec::new();
    let base = base
        .unwrap_or_default()
        .iter()
        .map(|entry| split_env(entry));
    for (name, value) in base.chain(ours.iter().cloned()) {
        match all.iter_mut().find(|(known, _)| *known == name) {
            Some(known) => known.1 = value,
            None => all.push((name, value)),
        }
    }
    all.iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}

fn merged_labels(
    base: Option<&HashMap<String, String>>,
    ours: &BTreeMap<String, String>,
) -> Option<HashMap<String, String>> {
    let mut all: HashMap<_, _> = base
        .into_iter()
        .flatten()
        .filter(|(name, _)| !name.starts_with(CLOUD_NATIVE))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    all.extend(
        ours.iter()
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    (!all.is_empty()).then_some(all)
}

#[cfg(test)]
pub(crate) mod tests;
