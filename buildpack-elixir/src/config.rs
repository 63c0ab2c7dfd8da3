//! The keys of `elixir_buildpack.config`, and what `.tool-versions` says where it is silent.

use buildpack_core::app::App;
use buildpack_core::diagnostic::{Outcome, Sourced};

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
        let _ = app;
        unimplemented!()
    }
}
