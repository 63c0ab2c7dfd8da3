//! Folders that tests fill.

use std::path::{Path, PathBuf};

use fs_err as fs;

/// Writes a file below `folder`, and the folders that it lies in. `path` is relative; `content` is taken as it is.
///
/// # Panics
///
/// If it cannot be written.
pub fn write(
    folder: impl AsRef<Path>,
    path: impl AsRef<Path>,
    content: impl AsRef<[u8]>,
) -> PathBuf {
    let path = folder.as_ref().join(path);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).expect("a test's folder can be made");
    }
    fs::write(&path, content).expect("a test's file can be written");
    path
}
