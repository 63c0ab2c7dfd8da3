//! `--fix`: what can be mended is, the rest of the files stays as it is.

use std::collections::BTreeSet;
use std::os::unix::fs::{PermissionsExt, symlink};

use buildpack_core::rules::RULES;
use testdata::fake::lists::Lists;
use testdata::workspace::{Workspace, run};

use crate::Desk;

/// A config whose OTP was not built for heroku-24, with what an edit must leave alone.
const CONFIG: &str = "# é\r\nerlang_version='27.2' # why\r\nelixir_version=1.18.1";

#[test]
fn a_version_that_is_not_built_becomes_the_nearest_that_is() {
    let desk = Desk::usual();
    let app = desk.place.app("blog", "blog").unwrap();
    let path = app.path.join("elixir_buildpack.config");
    let before = fs_err::read_to_string(&path).unwrap();
    fs_err::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
    let ran = desk.check(&app, &["--fix"]).ok();
    let line = "Fixed elixir_buildpack.config:2:16: 27.2 → 27.2.4 (otp-not-built)\n";
    assert!(ran.stdout.starts_with(line), "{}", ran.text);
    let after = fs_err::read_to_string(&path).unwrap();
    assert_eq!(after, before.replace("27.2", "27.2.4"));
    let mode = fs_err::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    desk.check(&app, &["--fix"]).ok().never_says("Fixed");
}

/// Each rule that has one right answer: a file that breaks it, which `--fix` mends.
#[test]
fn what_was_mended_is_found_no_more() {
    const ELIXIR: &str = "elixir_buildpack.config";
    let utf16: Vec<u8> = "\u{feff}elixir_version=1.19.5\r\nerlang_version=27.3.4.16\r\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let sound = |more: &str| {
        format!("elixir_version=1.19.5\nerlang_version=27.3.4.16\n{more}").into_bytes()
    };
    let pair = |elixir: &str, otp: &str| {
        format!("elixir_version={elixir}\nerlang_version={otp}\n").into_bytes()
    };
    let asks = |key: &str, version: &str| format!("{key}={version}\n").into_bytes();
    let cases: [(&str, &str, Vec<u8>); 12] = [
        ("config-syntax", ELIXIR, pair(" 1.19.5", "27.3.4.16")),
        ("config-encoding", ELIXIR, sound("hook_pre_compile=“true”\n")),
        ("config-encoding", ELIXIR, sound("always_rebuild=true\r\n")),
        ("config-encoding", ELIXIR, utf16),
        ("config-unknown-key", ELIXIR, sound("always_rebuil=true\n")),
        ("config-deprecated-key", ELIXIR, sound("config_vars_to_export=(DATABASE_URL)\n")),
        ("otp-not-built", ELIXIR, pair("1.18.1", "'27.3'")),
        ("otp-known-bad", ELIXIR, pair("1.18.1", "27.2")),
        ("elixir-not-built", ELIXIR, pair("1.18.2", "27.3.4.16")),
        ("stack-unknown", "app.json", b"{\"stack\": \"heruko-24\"}".to_vec()),
        (
            "node-not-published",
            "phoenix_static_buildpack.config",
            asks("node_version", "22.13.99"),
        ),
        (
            "pack-order",
            ".buildpacks",
            b"https://github.com/gigalixir/gigalixir-buildpack-phoenix-static#v1\nhttps://github.com/gigalixir/gigalixir-buildpack-elixir#v1\n"
                .to_vec(),
        ),
    ];
    let tried: BTreeSet<&str> = cases.iter().map(|(code, ..)| *code).collect();
    let fixable = RULES.iter().filter(|rule| rule.fixable);
    assert_eq!(tried, fixable.map(|rule| rule.code).collect());
    let desk = Desk::new(Some(&Lists::usual().with_otp("24.04", "27.2")));
    for (code, file, bytes) in cases {
        let app = desk.app(&[]);
        app.write(file, &bytes).unwrap();
        let of_code = |codes: Vec<String>| codes.iter().any(|found| found.contains(code));
        assert!(
            of_code(desk.codes(&app, &[])),
            "{code} is not found in {file}"
        );
        let ran = desk.check(&app, &["--fix"]).ok();
        assert!(ran.stdout.contains(&format!("({code})\n")), "{}", ran.text);
        let left = desk.codes(&app, &[]);
        assert!(!of_code(left.clone()), "{code}: {left:?}");
        desk.check(&app, &["--fix"]).ok().never_says("Fixed");
        fs_err::remove_dir_all(&app.path).unwrap();
    }
}

