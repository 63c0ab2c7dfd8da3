//! All that an image claims, recomputed.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;

use super::blob::open;
use super::{BlobSource, Image, ImageError, ImageLayer, MediaType};
use crate::digest::{Digest, HashingReader};

/// Something that an image claims and that is not so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// What the claim is about: `manifest`, `config`, `layer 3 (app)`.
    pub what: String,
    /// What is claimed.
    pub claimed: String,
    /// What was found.
    pub found: String,
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            what,
            claimed,
            found,
        } = self;
        write!(f, "{what}: claimed `{claimed}`, found `{found}`")
    }
}

/// Recomputes digests and sizes of manifest, config and every blob, the diff id of every layer, and whether manifest,
/// config and record agree. Empty where all is well; an error only where a blob can't be read.
pub fn validate(image: &Image, blobs: &dyn BlobSource) -> Result<Vec<Mismatch>, ImageError> {
    let mut found = Findings::default();
    found.compare(
        "manifest",
        image.manifest_digest,
        Digest::of(&image.manifest),
    );
    found.compare("config", image.config_digest, Digest::of(&image.config));
    match Image::from_documents(image.manifest.clone(), image.config.clone()) {
        Err(error) => found.add("documents", "a manifest with its config", &error),
        Ok(told) => {
            found.documents(image);
            found.compare("layer count", image.layers.len(), told.layers.len());
            for (at, (ours, told)) in image.layers.iter().zip(&told.layers).enumerate() {
                let what = name(at, ours);
                found.compare(&format!("{what} digest"), told.digest, ours.digest);
                found.compare(&format!("{what} diff id"), told.diff_id, ours.diff_id);
                found.compare(&format!("{what} size"), told.size, ours.size);
            }
        }
    }
    for (at, layer) in image.layers.iter().enumerate() {
        found.blob(&name(at, layer), layer, blobs)?;
    }
    Ok(found.0)
}

fn name(at: usize, layer: &ImageLayer) -> String {
    format!("layer {} ({})", at + 1, layer.purpose)
}

#[derive(Default)]
struct Findings(Vec<Mismatch>);

impl Findings {
    fn add(&mut self, what: &str, claimed: &(impl ToString + ?Sized), found: &impl ToString) {
        self.0.push(Mismatch {
            what: what.to_owned(),
            claimed: claimed.to_string(),
            found: found.to_string(),
        });
    }

    fn compare<T: Copy + PartialEq + ToString>(&mut self, what: &str, claimed: T, found: T) {
        if claimed != found {
            self.add(what, &claimed, &found);
        }
    }

    /// What the manifest says of the config.
    fn documents(&mut self, image: &Image) {
        let manifest = super::Document::parse("the manifest", &image.manifest);
        if let Ok(super::Document::Manifest(manifest)) = manifest {
            self.compare(
                "config digest in the manifest",
                manifest.config.digest,
                image.config_digest,
            );
            self.compare(
                "config size in the manifest",
                manifest.config.size,
                image.config.len() as u64,
            );
        }
    }

    fn blob(
        &mut self,
        what: &str,
        layer: &ImageLayer,
        blobs: &dyn BlobSource,
    ) -> Result<(), ImageError> {
        let doing = || ImageError::io(format!("read blob `{}`", layer.digest));
        let mut reader = HashingReader::new(open(blobs, &layer.digest, what)?);
        let unpacked = match layer.media_type {
            MediaType::OciGzip | MediaType::DockerGzip => {
                drain(MultiGzDecoder::new(io::BufReader::new(&mut reader)))
            }
            MediaType::OciZstd => zstd::Decoder::new(&mut reader).and_then(drain),
            MediaType::OciTar | MediaType::DockerTar => drain(&mut reader),
        };
        let (digest, size) = reader.drain().map_err(doing())?;
        self.compare(what, layer.digest, digest);
        self.compare(&format!("{what} size"), layer.size, size);
        match unpacked {
            Ok(diff_id) => self.compare(&format!("{what} diff id"), layer.diff_id, diff_id),
            Err(error) => self.add(what, "a layer", &error),
        }
        Ok(())
    }
}

fn drain(reader: impl Read) -> io::Result<Digest> {
    HashingReader::new(reader).drain().map(|(digest, _)| digest)
}
