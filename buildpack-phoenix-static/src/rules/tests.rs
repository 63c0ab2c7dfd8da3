//! Each rule speaks where it should, and is silent of the mended app.

use buildpack_core::check::Verdict;
use buildpack_core::diagnostic::{Applicability, Severity};

use crate::fixture::{PACKAGE, View, check, codes, edits, the_one};

const CONFIG: &str = "phoenix_static_buildpack.config";
const ASSETS: &str = "assets/package.json";

/// A `package.json` with these `engines` and a script.
fn engines(engines: &str) -> String {
    format!(r#"{{"engines": {{{engines}}}, "scripts": {{"deploy": "node build.js"}}}}"#)
}

/// Nothing is said of an app with these files.
fn silent(files: &[(&str, &str)]) {
    assert_eq!(codes(&check(files)), [""; 0], "{files:?}");
}

#[test]
fn a_release_that_never_was_has_a_nearest() {
    for (asked, best, sure) in [
        ("22.99.0", "22.14.0", Applicability::Certain),
        ("20.9.7", "20.9.0", Applicability::Certain),
        ("21.0.0", "24.11.0", Applicability::Likely),
        (">=99", "24.11.0", Applicability::Likely),
    ] {
        let text = format!("node_version=\"{asked}\" # ours\n");
        let problem = &check(&[(CONFIG, &text)]).diagnostics[0];
        assert_eq!(problem.code.0, "node-not-published");
        assert!(problem.is_error());
        assert_eq!(problem.alternatives[0], best);
        assert_eq!(edits(problem), [(asked.to_owned(), best, sure)]);
        assert_eq!(problem.labels[0].span.to_string(), format!("{CONFIG}:1:14"));
    }
    let problem = the_one(&[(CONFIG, "node_version=22.12.0")]);
    assert_eq!(problem.message, "Node 22.12.0 was never published");
    assert_eq!(problem.alternatives, ["22.14.0", "24.11.0"]);
    silent(&[(CONFIG, "node_version=22.14.0")]);
}

#[test]
fn names_of_lines_are_checked() {
    let problem = the_one(&[PACKAGE, (".nvmrc", "lts/lodestar\n")]);
    assert_eq!(problem.code.0, "node-not-published");
    assert!(problem.message.contains("is named `lodestar`"));
    let problem = the_one(&[PACKAGE, (".nvmrc", "lts/-9\n")]);
    assert!(
        problem.message.contains("there are 5 lines"),
        "{}",
        problem.message
    );
}

#[test]
fn a_text_that_is_no_version_is_an_error_where_it_counts() {
    let problem = the_one(&[(CONFIG, "node_version=twenty")]);
    assert_eq!(
        (problem.code.0, problem.is_error()),
        ("node-malformed", true)
    );
    assert_eq!(
        edits(&problem),
        [("twenty".to_owned(), "24.11.0", Applicability::Likely)]
    );
    let problem = the_one(&[
        PACKAGE,
        (CONFIG, "node_version=22.14.0"),
        (".nvmrc", "system"),
    ]);
    assert_eq!(problem.code.0, "node-malformed");
    assert_eq!(problem.severity, Severity::Warning);
    silent(&[PACKAGE, (CONFIG, "node_version=22.14.0"), (".nvmrc", "22")]);
}

#[test]
fn an_old_list_knows_that_it_does_not_know() {
    let view = View {
        old: true,
        ..View::default()
    };
    let found = view.check(&[(CONFIG, "node_version=99.1.0")]);
    assert_eq!(codes(&found), ["node-unknown"]);
    assert!(
        found.diagnostics[0]
            .message
            .contains("the list of 2026-08-22")
    );
    let found = view.check(&[(CONFIG, "node_version=22.14.0")]);
    assert_eq!(codes(&found), [""; 0]);
}

#[test]
fn engines_are_held_against_the_choice() {
    let wanted = engines(r#""node": "^22.11""#);
    let problem = the_one(&[(CONFIG, "node_version=24.11.0"), (ASSETS, &wanted)]);
    assert_eq!(
        (problem.code.0, problem.severity),
        ("node-engines", Severity::Warning)
    );
    assert_eq!(
        problem.message,
        "`assets/package.json` wants Node `^22.11`, and 24.11.0 is taken"
    );
    let labels: Vec<_> = problem
        .labels
        .iter()
        .map(|label| &label.span.source.text[label.span.start..label.span.end])
        .collect();
    assert_eq!(labels, ["24.11.0", "^22.11"]);
    assert_eq!(
        edits(&problem),
        [("24.11.0".to_owned(), "22.14.0", Applicability::Likely)]
    );
    silent(&[(CONFIG, "node_version=22.14.0"), (ASSETS, &wanted)]);

    let nothing = engines(r#""node": ">=99""#);
    let problem = the_one(&[(ASSETS, &nothing)]);
    assert_eq!((problem.code.0, problem.is_error()), ("node-engines", true));
    assert_eq!(
        edits(&problem),
        [(">=99".to_owned(), "^24", Applicability::Likely)]
    );
}

#[test]
fn two_package_files_may_want_what_no_node_is() {
    let (one, other) = (engines(r#""node": "22""#), engines(r#""node": "24""#));
    let problem = the_one(&[(ASSETS, &one), ("package.json", &other)]);
    assert_eq!(problem.code.0, "node-engines");
    assert!(problem.message.contains("`package.json` wants Node `24`"));
    assert!(edits(&problem).is_empty());
}

#[test]
fn an_npm_runs_on_some_nodes() {
    for (node, npm, says) in [
        ("20.9.0", "11.0.0", true),
        ("20.18.0", "11.0.0", false),
        ("20.18.0", "12.0.1", true),
        ("22.14.0", "11.0.0", false),
        ("22.14.0", "^11", true),
        ("20.9.0", "^11", true),
        ("20.9.0", "latest", true),
        ("20.9.0", "v9.9.4", true),
        ("20.9.0", "99.0.0", false),
        ("22.14.0", "eleven", true),
        ("22.14.0", "", false),
    ] {
        let view = View {
            today: jiff::civil::date(2025, 1, 1),
            ..View::default()
        };
        let found = view.check(&[(CONFIG, &format!("node_version={node}\nnpm_version={npm}\n"))]);
        let expected: &[&str] = if says { &["npm-version"] } else { &[] };
        assert_eq!(codes(&found), expected, "npm {npm} on {node}");
    }
    let problem = the_one(&[(CONFIG, "node_version=22.14.0\nnpm_version=12.0.0")]);
    assert_eq!(
        edits(&problem),
        [("12.0.0".to_owned(), "10.9.2", Applicability::Likely)]
    );
    assert_eq!(problem.labels.len(), 2);
    assert!(problem.notes[0].contains("`^22.22.2 || ^24.15.0 || >=26.0.0`"));
}

#[test]
fn engines_may_want_an_npm() {
    let wanted = engines(r#""node": "22", "npm": ">=11""#);
    let problem = the_one(&[(ASSETS, &wanted)]);
    assert_eq!(
        problem.message,
        "`assets/package.json` wants npm `>=11`, and 10.9.2 is taken"
    );
    silent(&[(ASSETS, &wanted), (CONFIG, "npm_version=11.6.1")]);
    let problem = the_one(&[(ASSETS, &wanted), (CONFIG, "npm_version=10.9.0")]);
    assert_eq!(problem.code.0, "npm-version");
}

#[test]
fn lines_end() {
    let problem = the_one(&[(CONFIG, "node_version=18.20.8")]);
    assert_eq!(problem.code.0, "node-eol");
    assert_eq!(
        problem.message,
        "Node 18 has had no support since 2025-04-30"
    );
    assert_eq!(
        edits(&problem),
        [("18.20.8".to_owned(), "24.11.0", Applicability::Likely)]
    );
    for (version, line) in [("23.11.0", "Node 23 "), ("0.12.18", "Node 0.12 ")] {
        let problem = the_one(&[(CONFIG, &format!("node_version={version}"))]);
        assert!(problem.message.starts_with(line), "{}", problem.message);
    }
    let problem = the_one(&[(ASSETS, &engines(r#""node": "18.x""#))]);
    assert_eq!(
        edits(&problem),
        [("18.x".to_owned(), "^24", Applicability::Likely)]
    );
    let day_before = View {
        today: jiff::civil::date(2025, 4, 30),
        ..View::default()
    };
    let found = day_before.check(&[(CONFIG, "node_version=18.20.8")]);
    assert_eq!(codes(&found), [""; 0]);
}

#[test]
fn something_has_to_build_the_assets() {
    let package = r#"{"scripts": {"watch": "node watch.js"}}"#;
    let problem = the_one(&[(ASSETS, package)]);
    assert_eq!(problem.code.0, "assets-missing-script");
    assert_eq!(problem.severity, Severity::Warning);
    assert_eq!(the_one(&[(ASSETS, "{}")]).code.0, "assets-missing-script");
    silent(&[PACKAGE]);
    let alias = "defmodule Blog.MixProject do\n  use Mix.Project\n\n  def project do\n    [app: :blog, deps: [{:phoenix, \"~> 1.8\"}], aliases: [\"assets.deploy\": [\"esbuild blog\"]]]\n  end\nend\n";
    silent(&[(ASSETS, package), ("mix.exs", alias)]);
    let unread = alias.replace("[\"assets.deploy\": [\"esbuild blog\"]]", "Aliases.all()");
    silent(&[(ASSETS, package), ("mix.exs", &unread)]);
    silent(&[
        (ASSETS, package),
        (CONFIG, "phoenix_relative_path=apps/web"),
    ]);
    silent(&[(ASSETS, package), (CONFIG, "compile=$(pick)")]);
    let problem = the_one(&[PACKAGE, (CONFIG, "compile=build.sh")]);
    assert_eq!(
        problem.message,
        "`phoenix_static_buildpack.config` names the script `build.sh`, and there is none"
    );
}

#[test]
fn each_phoenix_app_of_an_umbrella_has_to_build_its_assets() {
    let root = "defmodule Blog.MixProject do\n  def project do\n    [apps_path: \"apps\", deps: []]\n  end\nend\n";
    let phoenix = "def project do [app: :web, deps: [{:phoenix, \"~> 1.8\"}]] end";
    let package = r#"{"scripts": {"watch": "node watch.js"}}"#;
    let files = [
        ("mix.exs", root),
        (CONFIG, ""),
        (
            "apps/docs/mix.exs",
            "def project do [app: :docs, deps: []] end",
        ),
        ("apps/docs/package.json", package),
        ("apps/shop/mix.exs", phoenix),
        ("apps/shop/assets/package.json", PACKAGE.1),
        ("apps/web/mix.exs", phoenix),
        ("apps/web/assets/package.json", package),
    ];
    assert_eq!(
        the_one(&files).message,
        "nothing would build the assets: `apps/web/assets/package.json` has no script `deploy`, and `apps/web/mix.exs` no alias `assets.deploy`"
    );
    let mut one = files;
    one[1].1 = "phoenix_relative_path=./apps/shop/";
    silent(&one);
}

const RELEASE: (&str, &str) = ("elixir_buildpack.config", "release=true\n");
const WEB: (&str, &str) = ("Procfile", "web: _build/prod/rel/blog/bin/blog start\n");
const PLAIN: (&str, &str) = (
    "config/runtime.exs",
    "import Config\n\nconfig :blog, BlogWeb.Endpoint, http: [port: 4000]\n",
);
const ASKS: (&str, &str) = (
    "config/runtime.exs",
    "import Config\n\nif System.get_env(\"PHX_SERVER\") do\n  config :blog, BlogWeb.Endpoint, server: true\nend\n",
);
const SERVES: (&str, &str) = (
    "config/runtime.exs",
    "import Config\n\nconfig :blog, BlogWeb.Endpoint, server: true, http: [port: 4000]\n",
);

#[test]
fn a_release_has_to_serve() {
    for files in [
        vec![RELEASE, WEB, PLAIN],
        vec![RELEASE, PLAIN],
        vec![("Procfile", "web: PHX_SERVER=true bin/blog start"), PLAIN],
        vec![("Procfile", "web: bin/server"), PLAIN],
        vec![WEB],
        vec![("Procfile", "web: mix run --no-halt"), PLAIN],
        vec![("Procfile", "web: iex -S mix"), PLAIN],
    ] {
        let problem = the_one(&files);
        assert_eq!(problem.code.0, "phoenix-no-server", "{files:?}");
        assert_eq!(problem.severity, Severity::Warning);
        assert_eq!(problem.labels.len(), 1);
    }
    let problem = the_one(&[RELEASE, WEB, PLAIN]);
    assert!(
        problem.helps[0]
            .text
            .contains("`config :my_blog, MyBlogWeb.Endpoint, server: true`")
    );
    for files in [
        vec![RELEASE, WEB, SERVES],
        vec![PLAIN],
        vec![("elixir_buildpack.config", "release=false"), PLAIN],
        vec![("Procfile", "web: mix phx.server"), PLAIN],
        vec![("Procfile", "web: iex -S mix phx.server"), PLAIN],
        vec![
            ("Procfile", "web: elixir --sname a -S mix phx.server"),
            PLAIN,
        ],
        vec![("Procfile", "web: PHX_SERVER=true bin/blog start"), ASKS],
        vec![("Procfile", "web: _build/prod/rel/blog/bin/server"), ASKS],
    ] {
        silent(&files);
    }
}

#[test]
fn a_variable_that_somebody_else_sets_is_a_note() {
    // The profile sets it for a release of ours, not for one that a hook makes.
    silent(&[RELEASE, WEB, ASKS]);
    let problem = the_one(&[WEB, ASKS]);
    assert_eq!(
        (problem.code.0, problem.severity),
        ("phoenix-no-server", Severity::Note)
    );
    let pack = (
        ".buildpacks",
        "https://github.com/gigalixir/gigalixir-buildpack-phoenix-static\n",
    );
    silent(&[WEB, ASKS, pack]);
    let app_json = ("app.json", r#"{"env": {"PHX_SERVER": "true"}}"#);
    silent(&[WEB, ASKS, app_json]);
    let view = View {
        config_vars: &["PHX_SERVER"],
        ..View::default()
    };
    assert_eq!(codes(&view.check(&[WEB, ASKS])), [""; 0]);
    // It does not help an app that does not ask for it.
    assert_eq!(
        codes(&view.check(&[RELEASE, WEB, PLAIN])),
        ["phoenix-no-server"]
    );
}

#[test]
fn bash_says_whether_a_release_is_made() {
    let files = [("elixir_buildpack.config", "release=$(pick)"), PLAIN];
    silent(&files);
    let view = View {
        by_bash: Some("true"),
        ..View::default()
    };
    assert_eq!(codes(&view.check(&files)), ["phoenix-no-server"]);
}

#[test]
fn keys_are_those_of_the_packs() {
    let problem = the_one(&[PACKAGE, (CONFIG, "nod_version=22.14.0")]);
    assert_eq!(problem.code.0, "config-unknown-key");
    assert_eq!(
        edits(&problem),
        [(
            "nod_version".to_owned(),
            "node_version",
            Applicability::Certain
        )]
    );
    let all = "node_version=22.14.0\nnpm_version=10.9.2\nyarn_version=1.22.22\nphoenix_relative_path=.\n\
        assets_path=.\nphoenix_ex=phx\nclean_cache=false\nremove_node=true\n";
    silent(&[PACKAGE, (CONFIG, all)]);
    assert_eq!(
        codes(&check(&[PACKAGE, (CONFIG, "clean_cache=perhaps")])),
        ["config-syntax"]
    );
    // Bash takes the first word of a list.
    let found = check(&[(CONFIG, "node_version=(22.14.0 20.9.0)")]);
    assert_eq!(codes(&found), [""; 0]);
    assert_eq!(found.tools[0].resolved.as_deref(), Some("22.14.0"));
}

#[test]
fn a_config_that_is_no_bash_leaves_the_rest_alone() {
    let found = check(&[PACKAGE, (CONFIG, "node_version=\"22")]);
    assert_eq!(codes(&found), ["config-syntax"]);
    assert!(found.diagnostics[0].is_error());
    assert_eq!(found.tools[0].verdict, Verdict::Unknown);
}

#[test]
fn without_a_list_nothing_is_known_but_the_request() {
    let view = View {
        away: true,
        ..View::default()
    };
    let found = view.check(&[(CONFIG, "node_version=22")]);
    assert_eq!(codes(&found), ["away"]);
    assert_eq!(found.tools[0].verdict, Verdict::Unknown);
    assert_eq!(found.tools[0].requested.as_ref().unwrap().value, "22");
}
