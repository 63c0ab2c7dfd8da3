//! The app's files, read once, as data with places.

mod app_json;
mod lines;
mod procfile;
mod text;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diagnostic::{Class, Diagnostic, Outcome, Source, Sourced};

/// The files that say how an app is built, below its folder.
const FILES: [&str; 10] = [
    ".buildpacks",
    ".tool-versions",
    "Procfile",
    "app.json",
    "assets/package.json",
    "elixir_buildpack.config",
    "mix.exs",
    "mix.lock",
    "package.json",
    "phoenix_static_buildpack.config",
];

/// An app folder, read.
#[derive(Debug, Clone)]
pub struct App {
    root: PathBuf,
    sources: BTreeMap<String, Arc<Source>>,
    /// What `Procfile` declares; empty without the file.
    pub procfile: Procfile,
    /// What `app.json` declares; empty without the file.
    pub app_json: AppJson,
    /// The last line of each tool in `.tool-versions`.
    pub tool_versions: BTreeMap<String, Sourced<String>>,
    /// Pack addresses of `.buildpacks`, in order, as written.
    pub buildpacks: Vec<Sourced<String>>,
}

/// The process types of a `Procfile`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Procfile {
    /// Command by process type.
    pub processes: BTreeMap<String, Sourced<String>>,
}

/// What matters to a build in an `app.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AppJson {
    /// `stack`.
    pub stack: Option<Sourced<String>>,
    /// `scripts`: command by name, such as `postdeploy` or `dokku.predeploy`.
    pub scripts: BTreeMap<String, Sourced<String>>,
    /// `environments`: their scripts by environment and name.
    pub environments: BTreeMap<String, BTreeMap<String, Sourced<String>>>,
    /// `buildpacks[].url`, in order.
    pub buildpacks: Vec<Sourced<String>>,
    /// `env`, by name.
    pub env: BTreeMap<String, EnvEntry>,
}

/// One config var that an `app.json` declares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnvEntry {
    /// The value it has unless one is set.
    pub value: Option<Sourced<String>>,
    /// Whether the app needs it; yes, unless said otherwise.
    pub required: bool,
    /// Whether a secret is to be generated for it.
    pub generated: bool,
}

impl App {
    /// Reads the app at `root`: fails where that is no readable folder, and collects what is wrong with its files.
    pub fn read(root: &Path) -> Outcome<Self> {
        let mut diagnostics = Vec::new();
        if let Err(problem) = check_folder(root) {
            return Outcome {
                value: None,
                diagnostics: vec![*problem],
            };
        }
        let mut sources = BTreeMap::new();
        for name in FILES {
            if let Some(source) = text::read(root, name, &mut diagnostics) {
                sources.insert(name.to_owned(), source);
            }
        }
        let source = |name: &str| sources.get(name);
        let procfile = source("Procfile").map_or_else(Procfile::default, |source| {
            procfile::parse(source, &mut diagnostics)
        });
        let app_json = source("app.json").map_or_else(AppJson::default, |source| {
            app_json::parse(source, &mut diagnostics)
        });
        let tool_versions = source(".tool-versions").map_or_else(BTreeMap::new, lines::tools);
        let buildpacks = source(".buildpacks").map_or_else(Vec::new, lines::entries);
        Outcome {
            value: Some(Self {
                root: root.to_owned(),
                procfile,
                app_json,
                tool_versions,
                buildpacks,
                sources,
            }),
            diagnostics,
        }
    }

    /// The app folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether there is a file, folder or link at `path`, relative to the root.
    pub fn has(&self, path: &str) -> bool {
        self.root.join(path).symlink_metadata().is_ok()
    }

    /// The text of a file that was read, by its path relative to the root.
    pub fn source(&self, path: &str) -> Option<Arc<Source>> {
        self.sources.get(path).cloned()
    }
}

fn check_folder(root: &Path) -> Result<(), Box<Diagnostic>> {
    let shown = root.display();
    let problem = |what: String| Diagnostic::error("app-folder", Class::Usage, what);
    match fs_err::read_dir(root) {
        Ok(_) => Ok(()),
        Err(error) => Err(Box::new(match error.kind() {
            io::ErrorKind::NotFound => problem(format!("there is no folder `{shown}`"))
                .help("name the app's folder, or change into it"),
            io::ErrorKind::NotADirectory => problem(format!("`{shown}` is not a folder"))
                .help("name the folder that holds the app's `mix.exs`"),
            _ => problem(format!("the folder `{shown}` cannot be read: {error}"))
                .help("make it readable for the user who builds"),
        })),
    }
}

#[cfg(test)]
mod tests;
