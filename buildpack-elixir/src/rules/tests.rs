use buildpack_core::diagnostic::{Applicability, Diagnostic, Severity};
use jiff::civil::{Date, date};

use crate::fixture::{CONFIG, checked_on, edits};

const TODAY: Date = date(2026, 11, 1);

fn project(requirement: &str) -> String {
    format!(
        "defmodule B.MixProject do\n  use Mix.Project\n  def project do\n    [app: :b, elixir: \"{requirement}\"]\n  end\nend\n"
    )
}

fn config(erlang: &str, elixir: &str) -> String {
    format!("erlang_version={erlang}\nelixir_version={elixir}\n")
}

/// What is said with this code.
fn said(files: &[(&str, &str)], code: &str) -> Vec<Diagnostic> {
    let all = checked_on(files, TODAY).diagnostics;
    all.into_iter().filter(|d| d.code.0 == code).collect()
}

#[test]
fn an_app_of_today_has_nothing_wrong() {
    let checked = checked_on(
        &[
            (CONFIG, &config("27.3.4.1", "1.18.3")),
            ("mix.exs", &project("~> 1.15")),
            (
                "config/runtime.exs",
                "import Config\nconfig :b, k: System.fetch_env!(\"SECRET_KEY_BASE\")\n",
            ),
        ],
        TODAY,
    );
    assert_eq!(checked.diagnostics, []);
    assert_eq!(checked.tools.len(), 2);
}

#[test]
fn an_otp_without_support_is_told_with_the_newest_that_fits() {
    let config = config("26.2.5.21", "1.18.3");
    let files = [(CONFIG, config.as_str())];
    let found = said(&files, "otp-eol");
    assert_eq!(found[0].severity, Severity::Warning);
    assert!(
        found[0].message.contains("2026-05-13"),
        "{}",
        found[0].message
    );
    // 28 is newer, but this Elixir was not built for it.
    assert_eq!(edits(&found[0]), [("27.3.4.1", Applicability::Likely)]);
    let last_day = checked_on(&files, date(2026, 5, 13));
    assert_eq!(last_day.diagnostics, []);
}

#[test]
fn an_elixir_without_support_is_told_with_the_newest_that_fits() {
    let found = said(&[(CONFIG, &config("25.3.2.21", "1.14.5"))], "elixir-eol");
    assert_eq!(edits(&found[0]), [("1.17.3", Applicability::Likely)]);
    assert!(
        found[0].message.contains("2025-10-16"),
        "{}",
        found[0].message
    );
}

#[test]
fn mix_exs_has_a_say() {
    let wanting = |requirement: &str, elixir: &str| {
        said(
            &[
                (CONFIG, &config("26.2.5", elixir)),
                ("mix.exs", &project(requirement)),
            ],
            "elixir-requirement",
        )
    };
    let found = wanting("~> 1.17", "1.16.2");
    assert_eq!(found[0].severity, Severity::Error);
    let places: Vec<_> = found[0]
        .labels
        .iter()
        .map(|label| label.span.to_string())
        .collect();
    assert_eq!(places, ["elixir_buildpack.config:2:16", "mix.exs:4:24"]);
    assert_eq!(edits(&found[0]), [("1.17.3", Applicability::Likely)]);
    assert!(wanting("~> 1.99", "1.16.2")[0].helps[0].edits.is_empty());
    assert_eq!(wanting("~> 1.16.0", "1.16.2"), []);
    assert_eq!(wanting("~> 1.99", "(branch main)"), []);
    assert!(wanting("about 1.16", "1.16.2")[0].is_error());
}

#[test]
fn an_elixir_that_mix_exs_refuses_is_not_proposed() {
    let found = said(
        &[
            (CONFIG, &config("27.3.4.1", "1.18.9")),
            ("mix.exs", &project("1.18.1")),
        ],
        "elixir-not-built",
    );
    assert_eq!(found[0].alternatives, ["1.18.1"]);
}

#[test]
fn secrets_that_are_compiled_in_are_told() {
    let base = config("27.3.4.1", "1.18.3");
    let reading = |path: &str, text: &str| {
        let found = said(
            &[(CONFIG, &base), (path, &format!("import Config\n{text}\n"))],
            "secret-at-compile-time",
        );
        found
            .iter()
            .map(|d| d.labels[0].span.to_string())
            .collect::<Vec<_>>()
    };
    let fetch = "config :b, k: System.fetch_env!(\"PORT_NAME\")";
    assert_eq!(reading("config/prod.exs", fetch), ["config/prod.exs:2:15"]);
    assert_eq!(reading("config/runtime.exs", fetch), [""; 0]);
    let get = |name: &str| format!("config :b, k: System.get_env(\"{name}\")");
    assert_eq!(
        reading("config/config.exs", &get("STRIPE_API_KEY")),
        ["config/config.exs:2:15"]
    );
    assert_eq!(reading("config/config.exs", &get("POOL_SIZE")), [""; 0]);
    let dev = "if config_env() == :dev do\n  config :b, k: System.fetch_env!(\"X\")\nend";
    assert_eq!(reading("config/config.exs", dev), [""; 0]);
}

#[test]
fn leftovers_of_the_config_are_told() {
    let text = config("27.3.4.1", "1.18.3") + "config_vars_to_export=(A B)\npost_compile=x\n";
    let found = said(&[(CONFIG, &text)], "config-deprecated-key");
    let written: Vec<_> = found.iter().flat_map(edits).collect();
    assert_eq!(
        written,
        [
            ("hook_post_compile", Applicability::Likely),
            ("", Applicability::Certain)
        ]
    );
}

#[test]
fn a_config_that_cannot_be_read_leaves_both_tools_open() {
    let checked = checked_on(&[(CONFIG, "erlang_version=\"27.3\n")], TODAY);
    assert_eq!(checked.tools.len(), 2);
    assert!(checked.diagnostics.iter().any(Diagnostic::is_error));
}
