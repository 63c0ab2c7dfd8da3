//! Built images, started: process types, commands, config vars, signals.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use testdata::workspace::Ran;

use crate::{page, workspace};

#[test]
fn a_process_type_or_a_command_in_the_apps_environment() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "types").unwrap();
    app.write("Procfile", "worker: echo works as $WORD; exit 5\n")
        .unwrap();
    app.write(
        ".profile.d/word.sh",
        "export WORD=${WORD:-profiled} OTHER=other\n",
    )
    .unwrap();
    app.write(
        "app.json",
        r#"{"scripts": {"postdeploy": "mix seed"}, "stack": "heroku-24"}"#,
    )
    .unwrap();
    let built = place
        .build(&app, &["-t", "by-name", "-o", "oci:layout"])
        .ok();
    // The Procfile's types, and the pack's default where it has no web.
    built.says("Process types: web, worker");
    place
        .bp(&["run", "by-name", "worker"])
        .exits(5)
        .says("works as profiled");
    place
        .bp(&["run", "oci:layout", "worker", "--env", "WORD=told"])
        .exits(5)
        .says("works as told");
    place
        .bp(&["run", "by-name", "clock"])
        .fails(2, "no-such-process-type")
        .says("worker");
    place.bp(&["run", "nobody"]).fails(2, "image-not-kept");
    place
        .bp(&[
            "run",
            "by-name",
            "--port",
            "7123",
            "--",
            "bash",
            "-c",
            "echo $PORT $OTHER $(id -u) \"$1\"; exit 9",
            "_",
            "two  words",
        ])
        .exits(9)
        .says("7123 other ")
        .says(" two  words");
    place
        .bp(&["shell", "by-name", "--", "pwd"])
        .ok()
        .says("/app");
    place
        .bp(&["run", "by-name", "--check", "--env", "WORD=checked"])
        .ok()
        .says("status 200, 7 bytes");

    place
        .bp(&["inspect", "by-name"])
        .ok()
        .says("worker")
        .says("heroku-24");
    place.bp(&["inspect"]).ok().says("by-name");
    let json = place.bp(&["inspect", "by-name", "--format", "json"]).ok();
    let image: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let labels = image["config"]["config"]["Labels"].as_object().unwrap();
    assert!(!labels.contains_key("io.buildpacks.stack.id"), "{labels:?}");
    let all = serde_json::to_string(labels).unwrap();
    for word in ["mix seed", "works as $WORD", "heroku-24"] {
        assert!(all.contains(word), "no `{word}` in {all}");
    }
}

#[test]
fn an_app_that_ends_or_never_listens_fails_the_check() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "silent").unwrap();
    app.write("Procfile", "web: echo goodbye\nsleepy: sleep 60\n")
        .unwrap();
    place.build(&app, &[]).ok();
    place
        .bp(&["run", "silent", "--check"])
        .fails(1, "app-ended")
        .says("it said last: goodbye");
    place
        .bp(&["run", "silent", "sleepy", "--check", "--wait", "1"])
        .fails(1, "no-page")
        .says("`sleepy` listens on no port");
}

#[test]
fn an_interrupt_stops_the_app_and_leaves_no_process() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "stopped").unwrap();
    place.build(&app, &[]).ok();
    let port = page::free_port();
    let port_text = port.to_string();
    let words = ["run", "stopped", "--port", &port_text, "--env", "WORD=up"];
    let mut child = (place.command_to_interrupt(&words))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap();
    let answer = page::get(port, "/", Instant::now() + Duration::from_mins(1));
    let group = Pid::from_child(&child);
    kill_process_group(group, Signal::INT).unwrap();
    // The stream ends when the last process that could write to it has ended.
    let mut said = String::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        said += &line.unwrap();
    }
    let ended = child.wait_with_output().unwrap();
    assert!(answer.unwrap().contains("up"));
    assert_ne!(Ran::of(&ended).code, 0, "{said}");
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
}
