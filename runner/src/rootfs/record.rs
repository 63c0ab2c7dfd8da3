//! What the store knows of a name: one JSON file for each name and architecture.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use buildpack_core::digest::Digest;
use buildpack_core::image::BaseImage;
use serde::{Deserialize, Serialize};

use super::StackError;

/// A base image in the store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StackImage {
    /// What it is.
    pub base: BaseImage,
    /// Its unpacked tree, if it is unpacked.
    #[serde(skip)]
    pub rootfs: Option<PathBuf>,
    /// When its name was last resolved.
    pub resolved: jiff::Timestamp,
    /// Whether a registry gave it, rather than an import.
    pub from_registry: bool,
}

/// The file for a name: readable, and its own for every name.
pub(super) fn file_name(reference: &str, architecture: &str) -> String {
    let readable: String = reference
        .chars()
        .map(|char| {
            if char.is_ascii_alphanumeric() || char == '.' {
                char
            } else {
                '_'
            }
        })
        .take(100)
        .collect();
    let exact = Digest::of(format!("{reference} {architecture}").as_bytes()).short();
    format!("{readable}.{architecture}.{exact}.json")
}

/// Reads a record. One that can't be understood counts as none: it is of another `bp`, or damaged.
pub(super) fn read(file: &Path) -> Result<Option<StackImage>, StackError> {
    match fs_err::read(file) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StackError::io("read what is known of an image")(error)),
    }
}

/// Writes a record, whole or not at all.
pub(super) fn write(file: &Path, record: &StackImage) -> Result<(), StackError> {
    let doing = || StackError::io(format!("write `{}`", file.display()));
    let folder = file.parent().unwrap_or(Path::new("."));
    fs_err::create_dir_all(folder).map_err(doing())?;
    let bytes = serde_json::to_vec_pretty(record).map_err(|error| doing()(error.into()))?;
    let mut temp = tempfile::NamedTempFile::new_in(folder).map_err(doing())?;
    temp.write_all(&bytes).map_err(doing())?;
    temp.as_file().sync_all().map_err(doing())?;
    temp.persist(file).map_err(|error| doing()(error.error))?;
    Ok(())
}
