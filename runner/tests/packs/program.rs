//! `bp` itself: flags, settings, the lock, and git as the user has set it up.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use testdata::fake::git::{GitHost, Repository};
use testdata::workspace::{Ran, Workspace, run};

use crate::archives::{gzip, tar};

/// A workspace with an app that is of no language, and a host of repositories.
struct Desk {
    space: Workspace,
    host: GitHost,
}

impl Desk {
    fn new() -> Self {
        let space = Workspace::new(env!("CARGO_BIN_EXE_bp")).unwrap();
        for name in ["app", "repos"] {
            fs_err::create_dir(space.path().join(name)).unwrap();
        }
        let host = GitHost::start(&space.path().join("repos")).unwrap();
        Self { space, host }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.space.path().join(name)
    }

    fn pack(&self, name: &str) -> Repository {
        Repository::pack(&self.path("repos").join(name), "one").unwrap()
    }

    fn write(&self, name: &str, text: &str) {
        fs_err::write(self.path(name), text).unwrap();
    }

    /// `bp detect --explain app` with more arguments, in an environment with more in it.
    fn explain(&self, more: &[&str], env: &[(&str, &str)]) -> Ran {
        let arguments = [&["detect", "--explain", "app"], more].concat();
        let mut command = self.space.command(&arguments);
        command.envs(env.iter().copied());
        run(&mut command)
    }

    fn lock(&self) -> String {
        fs_err::read_to_string(self.path("app/buildpacks.lock")).unwrap()
    }
}

#[test]
fn the_lock_is_written_and_held_to() {
    let desk = Desk::new();
    let repo = desk.pack("pack");
    let url = desk.host.url("pack#main");
    desk.write("app/.buildpacks", &format!("{url}\n"));
    desk.explain(&["--locked"], &[])
        .fails(3, "packs-locked")
        .says("the app has no `buildpacks.lock`")
        .says("bp build --lock");
    desk.explain(&["--lock"], &[])
        .ok()
        .says("Wrote buildpacks.lock");
    let first = repo.git(&["rev-parse", "HEAD"]).unwrap();
    assert!(
        desk.lock().contains(&format!("git = \"{first}\"")),
        "{}",
        desk.lock()
    );
    let second = repo.release("two").unwrap();
    desk.explain(&["--locked"], &[])
        .ok()
        .says(&format!("commit {}", &first[..12]));
    desk.explain(&[], &[])
        .ok()
        .says(&format!("commit {}", &second[..12]))
        .says(&format!("holds {url} to commit {}", &first[..12]));
    // Offline, the lock and the last answer are two packs.
    desk.explain(&["--offline", "--locked"], &[])
        .ok()
        .says(&first[..12]);
    desk.explain(&["--offline"], &[]).ok().says(&second[..12]);
    let other = desk.pack("other");
    assert!(other.folder().is_dir());
    let both = format!("{}\n{url}\n", desk.host.url("other"));
    desk.write("app/.buildpacks", &both);
    desk.explain(&["--locked"], &[])
        .fails(3, "packs-locked")
        .says(".buildpacks:1:1")
        .says("is not in the lock");
    desk.explain(&["--lock"], &[]).ok();
    desk.explain(&["--locked"], &[]).ok();
    desk.write("app/buildpacks.lock", "version = 1\n[[pack]]\nwanted = 1\n");
    desk.explain(&["--locked"], &[])
        .fails(3, "packs-lock-syntax")
        .says("buildpacks.lock:3:10");
}

#[test]
fn flags_come_before_variables_and_files() {
    let desk = Desk::new();
    for name in ["flag", "variable", "file"] {
        desk.pack(name);
    }
    desk.write("app/.buildpacks", &desk.host.url("file"));
    let variable = format!("BUILDPACK_URL={}", desk.host.url("variable"));
    desk.explain(&[], &[]).ok().says("/file: commit");
    desk.explain(&["-e", &variable], &[])
        .ok()
        .says("/variable: commit")
        .never_says("/file: commit");
    let flag = desk.host.url("flag");
    desk.explain(&["-e", &variable, "--buildpack", &flag], &[])
        .ok()
        .says("/flag: commit")
        .never_says("/variable: commit");
    desk.explain(&["-e", "BUILDPACK_URL=ruby"], &[])
        .fails(3, "pack-reference")
        .says("$BUILDPACK_URL")
        .says("heroku/ruby");
    desk.explain(&["--buildpack", "ruby"], &[])
        .fails(2, "pack-reference");
}

#[test]
fn a_folder_that_is_typed_starts_where_it_is_typed() {
    let desk = Desk::new();
    let repo = desk.pack("mine");
    assert!(repo.folder().is_dir());
    desk.explain(&["--buildpack", "./repos/mine"], &[])
        .ok()
        .says("/repos/mine: folder");
    desk.write("app/.buildpacks", "../repos/mine\n");
    desk.explain(&[], &[]).ok().says("../repos/mine: folder");
    let mut command = desk.space.command(&[
        "detect",
        "--explain",
        "--lock",
        "--buildpack",
        "../repos/mine",
    ]);
    run(command.current_dir(desk.path("app"))).ok();
    assert!(
        desk.lock().contains("wanted = \"../repos/mine\""),
        "{}",
        desk.lock()
    );
}

