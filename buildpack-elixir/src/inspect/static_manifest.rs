//! Whether the manifest of digested static files is where the configuration says.

use std::path::PathBuf;

use buildpack_core::app::StaticManifest;
use buildpack_core::pack::{Finding, Made};

use super::{Output, entries};

/// Manifests that are named and not there, each once.
pub(crate) fn missing(made: &Made<'_>, output: Output<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    let mut seen = Vec::new();
    let children = made.app.children.iter();
    let of_children = children.flat_map(|child| &child.configs);
    let configs = made.app.configs.iter().chain(of_children);
    for manifest in configs.flat_map(|config| &config.static_manifests) {
        let key = (&manifest.application, &manifest.path.value);
        if seen.contains(&key) || is_there(manifest, made, output) {
            continue;
        }
        seen.push(key);
        findings.push(Finding::StaticManifestMissing {
            application: manifest.application.clone(),
            path: manifest.path.value.clone(),
            named_at: manifest.path.origin.to_string(),
        });
    }
    findings
}

fn is_there(manifest: &StaticManifest, made: &Made<'_>, output: Output<'_>) -> bool {
    let names: Vec<&String> = match &manifest.application {
        Some(name) => vec![name],
        // It stands for one of them; which, only Elixir can tell.
        None => made.built.applications.iter().collect(),
    };
    let mut folders = names.iter().flat_map(|name| folders(name, made, output));
    // Of an application that was not compiled the configuration means nothing.
    let compiled = names
        .iter()
        .any(|name| made.built.applications.contains(*name));
    !compiled || folders.any(|folder| folder.join(&manifest.path.value).is_file())
}

/// The folders of an application in what the image runs.
fn folders(name: &str, made: &Made<'_>, output: Output<'_>) -> Vec<PathBuf> {
    if !output.releases {
        return vec![output.lib(made.tree).join(name)];
    }
    let build = made.tree.join("_build").join(output.mix_env);
    let releases = made.built.releases.iter();
    let libraries = releases.map(|release| build.join("rel").join(release).join("lib"));
    let versioned = format!("{name}-");
    libraries
        .flat_map(|library| entries(&library))
        .filter(|folder| {
            let name = folder.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with(&versioned))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::os::unix::fs::symlink;

    use buildpack_core::app::App;
    use buildpack_core::pack::Built;

    use super::*;

    const CONFIG: &str = "config :shop, ShopWeb.Endpoint, cache_static_manifest: \"priv/static/m.json\"\n\
                          config :other, cache_static_manifest: \"priv/static/m.json\"\n";

    fn found(tree: &std::path::Path, releases: bool) -> Vec<Finding> {
        let app = App::read(tree).value.unwrap();
        let built = Built {
            applications: ["shop".to_owned()].into(),
            releases: vec!["all".to_owned()],
            ..Built::default()
        };
        let made = Made {
            app: &app,
            tree,
            built: &built,
            processes: &BTreeMap::new(),
            tools: &BTreeMap::new(),
        };
        let mix_env = "prod";
        missing(&made, Output { mix_env, releases })
    }

    #[test]
    fn it_is_looked_for_where_the_running_app_does() {
        let folder = tempfile::tempdir().unwrap();
        let tree = folder.path();
        let write = |path: &str, text: &str| {
            testdata::tree::write(tree, path, text);
        };
        write("config/prod.exs", CONFIG);
        write("_build/prod/lib/shop/ebin/shop.app", "");
        let told = found(tree, false);
        let text = told[0].diagnostic().message;
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(text.contains("`config/prod.exs:1:"), "{text}");
        // Mix links the app's own folder.
        write("priv/static/m.json", "{}");
        symlink("../../../../priv", tree.join("_build/prod/lib/shop/priv")).unwrap();
        assert_eq!(found(tree, false), []);
        assert_eq!(found(tree, true).len(), 1);
        write(
            "_build/prod/rel/all/lib/shop-0.1.0/priv/static/m.json",
            "{}",
        );
        assert_eq!(found(tree, true), []);
    }
}
