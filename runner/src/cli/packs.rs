//! The flags that say which packs build an app.

use std::path::{Path, PathBuf};

use buildpack_core::diagnostic::{Origin, Sourced};
use buildpack_core::wanted::{PackReference, Place};

use super::args::Packs;
use crate::pipeline::Lock;

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

    /// What becomes of the lock.
    pub(super) fn lock(&self) -> Lock {
        match (self.lock, self.locked) {
            (_, true) => Lock::Refuse,
            (true, false) => Lock::Write,
            (false, false) => Lock::None,
        }
    }
}

/// What is typed in the folder `here`, as it reads in any other.
fn from(here: &Path, text: &str) -> String {
    match PackReference::parse(text) {
        Ok(PackReference {
            place: Place::Path(path),
            ..
        }) if Path::new(&path).is_relative() => {
            let whole: PathBuf = here.join(text.trim());
            whole
                .to_str()
                .map_or_else(|| text.to_owned(), str::to_owned)
        }
        _ => text.to_owned(),
    }
}
