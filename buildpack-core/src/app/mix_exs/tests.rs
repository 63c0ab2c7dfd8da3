use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::diagnostic::{Origin, Source};

fn read(text: &str) -> MixExs {
    parse(&Arc::new(Source {
        path: "mix.exs".into(),
        text: text.to_owned(),
    }))
}

fn values<'a>(found: impl IntoIterator<Item = &'a Sourced<String>>) -> Vec<&'a str> {
    found
        .into_iter()
        .inspect(|value| match &value.origin {
            Origin::File(span) => {
                assert_eq!(span.source.text[span.start..span.end], value.value);
            }
            other => panic!("{other}"),
        })
        .map(|value| value.value.as_str())
        .collect()
}

#[test]
fn options_of_a_dependency_as_they_are_written() {
    let found = read(
        r#"defmodule A do
  def project do
    [app: :a, deps: [
      {:one, "~> 1.0"},
      {:two, "~> 1.0", only: :prod, compile: "make -C src"},
      {:three, [path: "../three", env: :prod]},
      {:four, "~> 1.0", options()},
      {:five, options()},
      six: "~> 1.0"
    ]]
  end
end"#,
    );
    let options: Vec<Option<Vec<String>>> = (found.deps.iter())
        .map(|dep| {
            let options = dep.options.as_ref()?;
            let all = options.iter();
            Some(all.map(|(name, value)| format!("{name} {value}")).collect())
        })
        .collect();
    let owned = |words: &[&str]| Some(words.iter().map(|&word| word.to_owned()).collect());
    assert_eq!(
        options,
        [
            owned(&[]),
            owned(&["compile \"make -C src\"", "only :prod"]),
            owned(&["env :prod", "path \"../three\""]),
            None,
            None,
            owned(&[]),
        ]
    );
}

const PHOENIX: &str = r#"
defmodule Shop.MixProject do
  use Mix.Project

  @version "1.2.3"
  @elixir "~> 1.15"

  def project do
    [
      app: :shop,
      version: @version,
      elixir: @elixir,
      elixirc_paths: elixirc_paths(Mix.env()),
      start_permanent: Mix.env() == :prod,
      releases: releases(),
      aliases: aliases(),
      deps: deps()
    ]
  end

  # `def project do [elixir: "~> 1.0"] end` in a comment
  def application do
    [mod: {Shop.Application, []}, extra_applications: [:logger]]
  end

  defp elixirc_paths(:test), do: ["lib", "test/support"]
  defp elixirc_paths(_), do: ["lib"]

  defp releases, do: [shop: [include_executables_for: [:unix]], worker: []]

  defp deps do
    [
      {:phoenix, "~> 1.8.9"},
      {:esbuild, "~> 0.10", runtime: Mix.env() == :dev},
      {:heroicons, github: "tailwindlabs/heroicons", tag: "v2.2.0", sparse: "optimized"},
      {:odd, versions(:odd)},
      jason: "~> 1.2"
    ] ++ extra()
  end

  defp aliases do
    [
      setup: ["deps.get", "ecto.setup"],
      "assets.deploy": ["tailwind shop --minify", "phx.digest"],
      test: fn args -> if args == [], do: [a: 1], else: [] end
    ]
  end
end
"#;

#[test]
fn reads_what_phoenix_generates() {
    let found = read(PHOENIX);
    assert_eq!(values(&found.app), ["shop"]);
    assert_eq!(values(&found.elixir), ["~> 1.15"]);
    assert_eq!(values(&found.releases), ["shop", "worker"]);
    let aliases: Vec<_> = found.aliases.keys().collect();
    assert_eq!(aliases, ["assets.deploy", "setup", "test"]);
    let alias = &found.aliases["assets.deploy"];
    let text = |span: &Span| &PHOENIX[span.start..span.end];
    assert_eq!(text(&alias.name), "assets.deploy");
    assert_eq!(
        text(&alias.value),
        "[\"tailwind shop --minify\", \"phx.digest\"]"
    );
    assert_eq!(
        values(found.deps.iter().map(|dep| &dep.name)),
        ["phoenix", "esbuild", "heroicons", "odd", "jason"]
    );
    let requirements: Vec<_> = found
        .deps
        .iter()
        .map(|dep| dep.requirement.as_ref().map(|text| text.value.as_str()))
        .collect();
    assert_eq!(
        requirements,
        [
            Some("~> 1.8.9"),
            Some("~> 0.10"),
            None,
            None,
            Some("~> 1.2")
        ]
    );
    assert!(found.depends_on("phoenix") && !found.umbrella);
    let unread: Vec<_> = found
        .unread
        .iter()
        .map(|unread| {
            let text = &PHOENIX[unread.span.start..unread.span.end];
            (unread.what, text, unread.why)
        })
        .collect();
    assert_eq!(
        unread,
        [
            ("deps", "extra()", "a call"),
            ("deps", "versions(:odd)", "a call"),
        ]
    );
}

#[test]
fn an_alias_is_all_that_it_comes_to() {
    let found = read(
        r#"
            def project do
              [aliases: [
                "assets.deploy": ["assets.build", "cmd npm run compile", "assets.digest"],
                "assets.build": ["esbuild app --minify", "assets.deploy"],
                "assets.digest": ["phx.digest --no-vsn"],
                other: ["ecto.setup"]
              ]]
            end
            "#,
    );
    let deploy = found.alias("assets.deploy");
    assert!(deploy.runs("esbuild") && deploy.runs("phx.digest") && deploy.runs("--minify"));
    assert!(!deploy.runs("digest") && !deploy.runs("ecto.setup"));
    assert!(deploy.lists("phx.digest") && deploy.lists("cmd"));
    // A word of a command is no task.
    assert!(deploy.runs("compile") && !deploy.lists("compile"));
    assert!(!found.alias("missing").runs("missing"));
}

