//! Hooks and the other keys of `elixir_buildpack.config`, as the incumbents document them, without their defects.

use crate::terminal::{PROMPT, at_terminal};
use crate::workspace;

/// Where lines stand in a text: each must be there, in this order.
#[track_caller]
fn in_order(text: &str, lines: &[&str]) {
    let mut rest = text;
    for line in lines {
        let at = rest.find(line);
        let at = at.unwrap_or_else(|| panic!("no `{line}` where it belongs in:\n{text}"));
        rest = &rest[at + line.len()..];
    }
}

#[test]
fn all_hooks_run_in_the_packs_order() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "ordered").unwrap();
    app.config(
        "pre_compile=\"echo said-old-pre\"\n\
         hook_pre_fetch_dependencies=\"echo said-fetch\"\n\
         hook_pre_compile=\"pwd\"\n\
         hook_compile=\"eval mix compile --force && echo said-compile\"\n\
         hook_post_compile=\"eval WORD=set && echo said-\\$WORD | tr a-z A-Z\"\n\
         post_compile=\"echo said-old-post\"",
    )
    .unwrap();
    let built = place.build(&app, &[]).ok().says("config-deprecated-key");
    in_order(
        &built.text,
        &[
            "       said-old-pre",
            "       said-fetch",
            "       /app",
            "(using custom compile command)",
            "       Compiling 1 file",
            "       said-compile",
            "       SAID-SET",
            "       said-old-post",
        ],
    );
}

/// The form that Phoenix's own guide prescribes; the packs expand hooks unquoted.
#[test]
fn the_form_of_phoenix_guide_works() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "guide").unwrap();
    app.config("hook_post_compile=\"eval mix compile && touch _build/esbuild-1 && ls _build && rm -f _build/esbuild*\"")
        .unwrap();
    place.build(&app, &[]).ok().says("       esbuild-1");
    place
        .bp(&["shell", "guide", "--", "ls", "/app/_build"])
        .ok()
        .never_says("esbuild");
}

#[test]
fn a_failing_hook_ends_the_build_and_tells_the_way_on() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "failing").unwrap();
    app.config("hook_pre_compile=\"eval echo its own words && exit 3\"")
        .unwrap();
    place
        .build(&app, &[])
        .fails(1, "step-failed")
        .says("its own words")
        .says("hook_pre_compile")
        .says("3")
        .says("--shell");
    // The shell it speaks of.
    let command = place.command(&["build", "failing", "--shell"]);
    let typed = (PROMPT, "echo at $(pwd) in $MIX_ENV; exit\n");
    at_terminal(command, &[typed])
        .exits(1)
        .says("at /app in prod");
    // The app mended, the build goes on.
    app.replace("elixir_buildpack.config", "exit 3", "true")
        .unwrap();
    place.build(&app, &[]).ok();
}

#[test]
fn a_compile_error_is_the_apps() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "broken").unwrap();
    app.write(
        "lib/broken.ex",
        "defmodule Broken do\n  def f, do: g()\nend\n",
    )
    .unwrap();
    place
        .build(&app, &[])
        .fails(1, "compile-error")
        .says("undefined function g/0")
        .says("lib/broken.ex:2");
    app.remove("lib/broken.ex").unwrap();
    place.build(&app, &[]).ok();
}

/// P11: the app with no dependencies, whose backup fails in both forks; here with `release=true`.
#[test]
fn a_release_needs_no_toolchain() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "released").unwrap();
    app.config("release=true").unwrap();
    app.write("Procfile", "web: _build/prod/rel/tiny/bin/tiny start\n")
        .unwrap();
    place.build(&app, &[]).ok().says("Building release");
    place
        .bp(&[
            "run",
            "released",
            "--",
            "bash",
            "-c",
            "command -v mix || ls -d /app/.platform_tools || echo none",
        ])
        .ok()
        .says("none");
    place
        .bp(&["run", "released", "--check"])
        .ok()
        .says("status 200")
        .never_says("Compiling");
}

#[test]
fn versions_may_come_from_tool_versions_alone() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "asdf").unwrap();
    app.remove("elixir_buildpack.config").unwrap();
    app.write(".tool-versions", "erlang 27.3.4.1\nelixir 1.18.3-otp-27\n")
        .unwrap();
    place
        .build(&app, &[])
        .ok()
        .says("Erlang 27.3.4.1 (.tool-versions:1:8)")
        .says("Elixir 1.18.3");
}

#[test]
fn the_app_lives_where_runtime_path_says() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "moved").unwrap();
    app.config("runtime_path=/srv/moved").unwrap();
    place.build(&app, &[]).ok();
    place
        .bp(&["run", "moved", "--", "pwd"])
        .ok()
        .says("/srv/moved");
    place
        .bp(&["run", "moved", "--check"])
        .ok()
        .never_says("Compiling")
        .never_says("Generated");
}

#[test]
fn mix_env_is_a_config_var() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "staged").unwrap();
    place
        .build(&app, &["--env", "MIX_ENV=staging"])
        .ok()
        .says("MIX_ENV staging");
    place
        .bp(&[
            "run",
            "staged",
            "--",
            "bash",
            "-c",
            "ls _build; echo env: $MIX_ENV",
        ])
        .ok()
        .says("staging")
        .says("env: staging")
        .never_says("prod");
}

#[test]
fn always_rebuild_builds_always() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "always").unwrap();
    app.config("always_rebuild=true").unwrap();
    let first = place.build(&app, &[]).ok().says("Compiling 1 file");
    let second = place.build(&app, &[]).ok().says("Compiling 1 file");
    assert_eq!(first.digest(), second.digest());
}

#[test]
fn an_umbrella_is_an_app_too() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "umbrella").unwrap();
    fs_err::create_dir_all(app.path.join("apps/tiny")).unwrap();
    fs_err::rename(app.path.join("lib"), app.path.join("apps/tiny/lib")).unwrap();
    fs_err::rename(app.path.join("mix.exs"), app.path.join("apps/tiny/mix.exs")).unwrap();
    app.replace(
        "apps/tiny/mix.exs",
        "app: :tiny,",
        "app: :tiny, build_path: \"../../_build\", deps_path: \"../../deps\", lockfile: \"../../mix.lock\",",
    )
    .unwrap();
    app.write(
        "mix.exs",
        "defmodule Umbrella.MixProject do\n  use Mix.Project\n  def project, do: [apps_path: \"apps\", deps: []]\nend\n",
    )
    .unwrap();
    let cold = place.build(&app, &[]).ok().says("==> tiny");
    let again = place.build(&app, &["--clear-cache"]).ok();
    assert_eq!(cold.digest(), again.digest());
    place
        .bp(&["run", "umbrella", "--check"])
        .ok()
        .says("status 200")
        .never_says("Compiling")
        .never_says("Generated");
}
