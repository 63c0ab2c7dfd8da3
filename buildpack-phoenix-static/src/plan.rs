//! From the app's files to what is done for its assets.

use std::collections::BTreeMap;

use buildpack_core::app::App;
use buildpack_core::diagnostic::{Diagnostic, Origin, Sourced};
use buildpack_core::pack::PlanContext;
use buildpack_core::plan::{Decision, Inputs, PackPlan, Phase, Tool};

use crate::assets::{AssetsApp, Builder, Digesting};
use crate::check;
use crate::config::StaticConfig;
use crate::manager_tool::{npm_major, settle, tool};
use crate::package_manager::{Manager, PackageManager, Program, below};
use crate::resolve::Chosen;
use crate::steps::{self, Surroundings};
use crate::umbrella::find;
use crate::{environment, hooks, node, release, standalone};

/// The plan; none where an error is among `diagnostics`.
pub(crate) fn plan(
    app: &App,
    context: &PlanContext<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<PackPlan> {
    let config = StaticConfig::read(app, context.check.evaluated).collect(diagnostics)?;
    let app_dir = context.before.map_or("/app", |plan| &plan.app_dir);
    let hook = context.before.and_then(hooks::in_plan);
    let mut apps = find(app, &config, hook.as_deref()).collect(diagnostics)?;
    let mut plan = PackPlan {
        packs: vec!["Phoenix".to_owned()],
        ..PackPlan::empty(app_dir)
    };
    if releases(context) {
        plan.profile.extend([environment::profile_server()]);
    } else {
        plan.default_processes = release::default_processes();
    }
    let npm_major = if apps.iter().any(|assets| needs_node(assets, &config)) {
        with_node(&mut plan, &mut apps, app, &config, context, diagnostics)?
    } else {
        plan.decisions.push(Decision {
            what: "Node".to_owned(),
            value: Sourced::new(
                "none".to_owned(),
                Origin::Default("no package.json has anything to install or to run".to_owned()),
            ),
        });
        0
    };
    let installs_with: Vec<String> = plan.tools.iter().map(|tool| tool.id.clone()).collect();
    let programs = standalone::plan(app, context, app_dir).collect(diagnostics)?;
    plan.steps.extend(programs.steps);
    plan.tools.extend(programs.tools);
    plan.decisions.extend(programs.decisions);
    let around = Surroundings {
        before: context.before,
        app_dir,
        installs_with,
        builds_with: plan.tools.iter().map(|tool| tool.id.clone()).collect(),
        npm_major,
        installs: steps::installs(&apps),
    };
    for assets in &apps {
        plan.steps.extend(steps::plan(assets, &around));
        plan.build_env
            .extend(steps::script_variables(assets, app_dir));
        plan.decisions.extend(of_assets(assets));
    }
    if config.clean_cache.value {
        plan.caches.clear();
    } else {
        plan.kept = apps.iter().flat_map(kept).collect();
        if context.earlier_files {
            plan.earlier_files = apps
                .iter()
                .filter(|app| is_digested(app))
                .map(steps::static_dir)
                .collect();
            let wanted = !plan.earlier_files.is_empty();
            plan.steps.extend(wanted.then(steps::earlier));
        }
    }
    plan.needed_for = needed(&apps, context.before);
    diagnostics.extend(check::of_assets(app, &config, &context.check));
    Some(plan)
}

/// The plan where the app is tested: tests look at no assets, and the bash packs have no tests of their own
/// (compatibility facts 3.4).
pub(crate) fn for_tests(context: &PlanContext<'_>) -> PackPlan {
    let app_dir = context.before.map_or("/app", |plan| &plan.app_dir);
    PackPlan {
        packs: vec!["Phoenix".to_owned()],
        decisions: vec![Decision {
            what: "assets".to_owned(),
            value: Sourced::new(
                "none".to_owned(),
                Origin::Default("tests need none".to_owned()),
            ),
        }],
        ..PackPlan::empty(app_dir)
    }
}

/// Whether what runs is a release.
fn releases(context: &PlanContext<'_>) -> bool {
    let mut steps = context.before.iter().flat_map(|plan| &plan.steps);
    steps.any(|step| step.phase == Phase::Release)
}

/// Adds Node and the package managers to `plan`; the major version of the npm that is taken.
fn with_node(
    plan: &mut PackPlan,
    apps: &mut [AssetsApp<'_>],
    app: &App,
    config: &StaticConfig,
    context: &PlanContext<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<u64> {
    let resolution = check::chosen(app, config, &context.check, diagnostics)?;
    let chosen = resolution.chosen?;
    let version = &chosen.release.version;
    plan.decisions.push(Decision {
        what: "Node".to_owned(),
        value: chosen
            .asked
            .clone()
            .map(|_| match (resolution.check.rule.as_str(), chosen.place) {
                // Where no place asked, the rule stands behind it anyhow.
                ("", _) | (_, None) => version.to_string(),
                (rule, _) => format!("{version} ({rule})"),
            }),
    });
    let stays = stays(config);
    let home = format!("{}/.heroku", plan.app_dir);
    let node_tool = node::tool(&chosen.release, format!("{home}/node"), stays, context);
    plan.tools.extend(keep(node_tool, diagnostics));
    diagnostics.extend(settle(apps, config, &chosen));
    let mut npm = 0;
    for assets in apps.iter() {
        let Some(manager) = &assets.manager else {
            continue;
        };
        if manager.manager == Manager::Npm {
            npm = npm.max(npm_major(manager, &chosen));
        }
        let fetched = keep(tool(manager, &home, stays, context), diagnostics).flatten();
        let decision = of_manager(manager, &chosen);
        if !plan.decisions.contains(&decision) {
            plan.decisions.push(decision);
        }
        match fetched {
            Some(tool) if plan.tools.iter().all(|other| other.id != tool.id) => {
                plan.tools.push(tool);
            }
            // Where apps want other versions of it, that has been said.
            Some(_) | None => {}
        }
        plan.build_env.extend(environment::build(
            manager.manager,
            npm_major(manager, &chosen),
            &format!("{home}/node"),
        ));
        plan.surroundings = environment::addresses(context.upstreams);
        let version = self::version(manager, &chosen);
        environment::add_cache(&mut plan.caches, assets, &version, &steps::installs(apps));
    }
    let of_app = |assets: &&AssetsApp<'_>| {
        let manager = assets.manager.as_ref();
        manager.is_some_and(|manager| matches!(manager.program, Program::OfApp(_)))
    };
    if fetched_managers(plan).next().is_some() || apps.iter().any(|assets| of_app(&assets)) {
        let phase = apps.iter().map(steps::install_phase).min();
        plan.steps.extend(phase.map(steps::programs));
    }
    plan.build_path = environment::path(&plan.app_dir, apps);
    if stays {
        let paths = environment::profile_paths(&plan.app_dir, apps);
        plan.profile.extend([paths]);
    }
    plan.decisions.push(in_image(config));
    Some(npm)
}

/// Whether anything is there that Node is for.
fn needs_node(assets: &AssetsApp<'_>, config: &StaticConfig) -> bool {
    assets.package.is_some()
        || config.node_version.is_some()
        || matches!(assets.builder.value, Builder::Script(_))
}

/// Whether anybody may digest static files here.
fn is_digested(app: &AssetsApp<'_>) -> bool {
    steps::makes_static_files(app) || app.builder.value == Builder::Hook
}

/// Whether Node and the packages stay in the image: only if the app says so, for nothing tells whether it starts them.
fn stays(config: &StaticConfig) -> bool {
    matches!(config.remove_node.origin, Origin::File(_)) && !config.remove_node.value
}

fn in_image(config: &StaticConfig) -> Decision {
    let value = if stays(config) {
        "kept for the running app"
    } else {
        "not in the image"
    };
    let origin = match &config.remove_node.origin {
        file @ Origin::File(_) => file.clone(),
        _ => Origin::Default("unless the config says remove_node=false".to_owned()),
    };
    Decision {
        what: "Node after the build:".to_owned(),
        value: Sourced::new(value.to_owned(), origin),
    }
}

/// Paths that are kept from build to build.
fn kept(assets: &AssetsApp<'_>) -> Vec<String> {
    let mut kept = Vec::new();
    if let Some(manager) = &assets.manager {
        let mut paths = vec!["node_modules"];
        if manager.manager == Manager::YarnBerry {
            paths.extend([".yarn", ".pnp.cjs", ".pnp.loader.mjs", ".pnp.data.json"]);
        }
        // In a workspace each package may have some beside those at the top.
        let mut folders = vec![&manager.root, &assets.assets_dir];
        folders.dedup();
        let all = folders
            .iter()
            .flat_map(|folder| paths.iter().map(|path| below(folder, path)));
        kept.extend(all);
    }
    if steps::makes_static_files(assets) {
        kept.push(steps::static_dir(assets));
    }
    kept
}

/// What Mix compiles, wherever it stands.
const COMPILED: [&str; 6] = ["*.ex", "*.exs", "*.eex", "*.heex", "*.leex", "*.erl"];

/// What the compile is needed for. Where only assets changed, Mix finds out by itself, when it builds or digests them, that
/// there is nothing to compile.
fn needed(apps: &[AssetsApp<'_>], before: Option<&PackPlan>) -> BTreeMap<String, Inputs> {
    let compiles = before.is_some_and(|plan| plan.steps.iter().any(|step| step.id == "compile"));
    let folders: Vec<String> = apps
        .iter()
        .filter(|assets| assets.compiles)
        .map(steps::assets_folder)
        .collect();
    if !compiles || folders.is_empty() {
        return BTreeMap::new();
    }
    let inputs = Inputs {
        names: COMPILED.map(str::to_owned).to_vec(),
        all_but: Some(folders),
        ..Inputs::default()
    };
    BTreeMap::from([("compile".to_owned(), inputs)])
}

fn of_manager(manager: &PackageManager, node: &Chosen) -> Decision {
    Decision {
        what: manager.manager.program().to_owned(),
        value: Sourced::new(version(manager, node), manager.origin.clone()),
    }
}

/// The version of a package manager, for people and keys.
fn version(manager: &PackageManager, node: &Chosen) -> String {
    match &manager.program {
        Program::OfNode => match &node.release.npm {
            Some(npm) => format!("{npm} of Node"),
            None => format!("of Node {}", node.release.version),
        },
        Program::OfApp(path) => path.clone(),
        Program::Fetched { version, .. } => version.to_string(),
    }
}

fn of_assets(assets: &AssetsApp<'_>) -> Vec<Decision> {
    let builder = &assets.builder;
    let by = match &builder.value {
        Builder::Script(path) => format!("built by {path}"),
        Builder::Deploy => {
            let program = assets
                .manager
                .as_ref()
                .map_or("npm", |m| m.manager.program());
            format!("built by {program} run deploy")
        }
        Builder::Alias => "built by mix assets.deploy".to_owned(),
        Builder::Hook if matches!(builder.origin, Origin::File(_)) => {
            "built with the umbrella's".to_owned()
        }
        Builder::Hook => "built by a hook".to_owned(),
        Builder::Nobody => "none built".to_owned(),
    };
    let mut all = vec![Decision {
        what: match assets.phoenix_dir.as_str() {
            "" => "assets".to_owned(),
            folder => format!("assets of {folder}"),
        },
        value: Sourced::new(by, builder.origin.clone()),
    }];
    if let Digesting::NotOurs(why) = &assets.digest
        && builder.value == Builder::Nobody
    {
        all.push(Decision {
            what: "digest".to_owned(),
            value: Sourced::new("skipped".to_owned(), Origin::Default(why.clone())),
        });
    }
    all
}

/// The value; what is wrong instead goes to `diagnostics`.
fn keep<T>(found: Result<T, Box<Diagnostic>>, diagnostics: &mut Vec<Diagnostic>) -> Option<T> {
    found.map_err(|problem| diagnostics.push(*problem)).ok()
}

/// The folders of fetched package managers among a plan's tools.
pub(crate) fn fetched_managers(plan: &PackPlan) -> impl Iterator<Item = &Tool> {
    plan.tools
        .iter()
        .filter(|tool| matches!(tool.id.as_str(), "npm" | "yarn" | "pnpm"))
}

#[cfg(test)]
mod tests;
