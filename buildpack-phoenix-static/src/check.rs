//! What is found out about an app's Node and its assets before anything is built.

use buildpack_core::app::App;
use buildpack_core::check::{CheckContext, Checked, ToolCheck, Verdict};
use buildpack_core::diagnostic::{Diagnostic, Sourced};
use buildpack_core::version::Tool;

use crate::asked;
use crate::config::StaticConfig;
use crate::detect::detect;
use crate::offer::Offer;
use crate::resolve::{Chosen, Resolution, resolve};
use crate::rules::{
    assets_binary_version, assets_missing_script, node_engines, node_eol, npm_version,
    phoenix_no_server,
};

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
    if needs_node(app, &config) {
        node(app, &config, context, &mut checked);
    }
    checked.diagnostics.extend(of_assets(app, &config, context));
    checked
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

fn node(app: &App, config: &StaticConfig, context: &CheckContext<'_>, checked: &mut Checked) {
    let found = chosen(app, config, context, &mut checked.diagnostics);
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
