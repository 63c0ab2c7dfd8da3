//! What is found out about an app's Node and its assets before anything is built.

use buildpack_core::app::{App, ConfigValue};
use buildpack_core::check::{CheckContext, Checked, ToolCheck, Verdict};
use buildpack_core::diagnostic::{Diagnostic, Sourced};
use buildpack_core::version::Tool;

use crate::asked;
use crate::assets::AssetsApp;
use crate::config::StaticConfig;
use crate::detect::detect;
use crate::hooks;
use crate::manager_tool::settle;
use crate::offer::Offer;
use crate::resolve::{Chosen, Resolution, resolve};
use crate::rules::{
    assets_binary_version, assets_missing_script, node_engines, node_eol, npm_version,
    phoenix_no_server,
};
use crate::umbrella::find;

/// Whether the Node that `app` asks for can be had, and what is wrong with its assets besides; nothing where the pack is
/// not for it.
///
/// Node is needed where there is a `package.json` or the config names a version. The list of Node's releases is looked
/// at in no other case.
pub fn check(app: &App, context: &CheckContext<'_>) -> Checked {
    let mut checked = Checked::default();
    if detect(app).is_none() {
        return checked;
    }
    let Some(config) = StaticConfig::read(app, context.evaluated).collect(&mut checked.diagnostics)
    else {
        checked.tools.push(unknown(None));
        return checked;
    };
    let mut apps = found(app, &config, &mut checked.diagnostics);
    if needs_node(app, &config) {
        node(app, &config, &mut apps, context, &mut checked);
    }
    checked.diagnostics.extend(of_assets(app, &config, context));
    checked
}

/// The Phoenix apps whose assets are built, and what is wrong with where they are and with what installs their packages.
/// Where only bash can tell, nothing is said: a build asks bash.
fn found<'a>(
    app: &'a App,
    config: &StaticConfig,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<AssetsApp<'a>> {
    let decide = [
        &config.phoenix_relative_path,
        &config.assets_path,
        &config.yarn_version,
        &config.compile,
    ];
    let is_open = |value: &Sourced<ConfigValue>| matches!(value.value, ConfigValue::Dynamic(_));
    if decide.into_iter().flatten().any(is_open) {
        return Vec::new();
    }
    let apps = find(app, config, hooks::in_config(app).as_deref());
    apps.collect(diagnostics).unwrap_or_default()
}

/// What is wrong with how the assets are built and the server is started.
pub(crate) fn of_assets(
    app: &App,
    config: &StaticConfig,
    context: &CheckContext<'_>,
) -> Vec<Diagnostic> {
    let mut found: Vec<_> = assets_missing_script::check(app, config)
        .into_iter()
        .collect();
    found.extend(assets_binary_version::check(app, context));
    found.extend(phoenix_no_server::check(app, context));
    found
}

/// Whether there is anything that Node is for.
pub(crate) fn needs_node(app: &App, config: &StaticConfig) -> bool {
    app.every_package_json().next().is_some() || config.node_version.is_some()
}

fn node(
    app: &App,
    config: &StaticConfig,
    apps: &mut [AssetsApp<'_>],
    context: &CheckContext<'_>,
    checked: &mut Checked,
) {
    let found = chosen(app, config, context, &mut checked.diagnostics);
    if let Some(chosen) = found.as_ref().and_then(|found| found.chosen.as_ref()) {
        checked.diagnostics.extend(settle(apps, config, chosen));
    }
    checked.tools.push(found.map_or_else(
        || {
            let places = asked::places(app, config);
            unknown(places.first().map(asked::Asked::written))
        },
        |resolution| resolution.check,
    ));
}

/// The Node that the app's files lead to, and what is wrong with it; none where its list can't be had.
pub(crate) fn chosen(
    app: &App,
    config: &StaticConfig,
    context: &CheckContext<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Resolution> {
    let list = match context.lists.node() {
        Ok(list) => list,
        Err(error) => {
            diagnostics.push(error.diagnostic());
            return None;
        }
    };
    let offer = Offer {
        list,
        arch: context.target.arch,
        today: context.today,
    };
    let mut resolution = resolve(&asked::places(app, config), &offer);
    diagnostics.append(&mut resolution.diagnostics);
    match &resolution.chosen {
        Some(chosen) => diagnostics.extend(of_version(app, config, chosen, &offer)),
        None => diagnostics.extend(npm_version::check(config, &app.package_jsons, None)),
    }
    Some(resolution)
}

/// A Node that nothing is known of, but for what was asked for.
fn unknown(requested: Option<Sourced<String>>) -> ToolCheck {
    ToolCheck {
        tool: Tool::Node,
        requested,
        resolved: None,
        rule: String::new(),
        verdict: Verdict::Unknown,
    }
}

/// What is wrong with a Node that can be had.
fn of_version(app: &App, config: &StaticConfig, chosen: &Chosen, offer: &Offer) -> Vec<Diagnostic> {
    let packages: Vec<_> = app.every_package_json().cloned().collect();
    let mut found = node_engines::check(&packages, chosen, offer);
    found.extend(npm_version::check(config, &packages, Some(chosen)));
    found.extend(node_eol::check(chosen, offer));
    found
}
