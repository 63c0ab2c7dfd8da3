//! `.env` as herokuish has it: given to bash, line by line, so that commands in it are run. For the quirk `eval-env`.

use std::collections::BTreeMap;
use std::process::Command;

use buildpack_core::diagnostic::{Class, Diagnostic};

use super::env_dir::is_identifier;
use super::face::Face;
use crate::pipeline::{Failure, disk};

/// Has bash evaluate each line, as herokuish has it: a value that begins with no quote is put into double quotes first. What
/// bash cannot read is an error.
pub(super) fn evaluate(
    text: &str,
    face: &Face,
    env: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut script = String::new();
    let mut names = Vec::new();
    for line in text.lines().map(str::trim) {
        let Some((name, value)) = line.split_once('=') else {
            continue;
        };
        let name = name.trim_start_matches("export ");
        if line.starts_with('#') || !is_identifier(name.as_bytes()) {
            continue;
        }
        let quoted = value.starts_with(['\'', '"']);
        let quote = if quoted { "" } else { "\"" };
        script.extend(["export ", name, "=", quote, value, quote, "\n"]);
        names.push(name.to_owned());
    }
    for name in &names {
        script.extend(["printf '%s\\0' \"$", name, "\"\n"]);
    }
    let output = Command::new(&face.bash)
        .args(["-euc", &script])
        .env_clear()
        .envs(env)
        .current_dir(&face.app_path)
        .output()
        .map_err(|error| disk("start bash for `.env`", &error))?;
    if !output.status.success() {
        return Err(Failure::of(
            Diagnostic::error(
                "env-file-bash",
                Class::Config,
                "bash cannot evaluate `.env`",
            )
            .help(
                "leave `eval-env` out of `BP_HEROKUISH_COMPAT`, or write values that bash can read",
            ),
        ));
    }
    let values = String::from_utf8_lossy(&output.stdout).into_owned();
    let values = values.split('\0').map(str::to_owned);
    Ok(names.into_iter().zip(values).collect())
}
