//! A cache in a real registry: what one machine made is there for others, and what strangers put there is not used.

use testdata::fake::fault_proxy::FaultProxy;
use testdata::workspace::{App, Workspace, run};

use crate::fresh;
use crate::pushed::{pushed, registry};

fn entries(place: &Workspace, bucket: &str) -> usize {
    let all = fs_err::read_dir(place.store().join(bucket)).unwrap();
    let names = all.map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.len() == 64).count()
}

#[test]
fn an_empty_machine_has_the_same_image_without_running_a_step_and_a_change_fetches_nothing() {
    let Some(first) = fresh() else { return };
    let cache = format!("{}/team/remote:cache", registry());
    let app = first.app("hello", "hello").unwrap();
    let cold = first
        .build(&app, &["--cache-to", &cache])
        .ok()
        .says("Generated makeup_elixir app")
        .says("Remote cache")
        .never_says("warning");

    let second = fresh().unwrap();
    let name = format!("{}/team/mounted:1", registry());
    let app = second.app("hello", "elsewhere/of/hello").unwrap();
    let same = second
        .build(&app, &["--cache-from", &cache, "-t", &name, "--push"])
        .ok()
        .says("Nothing changed")
        // The config: all layers are in other repositories of the registry.
        .says("Blobs: 1 sent, ")
        .never_says("Generated")
        .never_says("warning");
    assert_eq!(same.digest(), cold.digest());
    assert_eq!(entries(&second, "downloads-v1"), 0);
    assert_eq!(entries(&second, "tools-v1"), 0);
    second.bp(&["run", &name, "--check"]).ok();

    let third = fresh().unwrap();
    let app = third.app("hello", "hello").unwrap();
    let change = |app: &App| {
        // A word that no source had: what is compiled of makeup follows from the words of packages alone.
        app.replace("lib/hello/page.ex", ", world", ", zanzibar")
            .unwrap();
    };
    change(&app);
    let both = ["--cache-from", &cache, "--cache-to", &cache];
    let changed = third
        .build(&app, &both)
        .ok()
        .says("Generated hello app")
        .says("Reusing 4 of 4 compiled packages")
        .never_says("Generated makeup")
        .never_says("Fetched ")
        .never_says("warning");
    assert_ne!(changed.digest(), cold.digest());
    assert_eq!(entries(&third, "downloads-v1"), 0);
    let app = first.app("hello", "changed").unwrap();
    change(&app);
    let clean = first.build(&app, &["--clear-cache"]).ok();
    assert_eq!(changed.digest(), clean.digest());
}

