//! The Phoenix static pack: a table of contents of its parts.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use buildpack_core::app::App;
use buildpack_core::check::{CheckContext, Checked, Evaluated};
use buildpack_core::diagnostic::{Diagnostic, Outcome};
use buildpack_core::digest::Digest;
use buildpack_core::layer::Normalise;
use buildpack_core::pack::{
    Buildpack, Built, CompileError, Detection, Host, Place, PlanContext, Release,
};
use buildpack_core::plan::{Goal, PackPlan, Step};
use buildpack_core::version::Tool;

use crate::config::StaticConfig;
use crate::earlier::exchange;
use crate::layers::CacheManifest;
use crate::manager_tool::{write_program, write_programs};
use crate::{check, config, detect, layers, node, plan, standalone, steps};

/// The pack for assets and server of Phoenix apps, compatible with `phoenix_static_buildpack.config`. It stands behind
/// the Elixir pack, whose Mix it needs.
#[derive(Debug, Clone, Copy, Default)]
pub struct PhoenixStaticPack;

impl Buildpack for PhoenixStaticPack {
    fn detect(&self, app: &App) -> Detection {
        let evidence = detect::detect(app);
        Detection {
            applies: evidence.is_some(),
            name: "Phoenix".to_owned(),
            evidence: vec![evidence.unwrap_or_else(|| {
                format!(
                    "neither `{}` nor phoenix in mix.lock or mix.exs",
                    config::FILE
                )
            })],
        }
    }

    fn check(&self, app: &App, context: &CheckContext<'_>) -> Checked {
        check::check(app, context)
    }

    fn looks_at(&self, app: &App, goal: &Goal) -> Vec<Tool> {
        if goal.tests().is_some() {
            return Vec::new();
        }
        let config = StaticConfig::read(app, &Evaluated::new()).value;
        let needed = config.is_some_and(|config| check::needs_node(app, &config));
        if needed { vec![Tool::Node] } else { Vec::new() }
    }

    fn planned_keys(&self) -> Vec<(&'static str, &'static [&'static str])> {
        vec![(config::FILE, &config::KEYS)]
    }

    fn plan(&self, app: &App, context: &PlanContext<'_>) -> Outcome<PackPlan> {
        if context.goal.tests().is_some() {
            return Outcome::clean(plan::for_tests(context));
        }
        let mut diagnostics = Vec::new();
        let plan = plan::plan(app, context, &mut diagnostics);
        Outcome {
            value: plan.filter(|_| !diagnostics.iter().any(Diagnostic::is_error)),
            diagnostics,
        }
    }

    fn prepare(
        &self,
        plan: &PackPlan,
        step: &Step,
        host: &Host<'_>,
    ) -> Result<BTreeMap<String, String>, CompileError> {
        standalone::prepare(step, host)?;
        if let (steps::EARLIER, Some(earlier)) = (step.id.as_str(), host.earlier) {
            let added = exchange(host.tree, &plan.earlier_files, earlier);
            added.map_err(|source| CompileError::Tree {
                path: host.tree.to_owned(),
                source,
            })?;
        }
        if step.id == steps::PROGRAMS {
            programs(plan, host).map_err(|source| CompileError::Tree {
                path: host.tree.to_owned(),
                source,
            })?;
        }
        Ok(BTreeMap::new())
    }

    fn survey(&self, _: &PackPlan, _: &Path) -> Result<Built, CompileError> {
        Ok(Built::default())
    }

    fn release(&self, _: &PackPlan, _: &Built) -> Option<Release> {
        None
    }

    fn place_of(&self, plan: &PackPlan, _: &Built, path: &str) -> Place {
        layers::place_of(plan, path)
    }

    fn loads(&self, plan: &PackPlan, path: &str) -> bool {
        let mut tools = plan.tools.iter().filter(|tool| tool.id == node::ID);
        tools.any(|tool| path.strip_prefix(tool.place.as_str()) == Some("/bin/node"))
    }

    fn normalisers(&self, _: &Digest, _: &Built) -> Vec<Box<dyn Normalise>> {
        vec![Box::new(CacheManifest)]
    }

    fn layers_version(&self) -> String {
        layers::VERSION.to_owned()
    }
}

/// Writes what starts package managers that are not in Node's own archive.
fn programs(plan: &PackPlan, host: &Host<'_>) -> io::Result<()> {
    if let Some(file) = steps::yarn_of_app(plan) {
        write_program(host.tree, "yarn", &format!("{}/{file}", plan.app_dir))?;
    }
    for tool in plan::fetched_managers(plan) {
        if let Some(folder) = host.tools.get(&tool.id) {
            write_programs(host.tree, tool, folder)?;
        }
    }
    Ok(())
}
