//! A Node host on paper, and apps in memory, for tests.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use buildpack_core::app::{App, ConfigValue};
use buildpack_core::check::{CheckContext, Checked, Evaluated};
use buildpack_core::diagnostic::{Applicability, Class, Diagnostic, Explain};
use buildpack_core::digest::Digest;
use buildpack_core::lists::{
    BuildList, ListError, ListInfo, ListOrigin, ListSource, NodeList, ReleaseSums,
};
use buildpack_core::version::{NodeVersion, Tool};
use jiff::civil::{Date, date};
use stacks::{Arch, Target};

use crate::config::FILE;

/// A `mix.exs` of a Phoenix app.
pub(crate) const MIX: (&str, &str) = (
    "mix.exs",
    "defmodule Blog.MixProject do\n  use Mix.Project\n\n  def project do\n    [app: :my_blog, version: \"0.1.0\", deps: [{:phoenix, \"~> 1.8\"}]]\n  end\nend\n",
);

/// A `package.json` that wants nothing.
pub(crate) const PACKAGE: (&str, &str) = (
    "assets/package.json",
    r#"{"scripts": {"deploy": "node build.js"}}"#,
);

/// Releases with the name of their line, their npm, and whether they were built for arm64.
const RELEASES: [(&str, &str, &str, bool); 12] = [
    ("0.12.18", "", "2.15.11", false),
    ("6.9.2", "Boron", "3.10.9", false),
    ("18.20.8", "Hydrogen", "10.8.2", true),
    ("20.9.0", "Iron", "10.1.0", true),
    ("20.18.0", "Iron", "10.8.2", true),
    ("22.10.0", "", "10.9.0", true),
    ("22.11.0", "Jod", "10.9.0", true),
    ("22.14.0", "Jod", "10.9.2", true),
    ("23.11.0", "", "10.9.2", true),
    ("24.11.0", "Krypton", "11.6.1", true),
    ("26.7.0", "", "", true),
    ("26.8.0", "", "", false),
];

/// Node's releases as of 2026-08-22; with `old` there may be more since.
pub(crate) struct Paper {
    /// Whether what it lacks may have been published since.
    pub(crate) old: bool,
    /// Whether the host is away.
    pub(crate) away: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("away")]
struct Away;

impl Explain for Away {
    fn diagnostic(&self) -> Diagnostic {
        Diagnostic::error("away", Class::Surroundings, "the host is away")
    }
}

impl ListError for Away {}

impl ListSource for Paper {
    fn otp(&self, _: &Target) -> Result<Arc<BuildList>, Box<dyn ListError>> {
        unreachable!("Node needs no Erlang/OTP")
    }

    fn elixir(&self) -> Result<Arc<BuildList>, Box<dyn ListError>> {
        unreachable!("Node needs no Elixir")
    }

    fn node(&self) -> Result<Arc<NodeList>, Box<dyn ListError>> {
        if self.away {
            return Err(Box::new(Away));
        }
        let rows: Vec<String> = RELEASES
            .iter()
            .map(|(version, lts, npm, arm)| {
                let files = if *arm {
                    r#""linux-arm64","linux-x64""#
                } else {
                    r#""linux-x64""#
                };
                let lts = if lts.is_empty() {
                    "false".to_owned()
                } else {
                    format!("{lts:?}")
                };
                format!(r#"{{"version":"v{version}","files":[{files}],"npm":{npm:?},"lts":{lts}}}"#)
            })
            .collect();
        let info = ListInfo {
            tool: Tool::Node,
            provider: "nodejs.example".to_owned(),
            path: "index.json".to_owned(),
            dated: date(2026, 8, 22),
            origin: if self.old {
                ListOrigin::Snapshot
            } else {
                ListOrigin::Live
            },
            current: !self.old,
        };
        Ok(Arc::new(
            NodeList::read(&format!("[{}]", rows.join(",")), info).unwrap(),
        ))
    }

    fn node_sums(
        &self,
        version: &NodeVersion,
    ) -> Result<Arc<BTreeMap<String, Digest>>, Box<dyn ListError>> {
        let file = format!("node-v{version}-linux-x64.tar.gz");
        Ok(Arc::new(BTreeMap::from([(file, Digest::of(b""))])))
    }
}

/// Digests that a release publishes, by address.
#[derive(Default)]
pub(crate) struct Published(pub(crate) BTreeMap<String, BTreeMap<String, Digest>>);

impl ReleaseSums for Published {
    fn sums(&self, url: &str) -> Result<Option<BTreeMap<String, Digest>>, Box<dyn ListError>> {
        Ok(self.0.get(url).cloned())
    }
}

/// How an app is looked at.
pub(crate) struct View {
    /// Whether the list may lack what was published since.
    pub(crate) old: bool,
    /// Whether no list can be had.
    pub(crate) away: bool,
    /// The architecture.
    pub(crate) arch: Arch,
    /// The day.
    pub(crate) today: Date,
    /// Names of config vars that are set.
    pub(crate) config_vars: &'static [&'static str],
    /// What bash says of `node_version` and `release`.
    pub(crate) by_bash: Option<&'static str>,
}

impl Default for View {
    fn default() -> Self {
        Self {
            old: false,
            away: false,
            arch: Arch::Amd64,
            today: date(2026, 9, 1),
            config_vars: &[],
            by_bash: None,
        }
    }
}

impl View {
    /// What is said of a Phoenix app with these files.
    pub(crate) fn check(&self, files: &[(&str, &str)]) -> Checked {
        let files = std::iter::once(&MIX)
            .chain(files)
            .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
            .collect();
        let app = App::of_files(Path::new("/nowhere"), files).value.unwrap();
        let mut evaluated = Evaluated::new();
        for (file, key) in [
            (FILE, "node_version"),
            ("elixir_buildpack.config", "release"),
        ] {
            let value = self.by_bash.map(|value| {
                let value = ConfigValue::Text(value.to_owned());
                (key.to_owned(), Some(value))
            });
            evaluated.insert(file.to_owned(), value.into_iter().collect());
        }
        let config_vars = self
            .config_vars
            .iter()
            .map(|name| ((*name).to_owned(), "true".to_owned()))
            .collect();
        crate::check(
            &app,
            &CheckContext {
                target: &Target::new(stacks::find("24").unwrap(), self.arch).unwrap(),
                lists: &Paper {
                    old: self.old,
                    away: self.away,
                },
                today: self.today,
                config_vars: &config_vars,
                evaluated: &evaluated,
            },
        )
    }
}

/// What is said of a Phoenix app with these files, on the first of September 2026.
pub(crate) fn check(files: &[(&str, &str)]) -> Checked {
    View::default().check(files)
}

/// The codes of all that is said.
pub(crate) fn codes(checked: &Checked) -> Vec<&'static str> {
    checked
        .diagnostics
        .iter()
        .map(|problem| problem.code.0)
        .collect()
}

/// The one thing that is said of these files.
pub(crate) fn the_one(files: &[(&str, &str)]) -> Diagnostic {
    let checked = check(files);
    assert_eq!(checked.diagnostics.len(), 1, "{:?}", checked.diagnostics);
    checked.diagnostics.into_iter().next().unwrap()
}

/// What a diagnostic's helps would write, and in the place of what.
pub(crate) fn edits(problem: &Diagnostic) -> Vec<(String, &str, Applicability)> {
    let edits = problem.helps.iter().flat_map(|help| {
        help.edits.iter().map(|edit| {
            let old = &edit.span.source.text[edit.span.start..edit.span.end];
            (old.to_owned(), edit.new_text.as_str(), help.applicability)
        })
    });
    edits.collect()
}
