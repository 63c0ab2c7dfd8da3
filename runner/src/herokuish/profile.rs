//! The scripts that bash sources before an app's process starts, in their order.

use std::path::{Path, PathBuf};

/// The machine's own scripts, then the app's `.profile.d`, then its `.profile`. Those of one folder come in the order of
/// their names' bytes, in any locale: `00-x.sh` before `00_x.sh`.
pub(super) fn scripts(system: &Path, app: &Path) -> Vec<PathBuf> {
    let mut scripts = folder(system);
    scripts.extend(folder(&app.join(".profile.d")));
    let own = app.join(".profile");
    if own
        .metadata()
        .is_ok_and(|found| found.is_file() && found.len() > 0)
    {
        scripts.push(own);
    }
    scripts
}

/// The files that end with `.sh` and are not hidden, sorted.
fn folder(path: &Path) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(path).into_iter().flatten().flatten();
    let mut scripts: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "sh") && path.is_file())
        .collect();
    scripts.sort();
    scripts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_bytes_and_only_scripts_are_sourced() {
        let folder = tempfile::tempdir().unwrap();
        let (system, app) = (folder.path().join("etc"), folder.path().join("app"));
        for path in [
            "etc/z.sh",
            "app/.profile.d/01_x.sh",
            "app/.profile.d/01-x.sh",
            "app/.profile.d/B.sh",
            "app/.profile.d/a.sh",
            "app/.profile.d/.sh",
            "app/.profile.d/notes.txt",
            "app/.profile.d/folder.sh/x",
            "app/.profile",
        ] {
            let path = folder.path().join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, "true").unwrap();
        }
        let listed = scripts(&system, &app);
        let names: Vec<_> = listed
            .iter()
            .map(|path| path.strip_prefix(folder.path()).unwrap().to_str().unwrap())
            .collect();
        assert_eq!(
            names,
            [
                "etc/z.sh",
                "app/.profile.d/01-x.sh",
                "app/.profile.d/01_x.sh",
                "app/.profile.d/B.sh",
                "app/.profile.d/a.sh",
                "app/.profile",
            ]
        );
        fs_err::write(app.join(".profile"), "").unwrap();
        assert_eq!(scripts(&system, &app).len(), 5);
    }
}
