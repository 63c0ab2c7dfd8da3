//! New contents of files, written so that a file is whole at every moment: beside it, then in its place.

use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::{Path, PathBuf};

use buildpack_core::diagnostic::{Class, Diagnostic};
use tempfile::NamedTempFile;

use super::mended::MendedFile;
use crate::pipeline::Failure;

/// Writes `files` below `app`, all or, as far as that can be known before, none.
pub(super) fn write(app: &Path, files: &[MendedFile]) -> Result<(), Failure> {
    let mut staged = Vec::new();
    for file in files {
        let path = &file.path;
        let now = fs_err::read(app.join(path)).map_err(|error| unwritable(path, &error))?;
        if now != file.before {
            return Err(changed(path));
        }
        staged.push(stage(app, file).map_err(|error| unwritable(path, &error))?);
    }
    for ((to, temp), file) in staged.into_iter().zip(files) {
        temp.persist(to)
            .map_err(|error| unwritable(&file.path, &error.error))?;
    }
    Ok(())
}

/// The file's true place, and its new content beside it with the same mode and owner.
fn stage(app: &Path, file: &MendedFile) -> std::io::Result<(PathBuf, NamedTempFile)> {
    let to = fs_err::canonicalize(app.join(&file.path))?;
    if !to.starts_with(fs_err::canonicalize(app)?) {
        return Err(std::io::Error::other("it lies outside of the app"));
    }
    // Who may not write to the file may still be able to put another in its place, which is not for us to do.
    let kept = fs_err::OpenOptions::new().write(true).open(&to)?;
    let kept = kept.metadata()?;
    let folder = to.parent().unwrap_or(app);
    let mut temp = tempfile::Builder::new()
        .prefix(".bp-fix-")
        .tempfile_in(folder)?;
    temp.write_all(file.after.as_bytes())?;
    temp.as_file().set_permissions(kept.permissions())?;
    let own = temp.as_file().metadata()?;
    if (own.uid(), own.gid()) != (kept.uid(), kept.gid()) {
        // Root mends the files of others; everybody else has none to give away.
        let _ = fchown(temp.as_file(), Some(kept.uid()), Some(kept.gid()));
    }
    temp.as_file().sync_all()?;
    Ok((to, temp))
}

pub(super) fn changed(path: &str) -> Failure {
    Failure::of(
        Diagnostic::error(
            "fix-changed",
            Class::Surroundings,
            format!("`{path}` changed while the app was checked, so nothing was written"),
        )
        .help("run it again when nothing else writes to the app"),
    )
}

pub(super) fn unwritable(path: &str, error: &std::io::Error) -> Failure {
    Failure::of(
        Diagnostic::error(
            "fix-unwritable",
            Class::Surroundings,
            format!("cannot write `{path}`: {error}"),
        )
        .help("`bp check-versions --fix --dry-run` shows what would be written"),
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use fs_err as fs;

    use super::*;

    fn mended(path: &str, before: &str, after: &str) -> MendedFile {
        MendedFile::new(path, before, after)
    }

    #[test]
    fn mode_and_links_stay_and_nothing_is_left_beside() {
        let folder = tempfile::tempdir().unwrap();
        let app = folder.path();
        fs::create_dir(app.join("shared")).unwrap();
        fs::write(app.join("shared/config"), "a=1\n").unwrap();
        fs::set_permissions(app.join("shared/config"), PermissionsExt::from_mode(0o640)).unwrap();
        symlink("shared/config", app.join("config")).unwrap();
        write(app, &[mended("config", "a=1\n", "a=2\n")]).unwrap();
        let link = app.join("config");
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&link).unwrap(), "a=2\n");
        let mode = fs::metadata(&link).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        assert_eq!(fs::read_dir(app.join("shared")).unwrap().count(), 1);
    }

    #[test]
    fn what_changed_meanwhile_or_lies_elsewhere_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let app = folder.path().join("app");
        fs::create_dir(&app).unwrap();
        fs::write(app.join("Procfile"), "web: c\n").unwrap();
        let code = |file| write(&app, &[file]).unwrap_err().diagnostics[0].code.0;
        let file = mended("Procfile", "web: a\n", "web: b\n");
        assert_eq!(code(file), "fix-changed");
        let outside = folder.path().join("outside");
        fs::write(&outside, "web: a\n").unwrap();
        symlink("../outside", app.join("link")).unwrap();
        for path in ["link", "../outside", outside.to_str().unwrap()] {
            assert_eq!(code(mended(path, "web: a\n", "web: b\n")), "fix-unwritable");
        }
        assert_eq!(fs::read_to_string(outside).unwrap(), "web: a\n");
    }

    #[test]
    fn of_two_files_none_is_written_if_one_cannot_be() {
        let folder = tempfile::tempdir().unwrap();
        let app = folder.path();
        fs::write(app.join("Procfile"), "web: a\n").unwrap();
        let first = mended("Procfile", "web: a\n", "web: b\n");
        let second = mended("gone", "x", "y");
        assert!(write(app, &[first, second]).is_err());
        let kept = fs::read_to_string(app.join("Procfile")).unwrap();
        assert_eq!(kept, "web: a\n");
        assert_eq!(fs::read_dir(app).unwrap().count(), 1);
    }
}
