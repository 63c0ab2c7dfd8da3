//! An Elixir app, by the packs that are built in.

use super::{Engine, config_vars};
use crate::workspace;

#[test]
fn an_elixir_app_is_deployed_started_and_deployed_again() {
    let Some(place) = workspace() else { return };
    let Some(engine) = Engine::new(&place) else {
        return;
    };
    let app = place.app("hello", "source").unwrap();
    let vars = config_vars(
        &place,
        &[
            ("GREETING", "Ahoy there"),
            ("GIT_REV", "abc123"),
            ("SECRET_KEY_BASE", "one\ntwo hunter2"),
        ],
    );
    engine
        .deploy("hello", &app.path, &vars)
        .ok()
        .says("-----> Elixir app detected")
        .says("       Generated hello app")
        .says("-----> Discovering process types\n")
        .says("       Procfile declares types -> release, web, worker\n")
        .never_says("hunter2");

    let (answer, logs) = engine.web("hello", "/data.json");
    assert!(
        answer.contains("200 OK") && answer.contains("\"Ahoy there\""),
        "{answer}"
    );
    logs.says("Listening")
        .never_says("Compiling")
        .never_says("Generated");

    // By this Dokku knows an image of herokuish, and by that a Cloud Native one.
    let config = engine.podman(&["image", "inspect", "dokku/hello"]).ok();
    config
        .says("\"USER=herokuishuser\"")
        .says("\"User\": \"herokuishuser\"")
        .never_says("io.buildpacks");

    let one_off = |words: &[&str]| engine.dokku(&[&["run", "hello"], words].concat());
    let line = "printf '[%s]' \"$GREETING\" $GLOBAL \"$SECRET_KEY_BASE\" $HOME $(id -un) && elixir --version";
    one_off(&[line])
        .ok()
        .says("[Ahoy there][global][one\ntwo hunter2][/app][herokuishuser]")
        .says("Elixir 1.18.3");
    one_off(&["printf", "[%s]", "a  b", "$HOME"])
        .ok()
        .says("[a  b][$HOME]");
    one_off(&["no-such-program", "x"])
        .exits(127)
        .says("not found");
    // Files of the app, not links out of it.
    one_off(&[
        "find /app -type l -lname '/cache*' | wc -l; ls -A /app/.platform_tools; ls -d /app/.bp",
    ])
    .exits(2)
    .says("0\nelixir\nerlang\n");

    // Another commit that changes one file: what the last build made is in the cache volume.
    engine.dokku(&["destroy-web", "hello"]).ok();
    fs_err::write(vars.join("GIT_REV"), "def456").unwrap();
    let file = fs_err::read_dir(app.path.join("lib/hello"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let text = fs_err::read_to_string(&file).unwrap();
    fs_err::write(&file, format!("{text}\n# changed\n")).unwrap();
    engine
        .deploy("hello", &app.path, &vars)
        .ok()
        .says("Using kept Erlang")
        .says("Compiling 1 file (.ex)")
        .never_says("Fetching app dependencies")
        .never_says("Generated makeup app");
    let (answer, logs) = engine.web("hello", "/data.json");
    assert!(answer.contains("200 OK"), "{answer}");
    logs.never_says("Compiling").never_says("Generated");
    engine.dokku(&["destroy", "hello"]).ok();
}
