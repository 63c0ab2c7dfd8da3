//! Tars, as they are or compressed. Headers are read one by one and extensions interpreted here, so that no lie about a size can make
//! one reader see other entries than another, or fill the memory.

use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use ::tar::{Archive, EntryType, Header, PaxExtensions};
use bzip2::read::MultiBzDecoder;
use flate2::read::MultiGzDecoder;

use super::UnpackLimits;
use super::error::{UnpackError, shown};
use super::tree::Tree;

/// Names and extensions are shorter than this in any honest archive.
const EXTENSION: u64 = 64 << 10;

/// What extension headers said about the entry after them.
#[derive(Default)]
struct Ahead {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
}

/// Unpacks a slug, the gzipped tar of a built app, into the empty folder `into`: as [`unpack_tar_gz`], save that files
/// keep their times and links may name absolute paths, as an app has them. Gives user and group of the first entry: a
/// slug has one owner.
pub fn unpack_slug(
    reader: impl Read,
    into: &Path,
    limits: UnpackLimits,
) -> Result<Option<(u32, u32)>, UnpackError> {
    let mut owner = None;
    let tree = Tree::new(into, 0, limits).faithful();
    let reader = MultiGzDecoder::new(BufReader::new(reader));
    unpack(reader, tree, limits, &mut |header| {
        let id = |id: io::Result<u64>| u32::try_from(id.ok()?).ok();
        owner = owner.or_else(|| Some((id(header.uid())?, id(header.gid())?)));
    })?;
    Ok(owner)
}

/// Unpacks a gzipped tar into the empty folder `into`, without the first `strip` parts of each name (a leading `.` is none).
/// Reads to the end.
pub fn unpack_tar_gz(
    reader: impl Read,
    into: &Path,
    strip: usize,
    limits: UnpackLimits,
) -> Result<(), UnpackError> {
    let reader = MultiGzDecoder::new(BufReader::new(reader));
    unpack(reader, Tree::new(into, strip, limits), limits, &mut |_| ())
}

/// As [`unpack_tar_gz`], for a tar that is gzipped, compressed by bzip2 or plain: its first bytes tell.
pub fn unpack_tar(
    mut reader: impl Read + Seek,
    into: &Path,
    strip: usize,
    limits: UnpackLimits,
) -> Result<(), UnpackError> {
    let mut head = Vec::new();
    (&mut reader)
        .take(3)
        .read_to_end(&mut head)
        .and_then(|_| reader.seek(SeekFrom::Start(0)))
        .map_err(UnpackError::Disk)?;
    let reader = BufReader::new(reader);
    let tree = Tree::new(into, strip, limits);
    match head.as_slice() {
        [0x1f, 0x8b, ..] => unpack(MultiGzDecoder::new(reader), tree, limits, &mut |_| ()),
        b"BZh" => unpack(MultiBzDecoder::new(reader), tree, limits, &mut |_| ()),
        _ => unpack(reader, tree, limits, &mut |_| ()),
    }
}

/// As [`unpack_tar_gz`], for a tar that is compressed by zstd.
pub fn unpack_tar_zst(
    reader: impl Read,
    into: &Path,
    strip: usize,
    limits: UnpackLimits,
) -> Result<(), UnpackError> {
    let reader = zstd::Decoder::new(reader).map_err(UnpackError::damaged)?;
    unpack(reader, Tree::new(into, strip, limits), limits, &mut |_| ())
}

