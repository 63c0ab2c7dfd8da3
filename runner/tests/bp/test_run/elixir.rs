//! Tests of an Elixir app, by the built-in pack.

use super::test;
use crate::workspace;

#[test]
fn green_tests_pass_and_the_second_run_compiles_nothing() {
    let Some(place) = workspace() else { return };
    let app = place.app("hello", "tested").unwrap();
    let first = test(&place, &app, &["--clear-cache"])
        .ok()
        .says("* MIX_ENV test (default: tests run in it; the config var MIX_ENV is not set)")
        .says("* tests mix test (default: `test_args` is not set)")
        .says("* Getting jiffy (Hex package)")
        .says("Generated jiffy app")
        .says("Generated hello app")
        .says("-----> Running the tests: mix test\n")
        .says("-----> Tests passed, after ");
    for line in ["-----> ", "       * ", "Generated "] {
        assert!(!first.stdout.contains(line), "{}", first.stdout);
    }
    assert!(
        first.stdout.ends_with("\n2 tests, 0 failures\n"),
        "{}",
        first.stdout
    );

    let second = test(&place, &app, &[])
        .ok()
        .says("step deps: left out, nothing changed")
        .says("step compile: left out, nothing changed")
        .never_says("Compiling ")
        .never_says("Generated");
    assert!(second.stdout.contains("2 tests, 0 failures"));

    // Of a change only what depends on it is compiled, and no package.
    app.replace("lib/hello/worker.ex", "defmodule", "# Changed\ndefmodule")
        .unwrap();
    test(&place, &app, &[])
        .ok()
        .says("step compile: runs, `lib/hello/worker.ex` changed")
        .says("Compiling 1 file (.ex)")
        .never_says("jiffy");
}

#[test]
fn red_tests_end_with_the_code_of_mix_and_their_output_as_it_is() {
    let Some(place) = workspace() else { return };
    let app = place.app("hello", "red").unwrap();
    app.replace("test/page_test.exs", "200 OK", "201 Created")
        .unwrap();
    let red = test(&place, &app, &[])
        .fails(2, "tests-failed")
        .says("the tests failed: `mix test` ended with exit code 2")
        .says(" --shell\n")
        .never_says("Tests passed");
    for line in [
        "\n  1) test data is JSON (Hello.PageTest)\n     test/page_test.exs:4\n",
        "\n2 tests, 1 failure\n",
    ] {
        assert!(red.stdout.contains(line), "no `{line}` in:\n{}", red.stdout);
    }
    assert!(!red.stdout.contains("----->"), "{}", red.stdout);

    // What is wrong before the tests is no verdict on them.
    app.write("lib/broken.ex", "defmodule Broken do\n").unwrap();
    let broken = test(&place, &app, &[])
        .fails(1, "compile-error")
        .says("step `compile` failed")
        .never_says("Running the tests");
    assert_eq!(broken.stdout, "");
}

#[test]
fn arguments_come_from_the_config_and_a_command_takes_the_place_of_all() {
    let Some(place) = workspace() else { return };
    let app = place.app("hello", "arguments").unwrap();
    app.config("test_args=\"--exclude slow --trace\"").unwrap();
    test(&place, &app, &[])
        .ok()
        .says("* tests mix test --exclude slow --trace (elixir_buildpack.config:")
        .says("1 excluded");
    let command = ["--", "mix", "test", "test/page_test.exs:11"];
    test(&place, &app, &command)
        .ok()
        .says("* tests mix test test/page_test.exs:11 (the command line)")
        .says("-----> Running the tests: mix test test/page_test.exs:11\n")
        .says("1 excluded");
    test(&place, &app, &["--", "bash", "-c", "pwd; exit 7"]).fails(7, "tests-failed");
    test(&place, &app, &["--", "no-such-program"])
        .fails(127, "tests-failed")
        .says("127 means that the program was not found");
}

#[test]
fn hooks_run_as_in_a_build_and_there_is_no_release() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "hooked-tests").unwrap();
    app.write("test/test_helper.exs", "ExUnit.start()\n")
        .unwrap();
    app.config("release=true\nhook_pre_compile=\"echo before in $MIX_ENV\"\npost_compile=\"echo the very end\"")
        .unwrap();
    let ran = test(&place, &app, &[])
        .ok()
        .says("before in test")
        .says("the very end")
        .never_says("release");
    assert!(!ran.stdout.contains("the very end"), "{}", ran.stdout);
    test(&place, &app, &["--env", "PORT=0", "--env", "MIX_ENV=ci"])
        .ok()
        .says("* MIX_ENV ci ($MIX_ENV)")
        .says("before in ci");
}

#[test]
fn tests_have_a_tree_of_their_own_and_leave_nothing_for_the_next_run() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "apart").unwrap();
    let digest = place.build(&app, &[]).digest();
    // The same environment, which would be the same tree otherwise.
    let prod = ["--env", "MIX_ENV=prod", "--"];
    let leave =
        "ls; echo changed > lib/tiny.ex; mkdir left; touch left/file; echo twice >> /tmp/left";
    let first = test(&place, &app, &[&prod[..], &["bash", "-c", leave]].concat());
    let first = first.ok().stdout;
    let second = test(&place, &app, &[&prod[..], &["bash", "-c", leave]].concat());
    assert_eq!(second.ok().stdout, first);
    let show = [
        "bash",
        "-c",
        "cat lib/tiny.ex; cat /tmp/left 2>/dev/null || echo gone",
    ];
    test(&place, &app, &[&prod[..], &show].concat())
        .ok()
        .says("defmodule Tiny do")
        .says("gone\n")
        .never_says("twice");
    let again = place.build(&app, &[]).ok();
    assert_eq!(again.says("Nothing changed").digest(), digest);
}

#[test]
fn values_of_config_vars_are_masked_and_a_json_log_tells_lines_of_tests() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "masked").unwrap();
    let vars = ["--env", "API_TOKEN=hunter2-hunter2"];
    let show = [
        "--",
        "bash",
        "-c",
        "echo ok 1 - $API_TOKEN $CI; printf '\\e[31mred\\e[0m\\n  end'",
    ];
    let ran = test(&place, &app, &[&vars[..], &show].concat()).ok();
    assert_eq!(ran.stdout, "ok 1 - [API_TOKEN] true\nred\n  end\n");
    let json = ["--format", "json"];
    let ran = test(&place, &app, &[&vars[..], &json, &show].concat()).ok();
    let lines = ran
        .stdout
        .lines()
        .filter(|line| line.contains("test-output"));
    assert_eq!(
        lines.collect::<Vec<_>>(),
        [
            r#"{"event":"test-output","step":"test","stream":"stdout","line":"ok 1 - [API_TOKEN] true"}"#,
            r#"{"event":"test-output","step":"test","stream":"stdout","line":"red","raw":"\u001b[31mred\u001b[0m"}"#,
            r#"{"event":"test-output","step":"test","stream":"stdout","line":"  end"}"#,
        ]
    );
}
