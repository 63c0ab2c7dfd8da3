//! `secret-at-compile-time`: a configuration file reads a secret, or cannot be read without a variable, while the app is
//! compiled.

use buildpack_core::app::App;
use buildpack_core::diagnostic::Diagnostic;

/// Words in the names of variables that hold secrets.
const SECRET: [&str; 8] = [
    "SECRET",
    "TOKEN",
    "PASSWORD",
    "PASSWD",
    "PRIVATE",
    "CREDENTIAL",
    "API_KEY",
    "DATABASE_URL",
];

fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    SECRET.iter().any(|word| name.contains(word)) || name.ends_with("_KEY")
}

/// Warnings about what the app's configuration reads at compile time with this `MIX_ENV`.
pub fn check(app: &App, mix_env: &str) -> Vec<Diagnostic> {
    app.configs
        .iter()
        .filter(|config| !config.at_start)
        .flat_map(|config| &config.env_reads)
        .filter(|read| read.happens_in(mix_env))
        .filter(|read| read.required || looks_secret(&read.name))
        .map(|read| {
            let name = &read.name;
            let message = if looks_secret(name) {
                format!("`{name}` is read while the app is compiled, and its value becomes a part of the app")
            } else {
                format!("the app cannot be compiled without `{name}`")
            };
            Diagnostic::warning("secret-at-compile-time", message)
                .at(read.span.clone(), "evaluated by `mix compile`")
                .help("move it to `config/runtime.exs`, which is evaluated when the app starts")
        })
        .collect()
}
