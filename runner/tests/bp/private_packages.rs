//! Private packages: logins and keys that are lent to the steps that fetch, and stay nowhere.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use testdata::fake::git::{GitHost, Repository};
use testdata::workspace::run;

use crate::fresh;
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
