//! Builds that really fail, each for one reason: the block that they end with names it.

use testdata::schema::Schema;
use testdata::workspace::{App, Workspace};

use crate::blocks::shows;
use crate::workspace;

/// A copy of the tiny app with these changes: files with their text, and lines of its config.
fn tiny(place: &Workspace, name: &str, files: &[(&str, &str)], config: &str) -> App {
    let app = place.app("tiny", name).unwrap();
    for (file, text) in files {
        app.write(file, text).unwrap();
    }
    if !config.is_empty() {
        app.config(config).unwrap();
    }
    app
}

const MIX: &str = "defmodule Tiny.MixProject do\n  use Mix.Project\n\n  def project do\n    \
    [app: :tiny, version: \"0.1.0\", elixir: ELIXIR, deps: DEPS]\n  end\n\n  \
    def application do\n    [extra_applications: [:logger], mod: {Tiny, []}]\n  end\nend\n";

fn mix(elixir: &str, deps: &str) -> String {
    MIX.replace("ELIXIR", elixir).replace("DEPS", deps)
}

/// A dependency below the app's folder.
fn local(name: &str, deps: &str) -> String {
    format!(
        "defmodule {name}.MixProject do\n  use Mix.Project\n\n  def project do\n    \
         [app: :{}, version: \"0.1.0\", deps: {deps}]\n  end\nend\n",
        name.to_lowercase()
    )
}

#[test]
fn what_mix_and_the_app_do_wrong_is_named() {
    let Some(place) = workspace() else { return };
    let reads_env = "import Config\nconfig :tiny, key: System.fetch_env!(\"NOT_THERE\")\n";
    let imports = "import Config\nimport_config \"prod.secret.exs\"\n";
    let diverged = mix(
        "\"~> 1.14\"",
        "[{:one, path: \"one\"}, {:two, path: \"two\"}]",
    );
    let (one, of_one) = (
        local("One", "[{:two, path: \"three\"}]"),
        local("Two", "[]"),
    );
    let broken = "defmodule Dep do\n  def f, do: g()\nend\n";
    let dependent = mix("\"~> 1.14\"", "[{:one, path: \"one\"}]");
    let lone = local("One", "[]");
    // What the check reads of it is that bash or Elixir must say it.
    let demanding = mix("Enum.join([\"~> 1.99\"])", "[]");
    let unresolved = mix("\"~> 1.14\"", "[{:nimble_parsec, \"~> 99.0\"}]");
    for (code, files, words) in [
        (
            "variable-missing",
            &[("config/config.exs", reads_env)][..],
            &[
                "`NOT_THERE` is read while the app is built, at `config/config.exs:2`",
                "--env NOT_THERE=…",
            ][..],
        ),
        (
            "secret-file-missing",
            &[("config/config.exs", imports)],
            &["`config/prod.secret.exs` is imported"],
        ),
        (
            "elixir-not-allowed",
            &[("mix.exs", &demanding)],
            &[
                "`mix.exs` of `tiny` wants Elixir `~> 1.99`, and 1.18.3 runs it",
                "elixir_buildpack.config:2",
            ],
        ),
        (
            "lock-diverged",
            &[
                ("mix.exs", &diverged),
                ("one/mix.exs", &one),
                ("two/mix.exs", &of_one),
                ("one/three/mix.exs", &of_one),
            ],
            &["do not agree on `two`"],
        ),
        (
            "dependency-compile",
            &[
                ("mix.exs", &dependent),
                ("one/mix.exs", &lone),
                ("one/lib/dep.ex", broken),
            ],
            &[
                "the dependency `one` does not compile",
                "error: undefined function g/0",
            ],
        ),
        (
            "compile-error",
            &[("lib/more.ex", broken)],
            &["`lib/more.ex` does not compile", "undefined function g/0"],
        ),
        (
            "hex-resolution",
            &[("mix.exs", &unresolved)],
            &["nimble_parsec ~> 99.0"],
        ),
    ] {
        let app = tiny(&place, code, files, "");
        let mut ran = place.build(&app, &[]).fails(1, code);
        for words in words {
            ran = ran.says(words);
        }
        let ran = ran
            .says("in stage `compile`")
            .says(" --stack heroku-24 --shell\n");
        shows(code, &ran, &app);
    }
}

