//! What is kept survives everything: kills, crowds, full disks.

use std::process::Stdio;
use std::time::Duration;

use testdata::schema::Schema;
use testdata::workspace::{Ran, Workspace, run};

use crate::{BP, fresh, in_world, is_root, workspace};

#[test]
fn killed_at_any_moment_then_run_again() {
    let Some(place) = fresh() else { return };
    let app = place.app("tiny", "killed").unwrap();
    // While fetching, unpacking, compiling and packing; each goes on from what the one before left.
    for delay in [30, 150, 400, 900, 1600, 2400, 300, 1200] {
        let mut child = place
            .command(&["build", "killed", "-v"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(delay));
        child.kill().unwrap();
        child.wait().unwrap();
        app.write(
            "lib/changing.ex",
            format!("defmodule Changing do\n  def d, do: {delay}\nend\n"),
        )
        .unwrap();
    }
    app.remove("lib/changing.ex").unwrap();
    let survivor = place.build(&app, &[]).ok();
    let other = workspace().unwrap();
    let same = other.app("tiny", "killed").unwrap();
    assert_eq!(
        survivor.digest(),
        other.build(&same, &["--clear-cache"]).digest()
    );
    place.bp(&["run", "killed", "--check"]).ok();
}

#[test]
fn two_builds_of_one_app_at_once() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "crowd").unwrap();
    app.write("lib/crowd.ex", "defmodule Crowd do\nend\n")
        .unwrap();
    let begin = || {
        place
            .command(&["build", "crowd", "-v"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let children = [begin(), begin(), begin()];
    let ran = children.map(|child| Ran::of(&child.wait_with_output().unwrap()));
    let digests = ran.map(|ran| ran.digest());
    assert!(digests.iter().all(|digest| *digest == digests[0]));
}

#[test]
fn a_full_disk_is_said_and_loses_nothing() {
    if !in_world() {
        return;
    }
    if !is_root() {
        println!("skipped: only root can mount a small disk");
        return;
    }
    let place = Workspace::new(BP).unwrap();
    place.app("tiny", "full").unwrap();
    fs_err::create_dir(place.store()).unwrap();
    // A mount of its own, in a namespace that ends with the shell.
    let script = "mount -t tmpfs -o size=64m tmpfs \"$BP_CACHE_DIR\" && \"$0\" build full; echo exit $?; \
                  mount -o remount,size=4g \"$BP_CACHE_DIR\" && \"$0\" build full";
    let environment: Vec<_> = place
        .command(&["build"])
        .get_envs()
        .map(|(n, v)| (n.to_owned(), v.map(ToOwned::to_owned)))
        .collect();
    let mut command = std::process::Command::new("unshare");
    command
        .args(["--mount", "bash", "-c", script, BP])
        .current_dir(place.path());
    command
        .env_clear()
        .envs(environment.into_iter().filter_map(|(n, v)| Some((n, v?))));
    run(&mut command)
        .ok()
        .says("exit 4")
        .says("No space left")
        .says("Built full");
}

#[test]
fn the_store_is_told_measured_and_emptied() {
    let Some(place) = fresh() else { return };
    place
        .bp(&["stack", "list"])
        .ok()
        .says("heroku-26")
        .never_says("heroku/heroku:24  ");
    place
        .bp(&["stack", "pull", "24"])
        .ok()
        .says("heroku/heroku:24-build is sha256:");
    place.bp(&["stack", "list"]).ok().says("heroku/heroku:24  ");
    let app = place.app("tiny", "measured").unwrap();
    let built = place
        .build(&app, &["-o", "oci:layout", "--format", "json"])
        .ok();
    let events = Schema::of_events().lines(&built.stdout);
    assert!(events.len() > 10);
    let is = |event: &str, more: &dyn Fn(&serde_json::Value) -> bool| {
        events.iter().any(|it| it["event"] == event && more(it))
    };
    assert!(
        is("output", &|it| it["stream"] == "stdout"),
        "{}",
        built.stdout
    );
    assert!(is("step", &|it| it["state"] == "finished"
        && it["millis"].is_u64()));
    assert_eq!(events.last().unwrap()["exit"], 0);
    place
        .bp(&["stack", "import", "layout", "example.org/base:1"])
        .ok()
        .says("example.org/base:1 is sha256:");
    place
        .bp(&["cache", "df"])
        .ok()
        .says("blobs")
        .says("together");
    place
        .bp(&["cache", "gc", "--max", "1"])
        .ok()
        .says("Removed");
    place.bp(&["stack", "rm", "24"]).ok();
    place.bp(&["cache", "clear"]).ok().says("Removed");
    place
        .bp(&["run", "measured", "--check"])
        .fails(2, "image-not-kept");
    place.build(&app, &[]).ok();
    place.bp(&["run", "measured", "--check"]).ok();
    place.bp(&["doctor"]).ok().says("namespace");
    place.bp(&["completions", "bash"]).ok().says("complete");
    place
        .bp(&["detect", "measured", "--explain"])
        .ok()
        .says("mix.exs");
}
