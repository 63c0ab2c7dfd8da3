//! The walk over the files of a selection, in one order.

use std::ffi::OsStr;
use std::fs::FileType;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use super::{LayerError, Selection, Synthetic, Tree};

/// What stands at a path of the image.
#[derive(Clone, Copy)]
pub(super) enum What<'s> {
    /// A folder.
    Folder,
    /// A regular file of this tree.
    File(&'s Tree<'s>),
    /// A symbolic link of this tree.
    Link(&'s Tree<'s>),
    /// A file that exists only in the image.
    Synthetic(&'s Synthetic),
}

/// One path of a layer.
pub(super) struct Entry<'s> {
    /// Path in the image without a slash at either end; never empty.
    pub(super) path: Box<[u8]>,
    pub(super) what: What<'s>,
}

impl Entry<'_> {
    /// The absolute path in the image, for people.
    pub(super) fn shown(&self) -> String {
        format!("/{}", String::from_utf8_lossy(&self.path))
    }

    /// Where a file or link of `tree` lies on the host.
    pub(super) fn host(&self, tree: &Tree<'_>) -> PathBuf {
        let inside = self.path.get(tree.target.trim_matches('/').len()..);
        match inside.map(|path| path.strip_prefix(b"/").unwrap_or(path)) {
            Some(path) if !path.is_empty() => tree.source.join(OsStr::from_bytes(path)),
            _ => tree.source.clone(),
        }
    }
}

/// All that a selection holds.
pub(super) struct Walked<'s> {
    /// Sorted by the bytes of their paths, each path once, parents before what they hold.
    pub(super) entries: Vec<Entry<'s>>,
    /// Sockets, pipes and devices on the host: no image can hold them usefully.
    pub(super) skipped: Vec<PathBuf>,
}

/// Walks `selection`. Parents of its targets are added from the folder `home` of the image downwards.
pub(super) fn walk<'s>(selection: &'s Selection<'s>, home: &str) -> Result<Walked<'s>, LayerError> {
    let mut walked = Walked {
        entries: Vec::new(),
        skipped: Vec::new(),
    };
    for tree in &selection.trees {
        let target = plain(&tree.target)?;
        if enter(tree, target, &mut walked)? {
            parents(target, home, &mut walked);
        }
    }
    for file in &selection.synthetic {
        let target = plain(&file.path)?;
        parents(target, home, &mut walked);
        walked.entries.push(Entry {
            path: target.as_bytes().into(),
            what: What::Synthetic(file),
        });
    }
    walked.entries = settle(walked.entries)?;
    Ok(walked)
}

/// The target without its outer slashes, if it is a plain absolute path.
fn plain(target: &str) -> Result<&str, LayerError> {
    let inner = target
        .strip_prefix('/')
        .map(|rest| rest.strip_suffix('/').unwrap_or(rest))
        .filter(|rest| !rest.contains('\0'))
        .filter(|rest| rest.split('/').all(|part| !matches!(part, "" | "." | "..")));
    inner.ok_or_else(|| LayerError::Target(target.to_owned()))
}

fn parents(target: &str, home: &str, walked: &mut Walked<'_>) {
    let home = home.trim_matches('/');
    let inside = target == home
        || home.is_empty()
        || target
            .strip_prefix(home)
            .is_some_and(|rest| rest.starts_with('/'));
    if !inside {
        return;
    }
    for (at, _) in target.match_indices('/') {
        if at >= home.len() {
            walked.entries.push(Entry {
                path: target.as_bytes()[..at].into(),
                what: What::Folder,
            });
        }
    }
}

/// Adds what lies at the tree's source; whether anything does.
fn enter<'s>(
    tree: &'s Tree<'s>,
    target: &str,
    walked: &mut Walked<'s>,
) -> Result<bool, LayerError> {
    let read = |source| LayerError::Read {
        path: tree.source.clone(),
        source,
    };
    let found = match std::fs::symlink_metadata(&tree.source) {
        Ok(found) => found.file_type(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(read(error)),
    };
    if found.is_dir() || (found.is_symlink() && tree.source.is_dir()) {
        let mut folders = vec![(PathBuf::new(), target.as_bytes().to_vec())];
        while let Some((relative, path)) = folders.pop() {
            list(tree, &relative, &path, &mut folders, walked)?;
            walked.entries.push(Entry {
                path: path.into(),
                what: What::Folder,
            });
        }
    } else {
        add(
            tree,
            found,
            target.as_bytes().to_vec(),
            walked,
            &tree.source,
        );
    }
    Ok(true)
}

fn list<'s>(
    tree: &'s Tree<'s>,
    relative: &Path,
    path: &[u8],
    folders: &mut Vec<(PathBuf, Vec<u8>)>,
    walked: &mut Walked<'s>,
) -> Result<(), LayerError> {
    let folder = tree.source.join(relative);
    let read = |source| LayerError::Read {
        path: folder.clone(),
        source,
    };
    for child in std::fs::read_dir(&folder).map_err(read)? {
        let child = child.map_err(read)?;
        let name = child.file_name();
        let relative = relative.join(&name);
        if tree.keep.as_ref().is_some_and(|keep| !keep(&relative)) {
            continue;
        }
        let found = child.file_type().map_err(read)?;
        let path = [path, b"/", name.as_bytes()].concat();
        if found.is_dir() {
            folders.push((relative, path));
        } else {
            add(tree, found, path, walked, &child.path());
        }
    }
    Ok(())
}

