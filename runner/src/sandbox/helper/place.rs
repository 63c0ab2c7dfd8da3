//! Finds a path inside the room's root, making what is missing.
//!
//! The root is not yet ours to stand in, so links are followed by hand: they never lead out of it.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, fstat, mkdirat, openat, readlinkat, statat};
use rustix::io::Errno;

/// As many links as the kernel follows in one path.
const MOST_LINKS: usize = 40;

/// What is to stand at the end of the path.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(super) enum Kind {
    Folder,
    File,
}

/// What lies at `path` inside `root`, opened as a path; missing folders are made, and a missing end of `kind`.
pub(super) fn place(root: &OwnedFd, path: &Path, kind: Kind) -> io::Result<OwnedFd> {
    let mut way = vec![root.as_fd().try_clone_to_owned()?];
    let mut ahead: VecDeque<OsString> = names(path);
    let mut links = 0;
    while let Some(name) = ahead.pop_front() {
        if name == ".." {
            if way.len() > 1 {
                way.pop();
            }
            continue;
        }
        // Never empty: the root is not popped.
        let Some(here) = way.last() else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let found = match statat(here, &name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => FileType::from_raw_mode(stat.st_mode),
            Err(Errno::NOENT) => {
                make(
                    here,
                    &name,
                    if ahead.is_empty() { kind } else { Kind::Folder },
                )?;
                continue_from(&mut way, &name)?;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        if found == FileType::Symlink {
            links += 1;
            if links > MOST_LINKS {
                return Err(Errno::LOOP.into());
            }
            let target = OsString::from_vec(readlinkat(here, &name, Vec::new())?.into_bytes());
            if Path::new(&target).is_absolute() {
                way.truncate(1);
            }
            for name in names(Path::new(&target)).into_iter().rev() {
                ahead.push_front(name);
            }
            continue;
        }
        continue_from(&mut way, &name)?;
    }
    let end = way.pop().ok_or(io::ErrorKind::NotFound)?;
    let folder = FileType::from_raw_mode(fstat(&end)?.st_mode) == FileType::Directory;
    match (kind, folder) {
        (Kind::Folder, false) => Err(Errno::NOTDIR.into()),
        (Kind::File, true) => Err(Errno::ISDIR.into()),
        _ => Ok(end),
    }
}

fn names(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            _ => None,
        })
        .collect()
}

fn make(here: &OwnedFd, name: &OsStr, kind: Kind) -> io::Result<()> {
    match kind {
        Kind::Folder => mkdirat(here, name.as_bytes(), Mode::from_raw_mode(0o755))?,
        Kind::File => {
            openat(
                here,
                name.as_bytes(),
                OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC,
                Mode::from_raw_mode(0o644),
            )?;
        }
    }
    Ok(())
}

fn continue_from(way: &mut Vec<OwnedFd>, name: &OsStr) -> io::Result<()> {
    if let Some(here) = way.last() {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let next = openat(here, name.as_bytes(), flags, Mode::empty())?;
        way.push(next);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use proptest::prelude::*;
    use rustix::fs::open;

    use super::*;

    fn root(folder: &Path) -> OwnedFd {
        open(folder, OFlags::PATH | OFlags::DIRECTORY, Mode::empty()).unwrap()
    }

    fn found(folder: &Path, path: &str, kind: Kind) -> io::Result<String> {
        let place = place(&root(folder), Path::new(path), kind)?;
        let real = fs::read_link(super::super::overlay::link(&place))?;
        let base = fs::canonicalize(folder)?;
        Ok(real.strip_prefix(&base).unwrap().display().to_string())
    }

    #[test]
    fn makes_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(found(folder.path(), "/a/b", Kind::Folder).unwrap(), "a/b");
        assert_eq!(found(folder.path(), "/a/f", Kind::File).unwrap(), "a/f");
        assert!(folder.path().join("a/f").is_file());
        assert_eq!(found(folder.path(), "/", Kind::Folder).unwrap(), "");
    }

    #[test]
    fn links_stay_inside() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("usr/lib")).unwrap();
        symlink("usr/lib", at("lib")).unwrap();
        symlink("/usr", at("absolute")).unwrap();
        symlink("../../../../usr", at("usr/up")).unwrap();
        symlink("/run/not/yet", at("dangling")).unwrap();
        let found = |path, kind| found(folder.path(), path, kind).unwrap();
        assert_eq!(found("/lib/x", Kind::Folder), "usr/lib/x");
        assert_eq!(found("/absolute/lib", Kind::Folder), "usr/lib");
        assert_eq!(found("/usr/up/lib", Kind::Folder), "usr/lib");
        assert_eq!(found("/../../usr", Kind::Folder), "usr");
        assert_eq!(found("/dangling", Kind::File), "run/not/yet");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_web_of_links_leads_out(
            links in proptest::collection::vec(("[ab]{1,2}", "/?((\\.\\.|[ab]{1,2})/){0,5}[ab]{1,2}"), 0..8),
            path in "/((\\.\\.|[ab]{1,2})/){0,6}[ab]{1,2}",
            kind in prop_oneof![Just(Kind::Folder), Just(Kind::File)],
        ) {
            let outer = tempfile::tempdir().unwrap();
            let folder = outer.path().join("root");
            fs::create_dir(&folder).unwrap();
            for (name, target) in links {
                let _ = symlink(target, folder.join(name));
            }
            if let Ok(place) = place(&root(&folder), Path::new(&path), kind) {
                let real = fs::read_link(super::super::overlay::link(&place)).unwrap();
                prop_assert!(real.starts_with(fs::canonicalize(&folder).unwrap()), "{real:?}");
            }
            prop_assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn circles_and_wrong_kinds_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        symlink("b", folder.path().join("a")).unwrap();
        symlink("a", folder.path().join("b")).unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        let errno = |path, kind| {
            let error = found(folder.path(), path, kind).unwrap_err();
            error.raw_os_error().map(Errno::from_raw_os_error)
        };
        assert_eq!(errno("/a/x", Kind::Folder), Some(Errno::LOOP));
        assert_eq!(errno("/file/x", Kind::Folder), Some(Errno::NOTDIR));
        assert_eq!(errno("/file", Kind::Folder), Some(Errno::NOTDIR));
        assert_eq!(errno("/", Kind::File), Some(Errno::ISDIR));
        assert_eq!(errno("/new/..", Kind::File), Some(Errno::ISDIR));
    }
}
