//! Who we are: tokens for what is done, passwords, helpers.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;
use crate::registry::{Credentials, helper};

/// Settings with a file that holds `user` and `hunter22` for the world's registry.
pub(super) fn with_login(world: &World, folder: &Path) -> RegistrySettings {
    // base64 of `user:hunter22`.
    with_entry(world, folder, &json!({"auth": "dXNlcjpodW50ZXIyMg=="}))
}

fn with_entry(world: &World, folder: &Path, entry: &serde_json::Value) -> RegistrySettings {
    let file = folder.join("config.json");
    let host = world.registry.host();
    fs_err::write(&file, json!({"auths": {host: entry}}).to_string()).unwrap();
    RegistrySettings {
        credential_files: vec![file],
        ..World::settings()
    }
}

fn token() -> Gate {
    Gate::Token("user".to_owned(), "hunter22".to_owned())
}

fn basic() -> Gate {
    Gate::Basic("user".to_owned(), "hunter22".to_owned())
}

/// How often a token was asked for.
fn tokens(world: &World) -> Vec<String> {
    let mut lines = world.lines();
    lines.retain(|line| line.contains("/token"));
    lines
}

#[test]
fn a_push_shows_who_it_is_as_it_is_asked() {
    let temp = tempfile::tempdir().unwrap();
    for gate in [token(), basic(), Gate::AnonymousToken] {
        let world = World::new();
        world.registry.require(gate.clone());
        let registries = Registries::new(with_login(&world, temp.path()));
        registries.ready(&world.name("app:1")).unwrap();
        world.push_by(&registries, "app:1", None, &Unknown).unwrap();
        world.check("app", "1");
        let tokens = tokens(&world);
        assert!(tokens.len() <= 1, "one is enough: {tokens:?} for {gate:?}");
    }
    let world = World::new();
    world.registry.require(token());
    let refresh = json!({"identitytoken": "user-hunter22"});
    let registries = Registries::new(with_entry(&world, temp.path(), &refresh));
    world.push_by(&registries, "app:1", None, &Unknown).unwrap();
    world.check("app", "1");
}

#[test]
fn a_token_for_a_pull_is_none_for_a_push() {
    let world = World::new();
    world.registry.require(Gate::AnonymousToken);
    let registries = Registries::new(World::settings());
    let name = world.name("app:1");
    let pull = registries.repository(&name, Access::Pull).unwrap();
    assert_eq!(pull.has_manifest("1").unwrap(), None);
    world.push_by(&registries, "app:1", None, &Unknown).unwrap();
    let asked = tokens(&world);
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(asked[0].ends_with("app%3Apull"), "{asked:?}");
    assert!(asked[1].ends_with("app%3Apull%2Cpush"), "{asked:?}");
    // What a push was given is good for pulls.
    let fresh = Registries::new(World::settings());
    world.push_by(&fresh, "app:1", None, &Unknown).unwrap();
    let pull = fresh.repository(&name, Access::Pull).unwrap();
    pull.get_manifest("1").unwrap();
    assert_eq!(tokens(&world).len(), 3);
}

#[test]
fn a_token_that_runs_out_is_fetched_anew() {
    let world = World::new();
    world.registry.require(Gate::AnonymousToken);
    let registries = Registries::new(World::settings());
    registries.ready(&world.name("app:1")).unwrap();
    world.registry.expire_tokens();
    world.push_by(&registries, "app:1", None, &Unknown).unwrap();
    world.check("app", "1");
}

#[test]
fn a_wrong_login_is_known_before_anything_is_pushed() {
    let temp = tempfile::tempdir().unwrap();
    for gate in [token(), basic()] {
        let world = World::new();
        world.registry.require(gate);
        // base64 of `user:wrong123`.
        let wrong = json!({"auth": "dXNlcjp3cm9uZzEyMw=="});
        let wrong = with_entry(&world, temp.path(), &wrong);
        for (settings, had) in [(wrong, true), (World::settings(), false)] {
            let registries = Registries::new(settings);
            let error = registries.ready(&world.name("app:1")).unwrap_err();
            let told = error.diagnostic();
            assert_eq!(told.code.0, "registry-push-denied", "{error:?}");
            let as_it_was = matches!(error, RegistryError::Denied { had_credentials, .. } if had_credentials == had);
            assert!(as_it_was, "{error:?}");
            assert!(!format!("{error:?} {told:?}").contains("wrong123"));
            let pushed = world.push_by(&registries, "app:1", None, &Unknown);
            assert!(pushed.is_err());
        }
        let lines = world.lines();
        let mut wrote = lines
            .iter()
            .filter(|it| it.starts_with("POST") || it.starts_with("PUT"));
        assert_eq!(wrote.next(), None);
    }
}

/// A credential helper in a folder; its path.
fn helper(folder: &Path, script: &str) -> String {
    let file = folder.join("docker-credential-it");
    fs_err::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs_err::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
    file.display().to_string()
}

#[test]
fn a_helper_answers_fails_or_hangs() {
    let folder = tempfile::tempdir().unwrap();
    let patience = Duration::from_secs(10);
    let ask = |script: &str, patience| {
        let program = helper(folder.path(), script);
        helper::ask_program(&program, "r.example", patience)
    };
    let found = ask(
        r#"read server; echo "{\"Username\": \"$server\", \"Secret\": \"pw\"}""#,
        patience,
    );
    let expected = Credentials::Basic("r.example".to_owned(), "pw".to_owned());
    assert!(found == Ok(Some(expected)));
    let found = ask(
        r#"echo '{"Username": "<token>", "Secret": "pw"}'"#,
        patience,
    );
    assert!(found == Ok(Some(Credentials::IdentityToken("pw".to_owned()))));
    let none = ask(
        "echo credentials not found in native keychain; exit 1",
        patience,
    );
    assert!(none == Ok(None));
    for script in [
        "echo hunter22; exit 1",
        "echo hunter22",
        "echo hunter22 >&2; exit 3",
    ] {
        let why = ask(script, patience).err().unwrap();
        assert!(!why.contains("hunter22"), "{why}");
        assert!(why.contains("docker-credential-it"), "{why}");
    }
    // It hangs, and so does what it started; one that has answered and stays is ended as well.
    for script in [
        "sleep 1000 & sleep 1000",
        r#"echo '{"Username": "u", "Secret": "hunter22"}'; exec >/dev/null; sleep 1000"#,
    ] {
        let why = ask(script, Duration::from_millis(300)).err().unwrap();
        assert!(why.contains("no answer within"), "{why}");
        assert!(why.contains("docker-credential-it"), "{why}");
    }
}
