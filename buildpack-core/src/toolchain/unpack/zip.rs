//! Zips. Elixir is published as one.

use std::io::{Cursor, Read};
use std::path::Path;

use ::zip::ZipArchive;
use ::zip::read::ZipFile;

use super::UnpackLimits;
use super::error::{UnpackError, shown};
use super::tree::Tree;

/// No link has a longer target.
const TARGET: u64 = 4 << 10;

/// Unpacks a zip into the empty folder `into`, without the first `strip` parts of each name. A script in a folder
/// called `bin` can be run, whatever the zip says: many zips know no modes.
pub fn unpack_zip(
    archive: &Path,
    into: &Path,
    strip: usize,
    limits: UnpackLimits,
) -> Result<(), UnpackError> {
    let file = fs_err::File::open(archive).map_err(UnpackError::Disk)?;
    let mut zip = ZipArchive::new(std::io::BufReader::new(file)).map_err(UnpackError::damaged)?;
    let mut tree = Tree::new(into, strip, limits);
    for index in 0..zip.len() {
        tree.count()?;
        let mut entry = zip.by_index(index).map_err(UnpackError::damaged)?;
        one(&mut entry, &mut tree)?;
    }
    tree.finish()
}

fn one(entry: &mut ZipFile<'_, impl Read>, tree: &mut Tree<'_>) -> Result<(), UnpackError> {
    let name = entry.name_raw().to_vec();
    if name.contains(&b'\\') {
        return Err(UnpackError::BadName {
            name: shown(&name),
            why: "holds a backslash",
        });
    }
    let mode = entry.unix_mode();
    if entry.is_symlink() {
        let mut target = Vec::new();
        entry
            .take(TARGET + 1)
            .read_to_end(&mut target)
            .map_err(UnpackError::damaged)?;
        return tree.link(&name, &target);
    }
    if name.ends_with(b"/") {
        return tree.folder(&name, mode.unwrap_or(0o755));
    }
    if let Some(kind) = mode.map(|mode| mode & 0o170_000)
        && !matches!(kind, 0 | 0o100_000)
    {
        return Err(UnpackError::Unsupported {
            name: shown(&name),
            what: "no file, folder or link".to_owned(),
        });
    }
    let mut start = [0; 2];
    let mut filled = 0;
    while filled < 2 {
        match entry
            .read(&mut start[filled..])
            .map_err(UnpackError::damaged)?
        {
            0 => break,
            read => filled += read,
        }
    }
    let script =
        start[..filled] == *b"#!" && name.split(|byte| *byte == b'/').any(|part| part == b"bin");
    let mode = mode.unwrap_or(0o644) | if script { 0o111 } else { 0 };
    tree.file(
        &name,
        mode,
        0,
        &mut Cursor::new(&start[..filled]).chain(entry),
    )
}