#[test]
fn a_dry_run_shows_all_of_it_and_writes_nothing() {
    let desk = Desk::usual();
    let app = desk.app(&[
        ("elixir_buildpack.config", CONFIG),
        ("app.json", "{ \"stack\": \"heruko-24\" }\n"),
    ]);
    let ran = desk.check(&app, &["--fix", "--dry-run"]).exits(3);
    for line in [
        "--- a/app.json\n+++ b/app.json\n",
        "-{ \"stack\": \"heruko-24\" }\n+{ \"stack\": \"heroku-24\" }\n",
        // Which versions there are is known once the stack is.
        "+erlang_version='27.2.4' # why",
    ] {
        assert!(ran.stdout.contains(line), "no {line:?} in {}", ran.text);
    }
    let kept = fs_err::read_to_string(app.path.join("elixir_buildpack.config")).unwrap();
    assert_eq!(kept, CONFIG);
    // The diff is one that `patch` takes, and does what `--fix` does.
    let diff = desk.place.path().join("diff");
    fs_err::write(&diff, &ran.stdout).unwrap();
    let copy = desk.place.path().join("copy");
    run(std::process::Command::new("cp")
        .arg("-r")
        .arg(&app.path)
        .arg(&copy))
    .ok();
    let patched = std::process::Command::new("git")
        .args(["apply", "--whitespace=nowarn"])
        .arg(&diff)
        .current_dir(&copy)
        .status();
    desk.check(&app, &["--fix"]).ok();
    if patched.is_ok_and(|status| status.success()) {
        for name in ["app.json", "elixir_buildpack.config"] {
            let text = |folder: &std::path::Path| fs_err::read(folder.join(name)).unwrap();
            assert_eq!(text(&copy), text(&app.path), "{name}");
        }
    } else {
        panic!("git does not take the diff:\n{}", ran.stdout);
    }
}

#[test]
fn in_other_formats_the_report_is_the_whole_answer() {
    let desk = Desk::usual();
    let app = desk.app(&[("elixir_buildpack.config", CONFIG)]);
    let ran = desk.check(&app, &["--fix", "--format", "json"]).ok();
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["versions"]["erlang"]["resolved"], "27.2.4");
    assert!(
        ran.text.contains("Fixed elixir_buildpack.config:2:17"),
        "{}",
        ran.text
    );
}

#[test]
fn what_is_not_shown_is_not_mended() {
    let desk = Desk::usual();
    let config = "elixir_version=1.19.5\nerlang_version=27.3.4.16\nalways_rebuil=true\n";
    let app = desk.app(&[
        ("elixir_buildpack.config", config),
        ("app.json", "{ \"stack\": \"heruko-24\" }\n"),
    ]);
    let allowed = ["--allow", "config-unknown-key", "--allow", "stack-unknown"];
    let ran = desk.check(&app, &[&allowed[..], &["--fix"]].concat()).ok();
    // What was an error is a warning now, and shown.
    ran.says("Fixed app.json:1:13").never_says("always_rebuil");
    let kept = fs_err::read_to_string(app.path.join("elixir_buildpack.config")).unwrap();
    assert_eq!(kept, config);
}

#[test]
fn a_link_is_followed_within_the_app_alone() {
    let desk = Desk::usual();
    let app = desk.app(&[("deploy/config", CONFIG)]);
    let link = app.path.join("elixir_buildpack.config");
    fs_err::remove_file(&link).unwrap();
    symlink("deploy/config", &link).unwrap();
    desk.check(&app, &["--fix"]).ok();
    assert!(link.is_symlink());
    let outside = desk.place.path().join("outside");
    fs_err::write(&outside, CONFIG).unwrap();
    fs_err::remove_file(&link).unwrap();
    symlink("../outside", &link).unwrap();
    desk.check(&app, &["--fix"]);
    assert_eq!(fs_err::read_to_string(&outside).unwrap(), CONFIG);
}

#[test]
fn a_file_that_may_not_be_written_is_named_and_nothing_is_half() {
    let mut desk = Desk::usual();
    let app = desk.app(&[
        ("elixir_buildpack.config", CONFIG),
        ("app.json", "{ \"stack\": \"heruko-24\" }\n"),
    ]);
    let path = app.path.join("elixir_buildpack.config");
    fs_err::set_permissions(&path, PermissionsExt::from_mode(0o444)).unwrap();
    if rustix::process::geteuid().is_root() {
        // To root every file is writable: ask as somebody else, who owns the folder.
        let place = std::mem::replace(
            &mut desk.place,
            Workspace::new(env!("CARGO_BIN_EXE_bp")).unwrap(),
        );
        desk.place = place.as_user(65534).unwrap();
        run(std::process::Command::new("chown")
            .args(["-R", "65534"])
            .arg(&app.path))
        .ok();
    }
    desk.check(&app, &["--fix"])
        .fails(4, "fix-unwritable")
        .says("elixir_buildpack.config");
    let json = fs_err::read_to_string(app.path.join("app.json")).unwrap();
    assert!(json.contains("heruko-24"), "{json}");
    assert_eq!(fs_err::read_to_string(&path).unwrap(), CONFIG);
}
