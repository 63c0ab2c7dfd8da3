//! The steps of a build, between the hooks that the app's config names (compatibility facts: the bash packs' order). Tests
//! are compiled for by the same steps.

use buildpack_core::diagnostic::Sourced;
use buildpack_core::plan::{Goal, Inputs, Phase, Run, Separator, Step, TaskRunner};
use semver::Version;

use crate::config::{ConfigValue, ElixirConfig};
use crate::packages;

/// The id of the step that fetches packages.
pub const DEPS: &str = "deps";

/// The steps in order, but for the tests themselves.
pub fn plan(config: &ElixirConfig, elixir: &Version, mix_env: &str, goal: &Goal) -> Vec<Step> {
    let builds = *goal == Goal::Build;
    // A command of the app's own may compile with other options.
    let compiles_itself = config.hook_compile.is_none();
    let mix = |id: &str, phase, heading: &str, words: &[&str], begins_with: &[&str]| {
        let run = task(elixir, words);
        let step = Step::new(id, phase, heading, run);
        begins_with.iter().fold(step, begins)
    };
    let pre_fetch = hook(
        "hook_pre_fetch_dependencies",
        Phase::Dependencies,
        "Executing hook before fetching app dependencies",
        config.hook_pre_fetch_dependencies.as_ref(),
    );
    let pre_compile = hook(
        "hook_pre_compile",
        Phase::Compile,
        "Executing hook before compile",
        config.hook_pre_compile.as_ref(),
    );
    let deps_heading = "Fetching app dependencies with mix";
    let mut fetch = mix(
        DEPS,
        Phase::Dependencies,
        deps_heading,
        &["deps.get", "--only", mix_env],
        &["* Getting ", "Resolving Hex"],
    );
    let mut clean = mix(
        "deps-clean",
        Phase::Dependencies,
        deps_heading,
        &["deps.clean", "--unused"],
        &[],
    );
    if pre_fetch.is_none() && config.pre_compile.is_none() {
        // A hook may change what mix.exs says; without one, the same files ask for the same packages.
        fetch.skip_if_unchanged = Some(packages(&[]));
        // Before the first build nothing was fetched that nobody asks for any more.
        clean.skip_if_unchanged = Some(packages(&["deps", "_build"]));
    }
    let mut compile = hook(
        "hook_compile",
        Phase::Compile,
        "Compiling (using custom compile command)",
        config.hook_compile.as_ref(),
    )
    .unwrap_or_else(|| {
        mix(
            "compile",
            Phase::Compile,
            "Compiling",
            &["compile"],
            &["==> ", "===> ", "Compiling ", "Generated "],
        )
    });
    if !builds && !has_hooks(config) {
        compile.skip_if_unchanged = Some(whole_source());
    }
    let release = (builds && config.release.value).then(|| {
        mix(
            "release",
            Phase::Release,
            "Building release",
            &["release", "--overwrite"],
            &["* assembling "],
        )
    });
    [
        hook(
            "pre_compile",
            Phase::Dependencies,
            "Executing DEPRECATED pre-compile hook",
            config.pre_compile.as_ref(),
        ),
        pre_fetch,
        Some(shared_sources()),
        Some(fetch),
        Some(clean),
        pre_compile,
        builds.then(atom_order),
        compiles_itself.then(shared_packages),
        Some(compile),
        hook(
            "hook_post_compile",
            Phase::Compile,
            "Executing hook after compile",
            config.hook_post_compile.as_ref(),
        ),
        release,
        hook(
            "post_compile",
            Phase::End,
            "Executing DEPRECATED post-compile hook",
            config.post_compile.as_ref(),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What decides which packages there are to be.
fn packages(clears: &[&str]) -> Inputs {
    Inputs {
        names: owned(&["*.exs", "mix.lock"]),
        clears: owned(clears),
        ..Inputs::default()
    }
}

/// What decides whether the app is compiled before its tests, which compile whatever has changed behind our back.
fn whole_source() -> Inputs {
    Inputs {
        all_but: Some(Vec::new()),
        after: owned(&["deps"]),
        outputs: owned(&["_build"]),
        ..Inputs::default()
    }
}

fn has_hooks(config: &ElixirConfig) -> bool {
    let hooks = [
        &config.pre_compile,
        &config.hook_pre_fetch_dependencies,
        &config.hook_pre_compile,
        &config.hook_compile,
        &config.hook_post_compile,
        &config.post_compile,
    ];
    hooks.into_iter().any(Option::is_some)
}

/// The id of the step that gives atoms one order.
pub const ATOM_ORDER: &str = "atom-order";

fn task(elixir: &Version, words: &[&str]) -> Run {
    Run::Task {
        runner: runner(elixir),
        words: owned(words),
    }
}

/// With one more prefix of the line that shows that it began.
fn begins(mut step: Step, prefix: &&str) -> Step {
    step.begins_with.push((*prefix).to_owned());
    step
}

/// Right before the compile, when all sources are there, and none that compilers made. It starts nothing and says nothing.
fn atom_order() -> Step {
    Step::new(
        ATOM_ORDER,
        Phase::Compile,
        "Giving atoms one order",
        Run::Pack,
    )
}

/// Before packages are fetched: those that are kept need not be.
fn shared_sources() -> Step {
    Step::new(
        packages::SOURCES,
        Phase::Dependencies,
        "Reusing sources of packages",
        Run::Pack,
    )
}

/// Before packages are compiled, when their sources and all configuration are there.
fn shared_packages() -> Step {
    Step::new(
        packages::COMPILED,
        Phase::Compile,
        "Reusing compiled packages",
        Run::Pack,
    )
}

/// How Mix runs one task or several; `+` came with Elixir 1.14.
fn runner(elixir: &Version) -> TaskRunner {
    TaskRunner {
        one: owned(&["mix"]),
        many: owned(&["mix", "do"]),
        separator: if (elixir.major, elixir.minor) >= (1, 14) {
            Separator::Plus
        } else {
            Separator::Comma
        },
    }
}

/// A hook as a step. Bash runs the text, so that operators work with a leading `eval` and without.
fn hook(
    id: &str,
    phase: Phase,
    heading: &str,
    value: Option<&Sourced<ConfigValue>>,
) -> Option<Step> {
    let script = match &value?.value {
        ConfigValue::Text(text) => text.clone(),
        ConfigValue::List(words) => words.join(" "),
        // Only bash knows its value: let it read the config itself.
        ConfigValue::Dynamic(_) => {
            format!(". ./elixir_buildpack.config && eval \"${id}\"")
        }
    };
    if script.trim().is_empty() {
        return None;
    }
    let heading = format!("{heading}: {script}");
    Some(Step::new(id, phase, heading, Run::Bash { script }))
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use buildpack_core::diagnostic::Origin;
    use buildpack_core::plan::{TestOptions, batches};

    use super::*;

    fn config() -> ElixirConfig {
        ElixirConfig {
            erlang_version: None,
            elixir_version: None,
            always_rebuild: Sourced::new(false, said()),
            release: Sourced::new(false, said()),
            runtime_path: Sourced::new("/app".to_owned(), said()),
            hook_pre_fetch_dependencies: None,
            hook_pre_compile: None,
            hook_compile: None,
            hook_post_compile: None,
            pre_compile: None,
            post_compile: None,
            test_args: None,
            config_vars_to_export: None,
        }
    }

    fn said() -> Origin {
        Origin::Default("test".to_owned())
    }

    fn hook_text(text: &str) -> Sourced<ConfigValue> {
        Sourced::new(ConfigValue::Text(text.to_owned()), said())
    }

    fn lines(config: &ElixirConfig, elixir: &str) -> Vec<String> {
        lines_for(config, elixir, &Goal::Build)
    }

    fn lines_for(config: &ElixirConfig, elixir: &str, goal: &Goal) -> Vec<String> {
        let mix_env = if *goal == Goal::Build { "prod" } else { "test" };
        let steps = plan(config, &Version::parse(elixir).unwrap(), mix_env, goal);
        batches(&steps)
            .iter()
            .filter(|batch| batch.first.run != Run::Pack)
            .map(|batch| batch.argv().join(" "))
            .collect()
    }

    #[test]
    fn mix_starts_once_to_fetch_and_once_to_compile_where_no_hook_stands_between() {
        let mut config = config();
        config.release.value = true;
        assert_eq!(
            lines(&config, "1.18.3"),
            [
                "mix do deps.get --only prod + deps.clean --unused",
                "mix do compile + release --overwrite"
            ]
        );
        assert_eq!(
            lines(&config, "1.13.4"),
            [
                "mix do deps.get --only prod, deps.clean --unused",
                "mix do compile, release --overwrite"
            ]
        );
    }

    #[test]
    fn hooks_run_in_the_packs_order_and_by_bash() {
        let mut config = config();
        config.release.value = true;
        config.pre_compile = Some(hook_text("one"));
        config.hook_pre_fetch_dependencies = Some(hook_text("two"));
        config.hook_pre_compile = Some(hook_text("three"));
        config.hook_compile = Some(hook_text("four"));
        config.hook_post_compile =
            Some(hook_text("eval mix assets.deploy && rm -f _build/esbuild*"));
        config.post_compile = Some(hook_text("six"));
        assert_eq!(
            lines(&config, "1.18.3"),
            [
                "bash -c one",
                "bash -c two",
                "mix do deps.get --only prod + deps.clean --unused",
                "bash -c three",
                "bash -c four",
                "bash -c eval mix assets.deploy && rm -f _build/esbuild*",
                "mix release --overwrite",
                "bash -c six",
            ]
        );
    }

    #[test]
    fn tests_are_compiled_for_by_the_same_hooks_and_without_a_release() {
        let test = Goal::Test(TestOptions::default());
        let mut config = config();
        config.release.value = true;
        assert_eq!(
            lines_for(&config, "1.18.3", &test),
            [
                "mix do deps.get --only test + deps.clean --unused",
                "mix compile"
            ]
        );
        config.pre_compile = Some(hook_text("one"));
        config.hook_compile = Some(hook_text("two"));
        config.hook_post_compile = Some(hook_text("three"));
        assert_eq!(
            lines_for(&config, "1.18.3", &test),
            [
                "bash -c one",
                "mix do deps.get --only test + deps.clean --unused",
                "bash -c two",
                "bash -c three",
            ]
        );
        let skips = |config: &ElixirConfig| {
            let steps = plan(config, &Version::new(1, 18, 3), "test", &test);
            let skips = steps.iter().filter(|step| step.skip_if_unchanged.is_some());
            skips.map(|step| step.id.clone()).collect::<Vec<_>>()
        };
        assert!(skips(&config).is_empty());
        config.pre_compile = None;
        assert_eq!(skips(&config), ["deps", "deps-clean"]);
        config.hook_compile = None;
        config.hook_post_compile = None;
        assert_eq!(skips(&config), ["deps", "deps-clean", "compile"]);
    }

    #[test]
    fn dependencies_are_fetched_again_only_when_something_asks_otherwise() {
        let skippable = |config: &ElixirConfig| {
            plan(config, &Version::new(1, 18, 3), "prod", &Goal::Build)
                .iter()
                .any(|step| step.skip_if_unchanged.is_some())
        };
        let mut config = config();
        assert!(skippable(&config));
        config.hook_pre_fetch_dependencies = Some(hook_text("./vendor.sh"));
        assert!(!skippable(&config));
    }
}
