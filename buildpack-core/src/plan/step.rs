//! One thing to run: when, how, and what makes it run again.

use serde::Serialize;

use super::{Script, TaskRunner};

/// When a step is due, whichever pack it is of: assets need what was compiled, and a release holds the assets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Getting what the app depends on.
    Dependencies,
    /// Compiling.
    Compile,
    /// Building what browsers get.
    Assets,
    /// Packing what runs.
    Release,
    /// After everything else that makes the app.
    End,
    /// What the app does before its tests. From here on steps run as the app runs: with its config vars, and with all
    /// that `.profile.d` sets.
    TestSetup,
    /// The tests.
    Test,
}

impl Phase {
    /// Whether steps of this phase run as the app runs, when all packs have done their work.
    pub fn is_of_tests(self) -> bool {
        matches!(self, Self::TestSetup | Self::Test)
    }
}

/// One thing to run in the sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// A word for it, one of its own in the plan: `deps`, `compile`, `hook_pre_compile`.
    pub id: String,
    /// When it is due among the steps of other packs.
    pub phase: Phase,
    /// Its headline.
    pub heading: String,
    /// What is run.
    pub run: Run,
    /// The folder below the app's that it runs in, with `/` between components; empty for the app's own.
    pub cwd: String,
    /// Skipped when these inputs are what they were when it last succeeded in this tree.
    pub skip_if_unchanged: Option<Inputs>,
    /// The output line that shows that this step began: any of these prefixes. A step without them has a start of its
    /// own, unless it shares the heading of the one before it.
    pub begins_with: Vec<String>,
    /// What it alone is lent, in words: names of secrets, and of keys that stay outside. Steps share a start only where they
    /// are lent the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lent: Vec<String>,
}

impl Step {
    /// A step that runs each time, in the app's own folder.
    pub fn new(id: impl Into<String>, phase: Phase, heading: impl Into<String>, run: Run) -> Self {
        Self {
            id: id.into(),
            phase,
            heading: heading.into(),
            run,
            cwd: String::new(),
            skip_if_unchanged: None,
            begins_with: Vec::new(),
            lent: Vec::new(),
        }
    }
}

/// How a step is run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Run {
    /// One program with its arguments.
    Program {
        /// Program and arguments.
        argv: Vec<String>,
    },
    /// Text given to bash.
    Bash {
        /// The text.
        script: String,
    },
    /// A script of a pack, with the arguments that the buildpack API gives it.
    Script {
        /// The pack's id in [`PackPlan::scripts`](super::PackPlan::scripts).
        pack: String,
        /// Which script.
        script: Script,
    },
    /// Done by the pack itself, outside of the sandbox, on the files of the tree: [`crate::pack::Buildpack::prepare`].
    Pack,
    /// A task of a program that can run several in one start; neighbours of the same program are run together.
    Task {
        /// The program.
        runner: TaskRunner,
        /// The task and its arguments.
        words: Vec<String>,
    },
}

/// What decides whether a step has to run again. Its command, its folder and the plan's variables always count; a step
/// of kind [`Run::Pack`] whose variables later steps need must not be skipped.
///
/// All paths are below the app's folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Inputs {
    /// File names that count wherever they stand in the source: `mix.lock`, or `*.exs` for all that end so.
    pub names: Vec<String>,
    /// Paths: every source file at or below them counts.
    pub folders: Vec<String>,
    /// Paths at or below which a file counts neither for its name nor for its folder.
    pub except: Vec<String>,
    /// Paths: every source file counts but those at or below them.
    pub all_but: Option<Vec<String>>,
    /// Paths of what earlier steps make: their content counts, as it is when the step is due.
    pub made: Vec<String>,
    /// Ids of tools of the plan that count, by the digest of what is fetched.
    pub tools: Vec<String>,
    /// Ids of earlier steps: when one of them has run since this one did, this one runs.
    pub after: Vec<String>,
    /// Paths that must still be there. Where a file at or below them was removed or laid down anew before the build,
    /// the step runs.
    pub outputs: Vec<String>,
    /// Paths that are emptied of all that is no source before the step's program starts, so that nothing stale stays.
    /// They may be missing afterwards. Where a source file below them is laid down anew, the step runs.
    pub owns: Vec<String>,
    /// Paths that the step does nothing but take something away from. Where none of them is there, it is left out and
    /// counts as done.
    pub clears: Vec<String>,
}
