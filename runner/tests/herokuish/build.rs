//! `/build` and `buildpack detect`, with packs of scripts: what is said, what packs are given, what is left in the app.

use std::os::unix::fs::{MetadataExt, chown, symlink};

use crate::desk::{Desk, Ran};

const MARGIN: &str = "\u{1b}[1G";

/// Runs `/build` on heroku-24.
fn build(desk: &Desk, variables: &[(&str, &str)]) -> Ran {
    run(desk, &["buildpack", "build"], variables)
}

/// Runs a command; as root, the app is nobody's.
pub(crate) fn run(desk: &Desk, words: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = match words {
        ["buildpack", "build"] => desk.called("build"),
        _ => desk.called("herokuish"),
    };
    if words != ["buildpack", "build"] {
        command.args(words);
    }
    command.env("STACK", "heroku-24").env("USER", "nobody");
    desk.ran(command.envs(variables.iter().copied()))
}

/// The lines without what takes them to the first column.
pub(crate) fn plain(text: &str) -> String {
    text.replace(MARGIN, "")
}

/// A desk with an app and one pack that the image brings along.
fn with_pack(files: &[(&str, &str)], compile: &str) -> Desk {
    let desk = Desk::new(files);
    desk.pack("buildpacks/01_buildpack-mine", "echo Mine", compile);
    desk
}

