//! Images as one file.

use std::io::Write;

use super::{BlobSource, Image, ImageError};
use crate::event::EventSink;

/// Writes a tar of an OCI layout that holds `image` alone; the same image gives the same bytes.
pub fn write_oci<W: Write>(
    out: W,
    image: &Image,
    tag: Option<&str>,
    blobs: &dyn BlobSource,
    events: &dyn EventSink,
) -> Result<W, ImageError> {
    let _ = (&out, image, tag, blobs, events);
    unimplemented!()
}

/// Writes what `docker load` reads, under `names` such as `app:latest`; the same image gives the same bytes.
pub fn write_docker<W: Write>(
    out: W,
    image: &Image,
    names: &[String],
    blobs: &dyn BlobSource,
    events: &dyn EventSink,
) -> Result<W, ImageError> {
    let _ = (&out, image, names, blobs, events);
    unimplemented!()
}
