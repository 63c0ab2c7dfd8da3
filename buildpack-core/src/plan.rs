//! What will be done, decided before anything is done: one value that can be printed, stored and compared.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::diagnostic::Sourced;
use crate::digest::Digest;
use crate::layer::Purpose;
use crate::toolchain::Artifact;

/// What one pack will do for one app on one target.
#[derive(Debug, Clone, Serialize)]
pub struct PackPlan {
    /// The pack's name, as its detection printed it: `Elixir`.
    pub pack: String,
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
    /// Top-level folders of the app that are kept from build to build.
    pub kept: Vec<String>,
    /// Whether nothing kept may be used for this build.
    pub from_scratch: bool,
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

/// One thing to run in the sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// A word for it: `deps`, `compile`, `hook_pre_compile`.
    pub id: String,
    /// Its headline.
    pub heading: String,
    /// What is run.
    pub run: Run,
    /// Skipped when these inputs are what they were when it last succeeded in this tree.
    pub skip_if_unchanged: Option<Inputs>,
    /// In a batch, the output line that shows that this step began: any of these prefixes.
    pub begins_with: Vec<String>,
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

/// The files that decide whether a step has to run again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inputs {
    /// File names that count wherever they stand in the app: `mix.lock`, or `*.exs` for all that end so.
    pub names: Vec<String>,
    /// Folders of the app that must still be there.
    pub outputs: Vec<String>,
}

/// What one run of the sandbox does: a step, or several that share one start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch<'a> {
    /// The steps, in order.
    pub steps: Vec<&'a Step>,
    /// What is run.
    pub argv: Vec<String>,
}

/// Joins neighbouring tasks of one program; `skipped` steps are left out, and don't keep neighbours apart.
pub fn batches<'a>(steps: &'a [Step], skipped: &dyn Fn(&Step) -> bool) -> Vec<Batch<'a>> {
    let mut groups: Vec<Vec<&Step>> = Vec::new();
    for step in steps.iter().filter(|step| !skipped(step)) {
        match groups.last_mut() {
            Some(group) if runner(group[0]).is_some() && runner(group[0]) == runner(step) => {
                group.push(step);
            }
            _ => groups.push(vec![step]),
        }
    }
    groups
        .into_iter()
        .map(|steps| Batch {
            argv: argv(&steps),
            steps,
        })
        .collect()
}

fn runner(step: &Step) -> Option<&TaskRunner> {
    match &step.run {
        Run::Task { runner, .. } => Some(runner),
        _ => None,
    }
}

fn argv(steps: &[&Step]) -> Vec<String> {
    match &steps[0].run {
        Run::Pack => Vec::new(),
        Run::Program { argv } => argv.clone(),
        Run::Bash { script } => ["bash", "-c", script.as_str()].map(str::to_owned).to_vec(),
        Run::Task { runner, .. } => {
            let tasks: Vec<&[String]> = steps
                .iter()
                .filter_map(|step| match &step.run {
                    Run::Task { words, .. } => Some(words.as_slice()),
                    _ => None,
                })
                .collect();
            runner.argv(&tasks)
        }
    }
}

impl PackPlan {
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
            heading: String::new(),
            run: Run::Task {
                runner: TaskRunner {
                    one: words("mix"),
                    many: words("mix do"),
                    separator,
                },
                words: words(task),
            },
            skip_if_unchanged: None,
            begins_with: Vec::new(),
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
        batches(steps, &|step| step.id == skip)
            .iter()
            .map(|batch| batch.argv.join(" "))
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
    fn old_mix_wants_commas() {
        let steps = [
            mix(Separator::Comma, "deps.get --only prod"),
            mix(Separator::Comma, "compile"),
        ];
        assert_eq!(lines(&steps, ""), ["mix do deps.get --only prod, compile"]);
    }
}
