//! Building where `bp` stands: what runs there must be what the stack's image runs.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use buildpack_core::diagnostic::{Class, Diagnostic};
use stacks::Stack;

use super::failure::{Failure, disk};

/// Refuses to build for `stack` on another Ubuntu: what is compiled there would look for other libraries. Where the
/// system is no Ubuntu at all, nobody can tell.
pub(super) fn check(stack: &Stack) -> Result<(), Failure> {
    let text = fs_err::read_to_string("/etc/os-release").unwrap_or_default();
    match ubuntu(&text) {
        Some(release) if release != stack.ubuntu => Err(Failure::of(
            Diagnostic::error(
                "in-place-other-stack",
                Class::Usage,
                format!(
                    "without a sandbox, {} can only be built on Ubuntu {}; this is Ubuntu {release}",
                    stack.name, stack.ubuntu
                ),
            )
            .help(format!("run `bp` inside `{}`", stack.build_image)),
        )),
        _ => Ok(()),
    }
}

/// What stands in an app's folder that `bp` has made its own.
pub(super) const MARK: &str = ".bp";

/// Takes `app` over as the build tree of the source in `from`. Whatever else stands there would be removed with the
/// first build, so that only an empty folder, an earlier tree or the source itself will do.
pub(super) fn take_over(app: &Path, from: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        match error.kind() {
        std::io::ErrorKind::PermissionDenied => Failure::of(
            Diagnostic::error(
                "in-place-not-writable",
                Class::Surroundings,
                format!(
                    "`{}` cannot be built in: this user may not write to it",
                    app.display()
                ),
            )
            .help("without a sandbox the app is compiled where it will run: be the owner of that folder"),
        ),
        _ => disk(&format!("use `{}` to build in", app.display()), &error),
    }
    };
    fs_err::create_dir_all(app).map_err(failed)?;
    let mark = app.join(MARK);
    let empty = fs_err::read_dir(app).map_err(failed)?.next().is_none();
    if !empty && !mark.exists() && !same(app, from) {
        return Err(Failure::of(
            Diagnostic::error(
                "in-place-not-empty",
                Class::Usage,
                format!(
                    "`{}` is not empty, and `bp` would have to replace what is there",
                    app.display()
                ),
            )
            .help(format!(
                "empty it; or, if it is the app's source, build that: bp build {}",
                app.display()
            )),
        ));
    }
    fs_err::create_dir_all(mark).map_err(failed)
}

/// Writes down that the tree at `app`, in which nothing says whose it is, will be the one that is remembered in the folder
/// `kept`: a new container, to which what the last one made is brought back.
pub(super) fn bring_back(app: &Path, kept: &Path) -> std::io::Result<()> {
    let note = app.join(MARK).join(REMEMBERED_IN);
    if note.symlink_metadata().is_ok() {
        return Ok(());
    }
    fs_err::create_dir_all(app.join(MARK))?;
    fs_err::write(&note, kept.as_os_str().as_bytes())
}

/// Says, in an app's folder, where what is known of it is remembered.
const REMEMBERED_IN: &str = "remembered-in";

/// Writes down that what is remembered of the tree at `app` is in the folder `kept`. Whether it was so before: tests, for
/// one, remember on their own what they have done, and a build may have undone it since.
pub(super) fn is_remembered_in(app: &Path, kept: &Path) -> Result<bool, Failure> {
    let note = app.join(MARK).join(REMEMBERED_IN);
    let kept = kept.as_os_str().as_bytes();
    if fs_err::read(&note).is_ok_and(|before| before == kept) {
        return Ok(true);
    }
    fs_err::write(&note, kept)
        .map_err(|error| disk("write down whose the build tree is", &error))?;
    Ok(false)
}

/// Whether the source is built where it stands.
pub(super) fn same(app: &Path, from: &Path) -> bool {
    match (fs_err::canonicalize(app), fs_err::canonicalize(from)) {
        (Ok(app), Ok(from)) => app == from,
        _ => false,
    }
}

/// The release of an Ubuntu, from the text of `os-release(5)`.
fn ubuntu(text: &str) -> Option<&str> {
    let fields: BTreeMap<&str, &str> = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name, value.trim_matches(['"', '\''])))
        .collect();
    (fields.get("ID") == Some(&"ubuntu"))
        .then(|| fields.get("VERSION_ID").copied())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_left_in_the_folder_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (app, source) = (folder.path().join("app"), folder.path().join("source"));
        fs_err::create_dir(&source).unwrap();
        assert!(take_over(&app, &source).is_ok());
        fs_err::write(app.join("built"), "").unwrap();
        assert!(take_over(&app, &source).is_ok());
        fs_err::remove_dir(app.join(MARK)).unwrap();
        assert_eq!(take_over(&app, &source).unwrap_err().class(), Class::Usage);
        assert!(app.join("built").exists());
        assert!(take_over(&app, &app).is_ok());
    }

    #[test]
    fn whose_tree_it_was_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let app = folder.path().join("app");
        take_over(&app, folder.path()).unwrap();
        let is_of = |kept: &str| is_remembered_in(&app, Path::new(kept)).unwrap();
        assert!(!is_of("builds"));
        assert!(is_of("builds"));
        assert!(!is_of("tests"));
        assert!(!is_of("builds"));
        assert!(is_of("builds"));
    }

    #[test]
    fn only_an_ubuntu_has_a_release() {
        assert_eq!(
            ubuntu("NAME=\"Ubuntu\"\nID=ubuntu\nVERSION_ID=\"24.04\"\n"),
            Some("24.04")
        );
        assert_eq!(ubuntu("ID=debian\nVERSION_ID=\"12\"\n"), None);
        assert_eq!(ubuntu(""), None);
    }
}
