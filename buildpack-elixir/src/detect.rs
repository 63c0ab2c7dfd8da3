//! Whether an app is an Elixir app.

use buildpack_core::app::App;

/// The file that makes an app an Elixir app.
pub const EVIDENCE: &str = "mix.exs";

/// Whether the app has a `mix.exs` at its root.
pub fn detect(app: &App) -> bool {
    app.has(EVIDENCE)
}
