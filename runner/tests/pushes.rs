//! What of a push is told before anything is built or sent.

#![allow(clippy::unwrap_used, reason = "a test's failure is its message")]

use std::process::{Command, Output};

use testdata::fake::registry::{Access, Registry};

/// An app, a home and a cache of their own.
struct Desk {
    folder: tempfile::TempDir,
    registry: Registry,
}

impl Desk {
    fn new() -> Self {
        let desk = Self {
            folder: tempfile::tempdir().unwrap(),
            registry: Registry::start().unwrap(),
        };
        let app = desk.folder.path().join("app");
        fs_err::create_dir_all(&app).unwrap();
        fs_err::write(app.join("mix.exs"), "defmodule A.MixProject do\nend\n").unwrap();
        desk
    }

    /// Calls `bp`, which can reach no other host than the registry.
    #[track_caller]
    fn fails(&self, arguments: &[&str], code: i32, parts: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_bp"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.folder.path())
            .env("BP_CACHE_DIR", self.folder.path().join("cache"))
            .env("BP_HEX_BUILDS_URL", "http://127.0.0.1:1")
            .env("BP_REGISTRY_MIRROR", "docker.io=http://127.0.0.1:1")
            .output()
            .unwrap();
        let text = told(&output);
        assert_eq!(output.status.code(), Some(code), "{text}");
        for part in parts {
            assert!(text.contains(part), "no {part:?} in:\n{text}");
        }
        assert!(!text.contains("panicked"), "{text}");
        text
    }
}

fn told(output: &Output) -> String {
    let text = [output.stdout.as_slice(), &output.stderr].concat();
    String::from_utf8(text).unwrap()
}

#[test]
fn a_name_that_is_of_no_registry_builds_nothing() {
    let desk = Desk::new();
    for name in ["app", "app:1", "team/app", "r.example/App"] {
        let arguments = ["build", "app", "-t", name, "--push"];
        let text = desk.fails(&arguments, 2, &["error[push-target]", name]);
        assert!(!text.contains("----->"), "{text}");
    }
    desk.fails(&["build", "app", "--push"], 2, &["--tag"]);
    desk.fails(&["build", "app", "--media-types", "docker"], 2, &["--push"]);
    let name = format!("{}/app:1", desk.registry.host());
    let offline = ["build", "app", "-t", &name, "--push", "--offline"];
    desk.fails(&offline, 2, &["error[push-offline]"]);
    assert_eq!(desk.registry.seen(), []);
}

#[test]
fn a_wrong_login_costs_no_build() {
    let desk = Desk::new();
    let host = desk.registry.host();
    let name = format!("{host}/app:1");
    let build = ["build", "app", "-t", &name, "--push"];
    let user = || ("user".to_owned(), "hunter22".to_owned());
    let docker = desk.folder.path().join(".docker");
    fs_err::create_dir_all(&docker).unwrap();
    for gate in [
        Access::Token(user().0, user().1),
        Access::Basic(user().0, user().1),
    ] {
        desk.registry.require(gate);
        let _ = fs_err::remove_file(docker.join("config.json"));
        let text = desk.fails(&build, 4, &["error[registry-push-denied]", "docker login"]);
        assert!(!text.contains("----->"), "{text}");
        // base64 of `user:wrong123`.
        let wrong = format!(r#"{{"auths": {{"{host}": {{"auth": "dXNlcjp3cm9uZzEyMw=="}}}}}}"#);
        fs_err::write(docker.join("config.json"), wrong).unwrap();
        let text = desk.fails(&build, 4, &["error[registry-push-denied]", "still good"]);
        assert!(
            !text.contains("----->") && !text.contains("wrong123"),
            "{text}"
        );
    }
    // The right one, and the build begins.
    let right = format!(r#"{{"auths": {{"{host}": {{"auth": "dXNlcjpodW50ZXIyMg=="}}}}}}"#);
    fs_err::write(docker.join("config.json"), right).unwrap();
    let text = desk.fails(&build, 3, &["----->", "version-missing"]);
    assert!(!text.contains("registry-push-denied"), "{text}");
}

#[test]
fn what_is_pushed_has_to_be_kept() {
    let desk = Desk::new();
    let name = format!("{}/app:1", desk.registry.host());
    desk.fails(&["push", "nothing", &name], 2, &["nothing"]);
    desk.fails(&["push", "nothing"], 2, &["REF"]);
    desk.fails(&["push", "nothing", "app"], 2, &["error[push-target]"]);
    assert_eq!(desk.registry.seen(), []);
}
