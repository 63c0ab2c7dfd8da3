//! Giving folders to the app's user.

use std::os::unix::fs::{MetadataExt, lchown};
use std::path::Path;

use walkdir::WalkDir;

use super::say;
use super::user::User;

/// Gives everything at and below `folder` that is another's to `user`; links are not followed. What can't be given is
/// told once.
pub(super) fn give(folder: &Path, user: &User) {
    give_as_deep(folder, user, usize::MAX);
}

/// As [`give`], the folder itself and nothing in it.
pub(super) fn give_alone(folder: &Path, user: &User) {
    give_as_deep(folder, user, 0);
}

fn give_as_deep(folder: &Path, user: &User, depth: usize) {
    let mut first = None;
    for entry in WalkDir::new(folder).max_depth(depth) {
        let given = entry.map_err(std::io::Error::from).and_then(|entry| {
            let found = entry.path().symlink_metadata()?;
            if (found.uid(), found.gid()) == (user.uid, user.gid) {
                return Ok(());
            }
            lchown(entry.path(), Some(user.uid), Some(user.gid))
        });
        if let Err(error) = given {
            first.get_or_insert(error);
        }
    }
    if let Some(error) = first {
        say::warning(&format!(
            "not all of `{}` could be given to `{}`: {error}",
            folder.display(),
            user.name
        ));
    }
}