#[test]
fn a_detect_of_packs_that_are_asked_for_answers_with_their_names() {
    let desk = Desk::new();
    desk.write("app/mix.exs", "defmodule A.MixProject do\nend\n");
    desk.write("app/.buildpacks", "ruby\n");
    let detect = |more: &[&str]| desk.space.bp(&[&["detect", "app"], more].concat());
    detect(&[]).fails(3, "pack-reference");
    // Flags come first, and what is built in needs no sandbox.
    let told = detect(&["--buildpack", "phoenix-static", "--buildpack", "elixir"]).ok();
    assert_eq!(told.stdout, "Elixir\n");
    let none = detect(&["--buildpack", "phoenix-static"]).exits(1);
    assert_eq!(none.stdout, "");
}

#[test]
fn a_pack_that_cannot_be_had_ends_the_run_with_its_reason() {
    let desk = Desk::new();
    desk.pack("mine");
    let archive = |name: &str, files: &[&str]| {
        let files: Vec<_> = files.iter().map(|file| (*file, "#!/bin/sh\n")).collect();
        fs_err::write(desk.path(name), gzip(&tar(&files))).unwrap();
    };
    archive("evil.tgz", &["bin/detect", "bin/compile", "bin/../../evil"]);
    archive("deep.tgz", &["a/b/bin/detect", "a/b/bin/compile"]);
    archive("half.tgz", &["bin/compile"]);
    archive("one.tgz", &["one/bin/detect", "one/bin/compile"]);
    let (gone, none) = (desk.host.url("nowhere"), desk.host.url("mine#v9"));
    for (address, code, problem) in [
        ("./evil.tgz", 4, "archive-unsafe"),
        ("./deep.tgz", 3, "pack-incomplete"),
        ("./half.tgz", 3, "pack-incomplete"),
        (gone.as_str(), 3, "pack-not-found"),
        (none.as_str(), 3, "pack-version"),
    ] {
        desk.explain(&["--buildpack", address], &[])
            .fails(code, problem)
            .never_says("Steps:");
    }
    assert!(!desk.path("evil").exists());
    // One folder around it is passed over, and said.
    desk.explain(&["--buildpack", "./one.tgz"], &[])
        .ok()
        .says("in a folder `one`")
        .says("bin/compile of ");
}

#[test]
fn what_is_built_in_is_told_and_can_be_refused() {
    let desk = Desk::new();
    desk.write("app/mix.exs", "defmodule A.MixProject do\nend\n");
    let url = "https://github.com/HashNuke/heroku-buildpack-elixir";
    desk.write("app/.buildpacks", url);
    desk.explain(&["--offline"], &[])
        .says("HashNuke/heroku-buildpack-elixir: built in");
    for more in [
        ["--no-native"].as_slice(),
        &["--buildpack", &format!("{url}#v1")],
    ] {
        desk.explain(&[more, &["--offline"]].concat(), &[])
            .fails(4, "pack-offline")
            .says("it was never fetched");
    }
    desk.explain(&["--no-native", "--buildpack", "elixir"], &[])
        .fails(2, "pack-native-only");
}

#[test]
fn git_is_the_users_and_nobody_elses() {
    let desk = Desk::new();
    let repo = desk.pack("heroku/heroku-buildpack-go.git");
    repo.release("two").unwrap();
    // A mirror, as git has it; a template with a hook; and a program that would ask.
    let (mark, asked) = (desk.path("mark"), desk.path("asked"));
    let hooks = desk.path("template/hooks");
    fs_err::create_dir_all(&hooks).unwrap();
    let hook = format!("#!/bin/sh\ntouch {}\n", mark.display());
    for name in [
        "post-checkout",
        "reference-transaction",
        "post-index-change",
    ] {
        fs_err::write(hooks.join(name), &hook).unwrap();
        fs_err::set_permissions(hooks.join(name), PermissionsExt::from_mode(0o755)).unwrap();
    }
    let ask = desk.path("ask");
    fs_err::write(&ask, format!("#!/bin/sh\ntouch {}\n", asked.display())).unwrap();
    fs_err::set_permissions(&ask, PermissionsExt::from_mode(0o755)).unwrap();
    desk.write(
        "home/.gitconfig",
        &format!(
            "[init]\n\ttemplateDir = {0}/template\n[core]\n\thooksPath = {0}/template/hooks\n\
             [url \"{1}\"]\n\tinsteadOf = https://github.com/\n",
            desk.space.path().display(),
            desk.host.url(""),
        ),
    );
    let elsewhere = desk.path("elsewhere");
    let elsewhere = elsewhere.to_str().unwrap();
    let env = [
        ("GIT_DIR", elsewhere),
        ("GIT_WORK_TREE", elsewhere),
        ("GIT_OBJECT_DIRECTORY", elsewhere),
        ("GIT_QUARANTINE_PATH", elsewhere),
        ("GIT_CONFIG_PARAMETERS", "'broken"),
        ("SSH_ASKPASS", ask.to_str().unwrap()),
        ("DISPLAY", ":0"),
    ];
    desk.explain(&["--buildpack", "heroku/go"], &env)
        .ok()
        .says("heroku/go: commit");
    assert!(!mark.exists());
    // The login is asked of nobody.
    desk.host.only_for("bWU6cHc=");
    desk.explain(&["--buildpack", "heroku/go#main"], &env)
        .fails(3, "pack-not-found");
    assert!(!asked.exists());
}

