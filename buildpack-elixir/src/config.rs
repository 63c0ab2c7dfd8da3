//! The keys of `elixir_buildpack.config`, and what `.tool-versions` says where it is silent.

use std::collections::BTreeMap;

use buildpack_core::app::App;
use buildpack_core::diagnostic::{Class, Diagnostic, Origin, Outcome, Sourced};
use buildpack_core::syntax::{self, Value};

/// The config's file name.
pub const FILE: &str = "elixir_buildpack.config";

/// Every key that the packs know (compatibility facts 3.1).
const KEYS: [&str; 13] = [
    "always_rebuild",
    "config_vars_to_export",
    "elixir_version",
    "erlang_version",
    "hook_compile",
    "hook_post_compile",
    "hook_pre_compile",
    "hook_pre_fetch_dependencies",
    "post_compile",
    "pre_compile",
    "release",
    "runtime_path",
    "test_args",
];

/// A value of the config, or the place of one that only bash can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigValue {
    /// A text.
    Text(String),
    /// An array.
    List(Vec<String>),
    /// Only bash can evaluate it; the text says why.
    Dynamic(String),
}

/// The config of an Elixir app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElixirConfig {
    /// Erlang/OTP as written.
    pub erlang_version: Sourced<ConfigValue>,
    /// Elixir as written: a text, or the list `branch NAME`.
    pub elixir_version: Sourced<ConfigValue>,
    /// Whether nothing may be reused.
    pub always_rebuild: Sourced<bool>,
    /// Whether `mix release` is to be run.
    pub release: Sourced<bool>,
    /// Where the app will live.
    pub runtime_path: Sourced<String>,
    /// Run before dependencies are fetched.
    pub hook_pre_fetch_dependencies: Option<Sourced<ConfigValue>>,
    /// Run before the app is compiled.
    pub hook_pre_compile: Option<Sourced<ConfigValue>>,
    /// Run instead of `mix compile`.
    pub hook_compile: Option<Sourced<ConfigValue>>,
    /// Run after the app is compiled.
    pub hook_post_compile: Option<Sourced<ConfigValue>>,
    /// Deprecated: run right after rebar is there.
    pub pre_compile: Option<Sourced<ConfigValue>>,
    /// Deprecated: run at the very end.
    pub post_compile: Option<Sourced<ConfigValue>>,
    /// Arguments of `mix test`.
    pub test_args: Option<Sourced<ConfigValue>>,
    /// Legacy, without effect.
    pub config_vars_to_export: Option<Sourced<ConfigValue>>,
}

impl ElixirConfig {
    /// Reads the config of `app`: `elixir_buildpack.config`, and `.tool-versions` for versions that it leaves out.
    pub fn read(app: &App) -> Outcome<Self> {
        let mut reader = Reader {
            app,
            values: BTreeMap::new(),
            diagnostics: Vec::new(),
        };
        let value = reader.read();
        Outcome {
            value: value.filter(|_| !reader.diagnostics.iter().any(Diagnostic::is_error)),
            diagnostics: reader.diagnostics,
        }
    }
}

