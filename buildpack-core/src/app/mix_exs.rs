//! `mix.exs`, read without running it: what the project says about itself in literals.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use super::elixir_module::{Module, NotLiteral};
use crate::diagnostic::{Origin, Source, Sourced, Span};
use crate::syntax::elixir::{Bracket, Kind};

/// What a `mix.exs` declares. Places are those of the words alone: what stands between the quotes, a key without its
/// colon.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MixExs {
    /// `app:` of the project.
    pub app: Option<Sourced<String>>,
    /// `elixir:`, a requirement such as `~> 1.15`.
    pub elixir: Option<Sourced<String>>,
    /// Names in `releases:`, in order.
    pub releases: Vec<Sourced<String>>,
    /// `deps:`, in order.
    pub deps: Vec<MixDep>,
    /// `aliases:` by name, such as `assets.deploy`.
    pub aliases: BTreeMap<String, Alias>,
    /// Whether it is the root of an umbrella: `apps_path:`.
    pub umbrella: bool,
    /// `apps_path:`, the folder of an umbrella's applications.
    pub apps_path: Option<Sourced<String>>,
    /// `apps:`, the folders of those that count; all, if none.
    pub apps: Option<Vec<String>>,
    /// What is there, but only Elixir could tell what it comes to.
    pub unread: Vec<Unread>,
}

/// Another name for Mix tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// The name.
    pub name: Span,
    /// What it stands for, as it is written: `["esbuild default --minify", "phx.digest"]`.
    pub value: Span,
}

/// What an alias comes to, with the aliases that it names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AliasText<'a> {
    texts: Vec<&'a str>,
}

impl Alias {
    fn text(&self) -> &str {
        let text = self.value.source.text.get(self.value.start..self.value.end);
        text.unwrap_or_default()
    }
}

impl AliasText<'_> {
    /// Whether the word `task` is written out in it, be it as a task, as an argument or in a command.
    pub fn runs(&self, task: &str) -> bool {
        let mut words = self.texts.iter().flat_map(|text| words(text));
        words.any(|word| word == task)
    }

    /// Whether an entry of its own begins with `task`: `"phx.digest --no-vsn"`.
    pub fn lists(&self, task: &str) -> bool {
        let mut entries = self.texts.iter().flat_map(|text| text.split('"'));
        entries.any(|entry| entry.split(' ').next() == Some(task))
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '_' | '-')))
}

/// One dependency of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MixDep {
    /// The application's name.
    pub name: Sourced<String>,
    /// The versions that will do, where they are a literal.
    pub requirement: Option<Sourced<String>>,
    /// The environments it is for (`only:`); all, if none.
    pub only: Option<Vec<String>>,
    /// Its options by name, as they are written; none where something else stands among them.
    pub options: Option<BTreeMap<String, String>>,
}

impl MixDep {
    /// Whether it is there with this `MIX_ENV`.
    pub fn is_for(&self, environment: &str) -> bool {
        let names = self.only.as_ref();
        names.is_none_or(|names| names.iter().any(|name| name == environment))
    }
}

/// A part of a `mix.exs` that is no literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The key it stands under: `elixir`, `releases`, `deps`, `aliases`, `app`, `apps_path`; `project` for all of it.
    pub what: &'static str,
    /// The expression.
    pub span: Span,
    /// What it is instead: `a call`.
    pub why: &'static str,
}

impl MixExs {
    /// Whether `name` is among the dependencies that could be read.
    pub fn depends_on(&self, name: &str) -> bool {
        self.deps.iter().any(|dep| dep.name.value == name)
    }

    /// The alias `name`, with the aliases that it names, as far as they are written out; empty where there is none.
    pub fn alias<'a>(&'a self, name: &'a str) -> AliasText<'a> {
        let mut names = vec![name];
        let mut texts = Vec::new();
        let mut at = 0;
        while let Some(name) = names.get(at) {
            at += 1;
            let Some(alias) = self.aliases.get(*name) else {
                continue;
            };
            texts.push(alias.text());
            for word in words(alias.text()) {
                if self.aliases.contains_key(word) && !names.contains(&word) {
                    names.push(word);
                }
            }
        }
        AliasText { texts }
    }

    /// The part of `what` that could not be read, if any.
    pub fn unread(&self, what: &str) -> Option<&Unread> {
        self.unread.iter().find(|unread| unread.what == what)
    }
}

/// Reads a `mix.exs`; any text gives an answer.
pub(super) fn parse(source: &Arc<Source>) -> MixExs {
    let module = Module::read(source);
    let mut reader = Reader {
        module: &module,
        found: MixExs::default(),
    };
    match module.function("project") {
        Some(body) => reader.project(module.code.last_expression(body)),
        None => reader.found.unread.push(Unread {
            what: "project",
            span: module.span(0..0),
            why: "no `def project do`",
        }),
    }
    reader.found
}

struct Reader<'a> {
    module: &'a Module<'a>,
    found: MixExs,
}

