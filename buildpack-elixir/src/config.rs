//! The keys of `elixir_buildpack.config`.

use buildpack_core::app::{App, ConfigFile};
use buildpack_core::check::Evaluated;
use buildpack_core::diagnostic::{Class, Diagnostic, Origin, Outcome, Sourced};

pub use buildpack_core::app::ConfigValue;

/// The config's file name.
pub const FILE: &str = "elixir_buildpack.config";

/// The keys that a build is planned with; the others are hooks, which bash reads itself when they are run.
pub const PLANNED: [&str; 5] = [
    "always_rebuild",
    "elixir_version",
    "erlang_version",
    "release",
    "runtime_path",
];

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

/// The config of an Elixir app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElixirConfig {
    /// Erlang/OTP as written.
    pub erlang_version: Option<Sourced<ConfigValue>>,
    /// Elixir as written: a text, or the list `branch NAME`.
    pub elixir_version: Option<Sourced<ConfigValue>>,
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
    /// Reads the config of `app`; an app without the file has one where nothing is set. What only bash can tell is taken
    /// from `evaluated`. The value is withheld only where the file is no bash: the versions of a config with another
    /// mistake are worth a look.
    pub fn read(app: &App, evaluated: &Evaluated) -> Outcome<Self> {
        let mut diagnostics = Vec::new();
        let file = ConfigFile::read(app, FILE, &KEYS, evaluated.get(FILE));
        let Some(mut file) = file.collect(&mut diagnostics) else {
            return Outcome::failed(diagnostics);
        };
        let config = Self {
            always_rebuild: file.take_flag("always_rebuild"),
            release: file.take_flag("release"),
            runtime_path: runtime_path(&mut file),
            hook_pre_fetch_dependencies: file.take("hook_pre_fetch_dependencies"),
            hook_pre_compile: file.take("hook_pre_compile"),
            hook_compile: file.take("hook_compile"),
            hook_post_compile: file.take("hook_post_compile"),
            pre_compile: file.take("pre_compile"),
            post_compile: file.take("post_compile"),
            test_args: file.take("test_args"),
            config_vars_to_export: file.take("config_vars_to_export"),
            erlang_version: file.take("erlang_version"),
            elixir_version: file.take("elixir_version"),
        };
        Outcome {
            value: Some(config),
            diagnostics: file.into_diagnostics(),
        }
    }
}

fn runtime_path(file: &mut ConfigFile) -> Sourced<String> {
    let Some(value) = file.take("runtime_path") else {
        return Sourced::new("/app".to_owned(), Origin::Default("/app".to_owned()));
    };
    let path = match value.value {
        ConfigValue::Text(text) => text,
        // Bash was not asked: nothing is built.
        ConfigValue::Dynamic(_) => "/app".to_owned(),
        ConfigValue::List(_) => String::new(),
    };
    let plain = path.starts_with('/')
        && path.trim_end_matches('/').len() > 1
        && path.split('/').all(|part| part != "..")
        && path
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte));
    if !plain {
        file.complain(
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

#[cfg(test)]
mod tests;
