//! A folder as a tar, each file with its owner, mode and time. Names begin with `./`, as herokuish's have it.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tar::{EntryType, Header};
use walkdir::WalkDir;

/// What was passed over: sockets, pipes and devices, which no slug needs.
pub(super) type Skipped = Vec<PathBuf>;

/// Writes what `keep` says yes to (given paths below `folder`, and whether it is a folder) in the order of names. A
/// folder that is refused is not entered.
pub(super) fn write(
    folder: &Path,
    keep: &dyn Fn(&Path, bool) -> bool,
    out: &mut dyn Write,
) -> io::Result<Skipped> {
    let below = |path: &Path| path.strip_prefix(folder).unwrap_or(path).to_owned();
    let walk = WalkDir::new(folder).sort_by_file_name().into_iter();
    let wanted = walk.filter_entry(|entry| {
        entry.depth() == 0 || keep(&below(entry.path()), entry.file_type().is_dir())
    });
    let mut skipped = Skipped::new();
    let mut linked: HashMap<(u64, u64), Vec<u8>> = HashMap::new();
    for entry in wanted {
        let entry = entry?;
        let found = entry.path().symlink_metadata()?;
        let mut name = b"./".to_vec();
        name.extend(below(entry.path()).as_os_str().as_bytes());
        let mut header = Header::new_gnu();
        header.set_metadata(&found);
        header.set_mode(found.mode() & 0o7777);
        let kind = found.file_type();
        if kind.is_dir() {
            if entry.depth() > 0 {
                name.push(b'/');
            }
            header.set_entry_type(EntryType::Directory);
            head(out, &mut header, &name, b"")?;
        } else if kind.is_symlink() {
            let to = fs_err::read_link(entry.path())?;
            header.set_entry_type(EntryType::Symlink);
            head(out, &mut header, &name, to.as_os_str().as_bytes())?;
        } else if !kind.is_file() {
            skipped.push(entry.into_path());
        } else if let Some(first) = linked.get(&(found.dev(), found.ino())) {
            header.set_entry_type(EntryType::Link);
            head(out, &mut header, &name, first)?;
        } else {
            file(out, header, &name, entry.path())?;
            if found.nlink() > 1 {
                linked.insert((found.dev(), found.ino()), name);
            }
        }
    }
    out.write_all(&[0; 1024])?;
    Ok(skipped)
}

fn file(out: &mut dyn Write, mut header: Header, name: &[u8], path: &Path) -> io::Result<()> {
    let file = fs_err::File::open(path)?;
    let size = file.metadata()?.len();
    header.set_entry_type(EntryType::Regular);
    header.set_size(size);
    put_head(out, &mut header, name, b"")?;
    let copied = io::copy(&mut file.take(size), out)?;
    if copied < size {
        let shown = path.display();
        return Err(io::Error::other(format!(
            "`{shown}` changed while it was read"
        )));
    }
    pad(out, size)
}

/// The header of something that has no content.
fn head(out: &mut dyn Write, header: &mut Header, name: &[u8], link: &[u8]) -> io::Result<()> {
    header.set_size(0);
    put_head(out, header, name, link)
}

/// A header, before it those that hold names too long for it.
fn put_head(out: &mut dyn Write, header: &mut Header, name: &[u8], link: &[u8]) -> io::Result<()> {
    for (kind, text) in [
        (EntryType::GNULongName, name),
        (EntryType::GNULongLink, link),
    ] {
        if text.len() > 100 {
            long(out, kind, text)?;
        }
    }
    if let Some(gnu) = header.as_gnu_mut() {
        fill(&mut gnu.name, name);
        fill(&mut gnu.linkname, link);
    }
    header.set_cksum();
    out.write_all(header.as_bytes())
}

/// GNU tar's entry for a name longer than a header holds.
fn long(out: &mut dyn Write, kind: EntryType, text: &[u8]) -> io::Result<()> {
    let size = text.len() as u64 + 1;
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(size);
    if let Some(gnu) = header.as_gnu_mut() {
        fill(&mut gnu.name, b"././@LongLink");
    }
    header.set_cksum();
    out.write_all(header.as_bytes())?;
    out.write_all(text)?;
    out.write_all(&[0])?;
    pad(out, size)
}

fn fill(field: &mut [u8; 100], text: &[u8]) {
    for (to, from) in field.iter_mut().zip(text) {
        *to = *from;
    }
}

fn pad(out: &mut dyn Write, size: u64) -> io::Result<()> {
    let over = usize::try_from(size % 512).unwrap_or(0);
    out.write_all(&[0; 512][..(512 - over) % 512])
}
