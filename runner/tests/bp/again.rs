//! The same app built again: unchanged, with one line changed, with files gone.

use std::time::{Duration, SystemTime};

use testdata::workspace::Ran;

use crate::workspace;

/// Names and short digests of the layers that a build made; `kept` ones are not in its output as `made`.
fn made(ran: &Ran) -> Vec<String> {
    ran.text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("layer "))
        .filter(|line| line.contains(" made, "))
        .map(|line| line.split(':').next().unwrap().to_owned())
        .collect()
}

#[test]
fn nothing_runs_where_nothing_changed() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "again").unwrap();
    app.write("lib/one.ex", "defmodule One do\nend\n").unwrap();
    let cold = place.build(&app, &[]).ok().says("Compiling 2 files");
    let quiet = place
        .build(&app, &["--sandbox", "namespace"])
        .ok()
        .says("Nothing changed since the last build")
        .never_says("Compiling");
    assert_eq!(cold.digest(), quiet.digest());

    // A fresh checkout has new times everywhere.
    let other = SystemTime::now() - Duration::from_hours(24);
    for file in [
        "lib/one.ex",
        "lib/tiny.ex",
        "mix.exs",
        "elixir_buildpack.config",
    ] {
        let file = std::fs::File::options()
            .write(true)
            .open(app.path.join(file))
            .unwrap();
        file.set_modified(other).unwrap();
    }
    let touched = place
        .build(&app, &[])
        .ok()
        .says("Nothing changed since the last build");
    assert_eq!(cold.digest(), touched.digest());
}

#[test]
fn one_line_costs_one_layer_and_gone_files_are_gone() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "line").unwrap();
    app.replace("mix.exs", "deps: []", "deps: [{:jiffy, \"~> 1.1\"}]")
        .unwrap();
    // Without a lock the build makes one, and the next build has to make it again.
    place
        .build(&app, &["--clear-cache"])
        .ok()
        .says("Generated jiffy app");
    app.write("note.txt", "changed").unwrap();
    place.build(&app, &[]).ok();

    let locks = include_str!("../../../testdata/apps/hello/mix.lock");
    let lock = locks.lines().find(|line| line.contains("\"jiffy\":"));
    app.write("mix.lock", format!("%{{\n{}\n}}\n", lock.unwrap()))
        .unwrap();
    let cold = place.build(&app, &[]).ok();

    app.replace("lib/tiny.ex", "Listening", "Listens").unwrap();
    let line = place
        .build(&app, &[])
        .ok()
        .says("Compiling 1 file")
        .never_says("jiffy");
    assert_ne!(cold.digest(), line.digest());
    assert_eq!(made(&line), ["app"], "{}", line.text);

    app.replace("lib/tiny.ex", "Listens", "Listening").unwrap();
    assert_eq!(place.build(&app, &[]).digest(), cold.digest());

    app.write("lib/gone.ex", "defmodule Gone do\nend\n")
        .unwrap();
    app.write("lib/gone.txt", "gone").unwrap();
    assert_ne!(place.build(&app, &[]).digest(), cold.digest());
    app.remove("lib/gone.ex").unwrap();
    app.remove("lib/gone.txt").unwrap();
    app.write("note.txt", "or the image of before would do")
        .unwrap();
    place.build(&app, &[]).ok();
    let left = place
        .bp(&[
            "shell",
            "line",
            "--",
            "find",
            "/app",
            "-iname",
            "*gone*",
            "-printf",
            "left: %f\n",
        ])
        .ok();
    left.never_says("left: ");
}

#[test]
fn what_a_hook_made_is_gone_when_it_makes_it_no_more() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "hooked").unwrap();
    let look = [
        "shell",
        "hooked",
        "--",
        "find",
        "/app",
        "-name",
        "made-by-hook*",
    ];
    app.config(
        "hook_pre_compile=\"eval mkdir -p made-by-hook && touch made-by-hook/one lib/made-by-hook-too\"",
    )
    .unwrap();
    place.build(&app, &[]).ok();
    place
        .bp(&look)
        .ok()
        .says("/app/made-by-hook\n")
        .says("/app/lib/made-by-hook-too");
    app.replace(
        "elixir_buildpack.config",
        "eval mkdir -p made-by-hook && touch made-by-hook/one lib/made-by-hook-too",
        "true",
    )
    .unwrap();
    let without = place.build(&app, &[]).ok().digest();
    place.bp(&look).ok().never_says("/made-by-hook");

    // An app that never had the hook is built to the same image but for its config's text.
    let clean = place.app("tiny", "hooked2").unwrap();
    clean.config("hook_pre_compile=\"true\"").unwrap();
    assert_eq!(place.build(&clean, &["--clear-cache"]).digest(), without);
}

#[test]
fn what_follows_from_the_words_of_the_app_is_made_anew_when_one_comes() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "words").unwrap();
    // A map of more than 32 atoms, in the order in which the machine holds it.
    let keys: Vec<String> = (1..=40).map(|n| format!("key{n}: {n}")).collect();
    let keys = keys.join(", ");
    let module =
        format!("defmodule Keys do\n  @all Map.keys(%{{{keys}}})\n  def all, do: @all\nend\n");
    app.write("lib/keys.ex", &module).unwrap();
    place.build(&app, &[]).ok();
    app.write(
        "lib/more.ex",
        "defmodule More do\n  def aardvark, do: 1\nend\n",
    )
    .unwrap();
    let line = place.build(&app, &[]).ok().says("Compiling 3 files");
    let clean = place.build(&app, &["--clear-cache"]).ok();
    assert_eq!(line.digest(), clean.digest());

    // Without such a map a word costs nothing.
    let app = place.app("tiny", "wordless").unwrap();
    app.write("lib/more.ex", "defmodule More do\nend\n")
        .unwrap();
    place.build(&app, &[]).ok();
    app.write(
        "lib/more.ex",
        "defmodule More do\n  def zanzibar, do: 1\nend\n",
    )
    .unwrap();
    place.build(&app, &[]).ok().says("Compiling 1 file");
}
