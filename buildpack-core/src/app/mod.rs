//! The app's files, read once, as data with places.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diagnostic::{Outcome, Source, Sourced};

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
        let _ = root;
        unimplemented!()
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
