//! `config/*.exs`, read without running them: variables of the environment, the web server, versions of asset tools.

use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::{Origin, Source, Sourced, Span};
use crate::syntax::elixir::{Bracket, Code, Kind};

/// The files that are read: those which a production build or start evaluates.
pub(super) const PATHS: [&str; 5] = [
    "config/config.exs",
    "config/prod.exs",
    "config/prod.secret.exs",
    "config/releases.exs",
    "config/runtime.exs",
];

/// What one of an app's configuration files says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigExs {
    /// `config/prod.exs`.
    pub path: String,
    /// Whether it is evaluated when the app starts (`runtime.exs`, `releases.exs`) rather than when it is compiled.
    pub at_start: bool,
    /// Variables that are read while the file is evaluated; not those inside of functions.
    pub env_reads: Vec<EnvRead>,
    /// `server: true`, or `serve_endpoints` with `true`.
    pub server: Option<Span>,
    /// Whether `PHX_SERVER` is asked for.
    pub phx_server: bool,
    /// `config :esbuild, version: "…"`.
    pub esbuild_version: Option<Sourced<String>>,
    /// `config :tailwind, version: "…"`.
    pub tailwind_version: Option<Sourced<String>>,
    /// `config :esbuild, path: …`: a program of the app's own.
    pub esbuild_path: Option<Span>,
    /// `config :tailwind, path: …`.
    pub tailwind_path: Option<Span>,
    /// Each `cache_static_manifest: "…"`.
    pub static_manifests: Vec<StaticManifest>,
}

/// Where an endpoint of Phoenix looks for the names of digested static files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaticManifest {
    /// The application of `config :application, …`, where it is written out.
    pub application: Option<String>,
    /// The file, below the application's folder.
    pub path: Sourced<String>,
}

/// A variable of the environment that a configuration file reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvRead {
    /// The variable.
    pub name: String,
    /// The whole call, such as `System.fetch_env!("SECRET_KEY_BASE")`.
    pub span: Span,
    /// Whether evaluating fails without it: `fetch_env!`, or `get_env(…) || raise …`.
    pub required: bool,
    /// The environments of `if config_env() == :dev do` around it; empty where any will do.
    pub only_in: Vec<String>,
}

impl EnvRead {
    /// Whether it is read with this `MIX_ENV`.
    pub fn happens_in(&self, environment: &str) -> bool {
        self.only_in.is_empty() || self.only_in.iter().any(|name| name == environment)
    }
}

/// Reads a configuration file; any text gives an answer.
pub(super) fn parse(path: &str, source: &Arc<Source>) -> ConfigExs {
    let code = Code::read(&source.text);
    let mut reader = Reader {
        source,
        code: &code,
        conditions: Vec::new(),
        later: 0,
        configured: 0,
        application: None,
        found: ConfigExs {
            path: path.to_owned(),
            at_start: path.ends_with("/runtime.exs") || path.ends_with("/releases.exs"),
            env_reads: Vec::new(),
            server: None,
            phx_server: false,
            esbuild_version: None,
            tailwind_version: None,
            esbuild_path: None,
            tailwind_path: None,
            static_manifests: Vec::new(),
        },
    };
    for token in 0..code.tokens.len() {
        reader.token(token);
    }
    reader.found
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    code: &'a Code<'a>,
    /// Environments that the code up to a token is for, the innermost condition last.
    conditions: Vec<(usize, Vec<String>)>,
    /// The code up to this token is a function, which is called later.
    later: usize,
    /// The code up to this token is the call of `config` that was read last.
    configured: usize,
    /// What is configured by it.
    application: Option<String>,
    found: ConfigExs,
}

