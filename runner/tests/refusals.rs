//! Bad input that is told before anything is fetched: each with its exit code, its stable code and its place.

#![allow(clippy::unwrap_used, reason = "a test's failure is its message")]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// An app and a cache of its own; no network is ever asked.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new(files: &[(&str, &[u8])]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let desk = Self { folder };
        fs_err::create_dir_all(desk.app()).unwrap();
        for (name, content) in files {
            let path = desk.app().join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, content).unwrap();
        }
        desk
    }

    fn app(&self) -> PathBuf {
        self.folder.path().join("app")
    }

    fn bp(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bp"));
        command
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.folder.path())
            .env("BP_CACHE_DIR", self.folder.path().join("cache"))
            .env("BP_OFFLINE", "1");
        command
    }

    fn build(&self) -> (i32, String) {
        told(&self.bp().arg("build").arg(self.app()).output().unwrap())
    }
}

fn told(output: &Output) -> (i32, String) {
    let text = [output.stdout.as_slice(), &output.stderr].concat();
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8(text).unwrap(),
    )
}

#[track_caller]
fn assert_told((code, text): (i32, String), expected: i32, parts: &[&str]) {
    assert_eq!(code, expected, "{text}");
    for part in parts {
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
    assert!(!text.contains("panicked"), "{text}");
}

const MIX: (&str, &[u8]) = ("mix.exs", b"defmodule A.MixProject do\nend\n");

fn config(text: &[u8]) -> Desk {
    Desk::new(&[MIX, ("elixir_buildpack.config", text)])
}

#[test]
fn what_is_no_app() {
    let desk = Desk::new(&[("web/mix.exs", b"")]);
    assert_told(
        desk.build(),
        3,
        &["error[no-pack]", "there is one in", "web"],
    );
    let output = desk.bp().args(["build", "nowhere"]).output().unwrap();
    assert_told(told(&output), 2, &["error[app-folder]", "nowhere"]);
}

#[test]
fn a_config_that_is_no_bash() {
    let desk = config(b"elixir_version=1.16.2\nerlang_version=\"26.2.5\n");
    assert_told(
        desk.build(),
        3,
        &["error[config-syntax]", "elixir_buildpack.config:2:16"],
    );
}

#[test]
fn every_mistake_of_a_config_in_one_run() {
    let desk = config(b"erlang_vresion=26.2.5\nelixir_version=1.16.2\nrelease=maybe\n");
    assert_told(
        desk.build(),
        3,
        &[
            "[config-unknown-key]",
            "write `erlang_version`",
            "error[version-missing]",
            "error[config-syntax]",
            "elixir_buildpack.config:3:9",
        ],
    );
}

#[test]
fn odd_encodings_are_said_and_read() {
    let plain = "erlang_version=26.2.5\nelixir_version=0.0.1\n";
    let utf16: Vec<u8> = std::iter::once(0xfeff)
        .chain(plain.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let cases: [(Vec<u8>, &str); 4] = [
        (utf16, "is UTF-16"),
        (["\u{feff}", plain].concat().into_bytes(), "byte-order mark"),
        (plain.replace('\n', "\r\n").into_bytes(), "CR"),
        (
            plain.replace("26.2.5", "26.2\u{200b}.5").into_bytes(),
            "U+200B",
        ),
    ];
    for (text, said) in cases {
        // The versions are read through all of it: what is wrong with them is still told.
        assert_told(
            config(&text).build(),
            4,
            &["warning[", said, "Elixir 0.0.1"],
        );
    }
}

#[test]
fn versions_that_are_none() {
    let desk = config(b"erlang_version=twenty\nelixir_version=(one two three)\n");
    assert_told(
        desk.build(),
        3,
        &[
            "error[otp-malformed]",
            "elixir_buildpack.config:1:16",
            "error[elixir-malformed]",
        ],
    );
}

#[test]
fn json_that_is_none() {
    let desk = Desk::new(&[MIX, ("app.json", b"{\n  \"stack\": heroku-24\n}")]);
    assert_told(desk.build(), 3, &["error[app-json]", "app.json:2:12"]);
}

#[test]
fn stacks_that_nobody_knows() {
    let desk = config(b"erlang_version=26.2.5\nelixir_version=1.16.2\n");
    let stack = |name: &str| {
        let output = desk.bp().args(["build", "app", "--stack", name]).output();
        told(&output.unwrap())
    };
    assert_told(
        stack("heruko-24"),
        2,
        &["error[stack-unknown]", "did you mean `heroku-24`?"],
    );
    assert_told(stack("heroku-20"), 4, &["warning[stack-eol]", "2025-04-30"]);
}

#[test]
fn command_lines_that_are_wrong() {
    let desk = config(b"erlang_version=26.2.5\nelixir_version=1.16.2\n");
    let file = desk.folder.path().join("vars");
    fs_err::write(&file, "A=1\nhunter2hunter2\n").unwrap();
    for (arguments, part) in [
        (&["build", "app", "--output", "tar:x"][..], "docker-archive"),
        (&["build", "app", "--env", "1A=x"], "config-var-name"),
        (&["build", "app", "--env", "NOT_SET"], "config-var-unset"),
        (&["build", "app", "--env-file", "vars"], "line 2"),
        (&["build", "app", "--sandbox", "docker"], "namespace"),
        (&["run", "nothing"], "image-not-kept"),
        (&["frobnicate"], "unrecognized subcommand"),
    ] {
        let output = told(&desk.bp().args(arguments).output().unwrap());
        assert!(!output.1.contains("hunter2"), "{}", output.1);
        assert_told(output, 2, &[part]);
    }
}

#[test]
fn a_cache_that_cannot_be_used() {
    let desk = config(b"");
    let place = |folder: &str| {
        let output = desk
            .bp()
            .env("BP_CACHE_DIR", folder)
            .args(["build", "app"])
            .output();
        told(&output.unwrap())
    };
    assert_told(place("/proc/nowhere"), 4, &["error[cache-", "BP_CACHE_DIR"]);
    fs_err::write(desk.folder.path().join("file"), "").unwrap();
    let file = desk.folder.path().join("file");
    assert_told(
        place(file.to_str().unwrap()),
        4,
        &["error[cache-not-a-folder]"],
    );
    let output = desk
        .bp()
        .env_remove("HOME")
        .env_remove("BP_CACHE_DIR")
        .args(["build", "app"])
        .output();
    assert_told(told(&output.unwrap()), 2, &["--cache-dir"]);
}

#[test]
fn without_a_network_what_is_missing_is_named() {
    let desk = config(b"erlang_version=26.2.5\nelixir_version=1.16.2\n");
    assert_told(desk.build(), 4, &["offline"]);
}

#[test]
fn forbidden_namespaces_are_told_with_the_way_out() {
    let desk = config(b"");
    // Inside a user namespace of its own, nobody may make another.
    let script = format!(
        "echo 0 > /proc/sys/user/max_user_namespaces && exec {} doctor --offline",
        env!("CARGO_BIN_EXE_bp")
    );
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "sh", "-c", &script])
        .env("HOME", desk.folder.path())
        .env("BP_CACHE_DIR", desk.folder.path().join("cache"))
        .output()
        .unwrap();
    assert_told(
        told(&output),
        1,
        &["bad   namespaces", "user.max_user_namespaces = 15000"],
    );
}

