//! Brings the app's folder to BUILD_DIR and back where programs run in place, without mounts.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, lchown, symlink};
use std::path::{Path, PathBuf};

use buildpack_core::pack::MoveTree;

use super::in_place::MARK;
use super::tree::remove;

/// Moves what is in the app's folder; the folder itself, which may be a mount, stays.
pub(super) struct InPlaceMover {
    app: PathBuf,
    build: PathBuf,
    at_build: bool,
}

impl InPlaceMover {
    /// The app's folder is at `app`.
    pub(super) fn new(app: &Path, build: &Path) -> Self {
        Self {
            app: app.to_owned(),
            build: build.to_owned(),
            at_build: false,
        }
    }
}

impl InPlaceMover {
    /// Has BUILD_DIR, which is empty, name what is in the app's folder: scripts exported paths there. By one link, or by one
    /// for each file where the folder itself is not ours to replace.
    fn point_to_app(&self) -> io::Result<()> {
        match fs_err::remove_dir(&self.build).and_then(|()| symlink(&self.app, &self.build)) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            other => return other,
        }
        for entry in fs_err::read_dir(&self.app)? {
            let name = entry?.file_name();
            symlink(self.app.join(&name), self.build.join(&name))?;
        }
        Ok(())
    }

    /// Empties BUILD_DIR, or makes it.
    fn clear_build_dir(&self) -> io::Result<()> {
        if self.build.is_symlink() || !self.build.is_dir() {
            remove(&self.build)?;
            fs_err::create_dir_all(&self.build)?;
            return like(&self.app, &self.build);
        }
        for entry in fs_err::read_dir(&self.build)? {
            remove(&entry?.path())?;
        }
        Ok(())
    }

    /// Whether an app of a build that was cut short stands at BUILD_DIR, and not links to it.
    fn holds_an_app(&self) -> bool {
        let mark = self.build.join(MARK);
        !self.build.is_symlink() && mark.exists() && !mark.is_symlink()
    }
}

impl Drop for InPlaceMover {
    fn drop(&mut self) {
        if self.build.is_symlink() {
            // A link that stays is in nobody's way: the next build replaces it.
            let _ = fs_err::remove_file(&self.build);
        } else if !self.at_build && self.build.is_dir() {
            let _ = self.clear_build_dir();
        }
    }
}

impl MoveTree for InPlaceMover {
    fn have_at_build_dir(&mut self, wanted: bool) -> io::Result<()> {
        if wanted == self.at_build {
            return Ok(());
        }
        if wanted {
            if self.holds_an_app() {
                return Err(io::Error::other(format!(
                    "`{0}` holds an app that a build which was cut short left there; move it back or remove it",
                    self.build.display()
                )));
            }
            self.clear_build_dir()?;
            move_content(&self.app, &self.build)?;
        } else {
            // What scripts wrote at the app's own place does not stay, as on Heroku.
            for entry in fs_err::read_dir(&self.app)? {
                remove(&entry?.path())?;
            }
            move_content(&self.build, &self.app)?;
            self.point_to_app()?;
        }
        self.at_build = wanted;
        Ok(())
    }
}

/// Moves all in `from` into the folder `to`, by renaming where the file system lets us.
fn move_content(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs_err::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match fs_err::rename(entry.path(), &target) {
            Ok(()) => {}
            // Also of a folder that stands in a lower layer of a container's overlay.
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                carry(&entry.path(), &target)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Copies a file, link or folder with owner, mode and time, then removes it. Sockets and the like are left behind.
fn carry(from: &Path, to: &Path) -> io::Result<()> {
    let found = from.symlink_metadata()?;
    if found.is_symlink() {
        symlink(fs_err::read_link(from)?, to)?;
        lchown(to, Some(found.uid()), Some(found.gid()))?;
    } else if found.is_dir() {
        fs_err::create_dir(to)?;
        move_content(from, to)?;
        like(from, to)?;
    } else if found.is_file() {
        fs_err::copy(from, to)?;
        like(from, to)?;
    }
    remove(from)
}

/// Gives `to` the owner, mode and time of `from`.
fn like(from: &Path, to: &Path) -> io::Result<()> {
    let found = fs_err::metadata(from)?;
    chown(to, Some(found.uid()), Some(found.gid()))?;
    fs_err::set_permissions(to, Permissions::from_mode(found.mode() & 0o7777))?;
    let times = std::fs::FileTimes::new()
        .set_modified(found.modified()?)
        .set_accessed(found.accessed()?);
    std::fs::File::open(to)?.set_times(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_build_left_is_not_lost() {
        let folder = tempfile::tempdir().unwrap();
        let (app, build) = (folder.path().join("app"), folder.path().join("build"));
        fs_err::create_dir_all(&app).unwrap();
        fs_err::create_dir_all(build.join(MARK)).unwrap();
        let mut mover = InPlaceMover::new(&app, &build);
        assert!(mover.have_at_build_dir(true).is_err());
        assert!(build.join(MARK).exists());
    }

    #[test]
    fn the_app_goes_and_comes_back_without_what_was_written_in_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let (app, build) = (folder.path().join("app"), folder.path().join("build"));
        fs_err::create_dir_all(app.join(".git/objects")).unwrap();
        fs_err::write(app.join("a"), "one").unwrap();
        fs_err::create_dir(&build).unwrap();
        fs_err::write(build.join("stale"), "").unwrap();
        let mut mover = InPlaceMover::new(&app, &build);
        mover.have_at_build_dir(true).unwrap();
        mover.have_at_build_dir(true).unwrap();
        assert_eq!(fs_err::read_to_string(build.join("a")).unwrap(), "one");
        assert!(!build.join("stale").exists() && !app.join("a").exists());
        fs_err::write(build.join("made"), "").unwrap();
        fs_err::write(app.join("lost"), "").unwrap();
        mover.have_at_build_dir(false).unwrap();
        assert!(app.join("made").exists() && app.join(".git/objects").exists());
        assert!(!app.join("lost").exists());
        // For paths that were exported, until the build has ended; never taken for an app that was left there.
        assert!(build.join("made").exists() && build.is_symlink());
        mover.have_at_build_dir(true).unwrap();
        assert!(build.join("made").exists() && !build.is_symlink());
        mover.have_at_build_dir(false).unwrap();
        drop(mover);
        assert!(!build.is_symlink() && app.join("made").exists());
    }

    #[test]
    fn what_cannot_be_renamed_is_carried_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs_err::create_dir_all(from.join("bin")).unwrap();
        fs_err::write(from.join("bin/x"), "run").unwrap();
        fs_err::set_permissions(from.join("bin/x"), Permissions::from_mode(0o751)).unwrap();
        symlink("bin/x", from.join("link")).unwrap();
        let before = fs_err::metadata(from.join("bin/x")).unwrap();
        carry(&from, &to).unwrap();
        let after = fs_err::metadata(to.join("bin/x")).unwrap();
        assert_eq!(after.mode() & 0o777, 0o751);
        assert_eq!(after.modified().unwrap(), before.modified().unwrap());
        assert_eq!(
            fs_err::read_link(to.join("link")).unwrap(),
            Path::new("bin/x")
        );
        assert!(!from.exists());
    }
}
