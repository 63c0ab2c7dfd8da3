//! Tests of packs that are scripts, by Heroku's testpack API.

use testdata::workspace::{App, Pack, Ran, Workspace};

use super::{environment, test};
use crate::scripts::{arguments, in_order};
use crate::terminal::{PROMPT, at_terminal};
use crate::workspace;

fn with(place: &Workspace, app: &App, packs: &[&Pack], more: &[&str]) -> Ran {
    test(place, app, &arguments(packs, more))
}

fn packs<const N: usize>(place: &Workspace, names: [&str; N]) -> [Pack; N] {
    names.map(|name| place.pack(name).unwrap())
}

#[test]
fn all_packs_compile_before_the_first_test_and_a_failure_ends_it() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "chain-tested").unwrap();
    let [first, second, fails, tells] = packs(
        &place,
        ["chain_first", "chain_second", "fails_test", "tells_all"],
    );
    let ran = with(&place, &app, &[&first, &second, &fails, &tells], &[])
        .fails(45, "tests-failed")
        .says("`bin/test of ")
        .says("ended with exit code 45")
        .never_says("test: arguments");
    in_order(
        &ran.text,
        &[
            "-----> first, after: none\n",
            "-----> second, after: first\n",
            "-----> Telling (test-compile)\n",
            "-----> Running the tests: bin/test of ",
        ],
    );
    assert_eq!(ran.stdout, "1..2\nok 1 - adds\nnot ok 2 - subtracts\n");

    // In another order those that pass are run before the one that fails.
    let ran = with(&place, &app, &[&tells, &first, &second, &fails], &[]).exits(45);
    in_order(&ran.stdout, &["test: arguments: 2\n", "1..2\n"]);
}

#[test]
fn test_scripts_get_what_the_api_promises() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "told-tests").unwrap();
    let pack = place.pack("tells_all").unwrap();
    let vars = [
        "--env",
        "SECRET_KEY=eleven byte",
        "--env",
        "PATH=/evil",
        "--env",
        "HOME=/evil",
    ];
    for (mode, build_dir) in [(None, "/app"), (Some("heroku"), "/tmp/build")] {
        let mode: Vec<&str> = mode
            .iter()
            .flat_map(|mode| ["--build-dir-mode", mode])
            .collect();
        let ran = with(&place, &app, &[&pack], &[&vars[..], &mode].concat()).ok();
        let compiled = format!("test-compile: argument 1: {build_dir}\n");
        for line in [
            compiled.as_str(),
            "test-compile: the app's folder is there\n",
            "test-compile: the cache is there\n",
            "test: arguments: 2\n",
            "test: argument 1: /app\n",
            "test: argument 2: /tmp/env\n",
            "test: cwd: /app\n",
            "test: HOME: /app\n",
            "test: STACK: heroku-24\n",
            "test: config var SECRET_KEY: 11 bytes",
        ] {
            assert!(ran.text.contains(line), "no `{line}` in:\n{}", ran.text);
        }
        let environment = |script: &str| {
            let start = format!("{script}: environment: ");
            let mut lines = ran.text.lines();
            lines.find_map(|line| line.trim().strip_prefix(&start).map(str::to_owned))
        };
        // Compiling finds config vars as files, the tests in their environment too (Heroku's testpack API).
        assert!(!environment("test-compile").unwrap().contains("SECRET_KEY"));
        assert!(environment("test").unwrap().contains("SECRET_KEY"));
        assert!(!ran.text.contains("test: PATH: /evil"), "{}", ran.text);
    }
}

#[test]
fn a_pack_without_a_test_compile_compiles_and_its_profile_is_loaded() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "profiled-tests").unwrap();
    let pack = place.pack("profile_order").unwrap();
    with(&place, &app, &[&pack], &[])
        .fails(3, "no-tests")
        .says("profile_order")
        .says("\"environments\"")
        .never_says("Wrote .profile.d");
    let script = "echo $ORDER; echo ${NOT_A_SCRIPT-no script}; echo $GREETING; echo $WITH_SPACES";
    let json = environment(&format!(
        r#"{{"scripts": {{"test": "{script}"}}, "env": {{"WITH_SPACES": "a b"}}}}"#
    ));
    app.write("app.json", &json).unwrap();
    let ran = with(&place, &app, &[&pack], &[]).ok();
    assert_eq!(
        ran.stdout,
        "00-dash 00_underscore 10_ten 9_nine Zeta alpha\nno script\ndefault of the pack\na b\n"
    );
    let ran = with(&place, &app, &[&pack], &["--env", "GREETING=given"]).ok();
    assert!(ran.stdout.contains("\ngiven\n"), "{}", ran.stdout);
}

