//! What of a finished build would not work when it starts.

pub(crate) mod mix_tasks;
pub(crate) mod static_manifest;

use std::path::{Path, PathBuf};

/// What a build left: under which name, and in which form.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output<'a> {
    /// The environment that was compiled.
    pub(crate) mix_env: &'a str,
    /// Whether the app runs from a release.
    pub(crate) releases: bool,
}

impl Output<'_> {
    /// Below the app's folder, where compiled applications are.
    fn lib(&self, tree: &Path) -> PathBuf {
        tree.join("_build").join(self.mix_env).join("lib")
    }
}

/// What stands in a folder; nothing where it cannot be read.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(folder).into_iter().flatten();
    entries.flatten().map(|entry| entry.path()).collect()
}
