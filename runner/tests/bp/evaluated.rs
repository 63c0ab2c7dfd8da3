//! Versions that only bash can tell: a check names them, a build asks bash in the sandbox.

use super::workspace;

const CONFIG: &str = "if [ \"$STACK\" = heroku-24 ]; then erlang_version=$(cat OTP_VERSION); fi\n\
                      elixir_version=${CHOSEN:-1.17.3}\nrelease=$(echo $RELEASE)\n";

#[test]
fn bash_is_asked_when_the_app_is_built() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "dynamic").unwrap();
    app.write("elixir_buildpack.config", CONFIG).unwrap();
    app.write("OTP_VERSION", "27.3.4.1\n").unwrap();
    let path = app.path.to_str().unwrap();
    place
        .bp(&["check-versions", path])
        .ok()
        .says("[version-dynamic]")
        .never_says("27.3.4.1");
    let vars = ["--env", "CHOSEN=1.18.3", "--env", "RELEASE=true"];
    place
        .build(&app, &vars)
        .ok()
        .says("Erlang 27.3.4.1 (elixir_buildpack.config:1:")
        .says("Elixir 1.18.3 (elixir_buildpack.config:2:")
        .says("Building release");
    place.build(&app, &vars).ok().says("Nothing changed");
}

#[test]
fn a_command_that_fails_is_told_with_what_it_said() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "dynamic-broken").unwrap();
    app.write(
        "elixir_buildpack.config",
        "erlang_version=$(cat OTP_VERSION)\nelixir_version=1.18.3\n",
    )
    .unwrap();
    place
        .build(&app, &[])
        .fails(3, "config-evaluation")
        .says("elixir_buildpack.config:1:1\n")
        .says("cat: OTP_VERSION: No such file or directory");
    app.write("OTP_VERSION", "27.99\n").unwrap();
    place
        .build(&app, &[])
        .fails(3, "otp-not-built")
        .says("Erlang/OTP 27.99")
        .says("to see it again: bp build ");
}

#[test]
fn what_bash_cannot_work_out_is_told_with_its_line() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "dynamic-endless").unwrap();
    for (line, said) in [
        ("erlang_version=$(sleep 1000)", "it was not done after 10 s"),
        ("if true; then exit 0; fi", "it ended with exit code 0"),
        ("erlang_version=$(if)", "syntax error"),
        ("erlang_version=${NOWHERE:?is needed}", "NOWHERE: is needed"),
    ] {
        let config = format!("elixir_version=1.18.3\n# why\n{line}\nerlang_version=$(echo 27)\n");
        app.write("elixir_buildpack.config", &config).unwrap();
        place
            .build(&app, &[])
            .fails(3, "config-evaluation")
            .says("elixir_buildpack.config:3:1\n")
            .says("to see it again: bp build ")
            .says(said);
    }
    // Nothing is no version; it stands where it was asked for.
    let config = "elixir_version=1.18.3\nerlang_version=$(true)\n";
    app.write("elixir_buildpack.config", config).unwrap();
    place
        .build(&app, &[])
        .fails(3, "otp-malformed")
        .says("an empty text is no Erlang/OTP version")
        .says("elixir_buildpack.config:2:16\n");
}

#[test]
fn what_bash_leaves_unset_is_asked_of_the_other_files() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "dynamic-unset").unwrap();
    app.write("note.txt", "versions of two files\n").unwrap();
    app.write(
        "elixir_buildpack.config",
        "exec >/dev/null\nif [ -n \"$OLD\" ]; then erlang_version=26.2.5; fi\n\
         word=1.18.3\nelixir_version=$(echo \"$word\")\n",
    )
    .unwrap();
    app.write(".tool-versions", "erlang 27.3.4.1\n").unwrap();
    place
        .build(&app, &[])
        .ok()
        .says("Erlang 27.3.4.1 (.tool-versions:1:")
        .says("Elixir 1.18.3 (elixir_buildpack.config:4:");
}

#[test]
fn a_config_can_change_nothing_of_the_app() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "dynamic-writes").unwrap();
    app.write(
        "elixir_buildpack.config",
        "erlang_version=$(touch here 2>/dev/null; echo 27.3.4.1)\nelixir_version=1.18.3\n",
    )
    .unwrap();
    place.build(&app, &[]).ok();
    assert!(!app.path.join("here").exists());
}
