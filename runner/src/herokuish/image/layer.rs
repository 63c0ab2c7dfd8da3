//! The one layer: entries with owners and modes of their own, as system files have them.

use std::io::{self, Write};

use buildpack_core::digest::{Digest, HashingWriter};
use buildpack_core::image::{BlobDir, LayerRecord, MediaType};
use buildpack_core::layer::gzip;
use buildpack_core::libraries::Libraries;
use tar::{Builder, EntryType, Header};

use super::TIME;

/// A file, folder or link of the image.
pub(super) struct Entry {
    /// Path without a leading slash.
    pub(super) path: String,
    pub(super) mode: u32,
    owner: u32,
    pub(super) group: u32,
    what: What,
}

enum What {
    Folder,
    File(Vec<u8>),
    Link(String),
}

impl Entry {
    /// A folder of a user whose group has the same number.
    pub(super) fn folder(path: &str, owner: u32) -> Self {
        Self {
            path: path.to_owned(),
            mode: 0o755,
            owner,
            group: owner,
            what: What::Folder,
        }
    }

    /// A file of root's.
    pub(super) fn file(path: &str, mode: u32, group: u32, content: Vec<u8>) -> Self {
        Self {
            path: path.to_owned(),
            mode,
            owner: 0,
            group,
            what: What::File(content),
        }
    }

    /// A symbolic link.
    pub(super) fn link(path: &str, to: &str) -> Self {
        Self {
            path: path.to_owned(),
            mode: 0o777,
            owner: 0,
            group: 0,
            what: What::Link(to.to_owned()),
        }
    }

    /// What a file holds.
    #[cfg(test)]
    pub(super) fn content(&self) -> Vec<u8> {
        match &self.what {
            What::File(content) => content.clone(),
            What::Folder | What::Link(_) => Vec::new(),
        }
    }
}

/// Writes the layer among `blobs`.
pub(super) fn write(entries: &[Entry], blobs: &BlobDir, threads: usize) -> io::Result<LayerRecord> {
    let folder = blobs.file(&Digest::of(b""));
    let folder = folder.parent().unwrap_or(std::path::Path::new("."));
    let blob = tempfile::Builder::new()
        .prefix(".tmp")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(folder)?;
    let (out, (diff_id, unpacked_size)) = gzip(threads, HashingWriter::new(blob), |out| {
        let mut tar = Builder::new(HashingWriter::new(out));
        for entry in entries {
            append(&mut tar, entry)?;
        }
        let (_, diff_id, size) = tar.into_inner()?.finish();
        Ok((diff_id, size))
    })?;
    let (blob, digest, size) = out.finish();
    blob.as_file().sync_all()?;
    blob.persist(blobs.file(&digest))
        .map_err(|error| error.error)?;
    Ok(LayerRecord {
        purpose: "herokuish".to_owned(),
        digest,
        diff_id,
        size,
        unpacked_size,
        media_type: MediaType::OciGzip,
        // Static programs and links to them.
        libraries: Libraries::default(),
    })
}

fn append(tar: &mut Builder<impl Write>, entry: &Entry) -> io::Result<()> {
    let mut header = Header::new_ustar();
    header.set_mode(entry.mode);
    header.set_uid(entry.owner.into());
    header.set_gid(entry.group.into());
    header.set_mtime(TIME);
    match &entry.what {
        What::Folder => {
            header.set_entry_type(EntryType::Directory);
            header.set_size(0);
            tar.append_data(&mut header, format!("{}/", entry.path), io::empty())
        }
        What::File(content) => {
            header.set_entry_type(EntryType::Regular);
            header.set_size(content.len() as u64);
            tar.append_data(&mut header, &entry.path, content.as_slice())
        }
        What::Link(to) => {
            header.set_entry_type(EntryType::Symlink);
            header.set_size(0);
            tar.append_link(&mut header, &entry.path, to)
        }
    }
}
