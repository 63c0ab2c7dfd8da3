//! The configuration that packages are compiled with, by application, read from `config/*.exs` without running them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use buildpack_core::digest::{Digest, Hasher};
use buildpack_core::pack::file_in_tree;
use buildpack_core::syntax::elixir::{Bracket, Code, Kind};
use walkdir::WalkDir;

use super::text_of;

/// So deep may files import each other.
const DEEPEST: usize = 8;

/// What is said of one application.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    /// The statements in order, their tokens with spaces between.
    statements: Vec<String>,
    /// Whether one of them calls what may look at anything.
    calls: bool,
}

/// The configuration at compile time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Config {
    /// By application; none where the files are more than statements, so that only Elixir could tell.
    by_application: Option<BTreeMap<String, Said>>,
    /// All files that may be part of it.
    whole: Digest,
}

/// What a package may see of the configuration.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// Of all of it.
    pub(super) digest: Digest,
    /// Whether it may hold values of config vars.
    pub(super) calls: bool,
}

impl Config {
    /// The configuration of the app in `tree` for an environment.
    pub(super) fn read(tree: &Path, environment: &str) -> Self {
        let mut by_application = BTreeMap::new();
        let first = "config/config.exs";
        let read = !tree.join("config").exists()
            || read_file(tree, first, environment, DEEPEST, &mut by_application).is_some();
        Self {
            by_application: read.then_some(by_application),
            whole: all_of(tree),
        }
    }

    /// What is said of these applications.
    pub(super) fn of(&self, applications: &BTreeSet<&str>) -> Seen {
        let Some(by_application) = &self.by_application else {
            return self.all();
        };
        let mut hasher = Hasher::new();
        for (name, said) in by_application {
            if !applications.contains(name.as_str()) {
                continue;
            }
            if said.calls {
                return self.all();
            }
            for statement in &said.statements {
                hasher.field(statement.as_bytes());
            }
        }
        Seen {
            digest: hasher.finish(),
            calls: false,
        }
    }

    fn all(&self) -> Seen {
        Seen {
            digest: self.whole,
            calls: true,
        }
    }
}

/// A digest of all that configuration may be made of.
fn all_of(tree: &Path) -> Digest {
    let mut hasher = Hasher::new();
    let walk = WalkDir::new(tree).sort_by_file_name().into_iter();
    let walk = walk.filter_entry(|entry| {
        let name = entry.file_name().to_string_lossy();
        entry.depth() == 0
            || !(name.starts_with('.') || matches!(&*name, "_build" | "deps" | "node_modules"))
    });
    for entry in walk.flatten() {
        let path = entry.path().strip_prefix(tree).ok().and_then(Path::to_str);
        let script = |path: &&str| Path::new(path).extension().is_some_and(|end| end == "exs");
        let Some(path) = path.filter(script) else {
            continue;
        };
        hasher.field(path.as_bytes());
        let file = file_in_tree(tree, path);
        hasher.field(
            &file
                .and_then(|file| fs_err::read(file).ok())
                .unwrap_or_default(),
        );
    }
    hasher.finish()
}

/// Adds what a file says to `found`; none where it is more than statements.
fn read_file(
    tree: &Path,
    path: &str,
    environment: &str,
    depth: usize,
    found: &mut BTreeMap<String, Said>,
) -> Option<()> {
    let text = text_of(tree, path)?;
    let code = Code::read(&text);
    if code.broken.is_some() {
        return None;
    }
    let mut start = 0;
    while start < code.tokens.len() {
        let end = code.end_of_expression(start);
        if end <= start {
            return None;
        }
        let statement = start..end;
        start = end;
        let words: Vec<&str> = statement
            .clone()
            .map(|token| word(&text, &code, token))
            .collect();
        match words.as_slice() {
            ["import", "Config"] | ["use", "Mix", ".", "Config"] => {}
            ["config", ..] => {
                let name = application(&code, &statement)?;
                let said = found.entry(name.clone()).or_default();
                let text = words.join(" ");
                if name == "logger" && !is_for_the_compiler(&text) {
                    continue;
                }
                said.calls |= !is_plain(&code, statement);
                said.statements.push(text);
            }
            ["import_config", ..] => {
                let bytes = code.bytes(statement.start + 1..statement.end);
                let other = imported(text.get(bytes)?, environment)?;
                let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                let next = depth.checked_sub(1)?;
                read_file(tree, &format!("{folder}/{other}"), environment, next, found)?;
            }
            _ => return None,
        }
    }
    Some(())
}

