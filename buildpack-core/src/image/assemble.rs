//! From a base, layers and settings to an image.

use super::{BaseImage, Image, ImageSettings, LayerRecord};

/// The image of `layers` on top of `base`. Its bytes follow from the arguments alone.
///
/// Of the base stay its layers, its history, its environment and its labels, save all `io.buildpacks.*`: with such a
/// label an image is taken for a Cloud Native one. Each layer of ours gets one history entry that says its purpose.
pub fn assemble(base: &BaseImage, layers: &[LayerRecord], settings: &ImageSettings) -> Image {
    let _ = (base, layers, settings);
    unimplemented!()
}
