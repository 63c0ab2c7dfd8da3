//! What `bin/release` says, and what becomes of it; `.profile.d`.

use super::build;
use crate::workspace;

#[test]
fn types_and_vars_of_a_release_are_defaults() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "released").unwrap();
    let pack = place.pack("release_yaml").unwrap();
    build(&place, &app, &[&pack], &[])
        .ok()
        .says("Process types: web, worker\n");
    place
        .bp(&["run", "released"])
        .ok()
        .says("web of Hello from the pack\n");
    place
        .bp(&["run", "released", "worker"])
        .exits(7)
        .says("worker: two words\n");
    // Who starts the app decides, also with an empty value.
    place
        .bp(&["run", "released", "--env", "GREETING=another"])
        .ok()
        .says("web of another\n");
    place
        .bp(&["run", "released", "--env", "GREETING="])
        .ok()
        .says("web of \n");
    place
        .bp(&[
            "run",
            "released",
            "--",
            "bash",
            "-c",
            "echo $WEB_CONCURRENCY",
        ])
        .ok()
        .says("2\n");

    // The Procfile's commands count, and of its types those that it names.
    app.write("Procfile", "web: echo web of the Procfile\nclock: date\n")
        .unwrap();
    build(&place, &app, &[&pack], &[])
        .ok()
        .says("Process types: clock, web, worker\n");
    place
        .bp(&["run", "released"])
        .ok()
        .says("web of the Procfile\n");
}

#[test]
fn the_last_release_counts_alone() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "lastly").unwrap();
    let [yaml, first] = ["release_yaml", "chain_first"].map(|name| place.pack(name).unwrap());
    build(&place, &app, &[&yaml, &first], &[])
        .ok()
        .says("Process types: first, web\n");
    place
        .bp(&["run", "lastly", "--", "bash", "-c", "echo ${GREETING-none}"])
        .ok()
        .says("none\n");
}

#[test]
fn a_release_of_another_shape_is_told_and_leaves_no_image() {
    let Some(place) = workspace() else { return };
    let pack = place.pack("release_yaml").unwrap();
    let app = place.app("plain", "shapes").unwrap();
    for yaml in [
        "just words\n",
        "default_process_types: [web]\n",
        "- default_process_types\n",
        "default_process_types:\n  web: {a: b}\n",
        "default_process_types:\n\tweb: a\n",
        "default_process_types:\n  \"../../etc/passwd\": a\n",
        "config_vars:\n  \"A;touch x\": 1\n",
        "default_process_types: &a {web: *a}\n",
        "\u{0}\u{1}",
    ] {
        app.write("release.yml", yaml).unwrap();
        build(&place, &app, &[&pack], &[])
            .fails(1, "pack-release")
            .says("`bin/release` of the buildpack");
        place.bp(&["run", "shapes"]).fails(2, "image-not-kept");
    }
    for nothing in ["", "---\n", "{}\n", "addons: []\nunknown_key: [1, 2]\n"] {
        app.write("release.yml", nothing).unwrap();
        build(&place, &app, &[&pack], &[]).ok();
    }
}

/// A value is bash to those who wrote packs for herokuish, and never more than a value to the image.
#[test]
fn odd_values_of_a_release_stay_values() {
    let Some(place) = workspace() else { return };
    let pack = place.pack("release_yaml").unwrap();
    let app = place.app("plain", "odd").unwrap();
    app.write(
        "release.yml",
        "config_vars:\n  \
           QUOTES: 'a \"b\" ''c'''\n  \
           LINES: \"one\\ntwo\"\n  \
           SLASHES: 'a\\b\\\\c'\n  \
           TRUTH: yes\n  \
           NUMBER: 0777\n\
         default_process_types:\n  \
           web: |-\n    \
             printf '[%s]' \"$QUOTES\" \"$LINES\" \"$SLASHES\" \"$TRUTH\" \"$NUMBER\"\n    \
             echo \"'second line'\"\n",
    )
    .unwrap();
    build(&place, &app, &[&pack], &[]).ok();
    place
        .bp(&["run", "odd"])
        .ok()
        .says("[a \"b\" 'c'][one\ntwo][a\\b\\\\c][yes][0777]'second line'\n");
}

#[test]
fn profile_scripts_run_in_the_order_of_their_bytes() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "profiled").unwrap();
    app.write(
        ".profile.d/05-of-the-app.sh",
        "export ORDER=\"${ORDER:-}${ORDER:+ }app\"\n",
    )
    .unwrap();
    app.write(".profile", "export ORDER=\"$ORDER .profile\"\n")
        .unwrap();
    let pack = place.pack("profile_order").unwrap();
    build(&place, &app, &[&pack], &[]).ok();
    let order = "order 00-dash 00_underscore app 10_ten 9_nine Zeta alpha .profile, note none";
    for locale in ["C", "en_US.UTF-8"] {
        let set = format!("LC_ALL={locale}");
        place
            .bp(&["run", "profiled", "--env", &set])
            .ok()
            .says(&format!("{order}, greeting default of the pack\n"));
    }
    place
        .bp(&["run", "profiled", "--env", "GREETING=mine"])
        .ok()
        .says(&format!("{order}, greeting mine\n"));
}
