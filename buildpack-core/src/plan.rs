//! What will be done, decided before anything is done: one value that can be printed, stored and compared.

mod goal;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::diagnostic::Sourced;
use crate::digest::Digest;
use crate::layer::Purpose;
use crate::toolchain::{Artifact, Pin};

pub use goal::{Goal, TestOptions};

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
    /// Variables that only say where packages come from: a mirror gives the same packages, so they are no part of the
    /// plan's identity.
    pub addresses: BTreeMap<String, String>,
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

/// One thing that was decided, for `detect --explain` and the head of a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// What: `Erlang`.
    pub what: String,
    /// Its value, and who said so.
    pub value: Sourced<String>,
}

/// Something to fetch once per machine and to see, read-only, at one place.
#[derive(Debug, Clone, Serialize)]
pub struct Tool {
    /// For people: `Erlang 27.3.4.1`.
    pub name: String,
    /// For labels and keys: `erlang`.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Where it comes from and how it is verified.
    pub artifact: Artifact,
    /// What the app itself says that it must be, besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pin: Option<Pin>,
    /// How it is unpacked.
    pub unpack: Unpack,
    /// Absolute folder it is seen at, at build and at run time.
    pub place: String,
    /// Run once in the sandbox with the tool at its place and writable, to fit it to that place.
    pub install: Option<Vec<String>>,
    /// The layer that it makes.
    pub purpose: Purpose,
    /// Whether the image holds it.
    pub in_image: bool,
    /// Whether what is kept of a build must not meet another version of it, as compiled files must not meet another
    /// compiler. A tool that only some steps depend on is named in their [`Inputs::tools`] instead.
    pub binds_output: bool,
}

/// How a tool's archive becomes its folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unpack {
    /// An archive, without the first so many components of each name.
    Archive {
        /// How many leading components to drop.
        strip: usize,
        /// The folder below the tool's own that it is unpacked into; empty for the tool's own.
        under: String,
    },
    /// One executable file of this name.
    Program {
        /// Its name in the folder.
        name: String,
    },
}

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

/// A folder outside of the app in which a program keeps what it downloads, such as `npm_config_cache`.
///
/// What is kept is immutable and has a key. A build gets a copy of its own, in which it may do as it likes: of the
/// entry of this key, else of the one that the app's last build of another key used. After steps that all succeeded the
/// copy is kept under its key if nothing is yet; otherwise it is thrown away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CacheFolder {
    /// A word for it, one of its own in the plan: `npm`.
    pub id: String,
    /// What its content depends on, such as the program's name and version.
    pub key: BTreeMap<String, String>,
    /// Source files, as paths below the app's folder, whose content belongs to the key: `assets/package-lock.json`.
    pub files: Vec<String>,
    /// Absolute path that the steps see it at, writable. No image holds it.
    pub place: String,
    /// Ids of the steps that use it: where all of them are skipped, nothing is copied.
    pub steps: Vec<String>,
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
        /// The pack's id in [`PackPlan::scripts`].
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

/// A program that runs one task, or several in one start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskRunner {
    /// Words before a single task: `mix`.
    pub one: Vec<String>,
    /// Words before several: `mix do`.
    pub many: Vec<String>,
    /// What stands between two tasks.
    pub separator: Separator,
}

/// What stands between two tasks of one start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Separator {
    /// A word of its own: `+`, from Elixir 1.14.
    Plus,
    /// A comma at the end of the last word, before it.
    Comma,
}

impl TaskRunner {
    /// The arguments that run `tasks`, in order, in one start.
    pub fn argv(&self, tasks: &[&[String]]) -> Vec<String> {
        if let [task] = tasks {
            return self.one.iter().chain(task.iter()).cloned().collect();
        }
        let mut argv = self.many.clone();
        for (at, task) in tasks.iter().enumerate() {
            if at > 0 {
                match self.separator {
                    Separator::Plus => argv.push("+".to_owned()),
                    Separator::Comma => {
                        if let Some(last) = argv.last_mut() {
                            last.push(',');
                        }
                    }
                }
            }
            argv.extend(task.iter().cloned());
        }
        argv
    }
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

/// What one run of the sandbox does: a step, or several that share one start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch<'a> {
    /// The first step.
    pub first: &'a Step,
    /// Those that share its start, in order.
    pub others: Vec<&'a Step>,
}

impl<'a> Batch<'a> {
    /// Of one step.
    pub fn of(first: &'a Step) -> Self {
        Self {
            first,
            others: Vec::new(),
        }
    }

    /// Whether `step` can share the start: tasks of one program in one folder can, if the output tells where `step`
    /// begins. Otherwise what it prints, and its failure, would be taken for those of the step before.
    pub fn takes(&self, step: &Step) -> bool {
        let last = self.others.last().unwrap_or(&self.first);
        let told = !step.begins_with.is_empty() || step.heading == last.heading;
        match (&self.first.run, &step.run) {
            (Run::Task { runner: one, .. }, Run::Task { runner: other, .. }) => {
                told && one == other && self.first.cwd == step.cwd
            }
            _ => false,
        }
    }

