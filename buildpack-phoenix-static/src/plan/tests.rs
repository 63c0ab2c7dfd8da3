//! Plans of the test apps, and of apps that are told apart by one file.

use std::path::{Path, PathBuf};

use buildpack_core::check::{CheckContext, Evaluated};
use buildpack_core::lists::{FetchList, ListError, NpmPackage, NpmRegistry};
use buildpack_core::pack::Upstreams;
use buildpack_core::plan::{Goal, Run, Step};
use jiff::civil::date;
use stacks::{Arch, Target};

use super::*;
use crate::fixture::{Paper, Published};

struct Registry;

impl NpmRegistry for Registry {
    fn package(&self, name: &str, version: &str) -> Result<NpmPackage, Box<dyn ListError>> {
        Ok(NpmPackage {
            tarball: format!("https://npm.example/{name}-{version}.tgz"),
            sha512: "ab".repeat(64),
        })
    }
}

struct NoLists;

impl FetchList for NoLists {
    fn get(&self, _: &str) -> Result<Option<String>, Box<dyn ListError>> {
        Ok(None)
    }
}

/// What the Elixir pack would do before.
fn before(release: bool, hook: Option<&str>) -> PackPlan {
    let bash = |id: &str, phase, script: &str| {
        let script = script.to_owned();
        Step::new(id, phase, "", Run::Bash { script })
    };
    let mut plan = PackPlan::empty("/app");
    plan.steps.push(bash("deps", Phase::Dependencies, "deps"));
    plan.steps.push(bash("compile", Phase::Compile, "compile"));
    plan.steps
        .extend(hook.map(|script| bash("hook_post_compile", Phase::Compile, script)));
    if release {
        plan.steps.push(bash("release", Phase::Release, "release"));
    }
    plan
}

fn planned_after(before: &PackPlan, folder: &Path) -> (PackPlan, Vec<&'static str>) {
    let app = App::read(folder).value.unwrap();
    let upstreams = Upstreams {
        hex_builds: "https://hex.example".to_owned(),
        node_dist: "https://node.example".to_owned(),
        npm_registry: "https://npm.example".to_owned(),
        tailwind: "https://tailwind.example".to_owned(),
        hex_repository: None,
        hex_unsafe_registry: false,
    };
    let context = PlanContext {
        goal: &Goal::Build,
        check: CheckContext {
            target: &Target::new(stacks::find("24").unwrap(), Arch::Amd64).unwrap(),
            lists: &Paper {
                old: false,
                away: false,
            },
            today: date(2026, 9, 1),
            config_vars: &BTreeMap::new(),
            evaluated: &Evaluated::new(),
        },
        install_lists: &NoLists,
        npm: &Registry,
        sums: &Published::default(),
        upstreams: &upstreams,
        processors: 2,
        earlier_files: false,
        before: Some(before),
    };
    let mut diagnostics = Vec::new();
    let plan = plan(&app, &context, &mut diagnostics);
    let codes = diagnostics.iter().map(|problem| problem.code.0).collect();
    (plan.unwrap_or_else(|| panic!("{diagnostics:?}")), codes)
}

fn of_test_app(name: &str) -> PackPlan {
    let apps = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../testdata/apps");
    let release = name == "phoenix_release";
    planned_after(&before(release, None), &apps.join(name)).0
}

fn of_files(hook: Option<&str>, files: &[(&str, &str)]) -> (PackPlan, Vec<&'static str>) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in std::iter::once(&crate::fixture::MIX).chain(files) {
        testdata::tree::write(folder.path(), name, text);
    }
    planned_after(&before(false, hook), folder.path())
}

