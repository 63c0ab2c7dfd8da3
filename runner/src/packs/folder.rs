//! Packs that lie on this machine, and what every pack is made into: a folder with fixed modes and times.

use std::fs::{Metadata, Permissions};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use buildpack_core::digest::{Digest, Hasher};
use buildpack_core::store::Bucket;
use buildpack_core::wanted::lock::Identity;
use walkdir::WalkDir;

use super::error::Why;
use super::git::{self, Version};
use super::remembered::Remembered;
use super::{Got, Reach, archive, keep};

/// The time of every file of a pack: 2000-01-01T00:00:00Z.
const TIME: u64 = 946_684_800;

/// Scripts that make a pack.
const NEEDED: [&str; 2] = ["bin/detect", "bin/compile"];

/// What of a folder is no part of a pack.
const LEFT_OUT: [&str; 4] = [".git", ".hg", ".svn", ".bzr"];

/// The pack at a path: a folder by its content, an archive, or, where a version is named, a repository.
pub(super) fn get(
    path: &Path,
    version: &Version<'_>,
    memory: &Remembered<'_>,
    reach: &Reach<'_>,
) -> Result<Got, Why> {
    let Ok(metadata) = fs_err::metadata(path) else {
        return Err(Why::NoFolder(path.to_owned()));
    };
    if metadata.is_file() {
        return from_archive(path, reach);
    }
    let path = fs_err::canonicalize(path).map_err(|error| Why::disk("read", path, error))?;
    if *version != Version::Newest || is_repository(&path) {
        // It stands in a file of settings, where a line's end would begin another.
        let plain = |url: &&str| !url.contains(char::is_control);
        let url = path.to_str().filter(plain);
        let url = url.ok_or_else(|| Why::NoFolder(path.clone()))?;
        return git::get(url, version, memory, reach);
    }
    is_complete(&path)?;
    let space = reach.store.temp_dir(Bucket::Packs)?;
    let copy = space.path().join("pack");
    copy_tree(&path, &copy, reach.store.root())?;
    settle(&copy)?;
    let identity = Identity::Content(content(&copy)?.hex());
    keep(identity, reach, |folder| move_into(&copy, folder))
}

fn from_archive(path: &Path, reach: &Reach<'_>) -> Result<Got, Why> {
    let fail = |error| Why::disk("read", path, error);
    let file = fs_err::File::open(path).map_err(fail)?;
    let (digest, _) = buildpack_core::digest::HashingReader::new(file)
        .drain()
        .map_err(fail)?;
    keep(Identity::Sha256(digest.hex()), reach, |folder| {
        archive::unpack(path, folder, reach)
    })
}

/// Whether a folder is a repository without files beside it, or one whose files are no pack.
fn is_repository(path: &Path) -> bool {
    let bare = path.join("HEAD").is_file() && path.join("objects").is_dir();
    bare || path.join(".git").exists() && !path.join("bin").is_dir()
}

/// Whether the scripts that make a pack are there, as files of the pack.
pub(super) fn is_complete(folder: &Path) -> Result<(), Why> {
    let root = fs_err::canonicalize(folder).map_err(|error| Why::disk("read", folder, error))?;
    for script in NEEDED {
        let file = fs_err::canonicalize(root.join(script)).ok();
        let there = file.is_some_and(|file| file.starts_with(&root) && file.is_file());
        if !there {
            return Err(Why::Incomplete(script));
        }
    }
    Ok(())
}

/// Makes a folder what a pack is: complete, without version control, modes by the owner's executable bit, and what
/// stands in `bin` may be executed (compatibility facts 1.1).
pub(super) fn settle(folder: &Path) -> Result<(), Why> {
    is_complete(folder)?;
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(TIME);
    let walk = WalkDir::new(folder)
        .follow_links(false)
        .contents_first(true);
    for entry in walk {
        let entry = entry.map_err(|error| Why::disk("read", folder, error.into()))?;
        let path = entry.path();
        let fail = |error| Why::disk("change", path, error);
        // Whatever a link names is none of ours.
        if entry.path_is_symlink() {
            continue;
        }
        let metadata = entry.metadata().map_err(|error| fail(error.into()))?;
        let script = path.parent() == Some(&folder.join("bin"));
        let mode = if metadata.is_dir() || script || executable(&metadata) {
            0o755
        } else {
            0o644
        };
        fs_err::set_permissions(path, Permissions::from_mode(mode)).map_err(fail)?;
        let file = fs_err::File::open(path).map_err(fail)?;
        file.file().set_modified(time).map_err(fail)?;
    }
    Ok(())
}

