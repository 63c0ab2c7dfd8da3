//! Where an app lies in its repository. Nothing is asked of git.

use std::path::{Path, PathBuf};

/// The app's folder relative to the folder that holds `.git`; empty where that is the app's own, and where there is
/// none.
pub(super) fn place(app: &Path) -> PathBuf {
    let Ok(app) = fs_err::canonicalize(app) else {
        return PathBuf::new();
    };
    app.ancestors()
        .find(|folder| folder.join(".git").symlink_metadata().is_ok())
        .and_then(|root| app.strip_prefix(root).ok())
        .unwrap_or(Path::new(""))
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_checkout_around_the_app_counts() {
        let folder = tempfile::tempdir().unwrap();
        let app = folder.path().join("apps/blog");
        fs_err::create_dir_all(&app).unwrap();
        fs_err::create_dir(folder.path().join(".git")).unwrap();
        assert_eq!(place(&app), Path::new("apps/blog"));
        // A worktree has a file of this name.
        fs_err::write(app.join(".git"), "gitdir: elsewhere").unwrap();
        assert_eq!(place(&app), Path::new(""));
        assert_eq!(place(&app.join("gone")), Path::new(""));
    }
}
