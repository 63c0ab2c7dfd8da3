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
        .says("cat: OTP_VERSION: No such file or directory");
    app.write("OTP_VERSION", "27.99\n").unwrap();
    place
        .build(&app, &[])
        .fails(3, "otp-not-built")
        .says("Erlang/OTP 27.99");
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