fn unpack(
    reader: impl Read,
    mut tree: Tree<'_>,
    limits: UnpackLimits,
    told: &mut dyn FnMut(&Header),
) -> Result<(), UnpackError> {
    // Headers and padding come on top of the files' bytes.
    let ceiling = limits
        .bytes
        .saturating_add(limits.entries.saturating_mul(2048));
    let mut archive = Archive::new(reader.take(ceiling));
    let mut ahead = Ahead::default();
    for entry in archive.entries().map_err(UnpackError::damaged)?.raw(true) {
        tree.count()?;
        let mut entry = entry.map_err(UnpackError::damaged)?;
        match entry.header().entry_type() {
            EntryType::GNULongName => ahead.name = Some(until_zero(extension(&mut entry)?)),
            EntryType::GNULongLink => ahead.link = Some(until_zero(extension(&mut entry)?)),
            EntryType::XHeader => pax(&extension(&mut entry)?, &mut ahead)?,
            EntryType::XGlobalHeader => {
                extension(&mut entry)?;
            }
            _ => {
                told(entry.header());
                one(&mut entry, std::mem::take(&mut ahead), &mut tree)?;
            }
        }
    }
    let written = tree.bytes();
    let mut rest = archive.into_inner();
    io::copy(&mut rest, &mut io::sink()).map_err(UnpackError::damaged)?;
    if rest.limit() == 0 || written > limits.bytes {
        return Err(UnpackError::TooLarge(limits.bytes));
    }
    tree.finish()
}

fn one(
    entry: &mut ::tar::Entry<'_, impl Read>,
    ahead: Ahead,
    tree: &mut Tree<'_>,
) -> Result<(), UnpackError> {
    let header = entry.header();
    let name = ahead
        .name
        .unwrap_or_else(|| header.path_bytes().into_owned());
    let size = header.entry_size().map_err(UnpackError::damaged)?;
    if ahead.size.is_some_and(|said| said != size) {
        let name = shown(&name);
        return Err(UnpackError::damaged(format!("`{name}` has two sizes")));
    }
    let mode = header.mode().map_err(UnpackError::damaged)?;
    let kind = header.entry_type();
    let link = || {
        ahead
            .link
            .clone()
            .or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned))
            .unwrap_or_default()
    };
    match kind {
        EntryType::Directory => tree.folder(&name, mode),
        // Before POSIX a folder was a file whose name ends with a slash.
        EntryType::Regular if name.ends_with(b"/") => tree.folder(&name, mode),
        EntryType::Regular | EntryType::Continuous => {
            let time = header.mtime().unwrap_or_default();
            tree.file(&name, mode, time, entry)
        }
        EntryType::Symlink => tree.link(&name, &link()),
        EntryType::Link => tree.hard_link(&name, &link()),
        other => Err(UnpackError::Unsupported {
            name: shown(&name),
            what: match other {
                EntryType::Char | EntryType::Block => "a device".to_owned(),
                EntryType::Fifo => "a pipe".to_owned(),
                EntryType::GNUSparse => "a sparse file".to_owned(),
                other => format!("of the unknown type {:?}", char::from(other.as_byte())),
            },
        }),
    }
}

/// The content of an extension header.
fn extension(entry: &mut ::tar::Entry<'_, impl Read>) -> Result<Vec<u8>, UnpackError> {
    let mut content = Vec::new();
    entry
        .take(EXTENSION + 1)
        .read_to_end(&mut content)
        .map_err(UnpackError::damaged)?;
    if content.len() as u64 > EXTENSION {
        return Err(UnpackError::damaged("a name in it is too long"));
    }
    Ok(content)
}

fn pax(content: &[u8], ahead: &mut Ahead) -> Result<(), UnpackError> {
    for extension in PaxExtensions::new(content) {
        let extension = extension.map_err(UnpackError::damaged)?;
        let value = extension.value_bytes();
        match extension.key_bytes() {
            b"path" => ahead.name = Some(value.to_vec()),
            b"linkpath" => ahead.link = Some(value.to_vec()),
            b"size" => {
                let size = std::str::from_utf8(value)
                    .ok()
                    .and_then(|text| text.parse().ok());
                ahead.size =
                    Some(size.ok_or_else(|| UnpackError::damaged("a size in it is no number"))?);
            }
            key if key.starts_with(b"GNU.sparse.") => {
                return Err(UnpackError::damaged("it holds a sparse file"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn until_zero(mut name: Vec<u8>) -> Vec<u8> {
    name.truncate(
        name.iter()
            .position(|byte| *byte == 0)
            .unwrap_or(name.len()),
    );
    name
}
