//! The app's files, read once, as data with places.

mod app_json;
mod asset_folders;
mod config_file;
mod declared;
mod elixir_config;
mod elixir_module;
mod json;
mod lines;
mod mix_exs;
mod mix_lock;
mod package_json;
mod procfile;
mod slugignore;
mod step_secrets;
mod text;
mod umbrella;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diagnostic::{Class, Diagnostic, Outcome, Source, Sourced, Span};

pub use asset_folders::folder_inside;
pub use config_file::{ConfigFile, ConfigValue};
pub use declared::{Declared, VersionFile};
pub use elixir_config::{ConfigExs, EnvRead, StaticManifest};
pub use mix_exs::{Alias, MixDep, MixExs, Unread};
pub use mix_lock::{HexLock, HexRequirement, LockSource, LockedPackage, MixLock};
pub use package_json::PackageJson;
pub use slugignore::{SlugIgnore, glob_whole};
pub use umbrella::ChildApp;

/// The files that say how an app is built, below its folder.
const FILES: [&str; 16] = [
    ".buildpacks",
    ".elixir-version",
    ".erlang-version",
    ".mise.toml",
    ".node-version",
    ".nvmrc",
    ".tool-versions",
    "Procfile",
    "app.json",
    step_secrets::FILE,
    "buildpacks.lock",
    "elixir_buildpack.config",
    "mise.toml",
    "mix.exs",
    "mix.lock",
    STATIC_CONFIG,
];

/// The file that may say where the assets are.
const STATIC_CONFIG: &str = "phoenix_static_buildpack.config";

/// An app folder, read.
#[derive(Debug, Clone)]
pub struct App {
    root: PathBuf,
    sources: BTreeMap<String, Arc<Source>>,
    /// What `Procfile` declares; empty without the file.
    pub procfile: Procfile,
    /// What `app.json` declares; empty without the file.
    pub app_json: AppJson,
    /// The versions that files of version managers and of npm ask for, of one tool in the order in which they count.
    pub declared: Vec<Declared>,
    /// Pack addresses of `.buildpacks`, in order, as written.
    pub buildpacks: Vec<Sourced<String>>,
    /// Each `package.json` of the app's assets, the likeliest first; those of an umbrella's applications are with them, in
    /// [`Self::children`].
    pub package_jsons: Vec<PackageJson>,
    /// What `mix.exs` declares; none without the file.
    pub mix_exs: Option<MixExs>,
    /// The applications of an umbrella, in the order of their names.
    pub children: Vec<ChildApp>,
    /// What `mix.lock` holds; none without the file.
    pub mix_lock: Option<MixLock>,
    /// Names of secrets by the id of the step that is to see them, from the app's `bp.toml`.
    pub step_secrets: BTreeMap<String, Sourced<Vec<String>>>,
    /// What the files of `config/` say that a production build or start evaluates, in the order of their names.
    pub configs: Vec<ConfigExs>,
}

/// The process types of a `Procfile`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Procfile {
    /// Command by process type.
    pub processes: BTreeMap<String, Sourced<String>>,
}

/// Which line counts where a `Procfile` names a process type twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeated {
    /// The first, as herokuish has it, whose readers stop there: of a merge conflict, the side above.
    First,
    /// The last, as everywhere else.
    Last,
}

/// What matters to a build in an `app.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AppJson {
    /// `stack`.
    pub stack: Option<Sourced<String>>,
    /// `scripts`: command by name, such as `postdeploy` or `dokku.predeploy`.
    pub scripts: BTreeMap<String, Sourced<String>>,
    /// `environments`, by name: what of the rest is different in them.
    pub environments: BTreeMap<String, Environment>,
    /// `buildpacks[].url`, in order.
    pub buildpacks: Vec<Sourced<String>>,
    /// `env`, by name.
    pub env: BTreeMap<String, EnvEntry>,
}

/// One of the `environments` of an `app.json`. What it says of a key counts in the place of all that the file says of it
/// outside (Heroku CI).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// `scripts`: command by name; none where it says nothing of scripts.
    pub scripts: Option<BTreeMap<String, Sourced<String>>>,
    /// `buildpacks[].url`, in order; none where it says nothing of packs.
    pub buildpacks: Option<Vec<Sourced<String>>>,
    /// `env`, by name.
    pub env: BTreeMap<String, EnvEntry>,
}

impl AppJson {
    /// What counts when the app is tested: `environments.test`.
    pub fn tests(&self) -> Option<&Environment> {
        self.environments.get("test")
    }

    /// A script that counts when the app is tested, such as `test-setup`; none where it is blank.
    pub fn test_script(&self, name: &str) -> Option<&Sourced<String>> {
        let own = self.tests().and_then(|tests| tests.scripts.as_ref());
        let script = own.unwrap_or(&self.scripts).get(name)?;
        Some(script).filter(|script| !script.value.trim().is_empty())
    }
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
    /// Where it is declared.
    pub at: Option<Span>,
}

impl App {
    /// Reads the app at `root`: fails where that is no readable folder, and collects what is wrong with its files.
    pub fn read(root: &Path) -> Outcome<Self> {
        if let Err(problem) = check_folder(root) {
            return Outcome {
                value: None,
                diagnostics: vec![*problem],
            };
        }
        let read = |name: &str, diagnostics: &mut Vec<_>| text::read(root, name, diagnostics);
        Self::parse(root, &read, &|path| text::folders(root, path))
    }

