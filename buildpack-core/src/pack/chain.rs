//! Several packs that build one app together, as one pack.

use std::collections::BTreeMap;
use std::path::Path;

use super::test_plan::with_tests;
use super::{
    Buildpack, Built, CompileError, Detection, Finding, Host, Made, Place, PlanContext, Release,
};
use crate::app::App;
use crate::check::{CheckContext, Checked};
use crate::diagnostic::Outcome;
use crate::digest::Digest;
use crate::layer::Normalise;
use crate::plan::{Goal, PackPlan, Step};
use crate::version::Tool;

/// Packs that apply to an app, in the order in which they are asked. Their plans become one, phase by phase; of what
/// several say, the last counts.
pub struct Chain {
    packs: Vec<Box<dyn Buildpack>>,
}

impl Chain {
    /// The packs as one; none where there are none.
    pub fn new(packs: Vec<Box<dyn Buildpack>>) -> Option<Self> {
        (!packs.is_empty()).then_some(Self { packs })
    }

    /// The packs, in order.
    pub fn packs(&self) -> impl Iterator<Item = &dyn Buildpack> {
        self.packs.iter().map(|pack| &**pack)
    }
}

impl Buildpack for Chain {
    fn detect(&self, app: &App) -> Detection {
        let all: Vec<Detection> = self.packs().map(|pack| pack.detect(app)).collect();
        let names: Vec<&str> = all.iter().map(|found| found.name.as_str()).collect();
        Detection {
            applies: all.iter().all(|found| found.applies),
            name: names.join(", "),
            evidence: all.into_iter().flat_map(|found| found.evidence).collect(),
        }
    }

    fn check(&self, app: &App, context: &CheckContext<'_>) -> Checked {
        let mut all = Checked::default();
        for pack in self.packs() {
            let mut checked = pack.check(app, context);
            all.tools.append(&mut checked.tools);
            all.diagnostics.append(&mut checked.diagnostics);
        }
        all
    }

    fn looks_at(&self, app: &App, goal: &Goal) -> Vec<Tool> {
        let tools = self.packs().map(|pack| pack.looks_at(app, goal));
        tools.flatten().collect()
    }

    fn planned_keys(&self) -> Vec<(&'static str, &'static [&'static str])> {
        self.packs().flat_map(Buildpack::planned_keys).collect()
    }

    fn plan(&self, app: &App, context: &PlanContext<'_>) -> Outcome<PackPlan> {
        let mut diagnostics = Vec::new();
        let mut whole: Option<PackPlan> = None;
        let mut failed = false;
        for pack in self.packs() {
            let context = PlanContext {
                before: whole.as_ref(),
                ..*context
            };
            match pack.plan(app, &context).collect(&mut diagnostics) {
                Some(plan) => {
                    whole = Some(match whole {
                        Some(before) => before.beside(plan),
                        None => plan,
                    });
                }
                None => failed = true,
            }
        }
        let mut plan = whole.filter(|_| !failed);
        if let Some(options) = context.goal.tests() {
            plan = plan.and_then(|plan| with_tests(plan, app, options).collect(&mut diagnostics));
        }
        Outcome {
            value: plan,
            diagnostics,
        }
    }

    fn prepare(
        &self,
        plan: &PackPlan,
        step: &Step,
        host: &Host<'_>,
    ) -> Result<BTreeMap<String, String>, CompileError> {
        let mut env = BTreeMap::new();
        for pack in self.packs() {
            env.extend(pack.prepare(plan, step, host)?);
        }
        Ok(env)
    }

    fn survey(&self, plan: &PackPlan, tree: &Path) -> Result<Built, CompileError> {
        let mut all = Built::default();
        for pack in self.packs() {
            let built = pack.survey(plan, tree)?;
            all.dependencies.extend(built.dependencies);
            all.applications.extend(built.applications);
            all.releases.extend(built.releases);
        }
        Ok(all)
    }

    fn release(&self, plan: &PackPlan, built: &Built) -> Option<Release> {
        let mut all: Option<Release> = None;
        let mut joined = true;
        for pack in self.packs() {
            let Some(release) = pack.release(plan, built) else {
                continue;
            };
            match &mut all {
                Some(before) if joined && pack.adds_to_release() => {
                    before.processes.extend(release.processes);
                    before.config_vars.extend(release.config_vars);
                }
                _ => all = Some(release),
            }
            joined = pack.adds_to_release();
        }
        all
    }

    fn place_of(&self, plan: &PackPlan, built: &Built, path: &str) -> Place {
        let places = self
            .packs
            .iter()
            .rev()
            .map(|pack| pack.place_of(plan, built, path));
        places
            .into_iter()
            .find(|place| *place != Place::Unknown)
            .unwrap_or(Place::Unknown)
    }

    fn loads(&self, plan: &PackPlan, path: &str) -> bool {
        self.packs().any(|pack| pack.loads(plan, path))
    }

    fn inspect(&self, plan: &PackPlan, made: &Made<'_>) -> Vec<Finding> {
        let findings = self.packs().flat_map(|pack| pack.inspect(plan, made));
        findings.collect()
    }

    fn normalisers(&self, inputs: &Digest, built: &Built) -> Vec<Box<dyn Normalise>> {
        self.packs()
            .flat_map(|pack| pack.normalisers(inputs, built))
            .collect()
    }

    fn layers_version(&self) -> String {
        let versions: Vec<String> = self.packs().map(Buildpack::layers_version).collect();
        versions.join(" ")
    }
}
