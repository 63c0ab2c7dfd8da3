//! An image on another base, its own layers as they are.

use std::collections::BTreeMap;

use oci_spec::image::{History, ImageConfiguration, RootFs};

use super::assemble::{base_history, join, of_base};
use super::document::{BASE_PURPOSE, DOCKER_MANIFEST};
use super::record::ordered_config;
use super::{BaseImage, Image, ImageError, ImageLayer};

/// `image` with the layers of `base` in place of those that it stands on now, and with `labels` above its own. All else
/// that its config says stays; so does the dialect of its manifest.
///
/// Which layers are its own is told by its history: an image of another builder has none, and is an error.
pub fn rebase(
    image: &Image,
    base: &BaseImage,
    labels: &BTreeMap<String, String>,
) -> Result<Image, ImageError> {
    let own = own_layers(image);
    if own.is_empty() {
        return Err(ImageError::malformed(
            "the image",
            "its history tells of no layers that `bp` made",
        ));
    }
    let mut config =
        ordered_config::deserialize(&mut serde_json::Deserializer::from_slice(&image.config))
            .map_err(|error| ImageError::malformed("the image's config", &error))?;
    let mut history = base_history(base);
    history.extend(own_history(&config, own.len()));
    let mut layers: Vec<ImageLayer> = base.layers.iter().map(of_base).collect();
    layers.extend(own.iter().map(|layer| ImageLayer {
        media_type: layer.media_type.to_oci(),
        ..layer.clone()
    }));
    let mut rootfs = RootFs::default();
    rootfs.set_diff_ids(
        layers
            .iter()
            .map(|layer| layer.diff_id.to_string())
            .collect(),
    );
    config.set_rootfs(rootfs);
    config.set_history(Some(history));
    let mut execution = config.config().clone().unwrap_or_default();
    let mut all = execution.labels().clone().unwrap_or_default();
    all.extend(labels.clone());
    execution.set_labels(Some(all));
    config.set_config(Some(execution));
    let rebased = join(&config, layers);
    if image.media_type() == DOCKER_MANIFEST {
        return rebased.to_docker();
    }
    Ok(rebased)
}

/// The layers above the base.
fn own_layers(image: &Image) -> &[ImageLayer] {
    let below = image
        .layers
        .iter()
        .position(|layer| layer.purpose != BASE_PURPOSE);
    &image.layers[below.unwrap_or(image.layers.len())..]
}

/// The history from the first of the last so many layers on.
fn own_history(config: &ImageConfiguration, layers: usize) -> Vec<History> {
    let all = config.history().clone().unwrap_or_default();
    let mut left = layers;
    let from = all.iter().rposition(|entry| {
        left -= usize::from(entry.empty_layer() != Some(true) && left > 0);
        left == 0
    });
    all[from.unwrap_or(0)..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use crate::image::assemble;
    use crate::image::assemble::tests::{base, layer, settings};

    fn other_base() -> BaseImage {
        let mut other = base();
        other.reference = "docker.io/heroku/heroku:24".to_owned();
        let mut added = other.layers[0].clone();
        added.digest = Digest::of(b"newer");
        added.diff_id = Digest::of(b"NEWER");
        other.layers.push(added);
        let mut rootfs = RootFs::default();
        let ids = other.layers.iter().map(|layer| layer.diff_id.to_string());
        rootfs.set_diff_ids(ids.collect());
        other.config.set_rootfs(rootfs);
        other.config.set_history(None);
        other
    }

    #[test]
    fn is_what_would_have_been_built_on_the_other_base() {
        let layers = [layer("Erlang"), layer("app")];
        let old = assemble(&base(), &layers, &settings());
        let new = other_base();
        let labels = BTreeMap::from([("moved".to_owned(), "yes".to_owned())]);
        let moved = rebase(&old, &new, &labels).unwrap();
        let mut wanted = settings();
        wanted.labels.extend(labels.clone());
        let built = assemble(&new, &layers, &wanted);
        assert_eq!(moved.layers, built.layers);
        let config =
            |image: &Image| -> serde_json::Value { serde_json::from_slice(&image.config).unwrap() };
        for part in ["rootfs", "history", "created"] {
            assert_eq!(config(&moved)[part], config(&built)[part], "{part}");
        }
        assert_eq!(
            config(&moved)["config"]["Labels"],
            config(&built)["config"]["Labels"]
        );
        // There and back again: only the label tells.
        let back = rebase(&moved, &base(), &BTreeMap::new()).unwrap();
        assert_eq!(back.layers, old.layers);
        assert_eq!(rebase(&old, &base(), &BTreeMap::new()).unwrap(), old);

        let docker = old.to_docker().unwrap();
        let moved_docker = rebase(&docker, &new, &labels).unwrap();
        assert_eq!(moved_docker, moved.to_docker().unwrap());
    }

    #[test]
    fn an_image_of_another_builder_is_refused() {
        let foreign = assemble(&base(), &[], &settings());
        assert!(rebase(&foreign, &other_base(), &BTreeMap::new()).is_err());
    }
}