/// Messages of bash, of the kernel and of git, from a hook.
#[test]
fn what_programs_of_a_hook_meet_is_named() {
    let Some(place) = workspace() else { return };
    let foreign =
        "printf '\\\\177ELF\\\\002\\\\001\\\\001' > x; head -c 57 /dev/zero >> x; chmod +x x; ./x";
    let git = "GIT_SSH_COMMAND='sh /app/ssh' git clone ssh://git@git.example/x.git";
    let refuses = "echo 'git@git.example: Permission denied (publickey).' >&2; exit 255\n";
    for (code, hook, words) in [
        (
            "disk-full",
            "head -c 100000 /dev/zero > /dev/full",
            "No space left on device",
        ),
        (
            "out-of-memory",
            "bash -c 'bash -c \\\"kill -9 \\\\$\\\\$\\\"; exit 9'",
            "Killed",
        ),
        ("architecture-wrong", foreign, "Exec format error"),
        (
            "tool-missing",
            "npm run deploy",
            "`npm` is not installed when it is called",
        ),
        (
            "mix-task-missing",
            "mix phx.nothing",
            "no Mix task `phx.nothing`",
        ),
        ("git-key-missing", git, "git.example wants an SSH key"),
        (
            "illegal-instruction",
            "bash -c 'kill -ILL \\$\\$'; exit 1",
            "instructions that this machine's processor lacks",
        ),
        (
            "assets-folder-missing",
            "cd assets && npm ci",
            "there is no folder `assets`",
        ),
        ("build-tool-missing", "cargo build", "cargo"),
        (
            "node-modules-clash",
            // What an app's own cache of them holds, as classic packs copy it.
            "mkdir -p kept/node_modules assets/node_modules/phoenix && ln -s ../../deps/phoenix kept/node_modules && \
             cp -R kept/node_modules/* assets/node_modules",
            "`node_modules` of an earlier build",
        ),
    ] {
        let app = tiny(
            &place,
            &format!("hook-{code}"),
            &[("ssh", refuses)],
            &format!("hook_pre_compile=\"{hook}\""),
        );
        let ran = place.build(&app, &[]).fails(1, code).says(words);
        let ran = ran.says("step `hook_pre_compile` failed");
        shows(code, &ran, &app);
    }
}

