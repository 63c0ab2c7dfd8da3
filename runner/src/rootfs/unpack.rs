//! Layers into a tree, without root: everything belongs to the caller and can be read by them.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use buildpack_core::digest::{Digest, HashingReader};
use buildpack_core::image::{BaseImage, BaseLayer, BlobSource, MediaType};
use flate2::read::MultiGzDecoder;
use tar::EntryType;

use super::StackError;
use super::fault::{Fault, clean, shown};
use super::pipe::Pipe;
use super::tree::{Tree, TreeError, times};

/// What an image may hold at most; far beyond any real one, and short of filling a disk with a small download.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Entries of all layers.
    pub(super) entries: u64,
    /// Bytes of all files.
    pub(super) bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 3_000_000,
            bytes: 64 << 30,
        }
    }
}

/// Unpacks all layers of `image` into the empty folder `into`: later ones over earlier ones, whiteouts applied.
///
/// Modes are kept, save that the owner may always read and write, and that nothing is setuid or setgid. Devices,
/// pipes and sockets are left out. Digest and diff id of every layer are checked; `told` hears of bytes read.
pub(super) fn unpack_image(
    image: &BaseImage,
    blobs: &dyn BlobSource,
    into: &Path,
    limits: Limits,
    told: &(dyn Fn(u64) + Sync),
) -> Result<(), StackError> {
    let mut unpack = Unpack::new(into, limits, true)?;
    for layer in &image.layers {
        let blob = blobs
            .open(&layer.digest)
            .map_err(StackError::io(format!("read layer `{}`", layer.digest)))?;
        unpack.layer(layer, blob, told)?;
    }
    unpack.finish()
}

/// Unpacks one plain tar into the empty folder `into`; names of whiteouts mean nothing special.
pub(super) fn unpack_plain(tar: impl Read, into: &Path, limits: Limits) -> Result<(), StackError> {
    let mut unpack = Unpack::new(into, limits, false)?;
    unpack.entries(tar, Digest::of(b""))?;
    unpack.finish()
}

struct Unpack {
    tree: Tree,
    left: Limits,
    whiteouts: bool,
    /// Folders' times: set last, since every new entry changes that of its folder.
    folders: BTreeMap<Vec<u8>, i64>,
    buffer: Vec<u8>,
}

impl Unpack {
    fn new(into: &Path, limits: Limits, whiteouts: bool) -> Result<Self, StackError> {
        let tree = Tree::new(into).map_err(StackError::io(format!(
            "open the folder `{}`",
            into.display()
        )))?;
        Ok(Self {
            tree,
            left: limits,
            whiteouts,
            folders: BTreeMap::new(),
            buffer: vec![0; 64 << 10],
        })
    }

    fn layer(
        &mut self,
        layer: &BaseLayer,
        blob: impl Read + Send,
        told: &(dyn Fn(u64) + Sync),
    ) -> Result<(), StackError> {
        self.tree.next_layer();
        let damaged = |why: String| StackError::Damaged {
            layer: layer.digest,
            why,
        };
        let packing = layer.media_type;
        let mut blob = HashingReader::new(Counted { inner: blob, told });
        // Unpacking, hashing and writing files each have a thread.
        let (diff_id, digest) = std::thread::scope(|scope| {
            let (mut pipe, feed, hash) = Pipe::new();
            let feeder = scope.spawn(move || {
                match plain(packing, &mut blob) {
                    Ok(plain) => feed.run(plain),
                    Err(error) => feed.fail(error),
                }
                blob.drain()
            });
            let hashing = scope.spawn(|| hash.run());
            // Either way the pipe is dropped here, and without a reader the feeder ends.
            let done = match self.entries(&mut pipe, layer.digest) {
                Ok(()) => pipe.drain().map_err(|error| damaged(error.to_string())),
                Err(error) => {
                    drop(pipe);
                    Err(error)
                }
            };
            let unread = |_| damaged("it could not be read".to_owned());
            let diff_id = hashing.join().map_err(unread);
            let digest = feeder.join().map_err(unread)?;
            let (digest, _) = digest.map_err(|error| damaged(error.to_string()))?;
            done?;
            Ok::<_, StackError>((diff_id?, digest))
        })?;
        if digest != layer.digest {
            return Err(damaged(format!("its bytes are `{digest}`")));
        }
        if diff_id != layer.diff_id {
            return Err(damaged(format!(
                "unpacked it is `{diff_id}`, the image's config says `{}`",
                layer.diff_id
            )));
        }
        Ok(())
    }

    fn entries(&mut self, tar: impl Read, layer: Digest) -> Result<(), StackError> {
        let damaged = |error: io::Error| StackError::Damaged {
            layer,
            why: error.to_string(),
        };
        let mut archive = tar::Archive::new(tar);
        for entry in archive.entries().map_err(damaged)? {
            let mut entry = entry.map_err(damaged)?;
            let path = entry.path_bytes().into_owned();
            self.entry(&mut entry, &path).map_err(|error| match error {
                Fault::Entry(why) => StackError::Unsafe {
                    layer,
                    entry: shown(&path),
                    why,
                },
                Fault::Read(error) => damaged(error),
                Fault::Write(cause) => StackError::Io {
                    doing: format!("unpack `{}`", shown(&path)),
                    cause,
                },
            })?;
        }
        Ok(())
    }

