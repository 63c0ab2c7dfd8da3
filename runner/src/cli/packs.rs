//! The flags that say which packs build an app.

use std::path::{Path, PathBuf};

use buildpack_core::diagnostic::{Origin, Sourced};
use buildpack_core::pack::ScriptDirs;
use buildpack_core::wanted::{PackReference, Place};

use super::args::{BuildDirMode, Packs};
use crate::pipeline::Lock;
use crate::settings::Settings;

impl Packs {
    /// What `--buildpack` says. A folder that is typed starts where the command is called, unless that is the app.
    pub(super) fn addresses(&self, app: &Path) -> Vec<Sourced<String>> {
        let here = fs_err::canonicalize(".").ok();
        let same = here.is_some() && fs_err::canonicalize(app).ok() == here;
        self.buildpack
            .iter()
            .map(|text| {
                let text = match &here {
                    Some(here) if !same => from(here, text),
                    _ => text.clone(),
                };
                Sourced::new(text, Origin::Flag("--buildpack".to_owned()))
            })
            .collect()
    }

    /// What becomes of the lock, which is to be written or not.
    pub(super) fn lock(&self, write: bool, settings: &Settings) -> Lock {
        match (write, self.locked || settings.locked.value) {
            (true, _) => Lock::Write,
            (false, true) => Lock::Refuse,
            (false, false) => Lock::None,
        }
    }

    /// Whether built-in packs may take the place of those that they are made after.
    pub(super) fn native(&self, settings: &Settings) -> bool {
        !self.no_native && !settings.no_native.value
    }

    /// Where scripts see what they are given, where nobody says: as in `default`.
    pub(super) fn script_dirs(&self, default: BuildDirMode) -> ScriptDirs {
        match self.build_dir_mode.unwrap_or(default) {
            BuildDirMode::Heroku => ScriptDirs::default(),
            BuildDirMode::App => ScriptDirs::in_app_dir(),
        }
    }
}

/// What is typed in the folder `here`, as it reads in any other.
fn from(here: &Path, text: &str) -> String {
    let whole: PathBuf = here.join(text.trim());
    let is_path = match PackReference::parse(text) {
        Ok(PackReference {
            place: Place::Path(path),
            ..
        }) => Path::new(&path).is_relative(),
        // Without `./` it reads as something else; a pack that is there is meant.
        _ => whole.join("bin").is_dir(),
    };
    match whole.to_str() {
        Some(whole) if is_path => whole.to_owned(),
        _ => text.to_owned(),
    }
}
