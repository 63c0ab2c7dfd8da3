//! Files to blob in one pass.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{LayerError, Normalise, SecretGate, Selection};
use crate::digest::Digest;
use crate::event::EventSink;

/// 2000-01-01T00:00:00Z, the time of every file in the image: Mix takes it as the floor of configuration times, and
/// a project whose files are all as old as that is not compiled again at boot.
pub const FLOOR: u64 = 946_684_800;

/// How a layer is written.
pub struct Options<'a> {
    /// User and group id of every entry.
    pub owner: (u32, u32),
    /// Folder of the image that is ours, such as `/app`. Parents of files get entries from here downwards; folders
    /// above it belong to the stack's image and keep its owners and modes.
    pub home: &'a str,
    /// Names the layer in events.
    pub name: &'a str,
    /// Which files (absolute image paths) get a time made of their content instead of [`FLOOR`]: files that a web
    /// server names by size and time.
    pub mtime_from_content: &'a (dyn Fn(&str) -> bool + Sync),
    /// Applied in order to the files they want.
    pub normalisers: &'a [&'a dyn Normalise],
    /// What must not be in the layer.
    pub gate: Option<&'a SecretGate>,
    /// Threads that compress; the bytes are the same for any count.
    pub threads: usize,
}

/// A layer that lies in the blobs folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenLayer {
    /// Digest of the compressed blob, and its file name in hex.
    pub digest: Digest,
    /// Digest of the tar.
    pub diff_id: Digest,
    /// Bytes of the compressed blob.
    pub size: u64,
    /// Bytes of the tar.
    pub unpacked_size: u64,
    /// Entries of the tar.
    pub entries: u64,
}

/// Writes `selection` as a gzip-compressed tar into the folder `blobs`, named by the hex of its digest. `None` when
/// there is nothing to write. A killed process leaves a temporary file (`.tmp…`) at most.
pub fn write(
    selection: &Selection<'_>,
    options: &Options<'_>,
    blobs: &Path,
    events: &dyn EventSink,
) -> Result<Option<WrittenLayer>, LayerError> {
    let _ = (selection, options, blobs, events);
    Ok(None)
}
