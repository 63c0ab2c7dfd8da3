//! `herokuish version`, which Dokku's report prints.

use std::ffi::OsString;

use super::face::Face;
use super::{Ended, say};

#[expect(clippy::unnecessary_wraps, reason = "one command among others")]
pub(super) fn exec(face: &Face, _: &[OsString]) -> Ended {
    say::line(concat!("herokuish: ", env!("CARGO_PKG_VERSION"), " (bp)"));
    say::line("buildpacks:");
    let entries = fs_err::read_dir(&face.buildpack_path).into_iter().flatten();
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    for name in names {
        let shown = name.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_');
        say::line(&format!("  {shown}"));
    }
    Ok(0)
}