impl Reader<'_> {
    fn token(&mut self, token: usize) {
        while self.conditions.last().is_some_and(|(end, _)| *end <= token) {
            self.conditions.pop();
        }
        let code = self.code;
        match &code.tokens[token].kind {
            Kind::Word("if") => self.conditions.extend(self.condition(token + 1)),
            Kind::Word("fn") => self.later = self.later.max(code.after(token)),
            Kind::Operator("&") if token >= self.later => {
                self.later = self.end_of_argument(token + 1);
            }
            Kind::Alias("System") if token >= self.later => {
                let read = self.env_read(token);
                self.found.env_reads.extend(read);
            }
            Kind::Text(text) if text.value == "PHX_SERVER" => self.found.phx_server = true,
            Kind::Key(key) if matches!(key.value.as_ref(), "server" | "serve_endpoints") => {
                self.server(token, token + 1);
            }
            Kind::Key(key) if key.value == "cache_static_manifest" => {
                let manifest = self.static_manifest(token);
                self.found.static_manifests.extend(manifest);
            }
            Kind::Atom(atom) if atom.value == "serve_endpoints" => self.server(token, token + 2),
            Kind::Word("config") if token >= self.configured => self.config(token),
            _ => {}
        }
    }

    /// The environments of a condition that begins at `start`, and the token before which its branch ends.
    fn condition(&self, start: usize) -> Option<(usize, Vec<String>)> {
        let code = self.code;
        let mut at = start;
        // Longer conditions are none of those that are looked for.
        for _ in 0..24 {
            match code.kind(at)? {
                Kind::Word("do") => {
                    let names = environments(code, start..at)?;
                    return Some((self.end_of_branch(at), names));
                }
                Kind::Operator(",") => {
                    let names = environments(code, start..at)?;
                    let one_line =
                        matches!(code.kind(at + 1)?, Kind::Key(key) if key.value == "do");
                    return one_line.then(|| (self.end_of_argument(at + 2), names));
                }
                _ => at = code.after(at),
            }
        }
        None
    }

    /// The `else` or `end` of the block that `do` begins.
    fn end_of_branch(&self, r#do: usize) -> usize {
        let end = self.code.after(r#do);
        let mut at = r#do + 1;
        while at < end && !self.code.tokens[at].kind.is_word("else") {
            at = self.code.after(at);
        }
        at
    }

    /// The comma or end after an argument that begins at `start`.
    fn end_of_argument(&self, start: usize) -> usize {
        let code = self.code;
        let mut at = start;
        let end = code.end_of_expression(start);
        while at < end && !code.tokens[at].kind.is_operator(",") {
            at = code.after(at);
        }
        at
    }

    /// `System.get_env("NAME")` or `System.fetch_env!("NAME")` at `token`.
    fn env_read(&self, token: usize) -> Option<EnvRead> {
        let code = self.code;
        if !code.kind(token + 1)?.is_operator(".") {
            return None;
        }
        let Kind::Word(function @ ("get_env" | "fetch_env" | "fetch_env!")) =
            code.kind(token + 2)?
        else {
            return None;
        };
        let open = matches!(code.kind(token + 3)?, Kind::Open(Bracket::Round));
        let argument = token + 3 + usize::from(open);
        let Kind::Text(name) = code.kind(argument)? else {
            return None;
        };
        let after = if open {
            code.end_of(token + 3)? + 1
        } else {
            argument + 1
        };
        let required = *function == "fetch_env!" || self.raises_at(after);
        Some(EnvRead {
            name: name.value.clone().into_owned(),
            span: self.span(code.bytes(token..after)),
            required,
            only_in: self.only_in().to_vec(),
        })
    }

    /// Whether `|| raise …` stands at `token`.
    fn raises_at(&self, token: usize) -> bool {
        let code = self.code;
        let or = |kind: &Kind<'_>| kind.is_operator("||") || kind.is_word("or");
        let raise = match code.kind(token + 1) {
            Some(Kind::Open(Bracket::Round)) => token + 2,
            _ => token + 1,
        };
        code.kind(token).is_some_and(or)
            && matches!(
                code.kind(raise),
                Some(Kind::Word("raise" | "throw" | "exit"))
            )
    }

    fn only_in(&self) -> &[String] {
        self.conditions.last().map_or(&[], |(_, names)| names)
    }

    fn server(&mut self, key: usize, value: usize) {
        let production = self.in_production();
        let on = self
            .code
            .kind(value)
            .is_some_and(|kind| kind.is_word("true"));
        if production && on && self.found.server.is_none() {
            self.found.server = Some(self.span(self.code.bytes(key..value + 1)));
        }
    }

    /// Version and path in `config :esbuild, version: "…"` at `token`.
    fn config(&mut self, token: usize) {
        let code = self.code;
        let open = matches!(code.kind(token + 1), Some(Kind::Open(Bracket::Round)));
        let first = token + 1 + usize::from(open);
        let Some(Kind::Atom(application)) = code.kind(first) else {
            return;
        };
        let end = match code.end_of(token + 1) {
            Some(end) if open => end,
            _ => code.end_of_expression(first),
        };
        self.configured = end;
        self.application = Some(application.value.clone().into_owned());
        let has_version = matches!(application.value.as_ref(), "esbuild" | "tailwind");
        if !has_version || !self.in_production() {
            return;
        }
        for argument in code.split(first..end, ",") {
            // `config :esbuild, :version, "…"` has the version in an argument of its own.
            let (key, value) = match code.kind(argument.start) {
                Some(Kind::Key(key)) => (key, argument.start + 1),
                Some(Kind::Atom(key)) => (key, argument.end + 1),
                _ => continue,
            };
            let found = &mut self.found;
            let (version, path) = match application.value.as_ref() {
                "esbuild" => (&mut found.esbuild_version, &mut found.esbuild_path),
                _ => (&mut found.tailwind_version, &mut found.tailwind_path),
            };
            let span = |bytes: Range<usize>| Span {
                source: Arc::clone(self.source),
                start: bytes.start,
                end: bytes.end,
            };
            match (key.value.as_ref(), code.kind(value)) {
                ("version", Some(Kind::Text(text))) => {
                    let origin = Origin::File(span(text.span.clone()));
                    *version = Some(Sourced::new(text.value.clone().into_owned(), origin));
                }
                ("path", Some(_)) => *path = Some(span(code.bytes(argument))),
                _ => {}
            }
        }
    }

    /// `cache_static_manifest: "…"` at `token`.
    fn static_manifest(&self, token: usize) -> Option<StaticManifest> {
        let Kind::Text(text) = self.code.kind(token + 1)? else {
            return None;
        };
        if !self.in_production() {
            return None;
        }
        let origin = Origin::File(self.span(text.span.clone()));
        let inside = token < self.configured;
        Some(StaticManifest {
            application: self.application.clone().filter(|_| inside),
            path: Sourced::new(text.value.clone().into_owned(), origin),
        })
    }

    fn in_production(&self) -> bool {
        let only_in = self.only_in();
        only_in.is_empty() || only_in.iter().any(|name| name == "prod")
    }

    fn span(&self, bytes: Range<usize>) -> Span {
        Span {
            source: Arc::clone(self.source),
            start: bytes.start,
            end: bytes.end,
        }
    }
}

/// The environments that `config_env() == :prod` or `Mix.env() in [:dev, :test]` is for; none for other conditions.
fn environments(code: &Code<'_>, condition: Range<usize>) -> Option<Vec<String>> {
    let kinds = code.tokens.get(condition)?.iter().map(|token| &token.kind);
    let mut kinds: Vec<_> = kinds
        .filter(|kind| {
            !matches!(
                kind,
                Kind::Open(Bracket::Round) | Kind::Close(Bracket::Round)
            )
        })
        .collect();
    match kinds.as_slice() {
        [Kind::Word("config_env"), ..] => kinds.drain(..1),
        [Kind::Alias("Mix"), dot, Kind::Word("env"), ..] if dot.is_operator(".") => {
            kinds.drain(..3)
        }
        _ => return None,
    };
    let names = match kinds.split_first()? {
        (operator, names @ [_]) if operator.is_operator("==") => names,
        (Kind::Word("in"), [Kind::Open(Bracket::Square), names @ .., Kind::Close(_)]) => names,
        _ => return None,
    };
    names
        .iter()
        .filter(|kind| !kind.is_operator(","))
        .map(|kind| match kind {
            Kind::Atom(name) => Some(name.value.clone().into_owned()),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
}