#[test]
fn a_build_leaves_an_app_that_starts() {
    let desk = with_pack(
        &[("greet.sh", "echo \"$GREETING $(cat made)\"")],
        "cd \"$1\" && echo '-----> Making' && echo made > made && mkdir -p .profile.d \
         && echo 'export GREETING=hello' > .profile.d/mine.sh",
    );
    desk.script(
        "buildpacks/01_buildpack-mine/bin/release",
        "echo '--- {default_process_types: {web: bash greet.sh, worker: sleep 1}}'",
    );
    let ran = build(&desk, &[]);
    assert_eq!(ran.err, "");
    let out = ran.fine();
    for line in [
        format!("{MARGIN}-----> Mine app detected\n"),
        "-----> Making\n".to_owned(),
        format!("{MARGIN}-----> Discovering process types\n"),
        format!("{MARGIN}       Default types for Mine -> web, worker\n"),
    ] {
        assert!(out.contains(&line), "no {line:?} in {out}");
    }
    assert_eq!(desk.run("start", &["web"]).fine(), "hello made\n");
    assert_eq!(
        desk.run("herokuish", &["procfile", "parse", "worker"])
            .fine(),
        "sleep 1\n"
    );
    let procfile = fs_err::read_to_string(desk.path("app/Procfile")).unwrap();
    assert_eq!(procfile, "web: bash greet.sh\nworker: sleep 1\n");
    // Nothing of the engine stays.
    let names = |path: &str| {
        let mut names: Vec<String> = fs_err::read_dir(desk.path(path))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(
        names("app"),
        [".profile.d", ".release", "Procfile", "greet.sh", "made"]
    );
    assert_eq!(names("buildpacks"), ["01_buildpack-mine"]);
}

#[test]
fn packs_are_given_the_folders_of_the_variables() {
    let desk = with_pack(
        &[(".env", "FROM_FILE='of the file'\nSHARED=file\n")],
        "{ echo \"$1 $2 $3\"; pwd -P | sed 's/.*kept/kept/'; echo \"$FROM_FILE|$SHARED|$CONTAINER\"; \
         cat \"$3/SHARED\"; echo; echo \"$HOME $APP_DIR $STACK\"; ls \"$2\"; } > \"$1/seen\"; echo kept > \"$2/cached\"",
    );
    desk.env("SHARED", "folder");
    desk.env("not-a-name", "hunter2");
    desk.put("cache/of an earlier build", "");
    let ran = build(&desk, &[("CONTAINER", "of the container")]);
    assert!(ran.err.contains("`not-a-name` in `[desk]/env`"), "{ran:?}");
    assert_eq!(ran.code, 0, "{ran:?}");
    let seen = fs_err::read_to_string(desk.path("app/seen")).unwrap();
    let seen = seen.replace(desk.path("").to_str().unwrap(), "[desk]/");
    let lines: Vec<&str> = seen.lines().collect();
    assert_eq!(lines[0], "[desk]/build [desk]/cache [desk]/env");
    assert_eq!(lines[2..4], ["of the file|file|of the container", "folder"]);
    assert_eq!(lines[4], "[desk]/app [desk]/app heroku-24");
    assert_eq!(lines[5..], ["of an earlier build"]);
    assert!(desk.path("cache/cached").is_file());
    assert_eq!(
        fs_err::read_to_string(desk.path("env/SHARED")).unwrap(),
        "folder"
    );
}

#[test]
fn a_mounted_source_takes_the_apps_place() {
    let desk = with_pack(&[("old", "")], "true");
    desk.put("import/new", "");
    symlink("new", desk.path("import/link")).unwrap();
    build(&desk, &[]).told(0, &["No process types found"]);
    assert!(desk.path("app/new").is_file() && desk.path("app/link").is_symlink());
    assert!(!desk.path("app/old").exists());
}

#[test]
fn slugignore_is_applied_before_the_packs_run() {
    let files = [
        (".slugignore", "docs\n*.psd\n"),
        ("docs/a", ""),
        ("b.psd", ""),
    ];
    let compile = "mkdir -p \"$1/docs\" && touch \"$1/docs/made\" && ls \"$1\" > \"$1/seen\"";
    let desk = with_pack(&files, compile);
    build(&desk, &[]).fine();
    let seen = fs_err::read_to_string(desk.path("app/seen")).unwrap();
    assert_eq!(seen, "docs\nseen\n");
    assert!(desk.path("app/docs/made").exists() && !desk.path("app/docs/a").exists());
    let desk = with_pack(&files, compile);
    build(&desk, &[("BP_HEROKUISH_COMPAT", "tar-exclude")]).fine();
    assert!(desk.path("app/docs/a").exists() && desk.path("app/b.psd").exists());
}

#[test]
fn a_procfile_is_told_and_packs_add_what_it_lacks() {
    let files = [(
        "Procfile",
        "worker: b\nclock: c\nworker: d\n<<<<<<< HEAD\nno colon\n",
    )];
    let desk = with_pack(&files, "true");
    desk.script(
        "buildpacks/01_buildpack-mine/bin/release",
        "echo '--- {default_process_types: {web: echo of the pack, worker: never}}'",
    );
    let ran = build(&desk, &[]);
    let out = plain(&ran.out);
    assert!(
        out.contains(
            "       Procfile declares types -> clock, worker\n       Default types for Mine -> web\n"
        ),
        "{out}"
    );
    ran.told(
        0,
        &["procfile-syntax", "the first line counts", "merge conflict"],
    );
    assert_eq!(desk.run("start", &["web"]).fine(), "of the pack\n");
    assert_eq!(
        desk.run("herokuish", &["procfile", "parse", "worker"])
            .fine(),
        "b\n"
    );
    let mut start = desk.called("start");
    let start = start.arg("web").env("BP_HEROKUISH_COMPAT", "procfile-only");
    desk.ran(start)
        .told(1, &["Proc entrypoint web does not exist"]);
}

#[test]
fn of_several_packs_that_apply_the_first_is_taken_and_all_are_named() {
    let desk = Desk::new(&[]);
    for (folder, detect) in [
        ("00_buildpack-multi", "echo Multi"),
        ("01_buildpack-ruby", "exit 1"),
        ("04_buildpack-python", "echo Python"),
        ("02_buildpack-nodejs", "echo Node.js"),
    ] {
        desk.pack(&format!("buildpacks/{folder}"), detect, "true");
    }
    for words in [&["buildpack", "build"], &["buildpack", "detect"]] {
        let out = plain(&run(&desk, words, &[]).fine());
        assert!(
            out.contains(
                "-----> Warning: Multiple default buildpacks reported the ability to handle this app. \
                 The first buildpack in the list below will be used.\n       Detected buildpacks: nodejs python\n"
            ) && out.contains("-----> Node.js app detected\n"),
            "{out}"
        );
    }
}

#[test]
fn no_pack_that_applies_is_said_and_ends_with_1() {
    let desk = Desk::new(&[("index.html", "")]);
    desk.pack("buildpacks/00_buildpack-fail", "echo no; exit 1", "true");
    for words in [&["buildpack", "detect"], &["buildpack", "build"]] {
        let ran = run(&desk, words, &[]);
        ran.told(
            1,
            &[
                "-----> Unable to select a buildpack\n",
                "None of the buildpacks in [desk]/buildpacks takes this app: name one in .buildpacks",
            ],
        );
    }
    let desk = Desk::new(&[("index.html", "")]);
    run(&desk, &["buildpack", "build"], &[]).told(
        1,
        &["No buildpacks are installed in [desk]/buildpacks: name one in .buildpacks"],
    );
}

#[test]
fn a_pack_that_is_asked_for_wins_wherever_it_is_asked_for() {
    let desk = with_pack(&[], "true");
    desk.pack("elsewhere/one", "echo One", "touch \"$1/one\"");
    desk.pack(
        "elsewhere/two",
        "[ -f \"$1/one\" ] && echo Two",
        "touch \"$1/two\"",
    );
    let address = |name: &str| {
        desk.path(&format!("elsewhere/{name}"))
            .display()
            .to_string()
    };
    let (one, two) = (address("one"), address("two"));
    // The file's comments and blanks say nothing.
    desk.put("app/.buildpacks", format!("# packs\n\n  {one}  \n{two}\n"));
    let out = plain(&build(&desk, &[]).fine());
    assert!(
        out.contains("-----> Fetching custom buildpack [desk]/elsewhere/one\n")
            && out.contains("-----> One app detected\n")
            && out.contains("-----> Two app detected\n"),
        "{out}"
    );
    assert!(desk.path("app/two").exists());
    fs_err::remove_file(desk.path("app/two")).unwrap();
    for (place, url) in [("container", &one), ("file", &one), ("folder", &one)] {
        fs_err::remove_file(desk.path("app/one")).unwrap();
        match place {
            "container" => {}
            "file" => desk.put("app/.env", format!("BUILDPACK_URL={url}\n")),
            _ => desk.env("BUILDPACK_URL", url),
        }
        let variable = [("BUILDPACK_URL", url.as_str())];
        let variables = if place == "container" {
            &variable[..]
        } else {
            &[]
        };
        let out = build(&desk, variables).fine();
        assert!(
            out.contains("One app detected") && !out.contains("Two"),
            "{place}: {out}"
        );
        assert!(desk.path("app/one").exists() && !desk.path("app/two").exists());
    }
}

#[test]
fn a_pack_that_cannot_be_had_is_said_in_herokuishs_words() {
    let desk = with_pack(&[], "true");
    for words in [&["buildpack", "detect"], &["buildpack", "build"]] {
        let told = |url: &str, parts: &[&str]| {
            run(&desk, words, &[("BUILDPACK_URL", url)]).told(1, parts);
        };
        told(
            "ruby",
            &[
                "Invalid buildpack URL: 'ruby'",
                "Unable to fetch custom buildpack",
                "pack-reference",
            ],
        );
        told(
            "/nowhere/at/all",
            &[
                "-----> Fetching custom buildpack /nowhere/at/all\n",
                "not a reachable git remote or a recognised archive: '/nowhere/at/all'",
                "-----> Unable to fetch custom buildpack from /nowhere/at/all\n",
            ],
        );
    }
}

#[test]
fn a_failing_pack_fails_the_build_and_secrets_are_masked() {
    let desk = with_pack(
        &[(".env", "SECRET_KEY=hunter2hunter2\n")],
        "echo \"key $SECRET_KEY\"; exit 3",
    );
    let ran = build(&desk, &[]);
    assert!(!ran.out.contains("hunter2"), "{ran:?}");
    ran.told(
        1,
        &["key [SECRET_KEY]", "step-failed", "bin/compile of mine"],
    );
}

#[test]
fn env_files_are_evaluated_only_if_that_is_asked_for() {
    let desk = with_pack(
        &[(
            ".env",
            "A=$(printf run)\nB=\"x y\"\nC=$A-z\n# D=$(touch never)\n",
        )],
        "echo \"$A|$B|$C\" > \"$1/seen\"",
    );
    let seen = || fs_err::read_to_string(desk.path("app/seen")).unwrap();
    build(&desk, &[]).fine();
    assert_eq!(seen(), "$(printf run)|x y|$(printf run)-z\n");
    build(&desk, &[("BP_HEROKUISH_COMPAT", "eval-env")]).fine();
    assert_eq!(seen(), "run|x y|run-z\n");
    desk.put("app/.env", "A={\"json\": \"it's\"}\n");
    build(&desk, &[("BP_HEROKUISH_COMPAT", "eval-env")]).told(3, &["env-file-bash"]);
    assert!(!desk.path("app/never").exists());
}

/// `buildpack install` gives them the names of their repositories.
#[test]
fn a_pack_may_have_any_name() {
    for name in ["mine", "02_mine", "01_buildpack-mine"] {
        let desk = Desk::new(&[("source", "")]);
        desk.pack(
            &format!("buildpacks/{name}"),
            "echo Mine",
            "echo made > $1/made",
        );
        build(&desk, &[]).fine();
        assert!(desk.path("app/made").is_file(), "{name}");
        let left: Vec<_> = fs_err::read_dir(desk.path("buildpacks"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, [name]);
    }
}

#[test]
fn the_app_is_built_by_its_user_and_is_its_users() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let desk = with_pack(
        &[("source", "")],
        "id -u > \"$1/who\"; touch \"$2/mine\"; cat \"$3/SECRET\" >> \"$1/who\"",
    );
    desk.env("SECRET", "read by its owner");
    chown(desk.path("app/source"), Some(0), Some(0)).unwrap();
    build(&desk, &[("USER", "nobody")]).fine();
    let owner = |name: &str| desk.path(name).symlink_metadata().unwrap().uid();
    for name in ["app", "app/source", "app/who", "cache/mine", "env/SECRET"] {
        assert_eq!(owner(name), 65534, "{name}");
    }
    assert_eq!(owner("buildpacks/01_buildpack-mine/bin/detect"), 0);
    assert_eq!(
        fs_err::read_to_string(desk.path("app/who")).unwrap(),
        "65534\nread by its owner"
    );
    build(&desk, &[("USER", "nobody-there")]).told(2, &["user-unknown"]);
}

/// As `bp build` looks at its images: the container that builds an app is the one that runs it.
#[test]
fn what_will_not_start_fails_the_build_unless_nobody_is_to_look() {
    let files = [(
        "Procfile",
        "web: bin/server\nworker: ./left.sh\nclock: mine --all\n",
    )];
    let compile =
        "cd \"$1\" && mkdir -p bin && touch left.sh && printf '#!/bin/sh\\nsleep 1\\n' > bin/made";
    let desk = with_pack(&files, compile);
    build(&desk, &[]).told(
        1,
        &[
            "error[process-program-missing]",
            "`web` starts `bin/server`, which is not in the image",
        ],
    );
    let unchecked = [("BP_HEROKUISH_COMPAT", "unchecked")];
    build(&desk, &unchecked).fine();
    let server = format!("{compile} && mv bin/made bin/server && chmod +x bin/server");
    let desk = with_pack(&files, &server);
    let ran = build(&desk, &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let told = "warning[process-not-executable]: `worker` starts `./left.sh`";
    assert!(
        ran.err.contains(told) && !ran.err.contains("mine"),
        "{ran:?}"
    );
    // With a library that is nowhere.
    let old = "libtinfo.so.6";
    let tool = format!(
        "{server} && mkdir -p vendor && sed 's/{old}/libnowhere.so/g' /bin/bash > vendor/tool"
    );
    let desk = with_pack(&files, &tool);
    let ran = build(&desk, &[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let told = "warning[library-missing]: `[desk]/app/vendor/tool` needs `libnowhere.so`";
    assert!(ran.err.contains(told), "{ran:?}");
}
