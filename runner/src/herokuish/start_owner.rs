//! The owner of the app's files at a start, for the quirk `chown-app`.

use std::os::unix::fs::{MetadataExt, lchown};
use std::path::Path;

use walkdir::WalkDir;

use super::say;
use super::user::User;

/// Gives everything below `app` that is another's to `user`; links are not followed. What can't be given is told once.
pub(super) fn give(app: &Path, user: &User) {
    let mut first = None;
    for entry in WalkDir::new(app) {
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
            app.display(),
            user.name
        ));
    }
}