#[test]
fn no_list_of_processes_shows_a_password() {
    let desk = Desk::new();
    desk.pack("pack");
    let log = desk.path("log");
    let bin = desk.path("bin");
    fs_err::create_dir(&bin).unwrap();
    let real = which("git");
    let wrapper = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$*\" \"$GIT_TERMINAL_PROMPT\" >> {}\nexec {} \"$@\"\n",
        log.display(),
        real.display()
    );
    fs_err::write(bin.join("git"), wrapper).unwrap();
    fs_err::set_permissions(bin.join("git"), PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    // me:hunter2-hunter2
    desk.host.only_for("bWU6aHVudGVyMi1odW50ZXIy");
    desk.write(
        "app/.buildpacks",
        &desk.host.url_with("me:hunter2-hunter2", "pack"),
    );
    desk.explain(&["--lock", "-v"], &[("PATH", &path)])
        .ok()
        .never_says("hunter2");
    let log = fs_err::read_to_string(log).unwrap();
    assert!(log.contains("ls-remote") && log.contains("\n0\n"), "{log}");
    assert!(!log.contains("hunter2"), "{log}");
    assert!(!desk.lock().contains("hunter2"));
}

#[test]
fn without_git_the_way_out_is_told() {
    let desk = Desk::new();
    desk.explain(
        &["--buildpack", &desk.host.url("pack")],
        &[("PATH", "/nowhere")],
    )
    .fails(4, "git-missing")
    .says("an archive of the pack");
}

fn which(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
        .unwrap()
}

/// Stands in for ssh: writes down how it is called, and does what is asked for on this machine.
const SSH: &str = "#!/bin/sh\n\
    echo \"$@\" >> \"$(dirname \"$0\")/log\"\n\
    cd \"$(dirname \"$0\")/../repos\" || exit\n\
    for last; do :; done\n\
    eval \"$last\"\n";

#[test]
fn ssh_asks_nothing_and_waits_for_nobody() {
    let desk = Desk::new();
    let repo = desk.pack("pack");
    let bin = desk.path("bin");
    fs_err::create_dir(&bin).unwrap();
    fs_err::write(bin.join("ssh"), SSH).unwrap();
    fs_err::set_permissions(bin.join("ssh"), PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let log = || fs_err::read_to_string(bin.join("log")).unwrap();
    let commit = repo.git(&["rev-parse", "HEAD"]).unwrap();
    let short = format!("commit {}", &commit[..12]);
    desk.explain(
        &["--buildpack", "git@git.example.org:pack#main"],
        &[("PATH", &path)],
    )
    .ok()
    .says(&short);
    assert!(
        log().contains("BatchMode=yes") && log().contains("ConnectTimeout="),
        "{}",
        log()
    );
    assert!(log().contains("git@git.example.org"), "{}", log());
    // Who has said how ssh is to be called is heard.
    let own = bin.join("ssh");
    let own = format!("{} -o Mine=yes", own.display());
    repo.release("two").unwrap();
    desk.explain(
        &["--buildpack", "git@git.example.org:pack"],
        &[("PATH", &path), ("GIT_SSH_COMMAND", &own)],
    )
    .ok()
    .never_says(&short);
    let last = log().lines().last().unwrap().to_owned();
    assert!(
        last.contains("Mine=yes") && !last.contains("BatchMode"),
        "{last}"
    );
}

#[test]
fn a_problem_shows_no_password() {
    let desk = Desk::new();
    let address = desk.host.url_with("me:hunter2-hunter2", "nowhere");
    desk.write("app/.buildpacks", &format!("# ours\n{address}\n"));
    let told = desk.explain(&[], &[]).fails(3, "pack-not-found");
    told.says(".buildpacks:2:1").never_says("hunter2");
    desk.explain(&["--format", "json"], &[])
        .exits(3)
        .never_says("hunter2");
    let text = format!("BUILDPACK_URL={address}");
    desk.explain(&["-e", &text], &[])
        .fails(3, "pack-not-found")
        .never_says("hunter2");
}
