//! A builds host on paper, and apps in memory, for tests.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use buildpack_core::app::App;
use buildpack_core::check::{CheckContext, Checked, Evaluated};
use buildpack_core::diagnostic::{Applicability, Diagnostic};
use buildpack_core::digest::Digest;
use buildpack_core::lists::{BuildList, ListError, ListInfo, ListOrigin, ListSource, NodeList};
use buildpack_core::version::{NodeVersion, Tool};
use jiff::civil::{Date, date};
use stacks::{Arch, Target};

use crate::config::ElixirConfig;
use crate::resolve::{Resolution, resolve};

/// The config's name.
pub(crate) const CONFIG: &str = "elixir_buildpack.config";

/// SHA-256 of every archive.
pub(crate) const SHA: &str = "19d80df49510d24079baf670e9675cba2c005b65ede2086d70db03a9e52b8ad3";

/// A builds host on paper; with `old` its lists are of another year.
#[derive(Clone, Copy)]
pub(crate) struct Paper {
    /// Whether what they lack may have been published since.
    pub(crate) old: bool,
}

impl Paper {
    fn list(self, folder: &str, names: &str) -> Arc<BuildList> {
        let text: String = names
            .split_whitespace()
            .map(|name| [name, " abc 2026-01-01T00:00:00Z ", SHA, "\n"].concat())
            .collect();
        let info = ListInfo {
            tool: Tool::Erlang,
            provider: "builds.example".to_owned(),
            path: format!("{folder}/builds.txt"),
            dated: date(2025, 6, 1),
            origin: ListOrigin::Live,
            current: !self.old,
        };
        Arc::new(BuildList::read(&text, info).unwrap())
    }
}

impl ListSource for Paper {
    fn otp(&self, target: &Target) -> Result<Arc<BuildList>, Box<dyn ListError>> {
        let names = match target.stack.number {
            "24" => {
                "OTP-25.0 OTP-25.3.2.21 OTP-26.0 OTP-26.2.5 OTP-26.2.5.21 OTP-27.0-rc1 OTP-27.0 OTP-27.2.1 \
                 OTP-27.3-rc1 OTP-27.2.4 OTP-27.3.4.1 OTP-28.5.0.5 maint-27"
            }
            "22" => "OTP-25.2.3 OTP-27.2",
            _ => "OTP-29.1.1",
        };
        let ubuntu = target.stack.ubuntu;
        Ok(self.list(&format!("builds/otp/amd64/ubuntu-{ubuntu}"), names))
    }

    fn elixir(&self) -> Result<Arc<BuildList>, Box<dyn ListError>> {
        Ok(self.list(
            "builds/elixir",
            "v1.10.4 v1.10.4-otp-22 v1.18.1-otp-26 v1.18.1-otp-27 v1.18.3 v1.18.3-otp-26 v1.18.3-otp-27 \
             v1.18.4-otp-28 v1.18.0-rc.0-otp-27 v0.15.0 main-otp-27 v1.16-otp-26 v1.16.2-otp-25 v1.16.2-otp-26 v1.14.5-otp-25 \
             v1.17.3-otp-25 v1.17.3-otp-26",
        ))
    }

    fn node(&self) -> Result<Arc<NodeList>, Box<dyn ListError>> {
        unreachable!("Elixir needs no Node")
    }

    fn node_sums(
        &self,
        _: &NodeVersion,
    ) -> Result<Arc<BTreeMap<String, Digest>>, Box<dyn ListError>> {
        unreachable!("Elixir needs no Node")
    }
}

/// An app of these files.
pub(crate) fn app(files: &[(&str, &str)]) -> App {
    let files = files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
        .collect();
    App::of_files(Path::new("/nowhere"), files).value.unwrap()
}

/// Calls `then` with a context on heroku-24.
fn with_context<T>(old: bool, today: Date, then: impl FnOnce(&CheckContext<'_>) -> T) -> T {
    then(&CheckContext {
        target: &Target::new(stacks::find("24").unwrap(), Arch::Amd64).unwrap(),
        lists: &Paper { old },
        today,
        config_vars: &BTreeMap::new(),
        evaluated: &Evaluated::new(),
    })
}

/// What an app's versions come to in the first days of 2025.
pub(crate) fn resolution(files: &[(&str, &str)], old: bool, building: bool) -> Resolution {
    let app = app(files);
    let config = ElixirConfig::read(&app, &Evaluated::new()).value.unwrap();
    with_context(old, date(2025, 1, 1), |context| {
        resolve(&app, &config, context, building)
    })
}

/// All that is said about an app on a day.
pub(crate) fn checked_on(files: &[(&str, &str)], today: Date) -> Checked {
    with_context(false, today, |context| crate::check(&app(files), context))
}

/// What a diagnostic's helps would write.
pub(crate) fn edits(problem: &Diagnostic) -> Vec<(&str, Applicability)> {
    let edits = problem.helps.iter().flat_map(|help| {
        let edits = help.edits.iter();
        edits.map(|edit| (edit.new_text.as_str(), help.applicability))
    });
    edits.collect()
}
