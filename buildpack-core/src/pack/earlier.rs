//! What builds of an app leave for later builds of the same app: files with names that follow from their content, which
//! browsers still ask for after the next deploy.

use std::io;
use std::path::{Path, PathBuf};

/// What earlier builds left, for a pack's own step, where the user wants it.
pub trait EarlierFiles {
    /// A folder, empty when the build begins, for what later builds may want of this one.
    fn draft(&self) -> &Path;

    /// What earlier builds put into theirs, newest first and each content once, without what this one has put there by
    /// now. No more than the user wants.
    fn others(&self) -> io::Result<Vec<PathBuf>>;

    /// To be called before `path`, below the app's folder, is written: it is in this build's image and in nobody's way
    /// in the next one, which finds what is there now.
    fn lend(&self, path: &str) -> io::Result<()>;
}
