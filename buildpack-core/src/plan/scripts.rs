//! What scripts of packs are given, and which there are (Heroku's buildpack API).

use serde::Serialize;

/// What packs that are folders of scripts are given (Heroku's buildpack API). All paths are absolute, as seen by the
/// scripts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Scripts {
    /// BUILD_DIR: where they see the app's folder. Where it is not the app's own place, that is an empty folder while
    /// they run, and nothing that they write there stays.
    pub build_dir: String,
    /// CACHE_DIR: one folder for all packs of the app, kept from build to build.
    pub cache_dir: String,
    /// ENV_DIR: a file for each config var.
    pub env_dir: String,
    /// How many seconds `bin/detect` of each may take.
    pub detect_limit: u64,
    /// The packs, in order.
    pub packs: Vec<ScriptFolder>,
}

/// A pack's folder. Each build has a copy of its own, in which the pack may write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScriptFolder {
    /// One word for it, one of its own in the plan.
    pub id: String,
    /// For people.
    pub name: String,
    /// What it is by content: a commit, a digest.
    pub identity: String,
    /// Where it is seen.
    pub place: String,
}

/// A script of a pack, below its `bin/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Script {
    /// Prints a name where the pack applies.
    Detect,
    /// Changes BUILD_DIR to what will run.
    Compile,
    /// Prints YAML: default process types, config vars.
    Release,
    /// As compile, for tests.
    TestCompile,
    /// Runs the app's tests.
    Test,
}

impl Script {
    /// Every script that there can be.
    pub const ALL: [Self; 5] = [
        Self::Detect,
        Self::Compile,
        Self::Release,
        Self::TestCompile,
        Self::Test,
    ];

    /// Its file below `bin/`.
    pub fn file(self) -> &'static str {
        match self {
            Self::Detect => "detect",
            Self::Compile => "compile",
            Self::Release => "release",
            Self::TestCompile => "test-compile",
            Self::Test => "test",
        }
    }
}
