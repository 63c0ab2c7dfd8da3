//! Files as they are laid into a tree, and what is remembered of them.

use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use buildpack_core::digest::{Digest, HashingReader, HashingWriter};
use serde::{Deserialize, Serialize};
use walkdir::WalkDir;

/// A source file as it was laid down.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Laid {
    Folder,
    Link,
    File {
        digest: Digest,
        executable: bool,
        stat: Stat,
    },
}

/// Size, inode, time of the content and of the rest: it may have been written to, and its time put back.
type Stat = (u64, u64, (i64, i64), (i64, i64));

impl Laid {
    /// What stands at `target` now, if that is the file that is wanted: the one that was laid there, untouched, or one
    /// that a build wrote over it with the same content.
    pub(super) fn stands(&self, target: &Path, digest: Digest, executable: bool) -> Option<Self> {
        let Self::File {
            digest: laid,
            executable: bit,
            stat: then,
        } = self
        else {
            return None;
        };
        if *laid != digest || *bit != executable {
            return None;
        }
        let now = target.symlink_metadata().ok()?;
        if stat(&now) == *then {
            return Some(self.clone());
        }
        if !now.is_file() || now.permissions().mode() & 0o777 != mode(executable) {
            return None;
        }
        let reader = HashingReader::new(fs_err::File::open(target).ok()?);
        let (found, _) = reader.drain().ok()?;
        (found == digest).then(|| Self::File {
            digest,
            executable,
            stat: stat(&now),
        })
    }
}

fn mode(executable: bool) -> u32 {
    if executable { 0o755 } else { 0o644 }
}

fn stat(metadata: &std::fs::Metadata) -> Stat {
    (
        metadata.len(),
        metadata.ino(),
        (metadata.mtime(), metadata.mtime_nsec()),
        (metadata.ctime(), metadata.ctime_nsec()),
    )
}

/// A path as a JSON key: itself where it is UTF-8, else its bytes behind a mark that no path has.
pub(super) fn name_of(path: &Path) -> String {
    path.to_str().map_or_else(
        || {
            let bytes: Vec<String> = path
                .as_os_str()
                .as_bytes()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            format!("\0{}", bytes.concat())
        },
        str::to_owned,
    )
}

/// Lets its owner read and write a folder that a build closed, if it is one.
pub(super) fn open_up(folder: &Path) -> io::Result<()> {
    match folder.symlink_metadata() {
        Ok(found) if found.is_dir() && found.permissions().mode() & 0o700 != 0o700 => {
            fs_err::set_permissions(folder, PermissionsExt::from_mode(0o755))
        }
        _ => Ok(()),
    }
}

/// Makes a folder where none is, whatever else stands there.
pub(super) fn make_folder(target: &Path) -> io::Result<()> {
    match target.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => {
            remove(target)?;
            fs_err::create_dir(target)?;
        }
        Err(_) => fs_err::create_dir(target)?,
    }
    Ok(())
}

/// Copies one file; what lies there is replaced, never written through.
pub(super) fn lay_down(
    from: &Path,
    target: &Path,
    digest: Digest,
    executable: bool,
) -> io::Result<Laid> {
    remove(target)?;
    let mut reader = fs_err::File::open(from)?;
    let mut writer = HashingWriter::new(fs_err::File::create_new(target)?);
    io::copy(&mut reader, &mut writer)?;
    if writer.finish().1 != digest {
        // What is built must be what its key says.
        return Err(io::Error::other(format!(
            "`{}` changed while it was read",
            from.display()
        )));
    }
    fs_err::set_permissions(target, PermissionsExt::from_mode(mode(executable)))?;
    Ok(Laid::File {
        digest,
        executable,
        stat: stat(&fs_err::symlink_metadata(target)?),
    })
}

/// Removes a file, link or folder, if it is there; folders without permissions are opened first.
pub(in crate::pipeline) fn remove(path: &Path) -> io::Result<()> {
    let Ok(metadata) = path.symlink_metadata() else {
        return Ok(());
    };
    if !metadata.is_dir() {
        return fs_err::remove_file(path);
    }
    if fs_err::remove_dir_all(path).is_ok() {
        return Ok(());
    }
    for entry in WalkDir::new(path) {
        let Ok(entry) = entry else { continue };
        if entry.file_type().is_dir() {
            fs_err::set_permissions(entry.path(), PermissionsExt::from_mode(0o700))?;
        }
    }
    fs_err::remove_dir_all(path)
}

/// The path that [`name_of`] made a key of.
pub(super) fn path_of(name: &str) -> PathBuf {
    match name.strip_prefix('\0') {
        None => PathBuf::from(name),
        Some(hex) => {
            let bytes = (0..hex.len() / 2)
                .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap_or_default())
                .collect();
            PathBuf::from(std::ffi::OsString::from_vec(bytes))
        }
    }
}
