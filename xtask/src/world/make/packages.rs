//! The Hex package repository: Debian's sources of some packages, and those of our own in `testdata/hex`.
//!
//! The lock files of apps hold checksums. After a change to a package of ours, the new lock of an app comes from
//! `bp shell --build APP -- sh -c 'rm mix.lock; mix deps.get >&2; cat mix.lock'` in the world.

use std::path::Path;

use fs_err as fs;
use walkdir::WalkDir;

use super::part::{Kitchen, Part, run_recipe};
use crate::world::Failure;

const PACKAGES: &str = include_str!("../recipes/packages.sh");

/// What the repository serves: `names`, `versions`, `packages/`, `tarballs/`.
pub(super) fn repo(kitchen: &Kitchen, roots: &Part, tools: &Part) -> Result<Part, Failure> {
    let ours = ours()?;
    let mut inputs = vec![roots.key.as_str(), &tools.key, PACKAGES];
    for (path, text) in &ours {
        inputs.extend([path.as_str(), text.as_str()]);
    }
    kitchen.part("packages", &inputs, |folder| {
        let copy = folder.join("ours");
        for (path, text) in &ours {
            let path = copy.join(path);
            fs::create_dir_all(path.parent().unwrap_or(&copy))?;
            fs::write(path, text)?;
        }
        let settings = [
            ("ROOTS", roots.path.to_str().unwrap_or_default()),
            ("TOOLS", tools.path.to_str().unwrap_or_default()),
            ("OURS", copy.to_str().unwrap_or_default()),
        ];
        run_recipe(PACKAGES, folder, &settings)?;
        Ok(fs::remove_dir_all(copy)?)
    })
}

/// The files of `testdata/hex`, by path below it.
fn ours() -> Result<Vec<(String, String)>, Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/hex");
    let mut files = Vec::new();
    for entry in WalkDir::new(&root).sort_by_file_name() {
        let entry = entry.map_err(|cause| Failure::new("cannot read testdata/hex", cause))?;
        if entry.file_type().is_file() {
            let path = entry.path().strip_prefix(&root).unwrap_or(entry.path());
            let text = fs::read_to_string(entry.path())?;
            files.push((path.to_string_lossy().into_owned(), text));
        }
    }
    Ok(files)
}