impl Reader<'_> {
    fn project(&mut self, expression: Range<usize>) {
        let mut seen = BTreeSet::new();
        for (key, value) in self.pairs("project", expression) {
            // Of a key that stands twice, the first counts.
            if !seen.insert(key.value.clone()) {
                continue;
            }
            match key.value.as_str() {
                "app" => self.found.app = self.literal("app", value),
                "elixir" => self.found.elixir = self.literal("elixir", value),
                "apps_path" => {
                    self.found.umbrella = true;
                    self.found.apps_path = self.literal("apps_path", value);
                }
                "apps" => self.found.apps = self.words(value),
                "releases" => {
                    let names = self.pairs("releases", value);
                    self.found.releases = names.into_iter().map(|(name, _)| name).collect();
                }
                "aliases" => {
                    for (key, value) in self.pairs("aliases", value) {
                        if let Origin::File(name) = key.origin {
                            let value = self.module.span(self.module.code.bytes(value));
                            let alias = Alias { name, value };
                            self.found.aliases.entry(key.value).or_insert(alias);
                        }
                    }
                }
                "deps" => {
                    for (name, rest) in self.pairs("deps", value) {
                        let only = self.only(rest.clone());
                        let options = self.written_options(rest.clone());
                        let requirement = self.requirement(rest);
                        self.found.deps.push(MixDep {
                            name,
                            requirement,
                            only,
                            options,
                        });
                    }
                }
                _ => {}
            }
        }
    }

    /// The literals of a list, or one that stands for itself; none where there are others.
    fn words(&self, expression: Range<usize>) -> Option<Vec<String>> {
        let literal = |one| Some(self.module.literal(one).ok()?.value);
        if let Some(one) = literal(expression.clone()) {
            return Some(vec![one]);
        }
        let (elements, unread) = self.module.list(expression);
        let elements = elements.into_iter().filter(|element| !element.is_empty());
        if unread.is_empty() {
            elements.map(literal).collect()
        } else {
            None
        }
    }

    /// The environments that `only:` of a dependency names.
    fn only(&self, rest: Range<usize>) -> Option<Vec<String>> {
        let code = &self.module.code;
        self.arguments(rest)
            .into_iter()
            .find_map(|option| match code.kind(option.start) {
                Some(Kind::Key(key)) if key.value == "only" => {
                    self.words(option.start + 1..option.end)
                }
                _ => None,
            })
    }

    /// What follows a dependency's name, options that stand in a list one by one.
    fn arguments(&self, rest: Range<usize>) -> Vec<Range<usize>> {
        let code = &self.module.code;
        let arguments: Vec<_> = code.split(rest, ",").collect();
        let each = arguments.into_iter().flat_map(|argument| {
            let bracket = matches!(code.kind(argument.start), Some(Kind::Open(Bracket::Square)));
            if bracket && code.after(argument.start) == argument.end {
                code.split(argument.start + 1..argument.end - 1, ",")
                    .collect()
            } else {
                vec![argument]
            }
        });
        each.collect()
    }

    /// The options of a dependency as they are written; a requirement may stand before them.
    fn written_options(&self, rest: Range<usize>) -> Option<BTreeMap<String, String>> {
        let code = &self.module.code;
        let mut options = BTreeMap::new();
        for argument in self.arguments(rest.clone()) {
            match code.kind(argument.start) {
                Some(Kind::Key(key)) => {
                    let span = self
                        .module
                        .span(code.bytes(argument.start + 1..argument.end));
                    let value = span.source.text.get(span.start..span.end)?;
                    options.insert(key.value.clone().into_owned(), value.to_owned());
                }
                None => {}
                Some(Kind::Text(_)) if argument.start == rest.start => {}
                Some(_) => return None,
            }
        }
        Some(options)
    }

    /// The keys of a keyword list, with what stands beside them.
    fn pairs(
        &mut self,
        what: &'static str,
        expression: Range<usize>,
    ) -> Vec<(Sourced<String>, Range<usize>)> {
        let (elements, unread) = self.module.list(expression);
        for not_literal in unread {
            self.unread(what, not_literal);
        }
        let mut pairs = Vec::new();
        for element in elements {
            match self.module.pair(element.clone()) {
                Some((key, rest)) => pairs.push((self.module.sourced(key), rest)),
                None if element.is_empty() => {}
                None => self.unread(what, (element, "no pair of a name and a value")),
            }
        }
        pairs
    }

    /// The first of what follows a dependency's name, unless that is an option.
    fn requirement(&mut self, rest: Range<usize>) -> Option<Sourced<String>> {
        let code = &self.module.code;
        let first = code.split(rest, ",").next()?;
        match code.kind(first.start) {
            Some(Kind::Key(_) | Kind::Open(Bracket::Square)) => None,
            _ => self.literal("deps", first),
        }
    }

    fn literal(&mut self, what: &'static str, expression: Range<usize>) -> Option<Sourced<String>> {
        match self.module.literal(expression) {
            Ok(value) => Some(value),
            Err(not_literal) => {
                self.unread(what, not_literal);
                None
            }
        }
    }

    fn unread(&mut self, what: &'static str, (tokens, why): NotLiteral) {
        let span = self.module.span(self.module.code.bytes(tokens));
        self.found.unread.push(Unread { what, span, why });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
}
