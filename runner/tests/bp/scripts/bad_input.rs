//! Files and variables that are not what they should be: each is told, and what can be read of it counts.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use testdata::workspace::run;

use super::api::told;
use super::{build, in_order};
use crate::workspace;

/// What is wrong with each line of it, and what counts all the same.
const BROKEN: &str = "web: echo one\n<<<<<<< HEAD\nweb: echo two\n=======\nworker: echo three\n>>>>>>> other\nclock echo four\n\
                      a b: c\nempty:\n";

const COMPLAINTS: [&str; 5] = [
    "process type `web` stands twice; the last line counts",
    "expected `type: command`",
    "`a b` is no process type",
    "process type `empty` has no command",
    "the Procfile holds a merge conflict",
];

#[test]
fn a_broken_procfile_is_told_whoever_wrote_it() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "procfile").unwrap();
    let pack = place.pack("chain_first").unwrap();
    app.write("Procfile", BROKEN).unwrap();
    let own = build(&place, &app, &[&pack], &[])
        .ok()
        .says("Process types: first, web, worker\n")
        .never_says("a buildpack wrote");
    for words in COMPLAINTS {
        assert_eq!(own.text.matches(words).count(), 1, "{words}: {}", own.text);
    }
    place.bp(&["run", "procfile"]).ok().says("two\n");

    // The same file, written by a pack.
    app.write("written", BROKEN).unwrap();
    app.write("Procfile", "web: echo of the app\n").unwrap();
    let compile = |line: &str| {
        let script = format!("#!/usr/bin/env bash\ncd \"$1\" && {line}\n");
        pack.script("bin/compile", &script).unwrap();
    };
    compile("cp written Procfile");
    let written = build(&place, &app, &[&pack], &[])
        .ok()
        .says("Process types: first, web, worker\n")
        .says("a buildpack wrote this Procfile");
    for words in COMPLAINTS {
        let count = written.text.matches(words).count();
        assert_eq!(count, 1, "{words}: {}", written.text);
    }
    place.bp(&["run", "procfile"]).ok().says("two\n");

    // What cannot be read is not passed over.
    for line in [
        "ln -sf /etc/passwd Procfile",
        "head -c 5000000 /dev/zero > Procfile",
    ] {
        compile(line);
        build(&place, &app, &[&pack], &[])
            .fails(3, "app-file")
            .says("`Procfile` is")
            .says("a buildpack wrote this Procfile");
    }
    // None is an answer.
    compile("rm Procfile");
    build(&place, &app, &[&pack], &[])
        .ok()
        .says("Process types: first, web\n");
}

#[test]
fn a_list_of_packs_is_read_however_it_is_written() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "listed").unwrap();
    let [first, second] = ["chain_first", "chain_second"].map(|name| place.pack(name).unwrap());
    let (first, second) = (first.as_str(), second.as_str());
    let list = format!(
        "\u{feff}# ours\r\n\r\n  {first}  \r\n\t\r\n   # then\r\n{second}\t\r\n{first}\r\n"
    );
    app.write(".buildpacks", list).unwrap();
    let listed = place.build(&app, &[]).ok().says("[pack-twice]");
    in_order(
        &listed.text,
        &[
            "-----> first, after: none\n",
            "-----> second, after: first\n",
        ],
    );
    assert_eq!(listed.text.matches("-----> first, after").count(), 1);
    // A list of nothing asks for nothing.
    for list in ["", "\r\n\r\n", "# none\n   \n"] {
        app.write(".buildpacks", list).unwrap();
        place.build(&app, &[]).fails(3, "no-pack");
        let json = format!(r#"{{"buildpacks": [{{"url": "{first}"}}]}}"#);
        app.write("app.json", json).unwrap();
        place
            .build(&app, &[])
            .ok()
            .says("-----> first, after: none");
        app.remove("app.json").unwrap();
    }
    app.write(".buildpacks", "ruby\n../nowhere\nhttps://\n")
        .unwrap();
    place
        .build(&app, &[])
        .fails(3, "pack-reference")
        .says(".buildpacks:1:")
        .says(".buildpacks:3:")
        .says("heroku/ruby");
}

#[test]
fn a_word_that_is_no_address_says_what_there_is() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "worded").unwrap();
    place
        .build(&app, &["--env", "BUILDPACK_URL=ruby"])
        .fails(3, "pack-reference")
        .says("BUILDPACK_URL")
        .says("heroku/ruby");
    place
        .build(&app, &["--buildpack", "ruby"])
        .fails(2, "pack-reference")
        .says("heroku/ruby");
}

#[test]
fn odd_config_vars_reach_scripts_as_they_are_or_are_named() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "odd-vars").unwrap();
    let pack = place.pack("tells_all").unwrap();
    let folder = place.path().join("vars");
    fs_err::create_dir(&folder).unwrap();
    let write = |name: &OsStr, value: &[u8]| fs_err::write(folder.join(name), value).unwrap();
    let plain = |name: &str, value: &str| write(OsStr::new(name), value.as_bytes());
    plain("LINES", "one\ntwo\n\nthree\n");
    plain("QUOTES", "'a' \"b\" `c` $(touch d) \\ $HOME");
    plain("TEXT", "Grüße ✓");
    plain("EMPTY", "");
    let with = |more: &[&str]| {
        let mut command = place.command(&["build"]);
        command
            .arg(&app.path)
            .arg("-v")
            .arg("--env-dir")
            .arg(&folder);
        run(command.args(["--buildpack", pack.as_str()]).args(more))
    };
    let built = with(&[]).ok();
    let compile = told(&built.text, "compile");
    for (name, size) in [("LINES", 14), ("QUOTES", 30), ("TEXT", 11), ("EMPTY", 0)] {
        let told = &compile[&format!("config var {name}")];
        assert!(told.starts_with(&format!("{size} bytes")), "{name}: {told}");
    }
    assert!(!app.path.join("d").exists());
    let refused = |name: &[u8], value: &[u8], problem: &str| {
        let name = OsStr::from_bytes(name);
        write(name, value);
        with(&[]).fails(2, problem).never_says("hunter2");
        fs_err::remove_file(folder.join(name)).unwrap();
    };
    refused(b"BYTES", b"hunter2 \xff\xfe", "config-var-not-text");
    refused(b"ZERO", b"hunter2\0", "config-var-zero-byte");
    for name in [&b"a-b"[..], b"1A", b"A B", b"A=B", b"\xff", b".hidden"] {
        refused(name, b"hunter2", "config-var-name");
    }
    with(&[]).ok();
}
