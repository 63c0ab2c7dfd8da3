//! Whether the tasks of Mix that process types call are there.

use std::path::PathBuf;

use buildpack_core::app::MixExs;
use buildpack_core::pack::{Finding, Made};
use buildpack_core::plan::PackPlan;
use buildpack_core::syntax::{first_command, is_plain};

use super::{Output, entries};

/// Tasks that are called and not there. Says nothing of what only Mix can tell.
pub(crate) fn missing(plan: &PackPlan, made: &Made<'_>, output: Output<'_>) -> Vec<Finding> {
    // A release has no Mix at all.
    let Some(elixir) = made.tools.get("elixir").filter(|_| !output.releases) else {
        return Vec::new();
    };
    let Some(archives) = archives(plan, made) else {
        return Vec::new();
    };
    let applications = [output.lib(made.tree), elixir.join("lib")];
    let applications = applications.iter().flat_map(|lib| entries(lib));
    let folders: Vec<PathBuf> = (applications.chain(archives))
        .map(|application| application.join("ebin"))
        .collect();
    let calls = made.processes.iter().flat_map(|(process, command)| {
        let tasks = tasks(command).into_iter();
        tasks.map(move |task| (process, task))
    });
    calls
        .filter(|(_, task)| !is_alias(made, task))
        .filter(|(_, task)| {
            let file = format!("{}.beam", module(task));
            !folders.iter().any(|folder| folder.join(&file).is_file())
        })
        .map(|(process, task)| Finding::TaskMissing {
            process: process.clone(),
            task,
            mix_env: output.mix_env.to_owned(),
        })
        .collect()
}

/// Applications of Mix's archives; none where they are not in the app's folder.
fn archives(plan: &PackPlan, made: &Made<'_>) -> Option<Vec<PathBuf>> {
    let home = plan.build_env.get("MIX_HOME")?;
    let below = home.strip_prefix(&plan.app_dir)?.strip_prefix('/')?;
    let archives = entries(&made.tree.join(below).join("archives"));
    Some(archives.iter().flat_map(|it| entries(it)).collect())
}

/// Whether a project gives the task another name, or might do so.
fn is_alias(made: &Made<'_>, task: &str) -> bool {
    let children = made.app.children.iter().map(|child| &child.mix_exs);
    let mut projects = made.app.mix_exs.iter().chain(children);
    let may_have = |project: &MixExs| {
        project.aliases.contains_key(task)
            || project.unread("aliases").is_some()
            || project.unread("project").is_some()
    };
    projects.any(may_have)
}

/// The tasks that a command calls with Mix, first of all.
fn tasks(command: &str) -> Vec<String> {
    let words = first_command(command).unwrap_or_default();
    let of_mix = match words.as_slice() {
        ["mix", rest @ ..] => rest,
        ["elixir" | "iex", rest @ ..] => {
            let mut pairs = rest.windows(2);
            let at = pairs.position(|pair| pair == ["-S", "mix"]);
            at.map_or(&[][..], |at| &rest[at + 2..])
        }
        _ => &[],
    };
    match of_mix {
        ["do", rest @ ..] => done_together(rest),
        [task, ..] => Some(*task).into_iter().collect(),
        [] => Vec::new(),
    }
    .into_iter()
    .filter(|task| is_task(task))
    .map(str::to_owned)
    .collect()
}

/// The tasks of `mix do a + b` or `mix do a, b`.
fn done_together<'w>(words: &[&'w str]) -> Vec<&'w str> {
    let mut first = true;
    let mut tasks = Vec::new();
    for word in words {
        if std::mem::take(&mut first) {
            tasks.push(word.trim_end_matches(','));
        }
        first = *word == "+" || word.ends_with(',');
    }
    tasks
}

/// Whether a word can only be the name of a task. Those of Hex are in an archive that is a tool.
fn is_task(word: &str) -> bool {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._".contains(c);
    is_plain(word) && word.chars().all(letter) && !word.starts_with("hex.")
}

/// The module that defines a task: `phx.gen_x` is `Elixir.Mix.Tasks.Phx.GenX`.
fn module(task: &str) -> String {
    let mut module = "Elixir.Mix.Tasks".to_owned();
    for part in task.split('.') {
        module.push('.');
        for word in part.split('_') {
            let mut letters = word.chars();
            module.extend(letters.next().map(|c| c.to_ascii_uppercase()));
            module.push_str(letters.as_str());
        }
    }
    module
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use buildpack_core::app::App;
    use buildpack_core::pack::Built;

    use super::*;

    #[test]
    fn tasks_are_read_from_commands() {
        for (command, called) in [
            ("mix phx.server", "phx.server"),
            (
                "elixir --sname server -S mix phx.server --open",
                "phx.server",
            ),
            (
                "MIX_ENV=prod mix do ecto.migrate --quiet, phx.server",
                "ecto.migrate phx.server",
            ),
            (
                "mix do ecto.migrate + phx.server",
                "ecto.migrate phx.server",
            ),
            ("mix $TASK", ""),
            ("mix hex.info", ""),
            ("mix --version", ""),
            ("mix", ""),
            ("bin/shop start", ""),
            ("cd x && mix phx.server", ""),
        ] {
            assert_eq!(tasks(command).join(" "), called, "{command}");
        }
        assert_eq!(module("my_app.do_it2"), "Elixir.Mix.Tasks.MyApp.DoIt2");
    }

    #[test]
    fn a_task_that_nothing_defines_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let tree = folder.path();
        let write = |path: &str, text: &str| {
            testdata::tree::write(tree, path, text);
        };
        let project = |aliases: &str| {
            let text = format!(
                "defmodule Shop.MixProject do\n  use Mix.Project\n  def project do\n    [app: :shop, aliases: {aliases}]\n  end\nend\n"
            );
            write("mix.exs", &text);
        };
        let phoenix = "_build/prod/lib/phoenix/ebin/Elixir.Mix.Tasks.Phx.Server.beam";
        write("tools/elixir/lib/mix/ebin/Elixir.Mix.Tasks.Run.beam", "");
        write(
            ".mix/archives/a-1/a-1/ebin/Elixir.Mix.Tasks.Of.Archive.beam",
            "",
        );
        project("[seed: [\"run seeds.exs\"]]");
        let commands = [
            "mix phx.server",
            "mix run --no-halt",
            "mix seed",
            "mix of.archive",
        ];
        let processes = commands.map(|command| (command.to_owned(), command.to_owned()));
        let found = |releases: bool| {
            let app = App::read(tree).value.unwrap();
            let made = Made {
                app: &app,
                tree,
                built: &Built::default(),
                processes: &processes.clone().into(),
                tools: &BTreeMap::from([("elixir".to_owned(), tree.join("tools/elixir"))]),
            };
            let mut plan = PackPlan::empty("/app");
            let home = ("MIX_HOME".to_owned(), "/app/.mix".to_owned());
            plan.build_env.extend([home]);
            let mix_env = "prod";
            missing(&plan, &made, Output { mix_env, releases })
        };
        let told = found(false);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(matches!(&told[0], Finding::TaskMissing { task, .. } if task == "phx.server"));
        assert_eq!(found(true), []);
        write(phoenix, "");
        assert_eq!(found(false), []);
        // What aliases there are, only Elixir can tell.
        fs_err::remove_file(tree.join(phoenix)).unwrap();
        project("aliases()");
        assert_eq!(found(false), []);
    }
}