struct Reader<'a> {
    app: &'a App,
    values: BTreeMap<String, Sourced<ConfigValue>>,
    diagnostics: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn read(&mut self) -> Option<ElixirConfig> {
        self.assignments()?;
        self.tool_versions();
        self.deprecated();
        let erlang_version = self.version("erlang_version", "27.3");
        let elixir_version = self.version("elixir_version", "1.18.3");
        Some(ElixirConfig {
            always_rebuild: self.flag("always_rebuild"),
            release: self.flag("release"),
            runtime_path: self.runtime_path(),
            hook_pre_fetch_dependencies: self.values.remove("hook_pre_fetch_dependencies"),
            hook_pre_compile: self.values.remove("hook_pre_compile"),
            hook_compile: self.values.remove("hook_compile"),
            hook_post_compile: self.values.remove("hook_post_compile"),
            pre_compile: self.values.remove("pre_compile"),
            post_compile: self.values.remove("post_compile"),
            test_args: self.values.remove("test_args"),
            config_vars_to_export: self.values.remove("config_vars_to_export"),
            erlang_version: erlang_version?,
            elixir_version: elixir_version?,
        })
    }

    /// The file's assignments; none if it can't be read as bash.
    fn assignments(&mut self) -> Option<()> {
        let Some(source) = self.app.source(FILE) else {
            return Some(());
        };
        let outcome = syntax::parse(&source);
        self.diagnostics.extend(outcome.diagnostics);
        for assignment in outcome.value? {
            let name = assignment.name.value;
            if !KEYS.contains(&name.as_str()) {
                self.unknown(&name, &assignment.name.origin);
                continue;
            }
            let value = match assignment.value {
                Value::Text(text) => ConfigValue::Text(text),
                Value::Array(words) => ConfigValue::List(words),
                Value::Dynamic(why) => ConfigValue::Dynamic(why),
            };
            let origin = Origin::File(assignment.value_span);
            self.values.insert(name, Sourced::new(value, origin));
        }
        Some(())
    }

    /// Names that look like a slip are said; others are the author's own variables.
    fn unknown(&mut self, name: &str, origin: &Origin) {
        let nearest = KEYS
            .iter()
            .map(|key| (strsim::damerau_levenshtein(key, name), key))
            .min()
            .filter(|(distance, _)| *distance <= 3);
        let problem = Diagnostic::warning(
            "config-unknown-key",
            format!("`{name}` is no key of this file"),
        )
        .from(origin, "without effect");
        self.diagnostics.push(match nearest {
            Some((_, key)) => problem.help(format!("did you mean `{key}`?")),
            None => problem.help("remove the line, if nothing else reads it"),
        });
    }

    /// Versions from `.tool-versions`, where it names both and the config is silent.
    fn tool_versions(&mut self) {
        let tool = |name| self.app.tool_versions.get(name);
        match (tool("erlang"), tool("elixir")) {
            (Some(erlang), Some(elixir)) => {
                for (key, version) in [("erlang_version", erlang), ("elixir_version", elixir)] {
                    self.values
                        .entry(key.to_owned())
                        .or_insert_with(|| version.clone().map(ConfigValue::Text));
                }
            }
            (Some(one), None) | (None, Some(one)) => {
                let enough = ["erlang_version", "elixir_version"]
                    .iter()
                    .all(|key| self.values.contains_key(*key));
                if !enough {
                    self.diagnostics.push(
                        Diagnostic::warning(
                            "tool-versions-half",
                            "`.tool-versions` counts only if it names both erlang and elixir",
                        )
                        .from(&one.origin, "ignored")
                        .help("add the other one, or set both in `elixir_buildpack.config`"),
                    );
                }
            }
            (None, None) => {}
        }
    }

    fn deprecated(&mut self) {
        for (old, new) in [
            ("pre_compile", "hook_pre_compile"),
            ("post_compile", "hook_post_compile"),
        ] {
            if let Some(value) = self.values.get(old) {
                self.diagnostics.push(
                    Diagnostic::warning("config-deprecated-key", format!("`{old}` is deprecated"))
                        .from(&value.origin, "still run")
                        .help(format!(
                            "rename it to `{new}`; note that it then runs at another moment"
                        )),
                );
            }
        }
    }

    fn version(&mut self, key: &str, example: &str) -> Option<Sourced<ConfigValue>> {
        let found = self.values.remove(key);
        if found.is_none() {
            let (code, message) = if self.app.has(FILE) {
                ("version-missing", format!("`{FILE}` sets no `{key}`"))
            } else {
                (
                    "elixir-config-missing",
                    format!("nothing says which `{key}` to use: there is no `{FILE}`"),
                )
            };
            self.diagnostics.push(
                Diagnostic::error(code, Class::Config, message).help(format!(
                    "write a line such as `{key}={example}` into `{FILE}`"
                )),
            );
        }
        found
    }

    fn flag(&mut self, key: &str) -> Sourced<bool> {
        let Some(value) = self.values.remove(key) else {
            return Sourced::new(false, Origin::Default(format!("{key}=false")));
        };
        let read = match &value.value {
            ConfigValue::Text(text) => match text.as_str() {
                "true" => Some(true),
                "false" | "" => Some(false),
                _ => None,
            },
            _ => None,
        };
        if read.is_none() {
            self.diagnostics.push(
                Diagnostic::error(
                    "config-not-a-flag",
                    Class::Config,
                    format!("`{key}` must be `true` or `false`"),
                )
                .from(&value.origin, "this is neither")
                .help("write it out; what bash would have to work out can't be planned with"),
            );
        }
        Sourced::new(read.unwrap_or(false), value.origin)
    }

    fn runtime_path(&mut self) -> Sourced<String> {
        let Some(value) = self.values.remove("runtime_path") else {
            return Sourced::new("/app".to_owned(), Origin::Default("/app".to_owned()));
        };
        let path = match value.value {
            ConfigValue::Text(text) => text,
            _ => String::new(),
        };
        let plain = path.starts_with('/')
            && path.trim_end_matches('/').len() > 1
            && path.split('/').all(|part| part != "..")
            && path
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
        if !plain {
            self.diagnostics.push(
                Diagnostic::error(
                    "config-runtime-path",
                    Class::Config,
                    "`runtime_path` must be the absolute path of a folder",
                )
                .from(&value.origin, "this is none")
                .help("remove the line to run the app in `/app`"),
            );
        }
        Sourced::new(path, value.origin)
    }
}

#[cfg(test)]
mod tests;
