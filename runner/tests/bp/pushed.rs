//! Images in a real registry: pushed there, read by skopeo, pulled and run by podman.

use testdata::workspace::{Ran, Workspace, run};

use crate::judges::{got_by_podman, installed};
use crate::workspace;

/// Where the world's registry listens.
pub(crate) fn registry() -> String {
    let mirror = std::env::var("BP_REGISTRY_MIRROR").unwrap();
    mirror.split_once("http://").unwrap().1.to_owned()
}

fn skopeo(place: &Workspace, arguments: &[&str]) -> Ran {
    let mut command = std::process::Command::new("skopeo");
    run(command.args(arguments).current_dir(place.path())).ok()
}

/// The last event of a push.
pub(crate) fn pushed(ran: &Ran) -> serde_json::Value {
    let mut lines = ran.stdout.lines().rev();
    let line = lines.find(|line| line.contains("\"pushed\"")).unwrap();
    serde_json::from_str(line).unwrap()
}

#[test]
fn a_pushed_image_is_one_to_others_and_a_change_moves_little() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "pushed").unwrap();
    let name = format!("{}/team/pushed:1", registry());
    let arguments = ["-t", &name, "--push", "--format", "json"];
    let first = pushed(&place.build(&app, &arguments).ok());
    assert_eq!(first["reference"], *name);
    let digest = first["digest"].as_str().unwrap().to_owned();
    // The stack's layers are in the same registry.
    assert!(first["mounted"].as_u64().unwrap() > 0, "{first}");
    if installed("skopeo") {
        let there = format!("docker://{name}");
        skopeo(&place, &["inspect", "--tls-verify=false", &there]).says(&digest);
        let copy = ["--src-tls-verify=false", &there, "dir:copy"];
        // skopeo recomputes every digest while it copies.
        skopeo(
            &place,
            &[&["--insecure-policy", "copy"][..], &copy].concat(),
        );
    }
    let get = ["pull", "--quiet", "--tls-verify=false", &name];
    if let Some((answer, logs)) = got_by_podman(place.path(), &get, "/") {
        assert!(answer.contains("tiny"), "{answer}");
        logs.never_says("Compiling").never_says("Generated");
    }

    let again = pushed(&place.build(&app, &arguments).ok());
    assert_eq!(
        (&again["digest"], &again["bytes"]),
        (&first["digest"], &0.into())
    );

    app.replace("lib/tiny.ex", "\"tiny\")", "\"small\")")
        .unwrap();
    let changed = place.build(&app, &arguments).ok();
    let moved = pushed(&changed);
    assert_ne!(moved["digest"], first["digest"]);
    assert_eq!(moved["uploaded"], 2, "the app's layer and the config");
    let layers = changed
        .stdout
        .lines()
        .filter(|line| line.contains("\"event\":\"layer\""));
    let mut layers = layers.map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let app_layer = layers.rfind(|layer| layer["purpose"] == "app").unwrap();
    let limit = app_layer["size"].as_u64().unwrap() + (10 << 10);
    assert!(
        moved["bytes"].as_u64().unwrap() <= limit,
        "{moved} {app_layer}"
    );

    // Another repository of the registry gets all layers from there, and Docker's names are another digest.
    let other = format!("{}/team/other:1", registry());
    let docker = [
        "push",
        &name,
        &other,
        "--media-types",
        "docker",
        "--format",
        "json",
    ];
    let mounted = pushed(&place.bp(&docker).ok());
    assert_eq!(mounted["uploaded"], 1, "the config: {mounted}");
    assert_ne!(mounted["digest"], moved["digest"]);
    if installed("skopeo") {
        let there = format!("docker://{other}");
        let raw = skopeo(&place, &["inspect", "--raw", "--tls-verify=false", &there]);
        raw.says("application/vnd.docker.distribution.manifest.v2+json")
            .never_says("vnd.oci");
    }
}