    /// The steps, in order.
    pub fn steps(&self) -> impl Iterator<Item = &'a Step> + '_ {
        std::iter::once(self.first).chain(self.others.iter().copied())
    }

    /// What is run; nothing where the pack does the step itself, and for a script, whose arguments the plan has.
    pub fn argv(&self) -> Vec<String> {
        match &self.first.run {
            Run::Pack | Run::Script { .. } => Vec::new(),
            Run::Program { argv } => argv.clone(),
            Run::Bash { script } => ["bash", "-c", script.as_str()].map(str::to_owned).to_vec(),
            Run::Task { runner, .. } => {
                let tasks: Vec<&[String]> = self
                    .steps()
                    .filter_map(|step| match &step.run {
                        Run::Task { words, .. } => Some(words.as_slice()),
                        _ => None,
                    })
                    .collect();
                runner.argv(&tasks)
            }
        }
    }
}

/// These steps with as few starts as can be.
pub fn batches<'a>(steps: impl IntoIterator<Item = &'a Step>) -> Vec<Batch<'a>> {
    let mut batches: Vec<Batch<'a>> = Vec::new();
    for step in steps {
        match batches.last_mut() {
            Some(batch) if batch.takes(step) => batch.others.push(step),
            _ => batches.push(Batch::of(step)),
        }
    }
    batches
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
            addresses: BTreeMap::new(),
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

    /// This plan and another pack's as one. Steps are taken phase by phase, within a phase this plan's first; where both
    /// set the same variable or process type, the other's counts, as it comes later.
    ///
    /// A script may do and need anything: packs before it have done all of their work when it begins, and those after
    /// it begin when it has ended. As it runs each time, so do they. Tests come when all packs have done their work.
    pub fn beside(mut self, mut other: Self) -> Self {
        let mut tests = self.take_tests();
        tests.extend(other.take_tests());
        let is_script = |step: &Step| matches!(step.run, Run::Script { .. });
        let behind_a_script = self.steps.iter().rposition(is_script).map(|at| at + 1);
        if behind_a_script.is_some() {
            for step in &mut other.steps {
                step.skip_if_unchanged = None;
            }
        } else {
            self.leave_out(&other);
        }
        self.packs.extend(other.packs);
        self.decisions.extend(other.decisions);
        self.tools.extend(other.tools);
        self.tools.sort_by_key(|tool| tool.purpose);
        self.build_env.extend(other.build_env);
        self.addresses.extend(other.addresses);
        self.build_path.extend(other.build_path);
        let of_scripts = other.steps.iter().any(is_script);
        self.steps.extend(other.steps);
        if !of_scripts {
            self.steps[behind_a_script.unwrap_or(0)..].sort_by_key(|step| step.phase);
        }
        tests.sort_by_key(|step| step.phase);
        self.steps.extend(tests);
        self.profile.extend(other.profile);
        self.default_processes.extend(other.default_processes);
        for folder in other.kept {
            if !self.kept.contains(&folder) {
                self.kept.push(folder);
            }
        }
        self.caches.extend(other.caches);
        self.earlier_files.extend(other.earlier_files);
        self.from_scratch |= other.from_scratch;
        match (&mut self.scripts, other.scripts) {
            (Some(scripts), Some(others)) => scripts.packs.extend(others.packs),
            (None, others) => self.scripts = others,
            (Some(_), None) => {}
        }
        self
    }

    /// Takes the steps of its tests out.
    fn take_tests(&mut self) -> Vec<Step> {
        let all = std::mem::take(&mut self.steps).into_iter();
        let (tests, steps) = all.partition(|step| step.phase.is_of_tests());
        self.steps = steps;
        tests
    }

    /// Makes steps depend on what `other` says that they are needed for.
    fn leave_out(&mut self, other: &Self) {
        let hooks = |plan: &Self| {
            let mut steps = plan.steps.iter();
            steps.any(|step| matches!(step.run, Run::Bash { .. }))
        };
        if hooks(self) || hooks(other) {
            return;
        }
        for (id, inputs) in &other.needed_for {
            let Some(at) = self.steps.iter().position(|step| step.id == *id) else {
                continue;
            };
            let (before, rest) = self.steps.split_at_mut(at);
            let earlier = before.iter().filter(|step| step.run != Run::Pack);
            if rest[0].skip_if_unchanged.is_none() {
                let mut inputs = inputs.clone();
                inputs.after.extend(earlier.map(|step| step.id.clone()));
                rest[0].skip_if_unchanged = Some(inputs);
            }
        }
    }

    /// A content key of all that the plan decides. Addresses don't count: what is fetched is known by its digest.
    pub fn digest(&self) -> Result<Digest, serde_json::Error> {
        let mut content = self.clone();
        content.addresses.clear();
        content.decisions.clear();
        for tool in &mut content.tools {
            tool.artifact.url = tool.artifact.identity();
        }
        Ok(Digest::of(&serde_json::to_vec(&content)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    fn mix(separator: Separator, task: &str) -> Step {
        Step {
            id: task.to_owned(),
            phase: Phase::Compile,
            heading: String::new(),
            run: Run::Task {
                runner: TaskRunner {
                    one: words("mix"),
                    many: words("mix do"),
                    separator,
                },
                words: words(task),
            },
            cwd: String::new(),
            skip_if_unchanged: None,
            begins_with: vec![task.to_owned()],
        }
    }

    fn bash(script: &str) -> Step {
        Step {
            run: Run::Bash {
                script: script.to_owned(),
            },
            ..mix(Separator::Plus, script)
        }
    }

    fn lines(steps: &[Step], skip: &str) -> Vec<String> {
        batches(steps.iter().filter(|step| step.id != skip))
            .iter()
            .map(|batch| batch.argv().join(" "))
            .collect()
    }

    #[test]
    fn neighbouring_tasks_share_one_start() {
        let steps = [
            mix(Separator::Plus, "deps.get --only prod"),
            mix(Separator::Plus, "compile"),
            bash("echo hook"),
            mix(Separator::Plus, "release"),
        ];
        assert_eq!(
            lines(&steps, ""),
            [
                "mix do deps.get --only prod + compile",
                "bash -c echo hook",
                "mix release"
            ]
        );
    }

    #[test]
    fn a_skipped_step_is_left_out_and_keeps_nothing_apart() {
        let steps = [
            mix(Separator::Plus, "deps.get"),
            bash("echo hook"),
            mix(Separator::Plus, "compile"),
        ];
        assert_eq!(lines(&steps, "echo hook"), ["mix do deps.get + compile"]);
        assert_eq!(lines(&steps[..1], ""), ["mix deps.get"]);
    }

    #[test]
    fn a_task_whose_output_does_not_tell_where_it_begins_has_a_start_of_its_own() {
        let silent = |id: &str, heading: &str| Step {
            begins_with: Vec::new(),
            heading: heading.to_owned(),
            ..mix(Separator::Plus, id)
        };
        let steps = [
            mix(Separator::Plus, "compile"),
            silent("deploy", "Building assets"),
            mix(Separator::Plus, "digest"),
        ];
        assert_eq!(lines(&steps, ""), ["mix compile", "mix do deploy + digest"]);
        // Those of one heading are not told apart.
        let steps = [
            silent("deps.get", "Fetching"),
            silent("deps.clean", "Fetching"),
        ];
        assert_eq!(lines(&steps, ""), ["mix do deps.get + deps.clean"]);
    }

    #[test]
    fn tasks_of_other_folders_have_a_start_of_their_own() {
        let elsewhere = Step {
            cwd: "assets".to_owned(),
            ..mix(Separator::Plus, "compile")
        };
        let steps = [mix(Separator::Plus, "deps.get"), elsewhere];
        assert_eq!(lines(&steps, ""), ["mix deps.get", "mix compile"]);
    }

    #[test]
    fn a_later_pack_says_what_an_earlier_step_need_not_run_for() {
        let but = |folders: &str| Inputs {
            all_but: Some(words(folders)),
            ..Inputs::default()
        };
        let plan = |steps: &[Step], needed: &[(&str, &str)]| PackPlan {
            steps: steps.to_vec(),
            needed_for: needed
                .iter()
                .map(|(id, folders)| ((*id).to_owned(), but(folders)))
                .collect(),
            ..PackPlan::empty("/app")
        };
        let fetch = mix(Separator::Plus, "deps.get");
        let compile = mix(Separator::Plus, "compile");
        let both = [fetch, compile];
        let inputs = |elixir: &[Step], phoenix: &[Step]| {
            let needed = [("compile", "assets priv/static"), ("missing", "x")];
            let whole = plan(elixir, &[]).beside(plan(phoenix, &needed));
            assert!(whole.needed_for.is_empty());
            whole.steps[1].skip_if_unchanged.clone()
        };
        let made = inputs(&both, &[]).unwrap();
        assert_eq!(made.all_but, Some(words("assets priv/static")));
        assert_eq!(made.after, ["deps.get"]);
        // A hook may need what the compile brings up to date.
        assert_eq!(inputs(&both, &[bash("echo hook")]), None);
        let hooked = [both[0].clone(), both[1].clone(), bash("echo hook")];
        assert_eq!(inputs(&hooked, &[]), None);
    }

    #[test]
    fn old_mix_wants_commas() {
        let steps = [
            mix(Separator::Comma, "deps.get --only prod"),
            mix(Separator::Comma, "compile"),
        ];
        assert_eq!(lines(&steps, ""), ["mix do deps.get --only prod, compile"]);
    }
}
