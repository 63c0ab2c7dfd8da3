//! `bp check-versions` as its users call it, with lists from the loopback.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed, and says why it was skipped"
)]

mod bad;
mod bad_lists;
mod fix;
mod formats;
mod golden;
mod written;

use std::path::Path;
use std::process::Command;

use testdata::fake::lists::Lists;
use testdata::fake::origin::Origin;
use testdata::workspace::{App, Ran, Workspace, run};

/// A workspace, and a host of lists that may be down.
struct Desk {
    place: Workspace,
    host: Option<Origin>,
}

/// An app that nothing is wrong with.
const SOUND: [(&str, &str); 4] = [
    (
        "mix.exs",
        "defmodule A.MixProject do\n  use Mix.Project\n\n  def project do\n    [app: :a, version: \"0.1.0\"]\n  end\nend\n",
    ),
    (
        "elixir_buildpack.config",
        "elixir_version=1.19.5\nerlang_version=27.3.4.16\n",
    ),
    ("app.json", "{ \"stack\": \"heroku-24\" }\n"),
    ("Procfile", "web: mix run --no-halt\n"),
];

impl Desk {
    /// With a host that serves `lists`; none is one that nobody reaches.
    fn new(lists: Option<&Lists>) -> Self {
        let host = lists.map(|lists| {
            let host = Origin::start().unwrap();
            lists.serve(&host);
            host
        });
        let place = Workspace::new(env!("CARGO_BIN_EXE_bp")).unwrap();
        Self { place, host }
    }

    /// With a host that serves what is usual.
    fn usual() -> Self {
        Self::new(Some(&Lists::usual()))
    }

    /// An app of these files, over those of a sound one.
    fn app(&self, files: &[(&str, &str)]) -> App {
        let path = self.place.path().join("app");
        fs_err::create_dir_all(&path).unwrap();
        let app = App { path };
        for (name, text) in SOUND.iter().chain(files) {
            app.write(name, text).unwrap();
        }
        app
    }

    /// `bp check-versions APP` and more arguments, on 2026-11-01 unless they say otherwise.
    fn command(&self, app: &Path, more: &[&str]) -> Command {
        let mut command = self.place.command(&["check-versions"]);
        command.arg(app).args(more);
        if !more.contains(&"--on") {
            command.args(["--on", "2026-11-01"]);
        }
        let url = |path: &str| match &self.host {
            Some(host) => host.url(path),
            None => format!("http://127.0.0.1:1{path}"),
        };
        command
            .env("BP_HEX_BUILDS_URL", url(""))
            .env("BP_NODE_DIST_URL", url("/dist"));
        command
    }

    fn check(&self, app: &App, more: &[&str]) -> Ran {
        let ran = run(&mut self.command(&app.path, more));
        assert!(!ran.text.contains("panicked"), "{}", ran.text);
        ran
    }

    /// The report as JSON of our own.
    fn json(&self, app: &App, more: &[&str]) -> serde_json::Value {
        let ran = self.check(app, &[&["--format", "json"], more].concat());
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.text))
    }

    /// Codes with their severity, in the order of the report.
    fn codes(&self, app: &App, more: &[&str]) -> Vec<String> {
        codes(&self.json(app, more))
    }
}

/// Codes of a report in JSON with their severity, in its order.
fn codes(report: &serde_json::Value) -> Vec<String> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    report["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| format!("{}[{}]", text(&problem["severity"]), text(&problem["code"])))
        .collect()
}
