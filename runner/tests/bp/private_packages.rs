//! Private packages: logins and keys that are lent to the steps that fetch, and stay nowhere.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use testdata::fake::git::{GitHost, Repository};
use testdata::fake::origin::Origin;
use testdata::workspace::run;

use crate::blocks::shows;
use crate::fresh;
use crate::hosts::of_world;
use crate::npm_host::{REGISTRY, lock, npm_package};
use crate::secrets::holders;

const LIBRARY: &str = "defmodule PrivLib.MixProject do\n  use Mix.Project\n\n  def project do\n    \
    [app: :priv_lib, version: \"0.1.0\"]\n  end\nend\n";

/// A repository of a Mix project at `folder`.
fn library(folder: &std::path::Path) -> Repository {
    let library = Repository::new(folder).unwrap();
    library.write("mix.exs", LIBRARY).unwrap();
    library
        .write("lib/priv_lib.ex", "defmodule PrivLib do\nend\n")
        .unwrap();
    library.commit("first").unwrap();
    library
}

#[test]
fn a_login_is_lent_to_git_and_stays_nowhere() {
    let Some(place) = fresh() else { return };
    let repositories = place.path().join("repositories");
    let _library = library(&repositories.join("lib"));
    let host = GitHost::start(&repositories).unwrap();
    let login = "me:hunter2-of-git-8151";
    host.only_for(&STANDARD.encode(login));
    let app = place.app("tiny", "git").unwrap();
    let dependency = format!("deps: [{{:priv_lib, git: \"{}\"}}]", host.url("lib"));
    app.replace("mix.exs", "deps: []", &dependency).unwrap();
    app.config("hook_pre_compile=\"env | grep -c GIT_CONFIG || ls -A /run/secrets\"")
        .unwrap();
    let address = host.url("");
    let address = address.trim_end_matches('/');
    let build = |more: &[&str]| {
        let mut command = place.command(&["build", "git", "-v"]);
        run(command.args(more).env("GIT_LOGIN", login))
    };
    build(&[]).fails(1, "step-failed");
    let lent = format!("--git-credential={address}=GIT_LOGIN");
    build(&[&lent])
        .ok()
        .never_says("hunter2-of-git")
        .says("       0\n");
    let (found, searched) = holders(place.store(), "hunter2-of-git-8151");
    assert!(searched > 5 && found.is_empty(), "{found:?}");
}

/// Stands in for ssh: asks the agent for its keys, then to forget them all, and gives out a repository of the app's own.
const SSH: &str = "
import os, socket, struct, sys
agent = socket.socket(socket.AF_UNIX)
agent.connect(os.environ['SSH_AUTH_SOCK'])
def ask(kind):
    agent.sendall(struct.pack('>IB', 1, kind))
    answer = agent.recv(65536)
    return answer[4], struct.unpack('>I', answer[5:9])[0] if len(answer) > 8 else None
sys.stderr.write('keys %s, forget %s\\n' % (ask(11), ask(19)))
os.execvp('git', ['git', 'upload-pack', '/app/repositories/lib'])
";

#[test]
fn an_agent_signs_for_steps_that_fetch_and_changes_for_nobody() {
    let Some(place) = fresh() else { return };
    let programs = ["ssh-agent", "ssh-add", "ssh-keygen"];
    let there = |program: &&str| Command::new(program).arg("-?").output().is_ok();
    if !programs.iter().all(there) {
        println!("skipped: no ssh-agent");
        return;
    }
    let path = |name: &str| place.path().join(name);
    let (socket, key) = (path("agent"), path("key"));
    let mut agent = Command::new("ssh-agent")
        .arg("-D")
        .arg("-a")
        .arg(&socket)
        .spawn()
        .unwrap();
    while !socket.exists() {
        std::thread::yield_now();
    }
    let ok = |command: &mut Command| assert!(command.output().unwrap().status.success());
    ok(Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key));
    ok(Command::new("ssh-add")
        .arg(&key)
        .env("SSH_AUTH_SOCK", &socket));
    let app = place.app("tiny", "ssh").unwrap();
    let _library = library(&app.path.join("repositories/made"));
    ok(Command::new("git")
        .args(["clone", "-q", "--bare"])
        .arg(app.path.join("repositories/made"))
        .arg(app.path.join("repositories/lib")));
    fs_err::remove_dir_all(app.path.join("repositories/made")).unwrap();
    app.write("fake_ssh.py", SSH).unwrap();
    let dependency = "deps: [{:priv_lib, git: \"ssh://git@nowhere/lib\"}]";
    app.replace("mix.exs", "deps: []", dependency).unwrap();
    app.config("hook_pre_compile=\"test -z $SSH_AUTH_SOCK && echo no agent here\"")
        .unwrap();
    let mut command = place.command(&["build", "ssh", "-v", "--ssh"]);
    command.args(["--env", "GIT_SSH_COMMAND=python3 /app/fake_ssh.py"]);
    command.args(["--env", "GIT_SSH_VARIANT=simple"]);
    let built = run(command.env("SSH_AUTH_SOCK", &socket));
    let _ = agent.kill();
    let _ = agent.wait();
    // SSH_AGENT_IDENTITIES_ANSWER with one key, SSH_AGENT_FAILURE.
    built
        .ok()
        .says("keys (12, 1), forget (5, None)")
        .says("no agent here");
}

