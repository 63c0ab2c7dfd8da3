//! The binary under proof, as it is released.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::world::Failure;

/// The checkout.
pub(crate) fn checkout() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}

/// The Cargo that runs this chore.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(checkout()).stdin(Stdio::null());
    cargo
}

/// Builds `bp` in release; where it lies.
pub(crate) fn release() -> Result<PathBuf, Failure> {
    let built = cargo()
        .args(["build", "--release", "--locked", "--package", "runner"])
        .args(["--bin", "bp", "--message-format=json-render-diagnostics"])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|cause| Failure::new("cannot start cargo", cause))?;
    if !built.status.success() {
        return Err(Failure::say("`bp` does not compile"));
    }
    String::from_utf8_lossy(&built.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "bp")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .ok_or_else(|| Failure::say("cargo does not say where it put `bp`"))
}
