//! Packs of scripts: asked for, brought along, failing.

use super::{Engine, config_vars};
use crate::workspace;

#[test]
fn packs_of_scripts_run_in_the_container_as_its_user() {
    let Some(place) = workspace() else { return };
    let Some(mut engine) = Engine::new(&place) else {
        return;
    };
    let app = place.app("plain", "source").unwrap();
    engine.show_packs(&[
        "chain_first",
        "chain_second",
        "release_yaml",
        "fails_compile",
    ]);
    let packs = place.path().join("packs");
    let vars = config_vars(&place, &[("GREETING", "from the config")]);
    app.write(
        ".buildpacks",
        "# both\n/packs/chain_first\n/packs/chain_second\n",
    )
    .unwrap();
    engine
        .deploy("plain", &app.path, &vars)
        .ok()
        .says("-----> Fetching custom buildpack /packs/chain_first\n")
        .says("-----> Chain, second app detected\n")
        .says("-----> second, after: first\n")
        .says("       Default types for Chain, second -> web, worker\n");
    engine
        .dokku(&[
            "run",
            "plain",
            "cat chain.txt; stat -c %U chain.txt; cat Procfile",
        ])
        .ok()
        .says("first\nsecond\nherokuishuser\nweb: echo web of the second\nworker: cat chain.txt\n");
    // One that the image brings along.
    app.remove(".buildpacks").unwrap();
    let pack = packs.join("release_yaml");
    let along = format!("{}:/tmp/buildpacks/01_buildpack-release:ro", pack.display());
    engine.build_options.extend(["--volume".to_owned(), along]);
    engine
        .deploy("plain", &app.path, &vars)
        .ok()
        .says("-----> Release YAML app detected\n");
    engine
        .dokku(&["run", "plain", "/start web; env | grep WEB_C"])
        .ok()
        .says("web of from the config\nWEB_CONCURRENCY=2\n");
    // A build that fails leaves the image as it was.
    fs_err::write(vars.join("BUILDPACK_URL"), "/packs/fails_compile").unwrap();
    engine
        .deploy("plain", &app.path, &vars)
        .exits(1)
        .says("step-failed")
        .says("App build failed");
    engine.dokku(&["destroy", "plain"]).ok();
}
