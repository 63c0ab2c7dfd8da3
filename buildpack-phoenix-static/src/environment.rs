//! Variables of the steps, and of the running app.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use buildpack_core::lists::NPM_REGISTRY;
use buildpack_core::pack::Upstreams;
use buildpack_core::plan::CacheFolder;

use crate::assets::AssetsApp;
use crate::package_manager::{Manager, below};

/// Where package managers keep what they download.
const CACHE: &str = "/tmp/bp-cache";

/// Adds what the package manager of `app`, in this version, keeps: apps that share one share what it keeps. `installs` are
/// the steps that use it, by folder.
pub(crate) fn add_cache(
    caches: &mut Vec<CacheFolder>,
    app: &AssetsApp<'_>,
    version: &str,
    installs: &BTreeMap<String, String>,
) {
    let (Some(chosen), Some(package)) = (&app.manager, app.package) else {
        return;
    };
    let id = match chosen.manager {
        Manager::YarnBerry => "yarn-berry",
        other => other.program(),
    };
    let lock = chosen.lock.as_ref().map(|lock| lock.path.clone());
    let files = std::iter::once(package.path.clone()).chain(lock);
    let step = installs.get(&chosen.root).cloned();
    if let Some(shared) = caches.iter_mut().find(|cache| cache.id == id) {
        shared.files.extend(files);
        shared.steps.extend(step);
        return;
    }
    caches.push(CacheFolder {
        id: id.to_owned(),
        key: BTreeMap::from([(id.to_owned(), version.to_owned())]),
        files: files.collect(),
        place: format!("{CACHE}/{id}"),
        steps: step.into_iter().collect(),
    });
}

/// Variables of every step: nothing asks the network for more than packages, and what is downloaded is kept outside of
/// the app's folder. `npm_major` is the line of npm that is taken, `node` the folder of Node.
pub(crate) fn build(manager: Manager, npm_major: u64, node: &str) -> BTreeMap<String, String> {
    let folder = |name: &str| format!("{CACHE}/{name}");
    let mut env: Vec<(&str, String)> = vec![
        ("npm_config_cache", folder("npm")),
        ("npm_config_audit", "false".to_owned()),
        ("npm_config_fund", "false".to_owned()),
        ("npm_config_update_notifier", "false".to_owned()),
    ];
    // What is compiled for Node finds its headers in its archive; node-gyp would fetch them. npm 11 warns of settings that
    // it does not know, and brings a node-gyp that has a name of its own for it.
    let headers = match manager {
        Manager::Npm if npm_major >= 11 => "npm_package_config_node_gyp_nodedir",
        _ => "npm_config_nodedir",
    };
    env.push((headers, node.to_owned()));
    match manager {
        // Without any, npm 6 fails at its end: it takes the last of none away.
        Manager::Npm => {
            let logs = if npm_major < 7 { "1" } else { "0" };
            env.push(("npm_config_logs_max", logs.to_owned()));
        }
        Manager::YarnClassic => env.push(("YARN_CACHE_FOLDER", folder("yarn"))),
        Manager::YarnBerry => {
            env.push(("YARN_GLOBAL_FOLDER", folder("yarn-berry")));
            // Plug'n'Play reads packages where they are kept, in later steps and in the running app, too.
            env.push(("YARN_ENABLE_GLOBAL_CACHE", "false".to_owned()));
            env.push(("YARN_ENABLE_TELEMETRY", "0".to_owned()));
        }
        Manager::Pnpm => {
            env.push(("npm_config_store_dir", folder("pnpm/store")));
            env.push(("npm_config_cache_dir", folder("pnpm/cache")));
            env.push(("npm_config_state_dir", folder("pnpm/state")));
            env.push(("PNPM_HOME", folder("pnpm/home")));
            // The version was chosen; pnpm would fetch the one of `packageManager` by itself.
            env.push((
                "npm_config_manage_package_manager_versions",
                "false".to_owned(),
            ));
        }
    }
    env.into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Variables that say where packages come from, where that is not the public registry.
pub(crate) fn addresses(upstreams: &Upstreams) -> BTreeMap<String, String> {
    let registry = &upstreams.npm_registry;
    if registry == NPM_REGISTRY {
        return BTreeMap::new();
    }
    ["npm_config_registry", "YARN_NPM_REGISTRY_SERVER"]
        .map(|name| (name.to_owned(), registry.clone()))
        .into()
}

/// Folders that the build's `PATH` has before Node's own programs and behind them.
pub(crate) fn path(app_dir: &str, apps: &[AssetsApp<'_>]) -> Vec<String> {
    let mut folders: Vec<&str> = Vec::new();
    for app in apps.iter().filter(|app| app.package.is_some()) {
        folders.push(&app.assets_dir);
        folders.extend(app.manager.as_ref().map(|manager| manager.root.as_str()));
    }
    let mut seen = BTreeSet::new();
    folders.retain(|folder| seen.insert(*folder));
    let modules = folders
        .iter()
        .map(|folder| format!("{app_dir}/{}", below(folder, "node_modules/.bin")));
    [
        format!("{app_dir}/{}", crate::manager_tool::BIN),
        format!("{app_dir}/.heroku/node/bin"),
    ]
    .into_iter()
    .chain(modules)
    .collect()
}

/// The script that lets the running app find Node and the packages' programs, where they are in the image.
pub(crate) fn profile_paths(app_dir: &str, apps: &[AssetsApp<'_>]) -> (String, String) {
    let mut build = path(app_dir, apps).into_iter();
    let mut folders: Vec<String> = build.by_ref().take(2).collect();
    // As the bash packs have it.
    folders.push(format!("{app_dir}/bin"));
    folders.extend(build);
    folders.dedup();
    let mut script = String::new();
    for folder in folders.iter().rev() {
        let _ = writeln!(
            script,
            "case \":$PATH:\" in *\":{folder}:\"*) ;; *) export PATH=\"{folder}:$PATH\" ;; esac"
        );
    }
    ("phoenix_static_buildpack_paths.sh".to_owned(), script)
}

/// The script that lets a release start its web server: `config/runtime.exs` of Phoenix asks for the variable.
pub(crate) fn profile_server() -> (String, String) {
    (
        "phoenix_static_buildpack_env.sh".to_owned(),
        "export PHX_SERVER=\"${PHX_SERVER:-true}\"\n".to_owned(),
    )
}
