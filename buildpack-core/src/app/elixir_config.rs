//! `config/*.exs`, read without running them: variables of the environment, the web server, versions of asset tools.

mod reader;

use crate::diagnostic::{Sourced, Span};

pub(super) use reader::parse;

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

#[cfg(test)]
mod tests;
