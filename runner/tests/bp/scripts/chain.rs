//! Several packs: their order, and what one leaves for the next.

use super::{build, in_order};
use crate::workspace;

#[test]
fn three_packs_run_in_order_and_see_what_those_before_them_exported() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "chained").unwrap();
    let [first, second, third] =
        ["chain_first", "chain_second", "chain_third"].map(|name| place.pack(name).unwrap());
    let built = build(&place, &app, &[&first, &second, &third], &[]).ok();
    in_order(
        &built.text,
        &[
            "-----> Chain, first app detected\n",
            "-----> first, after: none\n",
            "-----> Chain, second app detected\n",
            "-----> second, after: first\n",
            "-----> Chain, third app detected\n",
            "-----> third, after: first second\n",
            // The third has no release, so that the second's is the last.
            "Process types: web, worker\n",
        ],
    );
    place
        .bp(&["run", "chained", "worker"])
        .ok()
        .says("first\nsecond\nthird\n");
    place.bp(&["run", "chained"]).ok().says("web of the second");

    // In another order the first of them misses what it needs.
    build(&place, &app, &[&second, &first, &third], &[])
        .fails(1, "step-failed")
        .says("second, after: none")
        .says(" !     expected: first")
        .says("exit code 52")
        .never_says("first, after");
    // What a failed build wrote into the app is gone.
    build(&place, &app, &[&first, &second, &third], &[]).ok();
    place
        .bp(&["run", "chained", "worker"])
        .ok()
        .says("first\nsecond\nthird\n")
        .never_says("second\nfirst");
}

#[test]
fn a_tool_that_one_pack_exports_is_used_by_the_next_and_by_the_app() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "exported").unwrap();
    let exports = place.pack("exports_path").unwrap();
    let uses = place.pack("uses_exported").unwrap();
    build(&place, &app, &[&uses], &[])
        .fails(1, "step-failed")
        .says("greet is not in PATH")
        .says("exit code 31");
    for mode in ["heroku", "app"] {
        build(
            &place,
            &app,
            &[&exports, &uses],
            &["--build-dir-mode", mode],
        )
        .ok()
        .says("Hello, the second pack")
        .says("exported: Hello, the pack before");
        place
            .bp(&[
                "run",
                "exported",
                "--",
                "bash",
                "-c",
                "cat greeting.txt; greet you; echo \"${GREETING_OF-not at run time}\"",
            ])
            .ok()
            .says("Hello, the second pack\nHello, you\nnot at run time\n");
    }
    assert!(!exports.path.join("export").exists());
}

/// A pack of scripts before a built-in one, and one behind it.
#[test]
fn scripts_and_built_in_packs_see_what_each_other_made() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "mixed").unwrap();
    app.config("hook_pre_compile=\"eval greet hook > hooked.txt\"")
        .unwrap();
    let exports = place.pack("exports_path").unwrap();
    let after = place.pack("uses_exported").unwrap();
    let compile = "#!/usr/bin/env bash\n# Looks at what Mix made.\nset -e\ncd \"$1\"\ngreet \"the last pack\"\ncat hooked.txt\n\
                   ls -d _build/prod/lib/tiny/ebin\nelixir --version | tail -1\n";
    after.script("bin/compile", compile).unwrap();
    for mode in ["heroku", "app"] {
        let more = [
            "--buildpack",
            exports.as_str(),
            "--buildpack",
            "elixir",
            "--buildpack",
            after.as_str(),
            "--build-dir-mode",
            mode,
        ];
        let built = place.build(&app, &more).ok();
        in_order(
            &built.text,
            &[
                "-----> Installing greet",
                "-----> Compiling",
                "Hello, the last pack",
                "Hello, hook",
                "_build/prod/lib/tiny/ebin",
                "Elixir 1.18.3",
            ],
        );
        place
            .bp(&["run", "mixed", "--check"])
            .ok()
            .says("status 200")
            .never_says("Compiling");
    }
}

#[test]
fn an_export_that_fails_ends_the_build() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "badly").unwrap();
    let bad = place.pack("bad_export").unwrap();
    let third = place.pack("chain_third").unwrap();
    build(&place, &app, &[&bad, &third], &[])
        .fails(1, "pack-export")
        .says("bad_export")
        .says("cannot find what to export")
        .never_says("third, after");
}

#[test]
fn a_pack_that_is_named_twice_runs_once() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "twice").unwrap();
    let exports = place.pack("exports_path").unwrap();
    let built = build(&place, &app, &[&exports, &exports], &[])
        .ok()
        .says("[pack-twice]")
        .says("Process types: none (a `Procfile` names them)\n")
        .says("Run it: bp run twice -- COMMAND\n");
    assert_eq!(built.text.matches("-----> Installing greet").count(), 1);
}