#[test]
fn a_file_that_may_not_be_read_is_named() {
    let desk = config(b"erlang_version=26.2.5\nelixir_version=1.16.2\n");
    let secret = desk.app().join("elixir_buildpack.config");
    fs_err::set_permissions(&secret, PermissionsExt::from_mode(0o000)).unwrap();
    fs_err::set_permissions(desk.folder.path(), PermissionsExt::from_mode(0o777)).unwrap();
    // To root every file is readable: ask as somebody else.
    let output = if rustix::process::geteuid().is_root() {
        Command::new("setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(readable_bp(desk.folder.path()))
            .args(["build", "app"])
            .current_dir(desk.folder.path())
            .env("HOME", desk.folder.path())
            .env("BP_CACHE_DIR", desk.folder.path().join("cache"))
            .output()
    } else {
        desk.bp().args(["build", "app"]).output()
    };
    assert_told(
        told(&output.unwrap()),
        3,
        &["error[app-file]", "elixir_buildpack.config"],
    );
}

/// A copy of the binary where everybody reaches it.
fn readable_bp(folder: &Path) -> PathBuf {
    let copy = folder.join("bp");
    fs_err::copy(env!("CARGO_BIN_EXE_bp"), &copy).unwrap();
    fs_err::set_permissions(&copy, PermissionsExt::from_mode(0o755)).unwrap();
    copy
}
