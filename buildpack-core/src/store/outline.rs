//! What an entry's folder holds without what stands in its files: names, kinds, sizes, link targets.

use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use walkdir::WalkDir;

use crate::digest::{Digest, Hasher};

/// The outline of a folder or a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outline {
    /// Bytes of all files.
    pub(super) bytes: u64,
    /// A digest of names below the folder, kinds, sizes, executable bits and link targets.
    pub(super) digest: Digest,
}

impl Outline {
    /// The outline of what stands at `path`.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let mut bytes = 0;
        let mut hasher = Hasher::new();
        for entry in WalkDir::new(path).sort_by_file_name() {
            let entry = entry?;
            let below = entry.path().strip_prefix(path).unwrap_or(entry.path());
            hasher.field(below.as_os_str().as_bytes());
            let kind = entry.file_type();
            if kind.is_file() {
                let metadata = entry.metadata()?;
                bytes += metadata.len();
                let executable = metadata.permissions().mode() & 0o100 != 0;
                hasher.field(if executable { b"program" } else { b"file" });
                hasher.field(&metadata.len().to_le_bytes());
            } else if kind.is_symlink() {
                hasher.field(b"link");
                let to = fs_err::read_link(entry.path())?;
                hasher.field(to.as_os_str().as_bytes());
            } else {
                hasher.field(if kind.is_dir() { b"folder" } else { b"other" });
            }
        }
        Ok(Self {
            bytes,
            digest: hasher.finish(),
        })
    }
}

/// Bytes of all files of a tree, or of a file.
pub(super) fn tree_bytes(path: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in WalkDir::new(path) {
        let entry = entry?;
        if entry.file_type().is_file() {
            bytes += entry.metadata()?.len();
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn it_changes_with_names_sizes_links_and_modes_and_not_with_times() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let look = || Outline::of(folder.path()).unwrap();
        fs_err::create_dir(at("sub")).unwrap();
        fs_err::write(at("sub/f"), "four").unwrap();
        symlink("f", at("sub/l")).unwrap();
        let before = look();
        assert_eq!(before.bytes, 4);
        fs_err::write(at("sub/f"), "FOUR").unwrap();
        assert_eq!(look(), before);
        let mut seen = vec![before.digest];
        let changes: [&dyn Fn(); 4] = [
            &|| fs_err::write(at("sub/f"), "three").unwrap(),
            &|| fs_err::set_permissions(at("sub/f"), Permissions::from_mode(0o755)).unwrap(),
            &|| fs_err::rename(at("sub/f"), at("sub/g")).unwrap(),
            &|| {
                fs_err::remove_file(at("sub/l")).unwrap();
                symlink("g", at("sub/l")).unwrap();
            },
        ];
        for change in changes {
            change();
            let now = look().digest;
            assert!(!seen.contains(&now));
            seen.push(now);
        }
    }
}