/// The number is that of the line in what was written, both streams together.
#[test]
fn the_line_that_is_quoted_is_the_line_of_the_log() {
    let Some(place) = workspace() else { return };
    let app = tiny(
        &place,
        "numbered",
        &[],
        "hook_pre_compile=\"echo one; echo npm error Missing script: x; exit 3\"",
    );
    let mut build = std::process::Command::new("sh");
    build.args(["-c", "exec \"$@\" 2>&1", "sh"]);
    let inner = place.command(&["build"]);
    build
        .arg(inner.get_program())
        .args(inner.get_args())
        .arg(&app.path);
    build.env_clear().envs(
        inner
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    build.current_dir(place.path());
    let ran = testdata::workspace::run(&mut build).fails(1, "script-missing");
    let quoted = regex::Regex::new(r"log line (\d+): (.*)").unwrap();
    let quoted = quoted.captures(&ran.text).unwrap();
    let number: usize = quoted[1].parse().unwrap();
    let line = ran.text.lines().nth(number - 1).unwrap();
    assert_eq!(line.trim(), &quoted[2], "{}", ran.text);
}

#[test]
fn the_block_is_one_and_the_event_says_the_same() {
    let Some(place) = workspace() else { return };
    let app = tiny(
        &place,
        "blocked",
        &[],
        "hook_pre_compile=\"echo npm error Missing script: s3cr3t-x; exit 3\"",
    );
    let vars = ["--env", "TOKEN=s3cr3t-x", "--env", "LANG=C.UTF-8"];
    let ran = place
        .build(&app, &vars)
        .fails(1, "script-missing")
        .never_says("s3cr3t");
    let block = &ran.text[ran.text.find(" !\n").unwrap()..];
    let number = regex::Regex::new(r"log line \d+").unwrap();
    let block = number.replace(block, "log line [N]");
    insta::assert_snapshot!(block.replace(&app.path.display().to_string(), "[APP]"));
    let json = place.build(&app, &[&vars[..], &["--format", "json"]].concat());
    let json = json.exits(1).never_says("s3cr3t");
    let causes: Vec<_> = Schema::of_events()
        .lines(&json.stdout)
        .into_iter()
        .filter(|event| event["event"] == "cause")
        .collect();
    assert_eq!(causes.len(), 1);
    let last = &causes[0];
    assert_eq!(last["cause"]["code"], "script-missing");
    assert_eq!(last["cause"]["step"], "hook_pre_compile");
    assert_eq!(last["cause"]["stage"], "compile");
    assert_eq!(last["cause"]["exit_code"], 3);
    assert_eq!(
        last["cause"]["quote"]["text"],
        "npm error Missing script: [TOKEN]"
    );
}

#[test]
fn what_cannot_be_planned_has_a_cause_too() {
    let Some(place) = workspace() else { return };
    for (name, file, text, problem, code) in [
        (
            "unplanned",
            "elixir_buildpack.config",
            "erlang_version=27.3.4.9999\nelixir_version=1.18.3\n",
            "otp-not-built",
            "version-not-built",
        ),
        (
            "node-not-found",
            "phoenix_static_buildpack.config",
            "node_version=40.x\n",
            "node-not-published",
            "node-not-found",
        ),
    ] {
        let app = tiny(&place, name, &[(file, text)], "");
        let ran = place
            .build(&app, &[])
            .fails(3, problem)
            .says("= where: stage `plan`")
            .says("to see it again: bp check-versions ");
        shows(code, &ran, &app);
    }
}

/// Inside of a user namespace nobody may make another, and the build stops before it does anything.
#[test]
fn a_machine_that_forbids_namespaces_is_named() {
    let Some(place) = workspace() else { return };
    let app = tiny(&place, "namespaces-blocked", &[], "");
    let forbid = "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$@\"";
    let through = [
        "unshare",
        "--user",
        "--map-root-user",
        "sh",
        "-c",
        forbid,
        "sh",
    ];
    let mut build = place.command_through(&through, &["build", "-v"]);
    build.arg(&app.path);
    let ran = testdata::workspace::run(&mut build).exits(4);
    shows("namespaces-blocked", &ran, &app);
}

/// What Hex and its registry say of each other, where it is neither a version nor a key.
#[test]
fn a_package_that_hex_cannot_be_asked_for_is_named() {
    let Some(place) = workspace() else { return };
    let app = tiny(
        &place,
        "hex-record",
        &[(
            "mix.exs",
            &mix("\"~> 1.14\"", "[{:nimble_parsec, \"~> 1.0\"}]"),
        )],
        "",
    );
    let build = |registry: &str| {
        let mut build = place.command(&["build", "hex-record", "-v"]);
        let ran = testdata::workspace::run(build.env("BP_HEX_REPO_URL", registry));
        ran.fails(1, "hex-record").says("step `deps` failed")
    };
    let cannot = "error[hex-record]: Hex cannot be asked for `nimble_parsec`";
    let ran = build("http://127.0.0.1:1").says(cannot);
    shows("hex-record", &ran, &app);
    let origin = testdata::fake::origin::Origin::start().unwrap();
    let answers = |status: u16| vec![testdata::fake::origin::Answer::Status(status); 9];
    origin.answers("/packages/nimble_parsec", answers(503));
    build(&origin.url("")).says(cannot);
    // It answers all that it has not with 404.
    build(&origin.url("/other"))
        .says("Hex has no package `nimble_parsec`")
        .says("check its name in `mix.exs`");
}
