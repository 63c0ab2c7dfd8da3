//! Images as one file.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};

use serde_json::json;

use super::blob::open;
use super::document::canonical;
use super::layout::{LAYOUT_FILE, index};
use super::{BlobSource, Image, ImageError};
use crate::digest::HashingReader;
use crate::event::EventSink;

/// Writes a tar of an OCI layout that holds `image` alone; the same image gives the same bytes.
pub fn write_oci<W: Write>(
    out: W,
    image: &Image,
    tag: Option<&str>,
    blobs: &dyn BlobSource,
    events: &dyn EventSink,
) -> Result<W, ImageError> {
    let mut archive = Archive::new(out, image, events);
    archive.bytes("oci-layout", LAYOUT_FILE)?;
    archive.bytes("index.json", &index(Vec::new(), image, tag))?;
    archive.folder("blobs/")?;
    archive.folder("blobs/sha256/")?;
    let blob = |hex: String| format!("blobs/sha256/{hex}");
    archive.bytes(&blob(image.manifest_digest.hex()), &image.manifest)?;
    archive.bytes(&blob(image.config_digest.hex()), &image.config)?;
    archive.layers(blobs, blob)?;
    archive.finish()
}

/// Writes what `docker load` reads, under `names` such as `app:latest`; the same image gives the same bytes.
///
/// Layers stay compressed: Docker, containerd, podman and skopeo look at the bytes, not at the name.
pub fn write_docker<W: Write>(
    out: W,
    image: &Image,
    names: &[String],
    blobs: &dyn BlobSource,
    events: &dyn EventSink,
) -> Result<W, ImageError> {
    let mut archive = Archive::new(out, image, events);
    let layer_file = |hex: String| format!("{hex}.tar");
    let config_file = format!("{}.json", image.config_digest.hex());
    let manifest = canonical(json!([{
        "Config": config_file,
        "RepoTags": names,
        "Layers": image
            .layers
            .iter()
            .map(|layer| layer_file(layer.digest.hex()))
            .collect::<Vec<_>>(),
    }]));
    archive.bytes("manifest.json", &manifest)?;
    archive.bytes(&config_file, &image.config)?;
    archive.layers(blobs, layer_file)?;
    archive.finish()
}

/// A tar without owners, times and names of users.
struct Archive<'a, W: Write> {
    tar: tar::Builder<W>,
    image: &'a Image,
    events: &'a dyn EventSink,
}

impl<'a, W: Write> Archive<'a, W> {
    fn new(out: W, image: &'a Image, events: &'a dyn EventSink) -> Self {
        Self {
            tar: tar::Builder::new(out),
            image,
            events,
        }
    }

    fn header(kind: tar::EntryType, mode: u32, size: u64) -> tar::Header {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        header
    }

    fn entry(
        &mut self,
        mut header: tar::Header,
        name: &str,
        content: impl Read,
    ) -> Result<(), ImageError> {
        self.tar
            .append_data(&mut header, name, content)
            .map_err(ImageError::io(format!("write `{name}` to the archive")))
    }

    fn folder(&mut self, name: &str) -> Result<(), ImageError> {
        let header = Self::header(tar::EntryType::Directory, 0o755, 0);
        self.entry(header, name, io::empty())
    }

    fn bytes(&mut self, name: &str, bytes: &[u8]) -> Result<(), ImageError> {
        let header = Self::header(tar::EntryType::Regular, 0o644, bytes.len() as u64);
        self.entry(header, name, bytes)
    }

    /// Every layer's blob once, checked as it passes.
    fn layers(
        &mut self,
        blobs: &dyn BlobSource,
        name: impl Fn(String) -> String,
    ) -> Result<(), ImageError> {
        let mut written = BTreeSet::new();
        let image = self.image;
        let total: u64 = image.total_size();
        let mut done = 0;
        for layer in image
            .layers
            .iter()
            .filter(|layer| written.insert(layer.digest))
        {
            let what = format!("layer ({})", layer.purpose);
            let mut reader = HashingReader::new(open(blobs, &layer.digest, &what)?);
            let header = Self::header(tar::EntryType::Regular, 0o644, layer.size);
            // The size stands in the header already: a blob of another size would shift all that follows.
            let exact = Exact::new(&mut reader, layer.size);
            self.entry(header, &name(layer.digest.hex()), exact)?;
            let (found, length) = reader
                .drain()
                .map_err(ImageError::io(format!("read blob `{}`", layer.digest)))?;
            if found != layer.digest || length != layer.size {
                return Err(ImageError::Damaged {
                    what,
                    expected: layer.digest,
                    found,
                });
            }
            done += layer.size;
            self.events.progress("archive", done, Some(total), false);
        }
        self.events.progress("archive", total, Some(total), true);
        Ok(())
    }

    fn finish(self) -> Result<W, ImageError> {
        let mut out = self
            .tar
            .into_inner()
            .map_err(ImageError::io("finish the archive"))?;
        out.flush().map_err(ImageError::io("finish the archive"))?;
        Ok(out)
    }
}

/// Exactly so many bytes: fewer are an error, more are left.
struct Exact<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Exact<R> {
    fn new(inner: R, size: u64) -> Self {
        Self { inner, left: size }
    }
}

impl<R: Read> Read for Exact<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let read = self.inner.read(&mut buffer[..most])?;
        if read == 0 && most > 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("the blob ends {} bytes early", self.left),
            ));
        }
        self.left -= read as u64;
        Ok(read)
    }
}