#[test]
fn says_what_only_elixir_could_tell() {
    for (value, why) in [
        (r#""~> #{@major}.0""#, "a text with interpolation"),
        (r#"System.get_env("V")"#, "a call"),
        (r#"if(x, do: "~> 1.0")"#, "a condition"),
        ("@elixir", "an attribute that is no literal"),
        ("@missing", "an attribute that is no literal"),
        ("version()", "a call"),
        ("version", "a variable or call"),
        (r#""~> " <> "1.0""#, "no literal"),
    ] {
        let text = format!(
            "defmodule A do\n  @elixir File.read!(\"v\")\n  def project do\n    [app: :a, elixir: {value}]\n  end\nend\n"
        );
        let found = read(&text);
        assert_eq!(values(&found.app), ["a"], "{value}");
        assert_eq!(found.elixir, None, "{value}");
        let unread = found.unread("elixir").unwrap();
        assert_eq!(&text[unread.span.start..unread.span.end], value);
        assert_eq!(unread.why, why, "{value}");
    }
}

#[test]
fn takes_the_ways_people_write_it() {
    for (text, elixir) in [
        ("def project, do: [elixir: \"1.15.0\"]", "1.15.0"),
        ("def project() do\n [elixir: '~> 1.15']\nend", "~> 1.15"),
        (
            "def project do\n base = [a: 1]\n [elixir: \"~> 1.1\"] ++ base\nend",
            "~> 1.1",
        ),
        (
            "def project do\n common() ++ [app: :a]\nend\ndefp common do [elixir: \"~> 1.2\"] end",
            "~> 1.2",
        ),
        (
            "def project do\r\n  [\r\n    elixir: \"~> 1.15\",\r\n  ]\r\nend\r\n",
            "~> 1.15",
        ),
        (
            "@e \"~> 1.1\"\n@e \"~> 1.2\"\ndef project do [elixir: @e] end\n@e \"~> 1.3\"",
            "~> 1.2",
        ),
        ("def project do [{:elixir, \"~> 1.4\"}] end", "~> 1.4"),
        (
            "def project do [elixir: \"~> 1.4\", elixir: \"~> 1.5\"] end",
            "~> 1.4",
        ),
        (
            "def project do [elixir: v()] end\ndefp v do\n  \"~> 1.6\"\nend",
            "~> 1.6",
        ),
    ] {
        let found = read(text).elixir.map(|value| value.value);
        assert_eq!(found.as_deref(), Some(elixir), "{text}");
    }
    assert!(read("def project do [apps_path: \"apps\"] end").umbrella);
    let only = |text: &str| {
        let found = read(&format!("def project do [deps: [{text}]] end"));
        let dep = &found.deps[0];
        (dep.is_for("dev"), dep.is_for("prod"))
    };
    assert_eq!(only("{:x, \"~> 1.0\", only: :dev}"), (true, false));
    assert_eq!(
        only("{:x, \"~> 1.0\", [only: [:prod, :test]]}"),
        (false, true)
    );
    assert_eq!(only("{:x, git: \"y\", only: these()}"), (true, true));
    assert_eq!(only("x: \"~> 1.0\""), (true, true));
}

#[test]
fn bad_input_gives_an_answer() {
    for text in [
        "",
        "\0\u{1}",
        "def project do",
        "[",
        "def project do [elixir: \"",
        "{{{",
        "end end",
    ] {
        assert_eq!(read(text).elixir, None, "{text}");
    }
    assert_eq!(
        read("").unread("project").unwrap().why,
        "no `def project do`"
    );
}

#[test]
fn names_that_stand_for_each_other_come_to_an_end() {
    let text = "def project do deps() ++ deps() end\ndefp deps do project() ++ project() end";
    assert!(!read(text).unread.is_empty());
    let text = "@a @a\ndef project do [elixir: @a, app: a()] end\ndefp a do a() end";
    assert_eq!(read(text).unread.len(), 2);
}

#[test]
fn large_files_take_no_longer_than_their_size_asks_for() {
    // Quadratic work on any of these would not come to an end.
    let pieces = [
        "@a [\n",
        "@a 1 +\n",
        "deps() ++ ",
        "(",
        "]",
        "{:a, @a},\n",
        "\"#{",
        "do fn ",
        "~s{\\",
    ];
    for piece in pieces {
        let many = piece.repeat((1 << 17) / piece.len());
        read(&format!("@a \"\"\ndef project do [deps: [\n{many}"));
        read(&format!("@a \"\"\ndef project do [deps: {many}"));
    }
}

proptest! {
    #[test]
    fn any_text_gives_an_answer(
        text in "(\\PC|\n|def project do|defp? [a-c] do|end|@[a-c] |[\\[\\](){}\"'#:,]|elixir: |deps: |\\+\\+|[a-c]\\(\\)|\"~> 1\"){0,60}"
    ) {
        let found = read(&text);
        let unread = found.unread.iter().map(|unread| &unread.span);
        let aliases = found.aliases.values();
        for span in unread.chain(aliases.flat_map(|alias| [&alias.name, &alias.value])) {
            prop_assert!(text.get(span.start..span.end).is_some());
        }
    }
}