fn add<'s>(
    tree: &'s Tree<'s>,
    found: FileType,
    path: Vec<u8>,
    walked: &mut Walked<'s>,
    host: &Path,
) {
    let odd =
        found.is_socket() || found.is_fifo() || found.is_block_device() || found.is_char_device();
    if odd {
        walked.skipped.push(host.to_owned());
        return;
    }
    let what = if found.is_symlink() {
        What::Link(tree)
    } else {
        What::File(tree)
    };
    walked.entries.push(Entry {
        path: path.into(),
        what,
    });
}

/// Sorts, and keeps the last of those that want the same path.
fn settle(mut entries: Vec<Entry<'_>>) -> Result<Vec<Entry<'_>>, LayerError> {
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    let mut settled: Vec<Entry<'_>> = Vec::with_capacity(entries.len());
    for entry in entries {
        match settled.last_mut() {
            Some(last) if last.path == entry.path => {
                let folders = [last.what, entry.what].map(|what| matches!(what, What::Folder));
                if folders[0] != folders[1] {
                    return Err(LayerError::Conflict {
                        path: entry.shown(),
                    });
                }
                *last = entry;
            }
            _ => settled.push(entry),
        }
    }
    Ok(settled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(selection: &Selection<'_>) -> Vec<String> {
        let walked = walk(selection, "/app").unwrap();
        walked.entries.iter().map(Entry::shown).collect()
    }

    fn synthetic(path: &str) -> Synthetic {
        Synthetic {
            path: path.to_owned(),
            content: Vec::new(),
            executable: false,
        }
    }

    #[test]
    fn one_order_with_parents_from_home_downwards() {
        let host = tempfile::tempdir().unwrap();
        for name in ["b", "a/x", "a-b", "no/thing"] {
            let path = host.path().join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, name).unwrap();
        }
        let selection = Selection::new()
            .tree(Tree::new(host.path(), "/app/deep/er").keep(|path| !path.starts_with("no")))
            .tree(Tree::new(host.path().join("b"), "/etc/b"))
            .tree(Tree::new(host.path().join("missing"), "/app/missing"))
            .file(synthetic("/app/bin/run"));
        assert_eq!(
            shown(&selection),
            [
                "/app",
                "/app/bin",
                "/app/bin/run",
                "/app/deep",
                "/app/deep/er",
                "/app/deep/er/a",
                "/app/deep/er/a-b",
                "/app/deep/er/a/x",
                "/app/deep/er/b",
                "/etc/b",
            ]
        );
    }

    #[test]
    fn odd_targets_are_refused() {
        for target in [
            "",
            "app",
            "/",
            "/app/../etc",
            "/app//x",
            "/app/./x",
            "/a\0b",
        ] {
            let selection = Selection::new().file(synthetic(target));
            assert!(
                matches!(walk(&selection, "/app"), Err(LayerError::Target(_))),
                "{target}"
            );
        }
    }

    #[test]
    fn a_later_file_wins_and_a_folder_never_meets_a_file() {
        let host = tempfile::tempdir().unwrap();
        fs_err::write(host.path().join("x"), "x").unwrap();
        let selection = Selection::new()
            .tree(Tree::new(host.path(), "/app"))
            .file(synthetic("/app/x"));
        let walked = walk(&selection, "/app").unwrap();
        assert!(matches!(walked.entries[1].what, What::Synthetic(_)));
        assert_eq!(walked.entries.len(), 2);

        let clash = Selection::new()
            .tree(Tree::new(host.path(), "/app"))
            .file(synthetic("/app/x/y"));
        assert!(matches!(
            walk(&clash, "/app"),
            Err(LayerError::Conflict { .. })
        ));
    }

    #[test]
    fn sockets_are_skipped_and_odd_names_kept() {
        let host = tempfile::tempdir().unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(host.path().join("s")).unwrap();
        fs_err::write(host.path().join(OsStr::from_bytes(b"\xff\n")), "").unwrap();
        std::os::unix::fs::symlink("/nowhere", host.path().join("dangling")).unwrap();
        let selection = Selection::new().tree(Tree::new(host.path(), "/app"));
        let walked = walk(&selection, "/app").unwrap();
        assert_eq!(walked.skipped, [host.path().join("s")]);
        let paths: Vec<&[u8]> = walked.entries.iter().map(|entry| &*entry.path).collect();
        assert_eq!(paths, [&b"app"[..], b"app/dangling", b"app/\xff\n"]);
    }
}