/// Removes what a folder holds of version control, at any depth: a submodule has a file of that name.
pub(super) fn forget_versions(folder: &Path) -> Result<(), Why> {
    let mut walk = WalkDir::new(folder)
        .min_depth(1)
        .follow_links(false)
        .into_iter();
    while let Some(entry) = walk.next() {
        let entry = entry.map_err(|error| Why::disk("read", folder, error.into()))?;
        if entry.file_name() != ".git" {
            continue;
        }
        let path = entry.path();
        let fail = |error| Why::disk("remove", path, error);
        if entry.file_type().is_dir() {
            walk.skip_current_dir();
            fs_err::remove_dir_all(path).map_err(fail)?;
        } else {
            fs_err::remove_file(path).map_err(fail)?;
        }
    }
    Ok(())
}

/// Moves all that `from` holds into the empty folder `to`, on the same file system.
pub(super) fn move_into(from: &Path, to: &Path) -> Result<(), Why> {
    for entry in fs_err::read_dir(from).map_err(|error| Why::disk("read", from, error))? {
        let entry = entry.map_err(|error| Why::disk("read", from, error))?;
        let target = to.join(entry.file_name());
        fs_err::rename(entry.path(), &target)
            .map_err(|error| Why::disk("write", &target, error))?;
    }
    Ok(())
}

/// Empties a folder of our own.
pub(super) fn empty(folder: &Path) -> Result<(), Why> {
    for entry in fs_err::read_dir(folder).map_err(|error| Why::disk("read", folder, error))? {
        let entry = entry.map_err(|error| Why::disk("read", folder, error))?;
        let path = entry.path();
        let gone = if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            fs_err::remove_dir_all(&path)
        } else {
            fs_err::remove_file(&path)
        };
        gone.map_err(|error| Why::disk("remove", &path, error))?;
    }
    Ok(())
}

/// Copies files, folders and links; links are never followed. `without` is a folder that is left out.
pub(super) fn copy_tree(from: &Path, to: &Path, without: &Path) -> Result<(), Why> {
    let wanted = |entry: &walkdir::DirEntry| {
        entry.depth() == 0
            || entry.path() != without && !LEFT_OUT.iter().any(|name| entry.file_name() == *name)
    };
    let walk = WalkDir::new(from).follow_links(false).into_iter();
    for entry in walk.filter_entry(wanted) {
        let entry = entry.map_err(|error| Why::disk("read", from, error.into()))?;
        let path = entry.path();
        let Ok(below) = path.strip_prefix(from) else {
            continue;
        };
        let target = to.join(below);
        let fail = |error| Why::disk("copy", path, error);
        let kind = entry.file_type();
        if kind.is_dir() {
            fs_err::create_dir(&target).map_err(fail)?;
        } else if kind.is_symlink() {
            let names = fs_err::read_link(path).map_err(fail)?;
            fs_err::os::unix::fs::symlink(names, &target).map_err(fail)?;
        } else if kind.is_file() {
            fs_err::copy(path, &target).map_err(fail)?;
        }
    }
    Ok(())
}

/// The digest of names, kinds, executable bits and contents.
fn content(folder: &Path) -> Result<Digest, Why> {
    let mut hasher = Hasher::new();
    let walk = WalkDir::new(folder)
        .min_depth(1)
        .follow_links(false)
        .sort_by_file_name();
    for entry in walk {
        let entry = entry.map_err(|error| Why::disk("read", folder, error.into()))?;
        let path = entry.path();
        let fail = |error| Why::disk("read", path, error);
        let Ok(below) = path.strip_prefix(folder) else {
            continue;
        };
        hasher.field(below.as_os_str().as_bytes());
        let kind = entry.file_type();
        if kind.is_dir() {
            hasher.field(b"folder");
        } else if kind.is_symlink() {
            let names = fs_err::read_link(path).map_err(fail)?;
            hasher.field(b"link");
            hasher.field(names.as_os_str().as_bytes());
        } else {
            let metadata = entry.metadata().map_err(|error| fail(error.into()))?;
            let file = fs_err::File::open(path).map_err(fail)?;
            let (digest, _) = buildpack_core::digest::HashingReader::new(file)
                .drain()
                .map_err(fail)?;
            hasher.field(if executable(&metadata) {
                b"program"
            } else {
                b"file"
            });
            hasher.field(digest.bytes());
        }
    }
    Ok(hasher.finish())
}

fn executable(metadata: &Metadata) -> bool {
    metadata.permissions().mode() & 0o100 != 0
}