#[test]
fn a_shell_where_tests_failed_has_the_profile_and_the_packs() {
    let Some(place) = workspace() else { return };
    place.app("plain", "shell-tested").unwrap();
    let [exports, fails] = packs(&place, ["exports_path", "fails_test"]);
    let packs = arguments(&[&exports, &fails], &["--shell"]);
    let shell = |text: &str| {
        let command = place.command(&[&["test", "shell-tested"][..], &packs].concat());
        at_terminal(command, &[(PROMPT, text)])
    };
    let tests = shell("pwd; greet us; ls /tmp/buildpacks/*/bin/test; exit\n")
        .fails(45, "tests-failed")
        .says("A shell where step `");
    in_order(
        &tests.stdout,
        &["not ok 2", "/app\nHello, us\n/tmp/buildpacks/"],
    );

    fails
        .script("bin/test-compile", "#!/bin/bash\nexit 3\n")
        .unwrap();
    let compile =
        shell("ls -1 bin; test -d /tmp/cache && echo with cache; exit\n").fails(1, "step-failed");
    in_order(&compile.stdout, &["test-compile\n", "with cache\n"]);
}

#[test]
fn a_test_compile_that_fails_ends_it_before_any_test() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "uncompiled-tests").unwrap();
    let [fails, tells] = packs(&place, ["fails_test_compile", "tells_all"]);
    let ran = with(&place, &app, &[&fails, &tells], &[])
        .fails(1, "step-failed")
        .says(" !     tests do not compile")
        .says("exit code 44")
        .never_says("Telling")
        .never_says("tested though nothing was compiled");
    assert_eq!(ran.stdout, "");
}

#[test]
fn what_a_pack_exports_reaches_the_packs_after_it_and_not_the_tests() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "exported-tests").unwrap();
    let [exports, uses] = packs(&place, ["exports_path", "uses_exported"]);
    let json =
        environment(r#"{"scripts": {"test": "greet tests; echo ${GREETING_OF-not exported}"}}"#);
    app.write("app.json", &json).unwrap();
    let ran = with(&place, &app, &[&exports, &uses], &[]).ok();
    assert_eq!(ran.stdout, "Hello, tests\nnot exported\n");
}

#[test]
fn the_test_environment_may_name_other_packs() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "other-packs").unwrap();
    let [build, tests] = packs(&place, ["chain_first", "fails_test"]);
    let json = format!(
        r#"{{"buildpacks": [{{"url": "{}"}}], "environments": {{"test": {{"buildpacks": [{{"url": "{}"}}]}}}}}}"#,
        build.as_str(),
        tests.as_str()
    );
    app.write("app.json", &json).unwrap();
    place
        .build(&app, &[])
        .ok()
        .says("-----> first, after: none");
    test(&place, &app, &[])
        .fails(45, "tests-failed")
        .never_says("-----> first");

    // One lock holds those of builds and those of tests.
    test(&place, &app, &["--locked"]).fails(3, "packs-locked");
    place.build(&app, &["--lock"]).ok().never_says("not ok");
    test(&place, &app, &["--locked"]).fails(45, "tests-failed");
    place.build(&app, &["--locked"]).ok();
    tests.replace("bin/test", "exit 45", "exit 46").unwrap();
    test(&place, &app, &["--locked"]).fails(3, "packs-locked");
    place.build(&app, &["--locked"]).ok();
}

#[test]
fn a_python_app_is_tested_with_packages_of_the_cache_the_second_time() {
    let Some(place) = workspace() else { return };
    let app = place.app("python_web", "python-tested").unwrap();
    let pack = place.pack("python").unwrap();
    let host = format!(
        "PYTHON_DIST_URL={}",
        std::env::var("BP_WORLD_PYTHON_URL").unwrap()
    );
    let vars = ["--env", &host];
    let first = with(&place, &app, &[&pack], &vars).ok();
    assert!(first.stdout.contains("2 passed"), "{}", first.stdout);
    let second = with(&place, &app, &[&pack], &vars)
        .ok()
        .says("from the cache")
        .never_says("Fetching Python");
    assert!(second.stdout.contains("2 passed"), "{}", second.stdout);
    app.replace("test_app.py", "Hello", "Goodbye").unwrap();
    let red = with(&place, &app, &[&pack], &vars).fails(1, "tests-failed");
    assert!(red.stdout.contains("1 failed, 1 passed"), "{}", red.stdout);
}
