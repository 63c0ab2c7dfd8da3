//! What will be done, decided before anything is done: one value that can be printed, stored and compared.

mod batch;
mod goal;
mod join;
mod scripts;
mod step;
mod tool;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::diagnostic::Sourced;
use crate::digest::Digest;

pub use batch::{Batch, Separator, TaskRunner, batches};
pub use goal::{Goal, TestOptions};
pub use scripts::{Script, ScriptFolder, Scripts};
pub use step::{Inputs, Phase, Run, Step};
pub use tool::{CacheFolder, Tool, Unpack};

/// What a pack, or several together, will do for one app on one target.
#[derive(Debug, Clone, Serialize)]
pub struct PackPlan {
    /// The packs' names, as their detections printed them: `Elixir`.
    pub packs: Vec<String>,
    /// Folder that the app is compiled in and runs in, `/app` unless the app says otherwise.
    pub app_dir: String,
    /// Lines for people: what was decided and who said so.
    pub decisions: Vec<Decision>,
    /// Tools to fetch and to mount, in the order of their layers.
    pub tools: Vec<Tool>,
    /// Variables that every step sees, above the config vars.
    pub build_env: BTreeMap<String, String>,
    /// Variables that only say what surrounds the build: where packages come from, how many processes compile them. A
    /// mirror gives the same packages, so they are no part of the plan's identity.
    pub surroundings: BTreeMap<String, String>,
    /// Folders to put before the step's `PATH`.
    pub build_path: Vec<String>,
    /// What to run, in order.
    pub steps: Vec<Step>,
    /// Scripts for `.profile.d`, by file name.
    pub profile: BTreeMap<String, String>,
    /// Process types that the pack offers where the Procfile names none; some depend on what the build makes.
    pub default_processes: BTreeMap<String, String>,
    /// Paths below the app's folder, such as `_build` or `assets/node_modules`, at which everything is kept from build to
    /// build. Source files below them stay source: they are brought up to date, and removed when the app has them no
    /// more.
    pub kept: Vec<String>,
    /// Folders outside of the app that programs keep downloads in.
    pub caches: Vec<CacheFolder>,
    /// Folders, below the app's, that browsers get files from and that keep those of earlier builds, too; none unless the
    /// user wants it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub earlier_files: Vec<String>,
    /// Steps of packs before this one, by id, that need to run only where one of these inputs has changed, or an earlier
    /// step has run. To be said only of steps whose work this plan's own steps do again where it matters, as tasks of Mix
    /// compile first. Heeded by [`PackPlan::beside`], and only where no step is bash text: a hook may look at anything.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub needed_for: BTreeMap<String, Inputs>,
    /// Whether nothing kept may be used for this build.
    pub from_scratch: bool,
    /// What scripts of packs are given, where there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scripts: Option<Scripts>,
}

/// One thing that was decided, for `detect --explain` and the head of a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// What: `Erlang`.
    pub what: String,
    /// Its value, and who said so.
    pub value: Sourced<String>,
}

impl PackPlan {
    /// A plan in which nothing is done, for an app that lives in `app_dir`.
    pub fn empty(app_dir: &str) -> Self {
        Self {
            packs: Vec::new(),
            app_dir: app_dir.to_owned(),
            decisions: Vec::new(),
            tools: Vec::new(),
            build_env: BTreeMap::new(),
            surroundings: BTreeMap::new(),
            build_path: Vec::new(),
            steps: Vec::new(),
            profile: BTreeMap::new(),
            default_processes: BTreeMap::new(),
            kept: Vec::new(),
            caches: Vec::new(),
            earlier_files: Vec::new(),
            needed_for: BTreeMap::new(),
            from_scratch: false,
            scripts: None,
        }
    }

    /// A content key of all that the plan decides. Surroundings don't count: what is fetched is known by its digest. Nor does what
    /// steps are lent: the same comes of it, whoever's key opened the door.
    pub fn digest(&self) -> Result<Digest, serde_json::Error> {
        let mut content = self.clone();
        content.surroundings.clear();
        content.decisions.clear();
        for step in &mut content.steps {
            step.lent.clear();
        }
        for tool in &mut content.tools {
            tool.artifact.url = tool.artifact.identity();
        }
        Ok(Digest::of(&serde_json::to_vec(&content)?))
    }
}
