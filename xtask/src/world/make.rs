//! Making what the world consists of.

use std::path::{Path, PathBuf};

use super::Failure;

/// The stacks that have stand-ins.
pub(crate) const STACKS: [u8; 3] = [22, 24, 26];

/// What was made, ready to be served.
pub(crate) struct Made {
    /// Folder with one sub-folder for each host that files are served for.
    pub(crate) tree: PathBuf,
    /// Registry storages, one for each stack.
    pub(crate) layouts: Vec<PathBuf>,
    /// Public half of the key that signs the `installs` lists.
    pub(crate) public_key: PathBuf,
}

/// Where the world is kept.
pub(crate) fn folder() -> Result<PathBuf, Failure> {
    Err(Failure::say("the world is not made yet"))
}

/// Makes what is missing.
pub(crate) fn make(_dir: &Path, _stacks: &[u8]) -> Result<Made, Failure> {
    Err(Failure::say("the world is not made yet"))
}
