//! What makes the files of two clean builds of the same source the same.

use std::path::Path;

use buildpack_core::layer::Normalise;

/// Rewrites BEAM files, Mix manifests and release cookies as they enter a layer.
#[derive(Debug, Clone, Copy, Default)]
pub struct BeamNormaliser;

impl Normalise for BeamNormaliser {
    fn wants(&self, image_path: &str) -> bool {
        let _ = image_path;
        false
    }

    fn rewrite(&self, image_path: &str, content: Vec<u8>) -> Vec<u8> {
        let _ = image_path;
        content
    }
}

/// Whether the file or folder at `path`, relative to the app or to Mix's home, is a leftover of building that an
/// image must not hold.
pub fn not_for_the_image(path: &Path) -> bool {
    let _ = path;
    false
}
