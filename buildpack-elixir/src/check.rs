//! What is found out about an Elixir app before anything is built: the same resolution as a plan's, and all rules.

use buildpack_core::app::App;
use buildpack_core::check::{CheckContext, Checked, ToolCheck, Verdict};
use buildpack_core::plan::Goal;
use buildpack_core::version::Tool;

use crate::config::ElixirConfig;
use crate::environment::Settings;
use crate::resolve;
use crate::rules::{config_deprecated_key, secret_at_compile_time};

/// Whether the versions of Erlang/OTP and Elixir that `app` asks for can be had, and what is wrong besides.
pub fn check(app: &App, context: &CheckContext<'_>) -> Checked {
    let mut checked = Checked::default();
    let config = ElixirConfig::read(app, context.evaluated);
    checked.diagnostics.extend(config.diagnostics);
    let Some(config) = config.value else {
        checked.tools = [Tool::Erlang, Tool::Elixir].map(unread).into();
        return checked;
    };
    let resolution = resolve::resolve(app, &config, context, false);
    checked.tools = resolution.checks;
    checked.diagnostics.extend(resolution.diagnostics);
    checked
        .diagnostics
        .extend(config_deprecated_key::check(&config));
    let settings = Settings::of(
        &config.runtime_path.value,
        context.config_vars,
        &Goal::Build,
    );
    checked
        .diagnostics
        .extend(secret_at_compile_time::check(app, &settings.mix_env.value));
    checked
}

/// A tool that the app needs, of a config that cannot be read.
fn unread(tool: Tool) -> ToolCheck {
    ToolCheck {
        tool,
        requested: None,
        resolved: None,
        rule: String::new(),
        verdict: Verdict::Unknown,
    }
}
