//! The contract between the engine and a language: detect, plan, compile, release.
//!
//! Detection and planning are pure. Compiling runs in the sandbox and holds no handle to a network or a registry.
//! A pack that is a folder of scripts is one more implementor of [`Buildpack`].

mod compile;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;

use crate::app::App;
use crate::diagnostic::Outcome;
use crate::digest::Digest;
use crate::layer::{Normalise, Purpose};
use crate::lists::{FetchList, ListSource};
use crate::plan::{PackPlan, Step};

pub use compile::{CompileContext, CompileError, FailedCommand, Host, Prepare, StepMemo};

/// Whether a pack applies, and what it saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Detection {
    /// Whether it applies.
    pub applies: bool,
    /// Its display name: `Elixir`.
    pub name: String,
    /// What spoke for or against it, for `detect --explain`.
    pub evidence: Vec<String>,
}

/// What a plan is made from besides the app.
pub struct PlanContext<'a> {
    /// Stack and architecture.
    pub target: &'a stacks::Target,
    /// Published builds.
    pub lists: &'a dyn ListSource,
    /// Other lists of the Hex builds host by path below it, such as `installs/hex.csv`, their signatures checked.
    pub install_lists: &'a dyn FetchList,
    /// Config vars by name, for those few that decide something, such as `MIX_ENV`; values never enter the plan otherwise.
    pub config_vars: &'a BTreeMap<String, String>,
    /// Addresses of upstreams.
    pub upstreams: &'a Upstreams,
}

/// Where tools and packages come from; each may be a mirror.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Upstreams {
    /// Hex builds host: build lists, OTP, Elixir, `installs/`. No slash at the end.
    pub hex_builds: String,
    /// Hex package repository, where it is not Mix's own default.
    pub hex_repository: Option<String>,
    /// Whether packages of that repository are taken without Hex's signature.
    pub hex_unsafe_registry: bool,
}

/// What a build left in the app's folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Built {
    /// Names of dependencies, each a folder of `deps/` or the like.
    pub dependencies: BTreeSet<String>,
    /// Names of the app's own applications: one, or those of an umbrella.
    pub applications: BTreeSet<String>,
    /// Names of releases, in order.
    pub releases: Vec<String>,
}

/// What the platform is told to run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Release {
    /// Default command by process type.
    pub processes: BTreeMap<String, String>,
}

/// A language: what it needs, how it is built, what comes out.
pub trait Buildpack: Send + Sync {
    /// Whether the pack applies. Pure.
    fn detect(&self, app: &App) -> Detection;

    /// What it will do. Pure but for the build lists.
    fn plan(&self, app: &App, context: &PlanContext<'_>) -> Outcome<PackPlan>;

    /// Runs the plan's steps in the sandbox, then looks at what came out.
    fn compile(
        &self,
        plan: &PackPlan,
        context: &mut CompileContext<'_>,
    ) -> Result<Built, CompileError> {
        context.run_steps(plan, &|step, host| self.prepare(plan, step, host))?;
        self.survey(plan, context.tree())
    }

    /// Does a step of kind [`crate::plan::Run::Pack`]: reads and writes files of the tree, starts nothing. Returns
    /// variables that the steps after it see.
    fn prepare(
        &self,
        plan: &PackPlan,
        step: &Step,
        host: &Host<'_>,
    ) -> Result<BTreeMap<String, String>, CompileError> {
        let _ = (plan, step, host);
        Ok(BTreeMap::new())
    }

    /// What a finished build left under `tree`, the app's folder on the host.
    fn survey(&self, plan: &PackPlan, tree: &Path) -> Result<Built, CompileError>;

    /// Process types that it offers.
    fn release(&self, plan: &PackPlan, built: &Built) -> Release;

    /// The layer of a path below the app's folder, or none if the image has no use for it.
    ///
    /// Asked for files only, with `/` between the components.
    fn purpose_of(&self, plan: &PackPlan, built: &Built, path: &str) -> Option<Purpose>;

    /// Make file contents that differ from build to build the same. What has to be made up, such as the cookie of a
    /// release, is made of `inputs`, the identity of the app and its plan.
    fn normalisers(&self, inputs: &Digest) -> Vec<Box<dyn Normalise>>;

    /// Changes whenever the same files are sorted or normalised to other layers than before.
    fn layers_version(&self) -> &'static str;
}