    /// The app whose files have been read already: their bytes by path below `root`. Those that say nothing about a
    /// build are passed over.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "whoever has read the files has no more use for them"
    )]
    pub fn of_files(root: &Path, files: BTreeMap<String, Vec<u8>>) -> Outcome<Self> {
        let read = |name: &str, diagnostics: &mut Vec<_>| {
            Some(text::source(name, files.get(name)?.clone(), diagnostics))
        };
        let folders = |path: &str| {
            let below = |name: &String| {
                let rest = name.strip_prefix(path)?.strip_prefix('/')?;
                Some(rest.split_once('/')?.0.to_owned())
            };
            let names: BTreeSet<String> = files.keys().filter_map(below).collect();
            names.into_iter().collect()
        };
        Self::parse(root, &read, &folders)
    }

    fn parse(root: &Path, read: &Read<'_>, folders: &umbrella::Folders<'_>) -> Outcome<Self> {
        let mut diagnostics = Vec::new();
        let mut sources: BTreeMap<String, Arc<Source>> = BTreeMap::new();
        for name in names() {
            if let Some(source) = read(name, &mut diagnostics) {
                sources.insert(name.to_owned(), source);
            }
        }
        let mut package_jsons = Vec::new();
        for folder in asset_folders::folders(sources.get(STATIC_CONFIG)) {
            let path = match folder.as_str() {
                "" => "package.json".to_owned(),
                folder => format!("{folder}/package.json"),
            };
            if let Some(source) = read(&path, &mut diagnostics) {
                package_jsons.push(package_json::parse(&source, &mut diagnostics));
                sources.insert(path, source);
            }
        }
        let mix_exs = sources.get("mix.exs").map(mix_exs::parse);
        let children = mix_exs.as_ref().map_or_else(Vec::new, |root| {
            umbrella::children(root, &mut sources, read, folders, &mut diagnostics)
        });
        let source = |name: &str| sources.get(name);
        let procfile = source("Procfile").map_or_else(Procfile::default, |source| {
            procfile::parse(source, Repeated::Last, &mut diagnostics)
        });
        let app_json = source("app.json").map_or_else(AppJson::default, |source| {
            app_json::parse(source, &mut diagnostics)
        });
        let step_secrets = source(step_secrets::FILE).map_or_else(BTreeMap::new, |source| {
            step_secrets::parse(source, &mut diagnostics)
        });
        let buildpacks = source(".buildpacks").map_or_else(Vec::new, lines::entries);
        let mix_lock = source("mix.lock").map(|source| mix_lock::parse(source, &mut diagnostics));
        let configs = elixir_config::PATHS
            .into_iter()
            .filter_map(|path| Some(elixir_config::parse(path, source(path)?)))
            .collect();
        let packages: Vec<_> = each_package(&package_jsons, &children).collect();
        let declared = declared::declared(&source, &packages, &mut diagnostics);
        Outcome {
            value: Some(Self {
                root: root.to_owned(),
                procfile,
                app_json,
                declared,
                buildpacks,
                package_jsons,
                mix_exs,
                children,
                mix_lock,
                step_secrets,
                configs,
                sources,
            }),
            diagnostics,
        }
    }

    /// Each `package.json` of assets: the app's own, then those of an umbrella's applications.
    pub fn every_package_json(&self) -> impl Iterator<Item = &PackageJson> {
        each_package(&self.package_jsons, &self.children)
    }

    /// The app folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether there is a file, folder or link at `path`, relative to the root, or a file that was given.
    pub fn has(&self, path: &str) -> bool {
        self.sources.contains_key(path) || self.root.join(path).symlink_metadata().is_ok()
    }

    /// The first lines of a file below the root, 4 KiB at most, for what a lock file's head tells of it; none where there
    /// is no such file, where it is a link out of the app, or where it is no text.
    pub fn head(&self, path: &str) -> Option<String> {
        text::head(&self.root, path)
    }

    /// Paths of the files that were read, relative to the root.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.sources.keys().map(String::as_str)
    }

    /// The text of a file that was read, by its path relative to the root.
    pub fn source(&self, path: &str) -> Option<Arc<Source>> {
        self.sources.get(path).cloned()
    }
}

/// Each `package.json` once, though the config may name one of an umbrella's application.
fn each_package<'p>(
    own: &'p [PackageJson],
    children: &'p [ChildApp],
) -> impl Iterator<Item = &'p PackageJson> {
    let named = |path: &str| own.iter().any(|package| package.path == path);
    let of_children = children.iter().flat_map(|child| &child.package_jsons);
    own.iter()
        .chain(of_children.filter(move |package| !named(&package.path)))
}

/// Gives a file's text, by its path below the app.
type Read<'r> = dyn Fn(&str, &mut Vec<Diagnostic>) -> Option<Arc<Source>> + 'r;

fn names() -> impl Iterator<Item = &'static str> {
    FILES.into_iter().chain(elixir_config::PATHS)
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
mod bad_input;
#[cfg(test)]
mod tests;
