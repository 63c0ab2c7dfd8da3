//! A quick identity of what a selection would put into the image.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;

use super::walk::{What, walk};
use super::{LayerError, Selection, StatCache};
use crate::digest::{Digest, Hasher};

/// The identity of `selection`: image paths, kinds, executable bits, link targets and content. It changes when the
/// layer's content would; it is no diff id. Unchanged files are not read again.
///
/// What else decides about a layer's bytes is not in it and belongs into the caller's key beside it: the
/// [`super::Options`], the version of the normalisers, the compressor's.
pub fn tree_digest(selection: &Selection<'_>, cache: &mut StatCache) -> Result<Digest, LayerError> {
    let mut hasher = Hasher::new();
    for entry in &walk(selection, "")?.entries {
        hasher.field(&entry.path);
        match entry.what {
            What::Folder => hasher.field(b"folder"),
            What::Synthetic(file) => {
                content(
                    &mut hasher,
                    file.executable,
                    Digest::of(&file.content).bytes(),
                );
            }
            What::Link(tree) => {
                let path = entry.host(tree);
                let to = std::fs::read_link(&path)
                    .map_err(|source| LayerError::Read { path, source })?;
                hasher.field(b"link");
                hasher.field(to.as_os_str().as_bytes());
            }
            What::File(tree) => {
                let path = entry.host(tree);
                let found = match std::fs::symlink_metadata(&path) {
                    Ok(found) => found,
                    Err(source) => return Err(LayerError::Read { path, source }),
                };
                let digest = cache.digest_file(&path, &found)?;
                content(&mut hasher, found.mode() & 0o100 != 0, &digest);
            }
        }
    }
    Ok(hasher.finish())
}

fn content(hasher: &mut Hasher, executable: bool, digest: &[u8; 32]) {
    hasher.field(if executable { b"program" } else { b"file" });
    hasher.field(digest);
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::path::Path;

    use super::*;
    use crate::layer::{Synthetic, Tree};

    fn identity(root: &Path) -> Digest {
        let mut cache = StatCache::load(root.join("cache"));
        let selection = Selection::new()
            .tree(Tree::new(root, "/app").keep(|path| !path.starts_with("cache")))
            .file(Synthetic {
                path: "/app/made".to_owned(),
                content: b"made".to_vec(),
                executable: true,
            });
        tree_digest(&selection, &mut cache).unwrap()
    }

    #[test]
    fn every_difference_that_the_image_shows_and_no_other() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs_err::write(at("f"), "one").unwrap();
        symlink("f", at("l")).unwrap();
        let mut seen = vec![identity(root.path())];

        fs_err::set_permissions(at("f"), std::fs::Permissions::from_mode(0o600)).unwrap();
        fs_err::write(at("g"), "one").unwrap();
        fs_err::rename(at("g"), at("f")).unwrap();
        assert_eq!(identity(root.path()), seen[0]);

        let changes: [&dyn Fn(); 5] = [
            &|| fs_err::write(at("f"), "two").unwrap(),
            &|| {
                fs_err::set_permissions(at("f"), std::fs::Permissions::from_mode(0o755)).unwrap();
            },
            &|| {
                fs_err::remove_file(at("l")).unwrap();
                symlink("g", at("l")).unwrap();
            },
            &|| fs_err::create_dir(at("d")).unwrap(),
            &|| fs_err::rename(at("f"), at("d/f")).unwrap(),
        ];
        for change in changes {
            change();
            let now = identity(root.path());
            assert!(!seen.contains(&now));
            seen.push(now);
        }
    }
}
