//! `herokuish version`, which Dokku's report prints.

use std::ffi::OsString;

use super::face::Face;
use super::{Ended, buildpack, say};

#[expect(clippy::unnecessary_wraps, reason = "one command among others")]
pub(super) fn exec(face: &Face, _: &[OsString]) -> Ended {
    say::line(concat!("herokuish: ", env!("CARGO_PKG_VERSION"), " (bp)"));
    say::line("buildpacks:");
    for (name, _) in buildpack::installed(face) {
        say::line(&format!("  {}", buildpack::name_of(&name)));
    }
    Ok(0)
}