/// A token as it is written.
fn word<'t>(text: &'t str, code: &Code<'_>, token: usize) -> &'t str {
    let span = code.tokens[token].span.clone();
    text.get(span).unwrap_or_default()
}

/// The application that a statement configures.
fn application(code: &Code<'_>, statement: &Range<usize>) -> Option<String> {
    let mut first = statement.start + 1;
    if matches!(code.kind(first)?, Kind::Open(Bracket::Round)) {
        if code.after(first) != statement.end {
            return None;
        }
        first += 1;
    }
    match code.kind(first)? {
        Kind::Atom(name) => Some(name.value.clone().into_owned()),
        _ => None,
    }
}

/// Whether a statement for the logger says something about what is compiled: which calls are left out, and what they are
/// given. All else is for when it runs.
fn is_for_the_compiler(statement: &str) -> bool {
    ["compile_time", "always_evaluate"]
        .iter()
        .any(|word| statement.contains(word))
}

/// Whether a statement means the same in every environment of the same name: it calls nothing that looks at the machine.
fn is_plain(code: &Code<'_>, statement: Range<usize>) -> bool {
    let kind = |token: usize| code.kind(token);
    statement
        .clone()
        .skip(1)
        .all(|token| match &code.tokens[token].kind {
            Kind::Operator("@") => false,
            Kind::Word(
                "true" | "false" | "nil" | "and" | "or" | "not" | "in" | "__DIR__" | "config_env"
                | "config_target",
            ) => true,
            Kind::Word(name) => {
                let mut at = token;
                let mut owner = None;
                while at >= 2
                    && kind(at - 1).is_some_and(|kind| kind.is_operator("."))
                    && let Some(Kind::Alias(alias)) = kind(at - 2)
                {
                    owner = owner.or(Some(*alias));
                    at -= 2;
                }
                let captured =
                    at > 0 && at < token && kind(at - 1).is_some_and(|it| it.is_operator("&"));
                captured
                    || match owner {
                        Some("Path") => *name != "wildcard",
                        Some("Mix") => matches!(*name, "env" | "target"),
                        _ => false,
                    }
            }
            _ => true,
        })
}

