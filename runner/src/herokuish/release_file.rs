//! `.release` in the app's folder: what its packs say of starting it, as herokuish leaves it there. YAML, of which JSON is a
//! part.

use std::collections::BTreeMap;
use std::io;

use buildpack_core::diagnostic::{Class, Diagnostic};
use buildpack_core::pack::{PackRelease, Release};
use serde_json::json;

use super::face::Face;
use crate::pipeline::{Failure, disk};

const FILE: &str = ".release";

/// Writes the file, where there is anything to write.
pub(super) fn write(face: &Face, release: &Release) -> Result<(), Failure> {
    if release.processes.is_empty() && release.config_vars.is_empty() {
        return Ok(());
    }
    let content = json!({
        "default_process_types": release.processes,
        "config_vars": release.config_vars,
    });
    fs_err::write(face.app_path.join(FILE), format!("{content:#}\n"))
        .map_err(|error| disk("write what packs say of starting the app", &error))
}

/// The default command of each process type; none without the file.
pub(super) fn processes(face: &Face) -> Result<BTreeMap<String, String>, Failure> {
    let path = face.app_path.join(FILE);
    let yaml = match fs_err::read(&path) {
        Ok(yaml) => yaml,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(disk("read `.release`", &error)),
    };
    match PackRelease::parse(&yaml) {
        Ok(release) => Ok(release.default_process_types),
        Err(error) => Err(Failure::of(
            Diagnostic::error(
                "release-file",
                Class::Config,
                format!("`{}` holds {error}", path.display()),
            )
            .help("build the app again, or declare the process type in its Procfile"),
        )),
    }
}
