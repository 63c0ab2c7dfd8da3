//! `bp versions`: what there is, what is known of one, and lists brought up to date.

#![allow(clippy::unwrap_used, reason = "a test's failure is its message")]

use std::process::Command;

use serde_json::Value;
use testdata::fake::lists::Lists;
use testdata::fake::origin::Origin;

/// Hosts that have the usual lists, and a cache of its own.
struct Desk {
    origin: Origin,
    cache: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let origin = Origin::start().unwrap();
        Lists::usual().serve(&origin);
        let cache = tempfile::tempdir().unwrap();
        Self { origin, cache }
    }

    fn bp(&self, arguments: &str) -> (i32, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_bp"))
            .args(arguments.split(' '))
            .env_clear()
            .env("HOME", self.cache.path())
            .env("BP_CACHE_DIR", self.cache.path().join("cache"))
            .env("BP_HEX_BUILDS_URL", self.origin.url(""))
            .env("BP_NODE_DIST_URL", self.origin.url("/dist"))
            .output()
            .unwrap();
        (
            output.status.code().unwrap_or(-1),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    }

    /// The answer of a call that succeeds and complains of nothing.
    #[track_caller]
    fn said(&self, arguments: &str) -> String {
        let (code, out, err) = self.bp(arguments);
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        out
    }

    fn json(&self, arguments: &str) -> Value {
        serde_json::from_str(&self.said(&format!("{arguments} --format json"))).unwrap()
    }
}

/// Lines of an answer but for the first, which holds the port of the host.
fn lines(answer: &str) -> Vec<&str> {
    answer.lines().skip(1).collect()
}

#[test]
fn the_newest_of_each_line_is_listed_with_the_end_of_its_support() {
    let desk = Desk::new();
    let erlang = desk.said("versions list erlang --stack 24 --arch amd64");
    assert!(erlang.starts_with("Erlang/OTP for heroku-24 on amd64, 127.0.0.1:"));
    assert_eq!(
        lines(&erlang)[..4],
        [
            "  29  29.0.5     supported until about 2029-05-13  not built",
            "  28  28.5.0.5   supported until about 2028-05-20",
            "  27  27.3.4.16  supported until about 2027-05-20",
            "  26  26.2.5.21  ended 2026-05-13",
        ]
    );
    let elixir = desk.said("versions list elixir");
    assert_eq!(
        lines(&elixir)[..2],
        [
            "  1.20  1.20.3  OTP 27 28 29     supported",
            "  1.19  1.19.5  OTP 26 27 28     supported",
        ]
    );
    assert!(elixir.contains("  1.14  1.14.5  OTP 25           ended 2025-10-16\n"));
    let node = desk.said("versions list node");
    assert!(
        node.contains("  22  22.14.0  Jod       npm 10.9.2  supported until 2027-04-30\n"),
        "{node}"
    );
    // Each list was asked for once, and kept.
    let asked = desk.origin.seen().len();
    desk.said("versions list node");
    desk.said("--offline versions list elixir");
    assert_eq!(desk.origin.seen().len(), asked);
}

#[test]
fn all_versions_can_be_listed_and_read_by_programs() {
    let desk = Desk::new();
    let all = desk.said("versions list otp --stack 24 --arch amd64 --all");
    assert_eq!(lines(&all).len(), Lists::usual().otp["24.04"].len());
    assert!(all.contains("  2026-10-01  27.0-rc1\n"));
    let json = desk.json("versions list erlang --stack 24 --arch amd64 --all");
    assert_eq!(json["tool"], "erlang");
    assert_eq!(json["stack"]["os"], "ubuntu-24.04");
    assert_eq!(json["list"]["origin"], "kept");
    assert_eq!(json["versions"][0]["version"], "28.5.0.5");
    assert_eq!(json["versions"][0]["support"]["ends"], "2028-05-20");
    assert_eq!(json["versions"][0]["listed"], true);
}