/// `tools | steps with their folder and what they run`.
fn shown(plan: &PackPlan) -> String {
    let tools: Vec<String> = plan
        .tools
        .iter()
        .map(|tool| format!("{} {}", tool.id, tool.version))
        .collect();
    let steps = plan.steps.iter().map(|step| {
        let run = match &step.run {
            Run::Program { argv } => argv.join(" "),
            Run::Bash { script } => script.clone(),
            Run::Task { words, .. } => format!("mix {}", words.join(" ")),
            Run::Pack | Run::Script { .. } => "(pack)".to_owned(),
        };
        format!("{} in {:?}: {run}", step.id, step.cwd)
    });
    std::iter::once(tools.join(", "))
        .chain(steps)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn each_test_app_is_built_as_it_asks() {
    for (app, expected) in [
        (
            "phoenix_npm",
            "node 22.14.0\n\
             assets-install in \"assets\": npm ci --include=dev\n\
             assets-deploy in \"assets\": npm run deploy\n\
             assets-digest in \"\": mix phx.digest",
        ),
        (
            "phoenix_yarn",
            "node 22.14.0, yarn 1.22.22\n\
             assets-programs in \"\": (pack)\n\
             assets-install in \"assets\": yarn install --frozen-lockfile --non-interactive --production=false\n\
             assets-deploy in \"assets\": yarn run deploy\n\
             assets-digest in \"\": mix phx.digest",
        ),
        (
            "phoenix_pnpm",
            "node 22.14.0, pnpm 9.15.0\n\
             assets-programs in \"\": (pack)\n\
             assets-install in \"\": pnpm install --frozen-lockfile --prod=false\n\
             assets-deploy in \"\": pnpm run deploy\n\
             assets-digest in \"\": mix phx.digest",
        ),
        (
            "phoenix_compile",
            "node 22.14.0\n\
             assets-install in \"assets\": npm ci --include=dev\n\
             assets-deploy in \"assets\": set -e; . /app/compile",
        ),
        (
            "phoenix_esbuild",
            "esbuild 0.25.0\n\
             esbuild in \"\": (pack)\n\
             assets-deploy in \"\": mix assets.deploy",
        ),
        ("phoenix_api", ""),
    ] {
        assert_eq!(shown(&of_test_app(app)), expected, "{app}");
    }
}

#[test]
fn a_release_starts_its_server_and_an_app_is_started_with_mix() {
    let release = of_test_app("phoenix_release");
    assert!(release.profile["phoenix_static_buildpack_env.sh"].contains("PHX_SERVER"));
    assert!(release.default_processes.is_empty());
    let app = of_test_app("phoenix_npm");
    assert!(app.default_processes["web"].ends_with("mix phx.server"));
    assert!(app.profile.is_empty());
}

const PACKAGE: (&str, &str) = (
    "assets/package.json",
    r#"{"scripts": {"deploy": "x"}, "dependencies": {"x": "1"}}"#,
);

#[test]
fn node_stays_only_where_the_app_says_so() {
    let config = "phoenix_static_buildpack.config";
    for (text, stays) in [
        ("", false),
        ("remove_node=true", false),
        ("remove_node=false", true),
    ] {
        let (plan, _) = of_files(None, &[PACKAGE, (config, text)]);
        assert_eq!(plan.tools[0].in_image, stays, "{text}");
        let paths = plan.profile.get("phoenix_static_buildpack_paths.sh");
        assert_eq!(paths.is_some(), stays, "{text}");
    }
}

#[test]
fn a_hook_that_builds_the_assets_finds_its_packages() {
    let (plan, _) = of_files(Some("npm run deploy --prefix assets"), &[PACKAGE]);
    assert_eq!(
        shown(&plan),
        "node 24.11.0\nassets-install in \"assets\": npm install --no-package-lock --include=dev"
    );
    assert_eq!(plan.steps[0].phase, Phase::Dependencies);
}

#[test]
fn the_script_that_digests_is_not_followed_by_another_digest() {
    let package = r#"{"scripts": {"deploy": "webpack && cd .. && mix phx.digest"}}"#;
    let (plan, _) = of_files(None, &[("assets/package.json", package)]);
    assert!(plan.steps.iter().all(|step| step.id != "assets-digest"));
}

#[test]
fn old_phoenix_has_tasks_of_another_name() {
    let lock = (
        "mix.lock",
        "%{\n  \"phoenix\": {:hex, :phoenix, \"1.2.5\", \"x\", [:mix], [], \"hexpm\"},\n}\n",
    );
    let (plan, _) = of_files(None, &[PACKAGE, lock]);
    assert!(shown(&plan).ends_with("mix phoenix.digest"));
    let config = ("phoenix_static_buildpack.config", "phoenix_ex=phx");
    let (plan, _) = of_files(None, &[PACKAGE, lock, config]);
    assert!(shown(&plan).ends_with("mix phx.digest"));
}

#[test]
fn npm_is_another_only_as_one_version() {
    let with = |version: &str| {
        let config = format!("node_version=22.14.0\nnpm_version={version}");
        let (plan, codes) = of_files(
            None,
            &[
                PACKAGE,
                ("assets/package-lock.json", "{\"lockfileVersion\": 3}"),
                ("phoenix_static_buildpack.config", &config),
            ],
        );
        let npm = plan.tools.iter().find(|tool| tool.id == "npm");
        (npm.map(|tool| tool.version.clone()), codes)
    };
    assert_eq!(with("10.9.2"), (None, vec![]));
    assert_eq!(with("11.0.0"), (Some("11.0.0".to_owned()), vec![]));
    assert_eq!(with("10.x"), (None, vec!["npm-version"]));
    let old = with("6.14.18");
    let npm = Some("6.14.18".to_owned());
    assert_eq!(old, (npm, vec!["lock-file-format"]));
}

#[test]
fn templates_count_where_styles_are_searched_for_in_them() {
    let counts = |package: &str| {
        let (plan, _) = of_files(None, &[("assets/package.json", package)]);
        let deploy = plan.steps.iter().find(|step| step.id == "assets-deploy");
        let inputs = deploy.unwrap().skip_if_unchanged.clone().unwrap();
        inputs.folders.contains(&"lib".to_owned())
    };
    assert!(!counts(r#"{"scripts": {"deploy": "esbuild"}}"#));
    assert!(counts(
        r#"{"scripts": {"deploy": "x"}, "devDependencies": {"tailwindcss": "4"}}"#
    ));
}
