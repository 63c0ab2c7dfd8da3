//! Readers of what others wrote, each as a function of bytes that panics where the reader does wrong.
//!
//! `testdata/fuzz/corpus/TARGET` holds texts to begin with and those that once failed; all of them are run by
//! `cargo test -p testdata`. `cargo xtask fuzz` searches for more, with libFuzzer where there is one, else with
//! `hunt`.

mod app_files;
mod hunt;
mod mutate;
mod readers;

use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;

pub use hunt::{Crash, Hunt, Hunted};

/// The name of a reader, and the reader: it panics where a place is outside of the text, besides where it would anyway.
pub type Target = (&'static str, fn(&[u8]));

/// All readers.
pub const TARGETS: &[Target] = &[
    ("app_json", app_files::app_json),
    ("bash_config", readers::bash_config),
    ("build_list", readers::build_list),
    ("build_log", readers::build_log),
    ("buildpacks", app_files::buildpacks),
    ("buildpacks_lock", app_files::buildpacks_lock),
    ("elixir_config", app_files::elixir_config),
    ("elixir_request", readers::elixir_request),
    ("elixir_requirement", readers::elixir_requirement),
    ("elixir_source", readers::elixir_source),
    ("elixir_version", readers::elixir_version),
    ("mise_toml", app_files::mise_toml),
    ("mix_exs", app_files::mix_exs),
    ("mix_lock", app_files::mix_lock),
    ("node_index", readers::node_index),
    ("node_request", readers::node_request),
    ("node_version", readers::node_version),
    ("one_line", app_files::one_line),
    ("otp_request", readers::otp_request),
    ("otp_version", readers::otp_version),
    ("package_json", app_files::package_json),
    ("procfile", app_files::procfile),
    ("slugignore", readers::slugignore),
    ("static_config", app_files::static_config),
    ("sums", readers::sums),
    ("tool_versions", app_files::tool_versions),
];

/// The reader `name`.
pub fn target(name: &str) -> Option<Target> {
    TARGETS.iter().find(|(known, _)| *known == name).copied()
}

/// The folder of what fuzzing keeps: `corpus` and `crashes`.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// The kept inputs of a reader, by path.
pub fn corpus(target: &str) -> io::Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut inputs = Vec::new();
    for entry in fs::read_dir(folder().join("corpus").join(target))? {
        let path = entry?.path();
        let bytes = fs::read(&path)?;
        inputs.push((path, bytes));
    }
    inputs.sort();
    Ok(inputs)
}