/// The file that is named in `import_config`; none where only Elixir could tell.
fn imported(argument: &str, environment: &str) -> Option<String> {
    let argument = argument.trim();
    let inner = argument
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'));
    let quoted = inner.unwrap_or(argument).trim();
    let mut name = quoted.strip_prefix('"')?.strip_suffix('"')?.to_owned();
    for code in ["#{config_env()}", "#{Mix.env()}", "#{Mix.env}"] {
        name = name.replace(code, environment);
    }
    let plain = !name.contains(['#', '\\', '*', '{', '"']) && !name.starts_with('/');
    (plain && !name.split('/').any(|part| part == "..")).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(files: &[(&str, &str)]) -> tempfile::TempDir {
        let tree = tempfile::tempdir().unwrap();
        for (path, text) in files {
            testdata::tree::write(tree.path(), path, text);
        }
        tree
    }

    fn seen(files: &[(&str, &str)], applications: &[&str]) -> Seen {
        let tree = app(files);
        Config::read(tree.path(), "prod").of(&applications.iter().copied().collect())
    }

    const CONFIG: &str = r##"
        import Config
        config :hello, Hello.Endpoint, url: [host: System.get_env("HOST")]
        config :phoenix, :json_library, Jason
        config :esbuild,
          version: "0.25.0",
          hello: [cd: Path.expand("../assets", __DIR__), args: ~w(js/app.js --minify)]
        config :logger, level: :info
        config :logger, compile_time_purge_matching: [[level_lower_than: :info]]
        config(:plug, :statuses, %{404 => "Actually #{"this was"} found", check: &Hello.check/1})
        import_config "#{config_env()}.exs"
    "##;

    const PROD: &str = "import Config\nconfig :phoenix, :plug_init_mode, :runtime\n";

    #[test]
    fn each_application_has_its_own() {
        let with = |config: &str, prod: &str, application: &str| {
            let files = [("config/config.exs", config), ("config/prod.exs", prod)];
            seen(&files, &[application])
        };
        let base = |application: &str| with(CONFIG, PROD, application);
        for application in ["phoenix", "esbuild", "logger", "plug", "other"] {
            assert!(!base(application).calls, "{application}");
        }
        assert!(base("hello").calls);
        let changes = [
            ("Jason", "Poison", "phoenix"),
            ("0.25.0", "0.26.0", "esbuild"),
            (
                "[level_lower_than",
                "[level_lower_than: :debug, x",
                "logger",
            ),
            ("404 =>", "405 =>", "plug"),
            (":hello, Hello.Endpoint", ":hello, Other.Endpoint", ""),
            ("level: :info", "level: :debug", ""),
            (
                "  config :phoenix",
                "  # a comment\n  config   :phoenix",
                "",
            ),
        ];
        for (from, to, changed) in changes {
            assert!(CONFIG.contains(from));
            let other = CONFIG.replacen(from, to, 1);
            for application in ["phoenix", "esbuild", "logger", "plug", "other"] {
                let same = with(&other, PROD, application) == base(application);
                assert_eq!(same, application != changed, "{from} {application}");
            }
        }
        let other = PROD.replace(":runtime", ":compile");
        assert_ne!(with(CONFIG, &other, "phoenix"), base("phoenix"));
        assert_eq!(with(CONFIG, &other, "plug"), base("plug"));
    }

    #[test]
    fn where_only_elixir_could_tell_all_files_count() {
        for config in [
            "import Config\nif config_env() == :prod do\n  config :a, b: 1\nend\n",
            "import Config\nimport_config \"#{System.get_env(\"X\")}.exs\"\n",
            "import Config\nimport_config \"../apps/*/config/config.exs\"\n",
            "import Config\nimport_config \"missing.exs\"\n",
            "import Config\nname = :a\nconfig name, b: 1\n",
            "import Config\nconfig :a, [b: 1\n",
            "import Config\nimport_config \"config.exs\"\n",
        ] {
            let files = [("config/config.exs", config), ("config/other.exs", "1")];
            let one = seen(&files, &["plug"]);
            assert!(one.calls, "{config}");
            let other = [("config/config.exs", config), ("config/other.exs", "2")];
            assert_ne!(seen(&other, &["plug"]), one, "{config}");
        }
        assert!(!seen(&[("mix.exs", "")], &["plug"]).calls);
    }

    #[test]
    fn values_that_are_made_by_calls_may_be_anything() {
        for (value, calls) in [
            ("File.read!(\"x\")", true),
            ("System.fetch_env!(\"X\")", true),
            (":os.getenv('X')", true),
            ("@attribute", true),
            ("variable", true),
            ("fn -> 1 end", true),
            ("Path.wildcard(\"*\")", true),
            ("\"#{node()}\"", true),
            ("Mix.env() == :prod", false),
            ("{Mod, :fun, [1, ?a, 2.5]}", false),
            ("~r/a+/", false),
            ("%{a: nil, \"b\" => true}", false),
        ] {
            let config = format!("import Config\nconfig :plug, a: {value}\n");
            let seen = seen(&[("config/config.exs", &config)], &["plug"]);
            assert_eq!(seen.calls, calls, "{value}");
        }
    }
}
