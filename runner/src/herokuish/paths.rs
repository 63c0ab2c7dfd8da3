//! `herokuish paths`: the folders and the variables that set them.

use std::ffi::OsString;

use super::face::Face;
use super::{Ended, say};

#[expect(clippy::unnecessary_wraps, reason = "one command among others")]
pub(super) fn exec(face: &Face, _: &[OsString]) -> Ended {
    let rows = [
        ("APP_PATH", &face.app_path, "where the app lives and runs"),
        ("ENV_PATH", &face.env_path, "one file for each config var"),
        ("BUILD_PATH", &face.build_path, "where packs build"),
        (
            "CACHE_PATH",
            &face.cache_path,
            "what packs keep between builds",
        ),
        (
            "IMPORT_PATH",
            &face.import_path,
            "a mounted source, copied to the app's folder",
        ),
        ("BUILDPACK_PATH", &face.buildpack_path, "installed packs"),
    ];
    for (name, path, text) in rows {
        let setting = format!("{name}={}", path.display());
        say::line(&format!("{setting:<32} # {text}"));
    }
    Ok(0)
}
