//! What app.json says of tests.

use super::{environment, test};
use crate::workspace;

#[test]
fn scripts_of_the_app_run_with_its_vars_and_profile() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "scripted").unwrap();
    app.write(
        ".profile.d/a.sh",
        "export GREETING=\"${GREETING:-profile} from $PWD\"\n",
    )
    .unwrap();
    app.write(".profile", "export LAST=\"after $GREETING\"\n")
        .unwrap();
    let json = environment(
        r#"{
        "scripts": {
            "test-setup": "echo preparing; echo \"$LAST\" > made && test \"$MIX_ENV\" = test",
            "test": "cat made && echo \"$DATABASE|$LATER|$CI\" && mix run --no-start -e 'IO.puts(\"mix runs\")'"
        },
        "env": {"DATABASE": "of app.json", "LATER": {"value": "of app.json"}, "UNUSED": {"required": false}}
    }"#,
    );
    app.write("app.json", &json).unwrap();
    let ran = test(&place, &app, &["--env", "LATER=given"])
        .ok()
        .says("* tests cat made && ")
        .says(" (app.json:")
        .says("* test-setup echo preparing; ")
        .says("       preparing\n")
        .never_says("mix test");
    assert_eq!(
        ran.stdout,
        "after profile from /app\nof app.json|given|true\nmix runs\n"
    );
    let ran = test(&place, &app, &["--env", "GREETING=given"]).ok();
    assert!(ran.stdout.starts_with("after given from /app\n"));
}

#[test]
fn a_setup_that_fails_is_no_verdict_on_the_tests() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "unprepared").unwrap();
    let json = environment(
        r#"{"scripts": {"test-setup": "echo no database; exit 9", "test": "echo tested"}}"#,
    );
    app.write("app.json", &json).unwrap();
    let ran = test(&place, &app, &[])
        .fails(1, "step-failed")
        .says("step `test-setup` failed")
        .says("exit code 9")
        .says("       no database\n");
    assert_eq!(ran.stdout, "");
}

#[test]
fn secrets_that_are_to_be_made_up_are_the_same_in_each_run() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "secretive").unwrap();
    let json = environment(
        r#"{"scripts": {"test": "echo $SECRET_KEY_BASE"}, "env": {"SECRET_KEY_BASE": {"generator": "secret"}}}"#,
    );
    app.write("app.json", &json).unwrap();
    let first = test(&place, &app, &[]).ok();
    assert_eq!(first.stdout.trim().len(), 64, "{}", first.stdout);
    let second = test(&place, &app, &[])
        .ok()
        .never_says("config vars changed");
    assert_eq!(first.stdout, second.stdout);
}

#[test]
fn a_var_without_a_value_is_told_with_its_place() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "lacking").unwrap();
    let json = environment(r#"{"scripts": {"test": "echo $NEEDED"}, "env": {"NEEDED": {}}}"#);
    app.write("app.json", &json).unwrap();
    test(&place, &app, &[])
        .fails(3, "test-config-var")
        .says("the config var `NEEDED` is required for tests and has no value")
        .says("app.json:1:");
    let given = test(&place, &app, &["--env", "NEEDED=here"]).ok();
    assert_eq!(given.stdout, "here\n");
}

#[test]
fn tests_that_signal_9_ended_are_told_what_memory_there_was() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "killed_tests").unwrap();
    let json = environment(r#"{"scripts": {"test": "kill -9 $$"}}"#);
    app.write("app.json", &json).unwrap();
    test(&place, &app, &[])
        .fails(137, "tests-failed")
        .says("the build may use ");
}