    fn entry(&mut self, entry: &mut tar::Entry<'_, impl Read>, path: &[u8]) -> Result<(), Fault> {
        self.left.entries = self
            .left
            .entries
            .checked_sub(1)
            .ok_or_else(|| Fault::entry("is one entry too many"))?;
        let kind = entry.header().entry_type();
        if kind == EntryType::XGlobalHeader {
            return Ok(());
        }
        let path = clean(path)?;
        if self.whiteouts && self.whiteout(&path)? {
            return Ok(());
        }
        let mode = entry.header().mode().unwrap_or(0o644) & 0o1777;
        let time = i64::try_from(entry.header().mtime().unwrap_or(0)).unwrap_or(0);
        match kind {
            EntryType::Directory => {
                self.tree.put_folder(&path, mode | 0o700)?;
                self.folders.insert(path, time);
            }
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                let file = self.tree.put_file(&path)?;
                self.content(entry, &file)?;
                rustix::fs::fchmod(
                    &file,
                    rustix::fs::Mode::from_raw_mode((mode & 0o777) | 0o600),
                )
                .map_err(TreeError::from)?;
                rustix::fs::futimens(&file, &times(time)).map_err(TreeError::from)?;
            }
            EntryType::Symlink => {
                let target = entry.link_name_bytes().unwrap_or_default().into_owned();
                self.tree.put_symlink(&path, &target)?;
                self.tree.set_time(&path, time)?;
            }
            EntryType::Link => {
                let target = clean(&entry.link_name_bytes().unwrap_or_default())?;
                self.tree.put_hard_link(&path, &target)?;
            }
            // Nobody but root may make devices, and the sandbox brings its own.
            EntryType::Char | EntryType::Block | EntryType::Fifo => {}
            other => {
                let kind = other.as_byte().escape_ascii();
                return Err(Fault::Entry(format!("is of the unknown kind `{kind}`")));
            }
        }
        Ok(())
    }

    /// Copies a file's bytes. Its length is counted as it comes: a header may promise less or more.
    fn content(
        &mut self,
        entry: &mut tar::Entry<'_, impl Read>,
        mut file: &std::fs::File,
    ) -> Result<(), Fault> {
        loop {
            let read = entry.read(&mut self.buffer).map_err(Fault::Read)?;
            if read == 0 {
                return Ok(());
            }
            self.left.bytes = self
                .left
                .bytes
                .checked_sub(read as u64)
                .ok_or_else(|| Fault::entry("makes the image larger than is allowed"))?;
            file.write_all(&self.buffer[..read]).map_err(Fault::Write)?;
        }
    }

    /// Applies a whiteout; whether it was one.
    fn whiteout(&mut self, path: &[u8]) -> Result<bool, Fault> {
        let at = path
            .iter()
            .rposition(|byte| *byte == b'/')
            .map_or(0, |at| at + 1);
        let (parent, name) = path.split_at(at);
        let Some(hidden) = name.strip_prefix(b".wh.") else {
            return Ok(false);
        };
        if hidden == b".wh..opq" {
            self.tree
                .hide_inside(parent.strip_suffix(b"/").unwrap_or(parent))?;
            return Ok(true);
        }
        // Notes that aufs keeps for itself.
        if hidden.starts_with(b".wh.") {
            return Ok(true);
        }
        if matches!(hidden, b"" | b"." | b"..") {
            return Err(Fault::entry("is a whiteout of nothing"));
        }
        self.tree.hide(&[parent, hidden].concat())?;
        Ok(true)
    }

    fn finish(self) -> Result<(), StackError> {
        for (path, time) in &self.folders {
            match self.tree.set_time(path, *time) {
                // A later layer may have put something else there.
                Ok(()) | Err(TreeError::Entry(_)) => {}
                Err(TreeError::Io(cause)) => {
                    return Err(StackError::Io {
                        doing: format!("set the time of `{}`", shown(path)),
                        cause,
                    });
                }
            }
        }
        Ok(())
    }
}

/// The tar that `blob` holds.
pub(super) fn plain<'a>(
    packing: MediaType,
    blob: impl Read + 'a,
) -> io::Result<Box<dyn Read + 'a>> {
    let blob = BufReader::with_capacity(256 << 10, blob);
    Ok(match packing {
        MediaType::OciGzip | MediaType::DockerGzip => Box::new(MultiGzDecoder::new(blob)),
        MediaType::OciZstd => Box::new(zstd::Decoder::with_buffer(blob)?),
        MediaType::OciTar | MediaType::DockerTar => Box::new(blob),
    })
}

/// Tells how many bytes were read.
struct Counted<'a, R> {
    inner: R,
    told: &'a (dyn Fn(u64) + Sync),
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        (self.told)(read as u64);
        Ok(read)
    }
}

#[cfg(test)]
pub(super) mod tests;
