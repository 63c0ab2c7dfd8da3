//! One folder made equal to another, with the times of files: what has the same size, time and mode is not copied again.

use std::collections::BTreeSet;
use std::fs::FileTimes;
use std::io;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use super::tree::remove;

/// Makes `to` hold what `from` holds but for what `skip` says yes to, given paths below `from`. What else `to` holds is
/// removed. Sockets and the like are left out.
pub(crate) fn mirror(from: &Path, to: &Path, skip: &dyn Fn(&Path) -> bool) -> io::Result<()> {
    let found = from.symlink_metadata()?;
    if found.is_dir() {
        folder(from, Path::new(""), to, skip)
    } else {
        one(from, to, &found)
    }
}

fn folder(root: &Path, below: &Path, to: &Path, skip: &dyn Fn(&Path) -> bool) -> io::Result<()> {
    let from = root.join(below);
    let found = from.symlink_metadata()?;
    if !to.symlink_metadata().is_ok_and(|there| there.is_dir()) {
        remove(to)?;
        fs_err::create_dir_all(to)?;
    }
    let mut names = BTreeSet::new();
    for entry in fs_err::read_dir(&from)? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        if skip(&path) {
            continue;
        }
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            folder(root, &path, &target, skip)?;
        } else if kind.is_file() || kind.is_symlink() {
            one(&entry.path(), &target, &entry.metadata()?)?;
        } else {
            continue;
        }
        names.insert(entry.file_name());
    }
    for entry in fs_err::read_dir(to)? {
        let entry = entry?;
        if !names.contains(&entry.file_name()) {
            remove(&entry.path())?;
        }
    }
    fs_err::set_permissions(to, found.permissions())?;
    let time = FileTimes::new().set_modified(found.modified()?);
    fs_err::File::open(to)?.file().set_times(time)
}

fn one(from: &Path, to: &Path, found: &std::fs::Metadata) -> io::Result<()> {
    let there = to.symlink_metadata().ok();
    if found.is_symlink() {
        let target = fs_err::read_link(from)?;
        if there.is_some() {
            if fs_err::read_link(to).is_ok_and(|other| other == target) {
                return Ok(());
            }
            remove(to)?;
        }
        return symlink(target, to);
    }
    let what = |of: &std::fs::Metadata| (of.len(), of.mtime(), of.mtime_nsec(), of.mode());
    match there {
        Some(there) if there.is_file() && what(&there) == what(found) => return Ok(()),
        Some(_) => remove(to)?,
        None => {}
    }
    fs_err::copy(from, to)?;
    let file = fs_err::OpenOptions::new().write(true).open(to);
    // What its owner may not write keeps the time of the copy.
    match file {
        Ok(file) => file.file().set_modified(found.modified()?),
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn what_differs_is_copied_with_its_time_and_what_is_gone_goes() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs_err::create_dir_all(from.join("a/skipped")).unwrap();
        fs_err::write(from.join("a/one"), "1").unwrap();
        fs_err::set_permissions(from.join("a/one"), PermissionsExt::from_mode(0o751)).unwrap();
        symlink("one", from.join("a/link")).unwrap();
        let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        fs_err::File::open(from.join("a/one"))
            .unwrap()
            .file()
            .set_modified(old)
            .unwrap();
        fs_err::File::open(from.join("a"))
            .unwrap()
            .file()
            .set_modified(old)
            .unwrap();
        fs_err::create_dir_all(to.join("a/one/was a folder")).unwrap();
        fs_err::write(to.join("stale"), "").unwrap();
        let skip = |path: &Path| path == Path::new("a/skipped");
        mirror(&from, &to, &skip).unwrap();
        for path in ["a", "a/one"] {
            let found = fs_err::metadata(to.join(path)).unwrap();
            assert_eq!(found.mtime(), 1_000_000_000, "{path}");
        }
        assert_eq!(
            fs_err::metadata(to.join("a/one")).unwrap().mode() & 0o777,
            0o751
        );
        assert_eq!(
            fs_err::read_link(to.join("a/link")).unwrap(),
            Path::new("one")
        );
        assert!(!to.join("stale").exists() && !to.join("a/skipped").exists());

        let inode = |path: &str| fs_err::metadata(to.join(path)).unwrap().ino();
        let before = inode("a/one");
        mirror(&from, &to, &skip).unwrap();
        assert_eq!(inode("a/one"), before);
        fs_err::write(from.join("a/one"), "2").unwrap();
        mirror(&from, &to, &skip).unwrap();
        assert_eq!(fs_err::read_to_string(to.join("a/one")).unwrap(), "2");
    }
}
