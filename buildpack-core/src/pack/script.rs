//! A pack that is a folder of scripts, as one more [`Buildpack`].

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::test_plan::TESTS;
use super::{Buildpack, Built, CompileError, Detection, Place, PlanContext, Release};
use crate::app::App;
use crate::diagnostic::{Outcome, Sourced};
use crate::digest::Digest;
use crate::layer::Normalise;
use crate::plan::{Decision, Goal, PackPlan, Phase, Run, Script, ScriptFolder, Scripts, Step};

/// A pack whose scripts are run by the buildpack API, in the sandbox. Whether it applies is asked when its turn comes:
/// it may look at what the packs before it made.
#[derive(Debug, Clone)]
pub struct ScriptPack {
    /// One word for it, one of its own among the packs of an app.
    pub id: String,
    /// For people: `heroku/heroku-buildpack-python#v250`.
    pub name: String,
    /// What it is by content: a commit, a digest.
    pub identity: String,
    /// The address it was asked for by.
    pub wanted: Sourced<String>,
    /// The scripts that it has.
    pub scripts: BTreeSet<Script>,
    /// Where they see what they are given.
    pub dirs: ScriptDirs,
    /// How long its `bin/detect` may take, in whole seconds.
    pub detect_limit: Duration,
    /// Whether it is known to apply.
    pub detected: bool,
}

/// Where scripts see what they are given (Heroku's buildpack API). Absolute paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptDirs {
    /// The folder that the app runs in, which is also HOME.
    pub app: String,
    /// BUILD_DIR. Where it is not the app's own folder, that is an empty one meanwhile.
    pub build: String,
    /// CACHE_DIR.
    pub cache: String,
    /// ENV_DIR, in which each config var is a file.
    pub env: String,
    /// The folder below which each build's copies of packs are seen.
    pub packs: String,
}

impl Default for ScriptDirs {
    /// As Heroku's builds and herokuish have it: BUILD_DIR is below `/tmp`.
    fn default() -> Self {
        Self {
            app: "/app".to_owned(),
            build: "/tmp/build".to_owned(),
            cache: "/tmp/cache".to_owned(),
            env: "/tmp/env".to_owned(),
            packs: "/tmp/buildpacks".to_owned(),
        }
    }
}

impl ScriptDirs {
    /// As Heroku CI has it: BUILD_DIR is where the app will run.
    pub fn in_app_dir() -> Self {
        let dirs = Self::default();
        Self {
            build: dirs.app.clone(),
            ..dirs
        }
    }
}

impl ScriptPack {
    /// The scripts of a pack in `folder`.
    pub fn scripts_in(folder: &Path) -> BTreeSet<Script> {
        let is_there = |script: &Script| folder.join("bin").join(script.file()).is_file();
        Script::ALL.into_iter().filter(is_there).collect()
    }

    fn step(&self, script: Script) -> Step {
        let (phase, heading) = match script {
            Script::Test => (
                Phase::Test,
                format!("Running the tests: {}", self.named(script)),
            ),
            _ => (Phase::End, self.named(script)),
        };
        let run = Run::Script {
            pack: self.id.clone(),
            script,
        };
        let id = format!("{}-{}", self.id, script.file());
        Step::new(id, phase, heading, run)
    }

    /// A script as people are told of it.
    fn named(&self, script: Script) -> String {
        format!("bin/{} of {}", script.file(), self.name)
    }

    /// The scripts that are run, in order. A pack that cannot compile for tests compiles as for a build (Heroku CI).
    fn scripts_for(&self, goal: &Goal) -> Vec<Script> {
        let has = |script: &Script| self.scripts.contains(script);
        let (compile, last) = match goal {
            Goal::Build => (Script::Compile, Script::Release),
            Goal::Test(_) if has(&Script::TestCompile) => (Script::TestCompile, Script::Test),
            Goal::Test(_) => (Script::Compile, Script::Test),
        };
        let detect = (!self.detected).then_some(Script::Detect);
        let last = Some(last).filter(has);
        detect.into_iter().chain([compile]).chain(last).collect()
    }

    /// Who says how the app is tested.
    fn decisions(&self, scripts: &[Script]) -> Vec<Decision> {
        let tests = scripts.contains(&Script::Test).then(|| Decision {
            what: TESTS.to_owned(),
            value: Sourced::new(self.named(Script::Test), self.wanted.origin.clone()),
        });
        tests.into_iter().collect()
    }
}

impl Buildpack for ScriptPack {
    fn detect(&self, _: &App) -> Detection {
        Detection {
            applies: true,
            name: self.name.clone(),
            evidence: vec![format!("asked for by {}", self.wanted.origin)],
        }
    }

    fn plan(&self, _: &App, context: &PlanContext<'_>) -> Outcome<PackPlan> {
        let place = format!("{}/{}", self.dirs.packs, self.id);
        let scripts = self.scripts_for(context.goal);
        let plan = PackPlan {
            decisions: self.decisions(&scripts),
            steps: scripts
                .into_iter()
                .map(|script| self.step(script))
                .collect(),
            scripts: Some(Scripts {
                build_dir: self.dirs.build.clone(),
                cache_dir: self.dirs.cache.clone(),
                env_dir: self.dirs.env.clone(),
                detect_limit: self.detect_limit.as_secs(),
                packs: vec![ScriptFolder {
                    id: self.id.clone(),
                    name: self.name.clone(),
                    identity: self.identity.clone(),
                    place,
                }],
            }),
            ..PackPlan::empty(&self.dirs.app)
        };
        Outcome {
            value: Some(plan),
            diagnostics: Vec::new(),
        }
    }

    fn survey(&self, _: &PackPlan, _: &Path) -> Result<Built, CompileError> {
        Ok(Built::default())
    }

    fn release(&self, _: &PackPlan, built: &Built) -> Option<Release> {
        let release = built.pack_releases.get(&self.id)?.clone();
        Some(Release {
            processes: release.default_process_types,
            config_vars: release.config_vars,
        })
    }

    fn adds_to_release(&self) -> bool {
        false
    }

    fn place_of(&self, _: &PackPlan, _: &Built, path: &str) -> Place {
        match path.split_once('/') {
            Some((".bp", _)) => Place::Nowhere,
            _ => Place::Unknown,
        }
    }

    fn normalisers(&self, _: &Digest, _: &Built) -> Vec<Box<dyn Normalise>> {
        Vec::new()
    }

    fn layers_version(&self) -> String {
        "scripts-1".to_owned()
    }
}
