//! The contract between the engine and a language: detect, plan, compile, release.
//!
//! Detection and planning are pure. Compiling runs in the sandbox and holds no handle to a network or a registry.
//! A pack that is a folder of scripts is one more implementor of [`Buildpack`].

mod chain;
mod compile;
mod detect;
mod earlier;
mod finding;
mod loan;
mod output;
mod profile;
mod release_yaml;
mod script;
mod share;
mod test_plan;
mod typed;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::app::App;
use crate::check::{CheckContext, Checked};
use crate::diagnostic::Outcome;
use crate::digest::Digest;
use crate::layer::{Normalise, Purpose};
use crate::lists::{FetchList, NpmRegistry, ReleaseSums};
use crate::plan::{Goal, PackPlan, Step};
use crate::version::Tool;

pub use chain::Chain;
pub use compile::{
    CompileContext, CompileError, FailedCommand, Host, MoveTree, Prepare, ScriptScene, StepMemo,
    TestScene,
};
pub use detect::{DETECT_LIMIT, DetectScript, Detected, detect_timeout, not_detected};
pub use earlier::EarlierFiles;
pub use finding::Finding;
pub use loan::{Loan, Loans, SECRETS_DIR};
pub use profile::{LOAD_PROFILE, with_profile};
pub use release_yaml::PackRelease;
pub use script::{ScriptDirs, ScriptPack};
pub use share::{Check, Checked as CheckedFile, Part, PartKind, Shared};
pub use test_plan::TESTS;
pub use write::{copy_in_tree, file_in_tree, folder_in_tree, write_in_tree};

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
#[derive(Clone, Copy)]
pub struct PlanContext<'a> {
    /// What the plan is made for.
    pub goal: &'a Goal,
    /// What versions are checked against. Of the config vars only those few are read that decide something, such as
    /// `MIX_ENV`; values never enter the plan otherwise.
    pub check: CheckContext<'a>,
    /// Other lists of the Hex builds host by path below it, such as `installs/hex.csv`, their signatures checked.
    pub install_lists: &'a dyn FetchList,
    /// Versions of npm packages.
    pub npm: &'a dyn NpmRegistry,
    /// Digests that releases publish.
    pub sums: &'a dyn ReleaseSums,
    /// Addresses of upstreams.
    pub upstreams: &'a Upstreams,
    /// How many processors there are to compile with.
    pub processors: usize,
    /// Whether what earlier builds of the app left for browsers is to be in the image, too.
    pub earlier_files: bool,
    /// What the packs before this one will do, where there are any and they could be planned.
    pub before: Option<&'a PackPlan>,
}

/// Where tools and packages come from; each may be a mirror.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Upstreams {
    /// Hex builds host: build lists, OTP, Elixir, `installs/`. No slash at the end.
    pub hex_builds: String,
    /// Node's releases: lists and archives. No slash at the end.
    pub node_dist: String,
    /// The npm registry. No slash at the end.
    pub npm_registry: String,
    /// Releases of Tailwind, each a folder called as its tag. No slash at the end.
    pub tailwind: String,
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
    /// What packs that are scripts said of starting the app, by the pack's id.
    pub pack_releases: BTreeMap<String, PackRelease>,
}

/// A finished build, to be looked at before it becomes an image.
#[derive(Clone, Copy)]
pub struct Made<'a> {
    /// The app as its files declare it.
    pub app: &'a App,
    /// The app's folder on the host.
    pub tree: &'a Path,
    /// What came out.
    pub built: &'a Built,
    /// Commands by process type.
    pub processes: &'a BTreeMap<String, String>,
    /// The plan's tools by id: their folders.
    pub tools: &'a BTreeMap<String, PathBuf>,
}

/// What the platform is told to run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Release {
    /// Default command by process type.
    pub processes: BTreeMap<String, String>,
    /// Variables that the app starts with where nobody else sets them.
    pub config_vars: BTreeMap<String, String>,
}

/// A language: what it needs, how it is built, what comes out.
pub trait Buildpack: Send + Sync {
    /// Whether the pack applies. Pure.
    fn detect(&self, app: &App) -> Detection;

    /// Whether the versions that the app asks for can be had, and what is wrong or worth knowing besides. Decides as
    /// [`Self::plan`] does. Pure but for the build lists.
    fn check(&self, app: &App, context: &CheckContext<'_>) -> Checked {
        let _ = (app, context);
        Checked::default()
    }

    /// The tools whose lists of versions it will look at, so that they can be had beforehand, all at once. Pure.
    fn looks_at(&self, app: &App, goal: &Goal) -> Vec<Tool> {
        let _ = (app, goal);
        Vec::new()
    }

    /// Variables of bash config files that planning needs, by file: what only bash can tell of them is asked of bash, in
    /// the sandbox, before a build is planned.
    fn planned_keys(&self) -> Vec<(&'static str, &'static [&'static str])> {
        Vec::new()
    }

    /// What it will do. Pure but for the build lists.
    fn plan(&self, app: &App, context: &PlanContext<'_>) -> Outcome<PackPlan>;

    /// Runs the plan's steps in the sandbox, then looks at what came out.
    fn compile(
        &self,
        plan: &PackPlan,
        context: &mut CompileContext<'_>,
    ) -> Result<Built, CompileError> {
        self.run(plan, context)?;
        let built = self.survey(plan, context.tree())?;
        Ok(Built {
            pack_releases: context.releases().clone(),
            ..built
        })
    }

    /// Runs the plan's steps in the sandbox, and looks at nothing: of tests nothing comes out.
    fn run(&self, plan: &PackPlan, context: &mut CompileContext<'_>) -> Result<(), CompileError> {
        context.run_steps(plan, &|step, host| self.prepare(plan, step, host))
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

    /// Process types that it offers; none where it has nothing to say about starting the app.
    fn release(&self, plan: &PackPlan, built: &Built) -> Option<Release>;

    /// Whether what it says of starting the app stands beside what packs before it said, rather than in its place: of
    /// packs that are scripts, the last that says anything counts.
    fn adds_to_release(&self) -> bool {
        true
    }

    /// Where a path below the app's folder goes.
    ///
    /// Asked for files only, with `/` between the components.
    fn place_of(&self, plan: &PackPlan, built: &Built, path: &str) -> Place;

    /// Whether the running app is sure to load the file at `path`, which is where the image has it, if that is an ELF file of
    /// the image's own system: then the app does not work unless it has the libraries that the file needs.
    fn loads(&self, plan: &PackPlan, path: &str) -> bool {
        let _ = (plan, path);
        false
    }

    /// What of a finished build will not work, as far as its files tell. Starts nothing.
    fn inspect(&self, plan: &PackPlan, made: &Made<'_>) -> Vec<Finding> {
        let _ = (plan, made);
        Vec::new()
    }

    /// Make file contents that differ from build to build the same. What has to be made up, such as the cookie of a
    /// release, is made of `inputs`, the identity of the app and its plan.
    fn normalisers(&self, inputs: &Digest, built: &Built) -> Vec<Box<dyn Normalise>>;

    /// Changes whenever the same files are sorted or normalised to other layers than before.
    fn layers_version(&self) -> String;
}

/// Where a file of a finished build goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Into this layer.
    Layer(Purpose),
    /// Into no layer: the image has no use for it.
    Nowhere,
    /// The pack doesn't know the file. What no pack knows is the app's own.
    Unknown,
}
