//! Steps that share one start of a program.

use serde::Serialize;

use super::{Run, Step};

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
                told && one == other && self.first.cwd == step.cwd && self.first.lent == step.lent
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Phase;

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
            lent: Vec::new(),
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
    fn what_one_task_is_lent_no_other_sees() {
        let lent = Step {
            lent: vec!["TOKEN".to_owned()],
            ..mix(Separator::Plus, "deps.get")
        };
        let steps = [lent, mix(Separator::Plus, "compile")];
        assert_eq!(lines(&steps, ""), ["mix deps.get", "mix compile"]);
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