#[test]
fn a_hex_organisations_key_opens_its_packages_and_stays_nowhere() {
    let Some(place) = fresh() else { return };
    let key = "hunter2-of-acme-8161";
    let origin = Origin::start().unwrap();
    let tarball = "/tarballs/nimble_parsec-1.4.2.tar";
    for path in ["/packages/nimble_parsec", tarball] {
        let bytes = of_world("BP_HEX_REPO_URL", path);
        origin.file(&format!("/hex/repos/acme{path}"), &bytes);
    }
    origin.only_for("/hex/repos/acme/", key);
    let app = place.app("tiny", "of_acme").unwrap();
    let dependency = "deps: [{:nimble_parsec, \"~> 1.0\", organization: \"acme\"}]";
    app.replace("mix.exs", "deps: []", dependency).unwrap();
    app.config("hook_pre_compile=\"ls -A /run/secrets $HEX_HOME; env | grep -c HEX_ORG || true\"")
        .unwrap();
    let build = |more: &[&str]| {
        let mut command = place.command(&["build", "of_acme", "-v"]);
        // The package's document says that it is of hex.pm.
        command.args(["--env", "HEX_NO_VERIFY_REPO_ORIGIN=1"]);
        command.env("BP_HEX_REPO_URL", origin.url("/hex"));
        run(command.args(more).env("HEX_ORG_ACME_KEY", key))
    };
    let refused = build(&[]).fails(1, "hex-organisation");
    shows("hex-organisation", &refused, &app);
    build(&["--hex-org", "acme"]).ok().never_says(key);
    let seen = origin.seen();
    assert!(seen.iter().any(|seen| seen.line.contains(tarball)));
    let (found, searched) = holders(place.store(), key);
    assert!(searched > 5 && found.is_empty(), "{found:?}");
}

#[test]
fn a_token_for_npm_opens_a_private_registry_and_stays_nowhere() {
    let Some(place) = fresh() else { return };
    let token = "npm_hunter2OfAcme8171";
    let origin = Origin::start().unwrap();
    let manifest =
        serde_json::json!({"name": "@acme/private", "version": "1.0.0", "main": "index.js"});
    let index = ("index.js", "module.exports = 'of acme';\n");
    let entry = npm_package(&origin, &manifest, &[index]);
    origin.only_for(REGISTRY, &format!("Bearer {token}"));
    let app = place.app("phoenix_npm", "npm_of_acme").unwrap();
    let wanted = serde_json::json!({"@acme/private": "1.0.0"});
    let package = serde_json::json!({
        "private": true,
        "scripts": {"deploy": "node -e \"console.log(require('@acme/private') + ' and ' + process.env.NPM_TOKEN)\""},
        "dependencies": wanted,
    });
    let lock = lock(&wanted, &[("@acme/private", entry)]);
    app.write("assets/package.json", package.to_string())
        .unwrap();
    app.write("assets/package-lock.json", lock).unwrap();
    let registry = origin.url(REGISTRY);
    let bare = registry.trim_start_matches("http:");
    app.write(
        "assets/.npmrc",
        format!("@acme:registry={registry}\n{bare}:_authToken=${{NPM_TOKEN}}\nfetch-retries=0\n"),
    )
    .unwrap();
    let build = |given: &str| {
        let mut command = place.command(&["build", "npm_of_acme", "-v"]);
        command.args(["--build-secret", "NPM_TOKEN", "--record", "record.json"]);
        run(command.env("NPM_TOKEN", given))
    };
    app.write("bp.toml", "[secrets]\nassets-install = [\"NPM_TOKEN\"]\n")
        .unwrap();
    let other = "npm_hunter2OfNobody8172";
    let refused = build(other).fails(1, "package-refused").never_says(other);
    shows("package-refused", &refused, &app);
    build(token)
        .ok()
        .says("of acme and undefined")
        .never_says(token);
    let asked = origin.seen();
    let key = format!("Bearer {token}");
    let keyed = |key: &str| {
        asked.iter().any(|seen| {
            seen.headers
                .get("authorization")
                .is_some_and(|it| it == key)
        })
    };
    assert!(keyed(&key), "nobody asked with the token");
    for value in [token, other] {
        for folder in [place.store(), &place.path().join("record.json")] {
            let (found, searched) = holders(folder, value);
            assert!(searched > 0 && found.is_empty(), "{found:?}");
        }
    }
}

/// What a script keeps for its next run is searched as layers are.
#[test]
fn a_script_that_keeps_a_secret_in_its_cache_fails_the_build() {
    let Some(place) = fresh() else { return };
    let secret = "hunter2-of-a-script-8181";
    let app = place.app("plain", "kept_by_script").unwrap();
    let pack = place.pack("release_yaml").unwrap();
    let compile = |text: &str| {
        let script = format!("#!/bin/sh\n{text}\n");
        pack.script("bin/compile", &script).unwrap();
    };
    app.write("bp.toml", "[secrets]\nrelease_yaml-compile = [\"TOKEN\"]\n")
        .unwrap();
    let build = || {
        let mut command = place.command(&["build", "kept_by_script", "-v"]);
        command.args(["--buildpack", pack.as_str(), "--build-secret", "TOKEN"]);
        run(command.env("TOKEN", secret))
    };
    compile("cat $3/TOKEN | wc -c; test -z \"$TOKEN\"");
    build().ok().says("24");
    compile("mkdir -p $2/sub; (echo login; cat $3/TOKEN) > $2/sub/netrc");
    build()
        .fails(1, "secret-in-cache")
        .says("the value of `TOKEN` in `")
        .says("sub/netrc` would be kept for the next build")
        .never_says(secret);
    let (found, searched) = holders(place.store(), secret);
    assert!(searched > 5 && found.is_empty(), "{found:?}");
    compile("test ! -e $2/sub && base64 < $3/TOKEN > $1/in_the_app");
    build()
        .fails(1, "secret-in-image")
        .says("/app/in_the_app")
        .never_says(secret);
    compile("true");
    build().ok();
}
