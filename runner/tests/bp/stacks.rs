//! The web app on both stacks, started with nothing compiled.

use crate::{judges, workspace};

#[test]
fn hello_on_heroku_22_starts_silently() {
    let Some(place) = workspace() else { return };
    let app = place.app("hello", "hello22").unwrap();
    app.write(
        "elixir_buildpack.config",
        "erlang_version=25.2.3\nelixir_version=1.14.0\n",
    )
    .unwrap();
    place
        .build(
            &app,
            &["--stack", "heroku-22", "--output", "oci-archive:image.tar"],
        )
        .ok()
        .says("Erlang 25.2.3")
        .says("heroku-22");
    place
        .bp(&["run", "hello22", "--check", "/data.json"])
        .ok()
        .says("status 200")
        .never_says("Compiling")
        .never_says("Generated");
    judges::starts_silently(place.path(), "25");
}

#[test]
fn hello_on_heroku_24_starts_silently() {
    let Some(place) = workspace() else { return };
    let app = place.app("hello", "hello24").unwrap();
    place
        .build(
            &app,
            &["--stack", "24", "--output", "oci-archive:image.tar"],
        )
        .ok()
        .says("Erlang 27.3.4.1");
    place
        .bp(&["run", "hello24", "--check"])
        .ok()
        .says("status 200")
        .never_says("Compiling")
        .never_says("Generated");
    judges::starts_silently(place.path(), "27");
}
