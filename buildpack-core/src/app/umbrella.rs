//! The applications of an umbrella: the folders below `apps_path` that hold a `mix.exs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::asset_folders::{self, folder_inside};
use super::package_json::{self, PackageJson};
use super::{ConfigExs, MixExs, Read, STATIC_CONFIG, elixir_config, mix_exs};
use crate::diagnostic::{Diagnostic, Source};

/// More folders than this are not looked at.
const MOST: usize = 1000;

/// One application of an umbrella.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildApp {
    /// Its folder below the app's: `apps/shop_web`.
    pub path: String,
    /// What its `mix.exs` declares.
    pub mix_exs: MixExs,
    /// Each `package.json` of its assets, the likeliest first.
    pub package_jsons: Vec<PackageJson>,
    /// What its own configuration files say, as [`super::App::configs`]. Most umbrellas have them at their root alone.
    pub configs: Vec<ConfigExs>,
}

/// Names of the folders below a path.
pub(super) type Folders<'f> = dyn Fn(&str) -> Vec<String> + 'f;

/// Reads the applications of the umbrella that `root` is the `mix.exs` of, in the order of their names; none if it is
/// none. The files that are read become part of `sources`.
pub(super) fn children(
    root: &MixExs,
    sources: &mut BTreeMap<String, Arc<Source>>,
    read: &Read<'_>,
    folders: &Folders<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<ChildApp> {
    let Some(apps) = apps_path(root) else {
        return Vec::new();
    };
    let wanted = |name: &String| root.apps.as_ref().is_none_or(|apps| apps.contains(name));
    let names = folders(&apps).into_iter().filter(wanted).take(MOST);
    let paths: Vec<_> = names.map(|name| join(&apps, &name)).collect();
    let config = sources.get(STATIC_CONFIG).cloned();
    let mut found = Vec::new();
    for path in paths {
        let mut get = |name: &str| {
            let name = join(&path, name);
            // What was read before was complained of before.
            let mut heard = Vec::new();
            let (source, complaints) = match sources.get(&name) {
                Some(source) => (Arc::clone(source), &mut heard),
                None => (read(&name, diagnostics)?, &mut *diagnostics),
            };
            let value = if name.ends_with("/package.json") {
                Some(package_json::parse(&source, complaints))
            } else {
                None
            };
            sources.insert(name, Arc::clone(&source));
            Some((source, value))
        };
        let Some((mix, _)) = get("mix.exs") else {
            continue;
        };
        let package_jsons = asset_folders::of_child(config.as_ref())
            .into_iter()
            .filter_map(|folder| get(&join(&folder, "package.json"))?.1)
            .collect();
        let configs = elixir_config::PATHS
            .into_iter()
            .filter_map(|name| Some(elixir_config::parse(&join(&path, name), &get(name)?.0)))
            .collect();
        found.push(ChildApp {
            mix_exs: mix_exs::parse(&mix),
            package_jsons,
            configs,
            path,
        });
    }
    found
}

/// The folder of an umbrella's applications; `apps` where only Elixir could tell. None if it is no umbrella, or leads out
/// of the app.
fn apps_path(root: &MixExs) -> Option<String> {
    let path = match &root.apps_path {
        Some(path) => folder_inside(&path.value)?,
        None => root.umbrella.then(|| "apps".to_owned())?,
    };
    (!path.is_empty()).then_some(path)
}

fn join(above: &str, below: &str) -> String {
    if above.is_empty() {
        below.to_owned()
    } else {
        format!("{above}/{below}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::App;
    use super::*;

    const ROOT: (&str, &str) = ("mix.exs", "def project do [apps_path: \"apps\"] end");
    const CHILD: &str = "def project do [app: :x] end";

    fn app(files: &[(&str, &str)]) -> (App, Vec<Diagnostic>) {
        let files = files
            .iter()
            .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
            .collect();
        let outcome = App::of_files("app".as_ref(), files);
        (outcome.value.unwrap(), outcome.diagnostics)
    }

    fn paths(app: &App) -> Vec<&str> {
        app.children.iter().map(|child| &*child.path).collect()
    }

    #[test]
    fn every_folder_with_a_mix_file_is_one() {
        let (app, diagnostics) = app(&[
            ROOT,
            ("apps/shop/mix.exs", CHILD),
            ("apps/web/mix.exs", CHILD),
            (
                "apps/web/assets/package.json",
                "{\"engines\": {\"node\": \"22\"}}",
            ),
            (
                "apps/web/config/config.exs",
                "config :esbuild, version: \"0.25.0\"",
            ),
            ("apps/notes/README.md", ""),
            ("apps/README.md", ""),
            ("other/web/mix.exs", CHILD),
        ]);
        assert_eq!(diagnostics, []);
        assert_eq!(paths(&app), ["apps/shop", "apps/web"]);
        let web = &app.children[1];
        assert_eq!(web.mix_exs.app.as_ref().unwrap().value, "x");
        assert_eq!(web.package_jsons[0].path, "apps/web/assets/package.json");
        assert_eq!(web.configs[0].path, "apps/web/config/config.exs");
        assert!(web.configs[0].esbuild_version.is_some());
        assert!(app.source("apps/web/mix.exs").is_some());
        assert_eq!(app.declared[0].value.value, "22");
    }

    #[test]
    fn a_file_that_is_no_json_is_said_once_and_asked_for_once() {
        let files = |config: &'static str, json: &'static str| {
            [
                ROOT,
                (STATIC_CONFIG, config),
                ("apps/web/mix.exs", CHILD),
                ("apps/web/front/package.json", json),
            ]
        };
        let config = "phoenix_relative_path=apps/web\nassets_path=front\n";
        let (broken, diagnostics) = app(&files(config, "{"));
        assert_eq!(diagnostics.len(), 1, "{diagnostics:?}");
        assert_eq!(broken.package_jsons, broken.children[0].package_jsons);
        let (app, _) = app(&files(config, "{\"engines\": {\"node\": \"22\"}}"));
        assert_eq!(app.declared.len(), 1);
    }

    #[test]
    fn the_mix_file_says_where_they_are_and_which_of_them_count() {
        let mix = |text: &'static str| {
            let (app, _) = app(&[
                ("mix.exs", text),
                ("apps/a/mix.exs", CHILD),
                ("apps/b/mix.exs", CHILD),
                ("parts/c/mix.exs", CHILD),
            ]);
            paths(&app).join(" ")
        };
        assert_eq!(
            mix("def project do [apps_path: \"./parts/\"] end"),
            "parts/c"
        );
        assert_eq!(
            mix("def project do [apps_path: where()] end"),
            "apps/a apps/b"
        );
        assert_eq!(
            mix("def project do [apps_path: \"apps\", apps: [:b]] end"),
            "apps/b"
        );
        assert_eq!(mix("def project do [apps_path: \"..\"] end"), "");
        assert_eq!(mix("def project do [app: :one] end"), "");
    }

    #[test]
    fn folders_on_disk_are_found_and_links_out_of_the_app_are_not_followed() {
        let desk = tempfile::tempdir().unwrap();
        let root = desk.path().join("app");
        for (folder, text) in [
            ("app", ROOT.1),
            ("app/apps/b", CHILD),
            ("app/apps/a", CHILD),
        ] {
            let folder = desk.path().join(folder);
            fs_err::create_dir_all(&folder).unwrap();
            fs_err::write(folder.join("mix.exs"), text).unwrap();
        }
        let outside = desk.path().join("outside/c");
        fs_err::create_dir_all(&outside).unwrap();
        fs_err::write(outside.join("mix.exs"), CHILD).unwrap();
        assert_eq!(
            paths(&App::read(&root).value.unwrap()),
            ["apps/a", "apps/b"]
        );
        fs_err::remove_dir_all(root.join("apps")).unwrap();
        std::os::unix::fs::symlink(desk.path().join("outside"), root.join("apps")).unwrap();
        assert_eq!(paths(&App::read(&root).value.unwrap()), Vec::<&str>::new());
    }
}
