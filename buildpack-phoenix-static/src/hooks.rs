//! Hooks of the app that build its assets by themselves.

use buildpack_core::app::{App, ConfigFile, ConfigValue};
use buildpack_core::plan::{PackPlan, Run};

/// Words of a hook that builds the assets by itself.
const BUILDS: [&str; 4] = [
    "assets.deploy",
    "phx.digest",
    "phoenix.digest",
    "run deploy",
];

/// Words of a hook that may build them.
const MAY_BUILD: [&str; 5] = ["npm ", "yarn", "pnpm ", "bun ", "deno "];

/// The config of the Elixir pack, and the hooks that it may have (compatibility facts 3.1), in the order in which they run.
const FILE: &str = "elixir_buildpack.config";
const HOOKS: [&str; 6] = [
    "pre_compile",
    "hook_pre_fetch_dependencies",
    "hook_pre_compile",
    "hook_compile",
    "hook_post_compile",
    "post_compile",
];

/// The id of a step of another pack that is such a hook.
pub(crate) fn in_plan(plan: &PackPlan) -> Option<String> {
    plan.steps.iter().find_map(|step| match &step.run {
        Run::Bash { script } if says(script, &BUILDS) => Some(step.id.clone()),
        _ => None,
    })
}

/// The same hook, where there is no plan yet.
pub(crate) fn in_config(app: &App) -> Option<String> {
    hook(app, &BUILDS)
}

/// Whether a hook calls a package manager, for whatever reason.
pub(crate) fn may_build(app: &App) -> bool {
    hook(app, &BUILDS)
        .or_else(|| hook(app, &MAY_BUILD))
        .is_some()
}

fn hook(app: &App, words: &[&str]) -> Option<String> {
    // What is wrong with the file is told by its own pack.
    let mut config = ConfigFile::read(app, FILE, &HOOKS, None).value?;
    HOOKS.into_iter().find_map(|hook| {
        let said = match config.take(hook)?.value {
            ConfigValue::Text(text) => text,
            ConfigValue::List(words) => words.join(" "),
            ConfigValue::Dynamic(_) => return None,
        };
        says(&said, words).then(|| hook.to_owned())
    })
}

fn says(script: &str, words: &[&str]) -> bool {
    words.iter().any(|words| script.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_that_builds_is_found_before_there_is_a_plan() {
        let folder = tempfile::tempdir().unwrap();
        let of = |config: &str| {
            fs_err::write(folder.path().join(FILE), config).unwrap();
            let app = App::read(folder.path()).value.unwrap();
            (in_config(&app), may_build(&app))
        };
        let hook = "hook_post_compile=\"eval mix assets.deploy && rm -f _build/esbuild*\"\n";
        assert_eq!(of(hook), (Some("hook_post_compile".to_owned()), true));
        let list = "hook_pre_compile=(npm --prefix assets run deploy)\n";
        assert_eq!(of(list), (Some("hook_pre_compile".to_owned()), true));
        assert_eq!(of("post_compile=\"bun x build\"\n"), (None, true));
        assert_eq!(of("hook_compile=\"mix compile\"\n"), (None, false));
        assert_eq!(of("hook_compile=$(cat npm )\n"), (None, false));
    }
}
