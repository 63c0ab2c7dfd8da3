//! `herokuish buildpack list`: the installed packs.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::herokuish::face::Face;
use crate::herokuish::{Ended, say};

#[expect(clippy::unnecessary_wraps, reason = "one command among others")]
pub(in crate::herokuish) fn exec(face: &Face, _: &[OsString]) -> Ended {
    for (name, _) in installed(face) {
        say::line(&name);
    }
    Ok(0)
}

/// Names and folders of what lies in `BUILDPACK_PATH`, sorted; hidden ones are none.
pub(in crate::herokuish) fn installed(face: &Face) -> Vec<(String, PathBuf)> {
    let entries = fs_err::read_dir(&face.buildpack_path).into_iter().flatten();
    let mut packs: Vec<(String, PathBuf)> = entries
        .flatten()
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, entry.path())
        })
        .filter(|(name, _)| !name.starts_with('.'))
        .collect();
    packs.sort();
    packs
}