#[test]
fn a_version_is_explained_by_what_it_was_built_for() {
    let desk = Desk::new();
    let said = desk.said("versions explain 27.2");
    for part in [
        "Erlang/OTP 27.2\n",
        "  newest     27.3.4.16 of line 27\n",
        "  known bad  ",
        "  Elixir     1.20.3, 1.19.5, 1.18.4, 1.17.3\n",
        "  heroku-22  amd64  built 2026-10-01\n",
        "  heroku-24  amd64  not built\n",
        "/builds/otp/amd64/ubuntu-22.04/OTP-27.2.tar.gz\n    sha256:19d80df4",
    ] {
        assert!(said.contains(part), "no {part:?} in:\n{said}");
    }
    assert!(!said.contains("Node"));
    let json = desk.json("versions explain 1.18.4");
    let built = json[0]["built"].as_array().unwrap();
    let otp: Vec<_> = built
        .iter()
        .map(|built| built["otp"].as_u64().unwrap())
        .collect();
    assert_eq!(otp, [25, 26, 27, 28]);
    assert_eq!(json[0]["documented_otp"], serde_json::json!([25, 27]));
    assert_eq!(json[0]["lists"].as_array().unwrap().len(), 1);
    // A line means its newest.
    assert_eq!(
        desk.json("versions explain 1.18-otp-27")[0]["version"],
        "1.18.4"
    );
    let node = desk.said("versions explain 22 --tool node");
    for part in [
        "Node 22.14.0\n",
        "long-term support Jod",
        "/dist/v22.14.0/node-v22.14.0-linux-arm64.tar.gz\n",
    ] {
        assert!(node.contains(part), "no {part:?} in:\n{node}");
    }
}

#[test]
fn what_was_never_released_and_what_is_no_version_end_apart() {
    let desk = Desk::new();
    let (code, out, err) = desk.bp("versions explain 26.2.4.9");
    assert_eq!(code, 3, "{err}");
    assert!(out.contains("there is no such release"));
    assert!(err.contains("error[version-unpublished]"));
    let (code, _, err) = desk.bp("versions explain seven");
    assert_eq!(code, 2);
    assert!(err.contains("error[version-of-nothing]"));
    assert_eq!(desk.bp("versions list python").0, 2);
    let (code, _, err) = desk.bp("versions list erlang --stack 99");
    assert_eq!(code, 2, "{err}");
}

#[test]
fn an_update_says_what_changed() {
    let desk = Desk::new();
    let first = desk.said("versions update");
    assert!(
        first.contains("  Node                          9 releases  "),
        "{first}"
    );
    let second = desk.said("versions update");
    assert_eq!(
        second.matches("unchanged\n").count(),
        second.lines().count() - 1,
        "{second}"
    );
    // That stack's builds are history.
    let gone = "the host has none; list of 2024-06-15 (built in)";
    assert!(second.contains(gone), "{second}");
    Lists::usual()
        .with_otp("24.04", "27.3.4.17")
        .serve(&desk.origin);
    let third = desk.said("versions update");
    assert_eq!(
        third.matches("  1 new: OTP-27.3.4.17 since 20").count(),
        2,
        "{third}"
    );
}

#[test]
fn an_update_that_fails_keeps_what_is_there() {
    let desk = Desk::new();
    desk.said("versions update");
    desk.origin
        .file("/dist/index.json", b"<html>Sign in</html>");
    let (code, out, err) = desk.bp("versions update");
    assert_eq!(code, 4);
    assert!(out.contains("not updated"), "{out}");
    assert!(
        err.contains("error[lists-not-updated]: 1 of 8 lists"),
        "{err}"
    );
    assert!(err.contains("it is a web page"), "{err}");
    // What shrank is taken on demand.
    let mut fewer = Lists::usual();
    fewer.node.truncate(3);
    fewer.serve(&desk.origin);
    let (code, out, err) = desk.bp("versions update");
    assert_eq!(code, 4, "{out}{err}");
    assert!(
        desk.said("versions update --force")
            .contains("6 gone since")
    );
}
