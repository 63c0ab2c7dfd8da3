//! Shared libraries that a base image offers: read from its layers once, and remembered.

use std::io::{self, BufReader, Cursor, Read};

use buildpack_core::image::{BaseImage, BlobSource, MediaType};
use buildpack_core::libraries::{self, Libraries};
use buildpack_core::store::{Bucket, Record};
use flate2::read::MultiGzDecoder;
use stacks::Arch;

use super::{StackError, StackStore};

/// A library is smaller than that; what is larger is a program.
const LARGEST: u64 = 256 << 20;

impl StackStore {
    /// What the libraries of `base`, whose layers are in the store, offer to programs.
    ///
    /// A file that a later layer takes away counts all the same: base images don't remove libraries that they shipped.
    pub fn libraries(&self, base: &BaseImage) -> Result<Libraries, StackError> {
        let record: Record<Libraries> = self
            .store
            .record(Bucket::Images, &format!("libraries {}", base.digest));
        if let Some(known) = record.get() {
            return Ok(known);
        }
        let architecture: Option<Arch> = base.config.architecture().to_string().parse().ok();
        let mut all = Libraries::default();
        for layer in &base.layers {
            let blob = self
                .blobs()
                .open(&layer.digest)
                .map_err(StackError::io(format!("read layer `{}`", layer.digest)))?;
            let blob = BufReader::with_capacity(256 << 10, blob);
            let tar: Box<dyn Read> = match layer.media_type {
                MediaType::OciGzip | MediaType::DockerGzip => Box::new(MultiGzDecoder::new(blob)),
                _ => Box::new(blob),
            };
            let of_layer = architecture.map(|architecture| offered(tar, architecture));
            let of_layer = of_layer.unwrap_or_else(|| Ok(Libraries::default()));
            let of_layer = of_layer.map_err(StackError::io(format!(
                "read the libraries of layer `{}`",
                layer.digest
            )))?;
            all.join(&of_layer);
        }
        record.write(&all)?;
        Ok(all)
    }
}

/// What the libraries in a layer offer.
fn offered(tar: impl Read, architecture: Arch) -> io::Result<Libraries> {
    let mut all = Libraries::default();
    let mut archive = tar::Archive::new(tar);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let name = path.rsplit('/').next().unwrap_or_default();
        if !entry.header().entry_type().is_file() || !name.contains(".so") || entry.size() > LARGEST
        {
            continue;
        }
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        if let Some(mut linked) = libraries::read(Cursor::new(content)) {
            // What they need of each other is the base's own affair.
            linked.needs.clear();
            all.add(&format!("/{path}"), linked, architecture);
        }
    }
    Ok(all)
}
