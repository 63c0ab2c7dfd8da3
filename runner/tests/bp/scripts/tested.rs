//! `bp test` with packs of scripts: `bin/test-compile` and `bin/test`, as Heroku CI runs them.

use testdata::workspace::{App, Pack, Ran, Workspace};

use super::api::told;
use super::apps::hosts;
use super::{arguments, in_order};
use crate::workspace;

fn test(place: &Workspace, app: &App, packs: &[&Pack], more: &[&str]) -> Ran {
    let mut command = place.command(&["test"]);
    command.arg(&app.path).args(arguments(packs, more));
    testdata::workspace::run(&mut command)
}

#[test]
fn what_fails_is_told_apart() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "tested").unwrap();
    let packs = [
        "fails_test_compile",
        "fails_test",
        "chain_first",
        "fails_compile",
    ];
    let [compile, tests, first, fails] = packs.map(|name| place.pack(name).unwrap());
    test(&place, &app, &[&compile], &[])
        .fails(1, "step-failed")
        .says(" !     tests do not compile")
        .says("exit code 44")
        .never_says("tested though");
    // Without a test-compile its compile is run; a failed test ends with the code of the tests, whose output is all that
    // goes to standard output.
    let failed = test(&place, &app, &[&first, &tests], &[])
        .fails(45, "tests-failed")
        .says("-----> Compiled");
    assert_eq!(failed.stdout, "1..2\nok 1 - adds\nnot ok 2 - subtracts\n");
    test(&place, &app, &[&first], &[]).fails(3, "no-tests");
    test(&place, &app, &[&tests, &fails], &[])
        .fails(1, "step-failed")
        .says("exit code 42")
        .never_says("1..2");
    // Neither is an image.
    place.bp(&["run", "tested"]).fails(2, "image-not-kept");
}

#[test]
fn every_pack_that_has_tests_runs_them() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "several").unwrap();
    let names = ["chain_first", "chain_second", "chain_third"];
    let [first, second, third] = names.map(|name| place.pack(name).unwrap());
    for (pack, code) in [(&first, 0), (&third, 0)] {
        let text = format!(
            "#!/bin/bash\necho \"tests of $0, $1, ${{2##*/}}\"\ncat chain.txt\nexit {code}\n"
        );
        pack.script("bin/test", &text).unwrap();
    }
    let all = test(&place, &app, &[&first, &second, &third], &[]).ok();
    in_order(
        &all.stdout,
        &[
            "tests of ",
            "chain_first/bin/test, /app, env\nfirst\nsecond\nthird\n",
            "tests of ",
            "chain_third/bin/test, /app, env\n",
        ],
    );
}

#[test]
fn tests_run_with_profile_and_config_vars() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "told").unwrap();
    app.write(
        ".profile.d/of-app.sh",
        "export OF_APP=profile KEPT=${KEPT:-profile}\n",
    )
    .unwrap();
    let pack = place.pack("tells_all").unwrap();
    let vars = ["--env", "KEPT=var", "--env", "SECRET_KEY=eleven byte"];
    for mode in [
        &[][..],
        &["--build-dir-mode", "heroku"],
        &["--build-dir-mode", "app"],
    ] {
        let ran = test(&place, &app, &[&pack], &[&vars[..], mode].concat()).ok();
        let compile = told(&ran.text, "test-compile");
        let build_dir = if mode.contains(&"heroku") {
            "/tmp/build"
        } else {
            "/app"
        };
        assert_eq!(compile["arguments"], "3");
        assert_eq!(compile["argument 1"], build_dir);
        assert!(!compile["environment"].contains("KEPT"), "{}", ran.text);
        let tests = told(&ran.text, "test");
        assert_eq!(tests["arguments"], "2");
        assert_eq!(tests["argument 1"], "/app");
        assert_eq!(tests["cwd"], "/app");
        assert_eq!(tests["HOME"], "/app");
        for name in ["CI", "KEPT", "OF_APP", "SECRET_KEY"] {
            let mut names = tests["environment"].split(' ');
            assert!(names.any(|other| other == name), "{name} in {}", ran.text);
        }
        ran.never_says("eleven byte");
    }
    let mut command = place.command(&["test"]);
    command
        .arg(&app.path)
        .args(arguments(&[&pack], &vars))
        .args(["--", "bash", "-c", "echo $OF_APP $KEPT"]);
    let ran = testdata::workspace::run(&mut command).ok();
    assert_eq!(ran.stdout, "profile var\n");
}

#[test]
fn a_python_and_a_node_app_are_tested() {
    let Some(place) = workspace() else { return };
    let [python, node] = hosts();
    for (language, passed, failed, file, from, to) in [
        (
            "python",
            "2 passed",
            "1 failed, 1 passed",
            "test_app.py",
            "\"Hello\"",
            "\"Goodbye\"",
        ),
        (
            "node",
            "Passed:    1",
            "FAIL",
            "test/packages.js",
            "packages().express,",
            "\"0\",",
        ),
    ] {
        let name = format!("{language}_web");
        let app = place.app(&name, &name).unwrap();
        let pack = place.pack(language).unwrap();
        let vars = ["--env", &python, "--env", &node];
        let ran = test(&place, &app, &[&pack], &vars).ok();
        assert!(ran.stdout.contains(passed), "{}", ran.text);
        app.replace(file, from, to).unwrap();
        let ran = test(&place, &app, &[&pack], &vars).fails(1, "tests-failed");
        assert!(ran.stdout.contains(failed), "{}", ran.text);
    }
}
