//! A pack's own files in the tree of a build.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

/// Writes `tree/path` anew, with its folders. Programs of the build may have put links there, which must not lead us out
/// of the tree: whatever is no folder of its own goes. Only ordinary names are allowed in `path`.
pub fn write_in_tree(tree: &Path, path: &str, content: &[u8], executable: bool) -> io::Result<()> {
    create(tree, path, executable)?.write_all(content)
}

/// As [`write_in_tree`], with the content of the file `from`.
pub fn copy_in_tree(tree: &Path, path: &str, from: &Path, executable: bool) -> io::Result<()> {
    let mut from = fs_err::File::open(from)?;
    io::copy(from.file_mut(), &mut create(tree, path, executable)?).map(drop)
}

/// The path of `tree/path` on the host, if a regular file is there and no link leads to it. Any text may be asked for.
pub fn file_in_tree(tree: &Path, path: &str) -> Option<PathBuf> {
    let mut at = tree.to_owned();
    let mut parts = Path::new(path).components().peekable();
    while let Some(part) = parts.next() {
        let Component::Normal(name) = part else {
            return None;
        };
        at.push(name);
        let found = at.symlink_metadata().ok()?;
        let wanted = if parts.peek().is_some() {
            found.is_dir()
        } else {
            found.is_file()
        };
        if !wanted {
            return None;
        }
    }
    (at != tree).then_some(at)
}

/// The path of `tree/path` on the host, if a folder is there and no link leads to it. Any text may be asked for.
pub fn folder_in_tree(tree: &Path, path: &str) -> Option<PathBuf> {
    let mut at = tree.to_owned();
    for part in Path::new(path).components() {
        let Component::Normal(name) = part else {
            return None;
        };
        at.push(name);
        if !at.symlink_metadata().ok()?.is_dir() {
            return None;
        }
    }
    (at != tree).then_some(at)
}

/// A new, empty file at `tree/path`.
fn create(tree: &Path, path: &str, executable: bool) -> io::Result<File> {
    let path = Path::new(path);
    let ordinary = |part: Component<'_>| matches!(part, Component::Normal(_));
    if !path.components().all(ordinary) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("`{}` leads out of the tree", path.display()),
        ));
    }
    let mut folder = tree.to_owned();
    for part in path.parent().into_iter().flat_map(Path::components) {
        folder.push(part);
        match folder.symlink_metadata() {
            Ok(found) if found.is_dir() => {}
            Ok(_) => {
                fs_err::remove_file(&folder)?;
                fs_err::create_dir(&folder)?;
            }
            Err(_) => fs_err::create_dir(&folder)?,
        }
    }
    let path = tree.join(path);
    match path.symlink_metadata() {
        Ok(found) if found.is_dir() => fs_err::remove_dir_all(&path)?,
        Ok(_) => fs_err::remove_file(&path)?,
        Err(_) => {}
    }
    let mut file = std::fs::OpenOptions::new();
    file.write(true).create_new(true);
    file.mode(if executable { 0o755 } else { 0o644 });
    file.open(&path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn links_of_the_build_lead_no_file_of_ours_out_of_the_tree() {
        let desk = tempfile::tempdir().unwrap();
        let (tree, outside) = (desk.path().join("tree"), desk.path().join("outside"));
        for folder in [&tree, &outside] {
            fs_err::create_dir(folder).unwrap();
        }
        let precious = outside.join("x");
        fs_err::write(&precious, "precious").unwrap();
        let ours = tree.join("a");
        let lay = [
            &|| symlink(&outside, &ours).unwrap() as (),
            &|| {
                fs_err::create_dir(&ours).unwrap();
                symlink(&precious, ours.join("x")).unwrap();
            },
            &|| fs_err::create_dir_all(ours.join("x/y")).unwrap(),
            &|| fs_err::write(&ours, "a file").unwrap(),
        ] as [&dyn Fn(); 4];
        for lay in lay {
            lay();
            write_in_tree(&tree, "a/x", b"ours", false).unwrap();
            assert_eq!(fs_err::read(ours.join("x")).unwrap(), b"ours");
            assert_eq!(fs_err::read(&precious).unwrap(), b"precious");
            fs_err::remove_dir_all(&ours).unwrap();
        }
        for path in ["../x", "/x", "a/../../x"] {
            assert!(write_in_tree(&tree, path, b"", false).is_err(), "{path}");
        }
    }

    #[test]
    fn no_link_leads_to_a_file_of_the_tree() {
        let desk = tempfile::tempdir().unwrap();
        let tree = desk.path().join("tree");
        fs_err::create_dir(&tree).unwrap();
        write_in_tree(&tree, "a/x", b"ours", false).unwrap();
        fs_err::write(desk.path().join("outside"), "precious").unwrap();
        symlink("a", tree.join("linked")).unwrap();
        symlink("../outside", tree.join("file")).unwrap();
        assert_eq!(file_in_tree(&tree, "a/x"), Some(tree.join("a/x")));
        for path in [
            "",
            ".",
            "a",
            "a/y",
            "a/x/y",
            "linked/x",
            "file",
            "../outside",
            "/etc/passwd",
            "a/../a/x",
            "a\0x",
        ] {
            assert_eq!(file_in_tree(&tree, path), None, "{path}");
        }
    }

    #[test]
    fn a_program_can_be_executed_and_copied() {
        let tree = tempfile::tempdir().unwrap();
        let at = |name: &str| tree.path().join(name);
        let mode = |name: &str| fs_err::metadata(at(name)).unwrap().permissions().mode() & 0o700;
        write_in_tree(tree.path(), ".bp/bin/x", b"#!/bin/sh\n", true).unwrap();
        assert_eq!(mode(".bp/bin/x"), 0o700);
        copy_in_tree(tree.path(), "_build/y", &at(".bp/bin/x"), true).unwrap();
        assert_eq!(mode("_build/y"), 0o700);
        assert_eq!(fs_err::read(at("_build/y")).unwrap(), b"#!/bin/sh\n");
    }
}
