use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::diagnostic::Source;

fn read(path: &str, text: &str) -> ConfigExs {
    parse(
        path,
        &Arc::new(Source {
            path: path.into(),
            text: text.to_owned(),
        }),
    )
}

const RUNTIME: &str = r#"
import Config

# System.fetch_env!("IN_A_COMMENT")
if System.get_env("PHX_SERVER") do
  config :shop, ShopWeb.Endpoint, server: true
end

if config_env() == :prod do
  database_url =
    System.get_env("DATABASE_URL") ||
      raise """
      environment variable DATABASE_URL is missing. System.fetch_env!("IN_A_TEXT")
      """

  port = String.to_integer(System.get_env("PORT", "4000"))
  config :shop, key: System.fetch_env! "KEY"
else
  System.fetch_env!("OTHER")
end
"#;

fn reads(found: &ConfigExs) -> Vec<(&str, bool)> {
    found
        .env_reads
        .iter()
        .map(|read| (read.name.as_str(), read.required))
        .collect()
}

#[test]
fn reads_what_phoenix_generates() {
    let found = read("config/runtime.exs", RUNTIME);
    assert!(found.at_start && found.phx_server);
    assert_eq!(
        reads(&found),
        [
            ("PHX_SERVER", false),
            ("DATABASE_URL", true),
            ("PORT", false),
            ("KEY", true),
            ("OTHER", true),
        ]
    );
    let only: Vec<_> = found
        .env_reads
        .iter()
        .map(|read| read.only_in.join(" "))
        .collect();
    assert_eq!(only, ["", "prod", "prod", "prod", ""]);
    let span = &found.env_reads[3].span;
    assert_eq!(&RUNTIME[span.start..span.end], "System.fetch_env! \"KEY\"");
    assert_eq!(found.server.unwrap().to_string(), "config/runtime.exs:6:35");
}

#[test]
fn what_is_called_later_is_not_read_now() {
    let text = r#"
config :a, b: fn -> System.fetch_env!("A") end, c: System.fetch_env!("C")
config :a, d: &System.get_env("D#{&1}"), e: System.get_env("E")
config :a, f: {System, :get_env, ["F"]}, g: "x#{System.get_env("G")}"
config :a, h: System.get_env("H") || (raise "no H"), i: System.get_env(name)
"#;
    let found = read("config/prod.exs", text);
    assert_eq!(
        reads(&found),
        [("C", true), ("E", false), ("G", false), ("H", true)]
    );
    assert!(!found.at_start);
}

#[test]
fn knows_what_a_condition_is_for() {
    for (condition, names) in [
        ("config_env() == :dev", "dev"),
        ("Mix.env() in [:dev, :test]", "dev test"),
        ("Mix.env == :prod", "prod"),
        ("(config_env() == :dev)", "dev"),
        ("config_env() != :dev", ""),
        ("config_env() == :dev or true", ""),
        ("config_env() == env", ""),
        ("x, y", ""),
    ] {
        for text in [
            format!("if {condition} do\n System.fetch_env!(\"A\")\nend"),
            format!("if {condition}, do: System.fetch_env!(\"A\"), else: 1"),
        ] {
            let found = read("config/config.exs", &text);
            assert_eq!(found.env_reads[0].only_in.join(" "), names, "{text}");
        }
    }
    let found = read(
        "config/config.exs",
        "if config_env() == :dev, do: 1, else: System.get_env(\"A\")",
    );
    assert!(found.env_reads[0].happens_in("prod"));
    let nested = "if config_env() == :prod do\n if x do\n 1\n end\nelse\n a(server: true)\nend\nif config_env() == :dev do\n a(server: true)\nend";
    let found = read("config/config.exs", nested);
    assert_eq!(found.server.unwrap().line_column(), (6, 4));
}

#[test]
fn finds_versions_of_asset_tools() {
    for text in [
        "config :esbuild,\n  version: \"0.25.4\",\n  shop: [args: ~w(js/app.js), version: \"9\"]\n\nconfig :tailwind, version: \"4.1.12\", shop: []\n",
        "config(:esbuild, version: \"0.25.4\")\nconfig(:tailwind, [version: \"9\"])\nconfig :tailwind, :version, \"4.1.12\"",
    ] {
        let found = read("config/config.exs", text);
        assert_eq!(found.esbuild_version.unwrap().value, "0.25.4", "{text}");
        assert_eq!(found.tailwind_version.unwrap().value, "4.1.12", "{text}");
    }
    let found = read(
        "config/config.exs",
        "config :esbuild\nversion: \"1\"\nconfig :phoenix, :serve_endpoints, true",
    );
    assert_eq!(found.esbuild_version, None);
    assert!(found.server.is_some());
}

#[test]
fn finds_the_manifest_of_static_files() {
    let text = r#"
config :shop, ShopWeb.Endpoint, url: [port: 80], cache_static_manifest: "priv/static/cache_manifest.json"
config :shop, cache_static_manifest: manifest
for {app, endpoint} <- [] do
  config app, endpoint, cache_static_manifest: "priv/other.json"
end
if config_env() == :dev do
  config :shop, cache_static_manifest: "priv/dev.json"
end
"#;
    let found = read("config/prod.exs", text).static_manifests;
    let found: Vec<_> = (found.iter())
        .map(|it| (it.application.as_deref(), it.path.value.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (Some("shop"), "priv/static/cache_manifest.json"),
            (None, "priv/other.json"),
        ]
    );
}

#[test]
fn large_files_take_no_longer_than_their_size_asks_for() {
    // Quadratic work on any of these would not come to an end.
    for piece in [
        "config :esbuild,\n",
        "if config_env() == :a, do: ",
        "if config_env() == :a do\n",
        "&(",
        "& ",
        "fn -> ",
        "System.get_env(",
    ] {
        read("config/config.exs", &piece.repeat((1 << 17) / piece.len()));
    }
}

proptest! {
    #[test]
    fn any_text_gives_an_answer(
        text in "(\\PC|\n|config :esbuild, |version: |\"[AB]\"|System.get_env|[()\\[\\]{},&]|if config_env\\(\\) == :a do|else|end|fn|server: true| \\|\\| raise){0,40}"
    ) {
        let found = read("config/config.exs", &text);
        let reads = found.env_reads.iter().map(|read| &read.span);
        for span in reads.chain(&found.server) {
            prop_assert!(text.get(span.start..span.end).is_some());
        }
    }
}
