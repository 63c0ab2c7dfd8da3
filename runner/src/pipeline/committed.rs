//! Whether files that most apps make anew were handed in on purpose: packs that are scripts find all that was pushed, as on
//! Heroku.

use std::path::Path;
use std::process::{Command, Stdio};

/// Whether the folder `below` the app's folder `root` belongs to the source: in a checkout, if git tracks a file of it;
/// elsewhere, if it is there. Where git cannot be asked, it does not.
pub(super) fn is_committed(root: &Path, below: &Path) -> bool {
    let Ok(app) = fs_err::canonicalize(root) else {
        return false;
    };
    let is_checkout = |folder: &Path| folder.join(".git").symlink_metadata().is_ok();
    if !app.ancestors().any(is_checkout) {
        return true;
    }
    // No program that the checkout's own settings name is started.
    let listed = Command::new("git")
        .args(["-c", "core.fsmonitor=false", "--literal-pathspecs"])
        .arg("-C")
        .arg(&app)
        .args(["ls-files", "--cached", "-z", "--"])
        .arg(below)
        .env_remove("GIT_DIR")
        .env_remove("GIT_INDEX_FILE")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    listed.is_ok_and(|listed| listed.status.success() && !listed.stdout.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_tracks_is_source_and_what_it_ignores_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let app = folder.path().join("apps/web");
        for path in ["node_modules/a/index.js", "assets/node_modules/b/index.js"] {
            let path = app.join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, "").unwrap();
        }
        let is = |below: &str| is_committed(&app, Path::new(below));
        // Without a checkout, all that is there was handed in.
        assert!(is("node_modules") && is("assets/node_modules"));
        let git = |arguments: &[&str]| {
            let mut git = Command::new("git");
            git.arg("-C").arg(folder.path()).args(arguments);
            assert!(git.output().unwrap().status.success());
        };
        git(&["init", "--quiet"]);
        assert!(!is("node_modules") && !is("assets/node_modules"));
        git(&["add", "apps/web/node_modules"]);
        assert!(is("node_modules") && !is("assets/node_modules"));
        assert!(!is("node_module*"));
        fs_err::write(folder.path().join(".git/index"), "damaged").unwrap();
        assert!(!is("node_modules"));
    }
}