#[test]
fn layers_that_the_registry_has_do_not_pass_through_the_machine() {
    let Some(first) = fresh() else { return };
    let wire = FaultProxy::start(&registry()).unwrap();
    // The stack's image is at the same registry.
    let mirror = format!("docker.io=http://{}", wire.host());
    let name = |name: &str| format!("{}/team/{name}", wire.host());
    let build = |place: &Workspace, app: &App, more: &[&str]| {
        let mut command = place.command(&["build", app.path.to_str().unwrap()]);
        command.args(["--format", "json"]).args(more);
        run(command.env("BP_REGISTRY_MIRROR", &mirror)).ok()
    };
    let cache = name("stays:cache");
    let app = first.app("tiny", "tiny").unwrap();
    app.write("note.txt", "an image of its own").unwrap();
    let cold = build(&first, &app, &["--cache-to", &cache]);
    let layers: Vec<String> = (cold.stdout.lines())
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|event| event["event"] == "layer")
        .map(|event| event["digest"].as_str().unwrap().to_owned())
        .collect();
    assert!(layers.len() > 2, "{layers:?}");
    let is_fetched = |requests: &[String], layer: &String| {
        let asked = |line: &String| line.starts_with("GET ") && line.ends_with(layer.as_str());
        requests.iter().any(asked)
    };
    let mounts = |requests: &[String]| {
        let is_mount = |line: &&String| line.starts_with("POST ") && line.contains("?mount=");
        requests.iter().filter(is_mount).count()
    };

    let second = fresh().unwrap();
    let app = second.app("tiny", "elsewhere/of/tiny").unwrap();
    app.write("note.txt", "an image of its own").unwrap();
    wire.requests();
    let tag = name("stayed:1");
    let push = ["--cache-from", &cache, "-t", &tag, "--push"];
    let sent = pushed(&build(&second, &app, &push).says("Nothing changed"));
    let requests = wire.requests();
    assert!(
        !layers.iter().any(|layer| is_fetched(&requests, layer)),
        "{requests:#?}"
    );
    assert_eq!(sent["uploaded"], 1, "the config: {sent}");
    assert_eq!(mounts(&requests) as u64, sent["mounted"].as_u64().unwrap());
    assert_eq!(entries(&second, "blobs-v1/sha256"), 0);
    // What is wanted after all comes from where it was pushed to.
    second.bp(&["run", &tag, "--check"]).ok();
    let requests = wire.requests();
    assert!(
        layers.iter().all(|layer| is_fetched(&requests, layer)),
        "{requests:#?}"
    );

    // Who does not push with the build has them here, and `bp push` still mounts them.
    let third = fresh().unwrap();
    let app = third.app("tiny", "tiny").unwrap();
    app.write("note.txt", "an image of its own").unwrap();
    build(&third, &app, &["--cache-from", &cache]).says("Nothing changed");
    wire.requests();
    let tag = name("later:1");
    let mut command = third.command(&["push", "tiny", &tag, "--format", "json"]);
    let sent = pushed(&run(command.env("BP_REGISTRY_MIRROR", &mirror)).ok());
    let requests = wire.requests();
    assert!(
        !requests
            .iter()
            .any(|line| line.starts_with("GET ") && line.contains("/blobs/"))
    );
    assert_eq!(sent["uploaded"], 1, "{sent}");
    assert_eq!(mounts(&requests) as u64, sent["mounted"].as_u64().unwrap());

    // After a change it is the app's layer and the config.
    let fourth = fresh().unwrap();
    let app = fourth.app("tiny", "tiny").unwrap();
    app.replace("lib/tiny.ex", "Listening", "Listens").unwrap();
    wire.requests();
    let tag = name("changed:1");
    let push = ["--cache-from", &cache, "-t", &tag, "--push"];
    let sent = pushed(&build(&fourth, &app, &push));
    let requests = wire.requests();
    assert_eq!(sent["uploaded"], 2, "{sent}");
    assert!(
        !layers.iter().any(|layer| is_fetched(&requests, layer)),
        "{requests:#?}"
    );
}

#[test]
fn tests_share_what_they_are_compiled_with() {
    let Some(first) = fresh() else { return };
    let cache = format!("{}/team/tests:cache", registry());
    let test = |place: &Workspace, more: &[&str]| {
        let app = place.app("hello", "hello").unwrap();
        let mut command = place.command(&["test", app.path.to_str().unwrap(), "-v"]);
        // Its app.json has config vars for tests.
        run(command
            .args(more)
            .env("BP_CACHE_SECRET", "a secret of all builders"))
    };
    test(&first, &["--cache-to", &cache])
        .ok()
        .says("Generated jiffy app")
        .says("2 tests, 0 failures")
        .says("Remote cache ");
    let second = fresh().unwrap();
    test(&second, &["--cache-from", &cache])
        .ok()
        // What iterates a large map is each tree's own: tests are made in no order of atoms.
        .says("Reusing 3 of 4 compiled packages")
        .says("Generated hello app")
        .says("2 tests, 0 failures")
        .never_says("Generated jiffy app")
        .never_says("Fetched ")
        .never_says("warning");
    assert_eq!(entries(&second, "downloads-v1"), 0);
}

#[test]
fn what_depends_on_config_vars_is_found_by_who_knows_the_secret() {
    const SECRET: &str = "a secret of all builders";
    let Some(first) = fresh() else { return };
    let cache = format!("{}/team/secret:cache", registry());
    let build = |place: &Workspace, secret: &str, more: &[&str]| {
        let app = place.app("tiny", "tiny").unwrap();
        let path = app.path.to_str().unwrap();
        let mut command = place.command(&["build", path, "-e", "GREETING=hello", "-v"]);
        run(command.args(more).env("BP_CACHE_SECRET", secret))
            .ok()
            .never_says(SECRET)
    };
    let cold = build(&first, SECRET, &["--cache-to", &cache]);
    let from = ["--cache-from", cache.as_str()];
    let friend = build(&fresh().unwrap(), SECRET, &from)
        .says("Nothing changed")
        .never_says("warning");
    let none = build(&fresh().unwrap(), "", &from)
        .says("BP_CACHE_SECRET is not set")
        .says("Generated tiny app")
        .never_says("Fetched ");
    let other = build(&fresh().unwrap(), "a secret of other builders", &from)
        .says("warning[remote-cache-refused]")
        .says("Generated tiny app");
    for ran in [friend, none, other] {
        assert_eq!(ran.digest(), cold.digest(), "{}", ran.text);
    }
}
