use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use buildpack_core::digest::Digest;
use buildpack_core::lists::{FetchList, ListError, NpmError, NpmPackage, NpmRegistry};
use buildpack_core::pack::Upstreams;
use buildpack_core::plan::Goal;

use super::*;
use crate::fixture::{MIX, Paper, Published};

/// A registry that has every package, and what it was asked for.
#[derive(Default)]
struct Registry {
    asked: Mutex<Vec<String>>,
    empty: bool,
}

impl NpmRegistry for Registry {
    fn package(&self, name: &str, version: &str) -> Result<NpmPackage, Box<dyn ListError>> {
        self.asked.lock().unwrap().push(format!("{name} {version}"));
        if self.empty {
            return Err(Box::new(NpmError::Missing {
                registry: "https://npm.example".to_owned(),
                name: name.to_owned(),
                version: version.to_owned(),
            }));
        }
        Ok(NpmPackage {
            tarball: format!("https://npm.example/{name}-{version}.tgz"),
            sha512: "0".repeat(128),
        })
    }
}

struct NoLists;

impl FetchList for NoLists {
    fn get(&self, _: &str) -> Result<Option<String>, Box<dyn ListError>> {
        Ok(None)
    }
}

fn app(files: &[(&str, &str)]) -> App {
    let files = files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
        .collect();
    App::of_files(Path::new("/nowhere"), files).value.unwrap()
}

fn planned(files: &[(&str, &str)], arch: Arch, registry: &Registry) -> Outcome<Standalone> {
    let lists = Paper {
        old: false,
        away: false,
    };
    let (nothing, evaluated) = (BTreeMap::new(), BTreeMap::new());
    let target = stacks::Target::new(stacks::find("24").unwrap(), arch).unwrap();
    let upstreams = Upstreams {
        hex_builds: String::new(),
        node_dist: String::new(),
        npm_registry: String::new(),
        tailwind: "https://tailwind.example".to_owned(),
        hex_repository: None,
        hex_unsafe_registry: false,
    };
    let sum = BTreeMap::from([("tailwindcss-linux-x64".to_owned(), Digest::of(b"it"))]);
    let address = "https://tailwind.example/v4.1.12/sha256sums.txt";
    let published = Published(BTreeMap::from([(address.to_owned(), sum)]));
    let context = PlanContext {
        goal: &Goal::Build,
        check: CheckContext {
            target: &target,
            lists: &lists,
            today: jiff::civil::date(2026, 9, 1),
            config_vars: &nothing,
            evaluated: &evaluated,
        },
        install_lists: &NoLists,
        npm: registry,
        sums: &published,
        upstreams: &upstreams,
        processors: 2,
        earlier_files: false,
        before: None,
    };
    plan(&app(files), &context, "/app")
}

fn mix(deps: &str) -> (&'static str, String) {
    (MIX.0, MIX.1.replace("deps: [", &format!("deps: [{deps}, ")))
}

/// Tools, packages that were asked for, and places, of an app whose lock has this version of the Hex package.
fn laid(program: &str, package: &str, version: &str, arch: Arch) -> (String, String, String) {
    let (name, text) = mix(&format!("{{:{program}, \"~> 0.1\"}}"));
    let lock = format!("%{{\n  \"{program}\": {{:hex, :{program}, \"{package}\", \"\"}},\n}}\n");
    let config = format!("import Config\nconfig :{program}, version: \"{version}\"\n");
    let files = [
        (name, text.as_str()),
        ("mix.lock", &lock),
        ("config/config.exs", &config),
    ];
    let registry = Registry::default();
    let found = planned(&files, arch, &registry).value.unwrap();
    let [tool] = found.tools.as_slice() else {
        panic!("{:?}", found.tools);
    };
    assert!(!tool.in_image);
    assert_eq!(found.decisions[0].value.value, version);
    let inputs = found.steps[0].skip_if_unchanged.clone().unwrap();
    let asked = registry.asked.into_inner().unwrap().join(" ");
    (asked, tool.artifact.url.clone(), inputs.outputs[0].clone())
}

#[test]
fn esbuild_comes_from_npm_and_lies_where_each_mix_task_looks() {
    let place = |package, version| {
        let (asked, _, place) = laid("esbuild", package, version, Arch::Amd64);
        format!("{asked}: {place}")
    };
    assert_eq!(
        place("0.10.0", "0.25.0"),
        "@esbuild/linux-x64 0.25.0: _build/esbuild-linux-x64"
    );
    assert_eq!(
        place("0.6.0", "0.15.18"),
        "esbuild-linux-64 0.15.18: _build/esbuild-linux-x64"
    );
    assert_eq!(
        place("0.5.0", "0.14.41"),
        "esbuild-linux-64 0.14.41: _build/esbuild-linux-64"
    );
    assert_eq!(
        place("0.3.4", "0.13.10"),
        "esbuild-linux-64 0.13.10: _build/esbuild"
    );
    let (asked, url, place) = laid("esbuild", "0.10.0", "0.25.0", Arch::Arm64);
    assert_eq!(asked, "@esbuild/linux-arm64 0.25.0");
    assert_eq!(url, "https://npm.example/@esbuild/linux-arm64-0.25.0.tgz");
    assert_eq!(place, "_build/esbuild-linux-arm64");
}

#[test]
fn tailwind_comes_from_its_releases() {
    let (asked, url, place) = laid("tailwind", "0.4.1", "4.1.12", Arch::Amd64);
    assert_eq!(asked, "");
    assert_eq!(
        url,
        "https://tailwind.example/v4.1.12/tailwindcss-linux-x64"
    );
    assert_eq!(place, "_build/tailwind-linux-x64");
    let (_, url, place) = laid("tailwind", "0.5.1", "4.3.0", Arch::Arm64);
    assert!(url.ends_with("/v4.3.0/tailwindcss-linux-arm64"));
    assert_eq!(place, "_build/tailwind-linux-arm64-4.3.0");
}

#[test]
fn tailwind_is_known_by_the_digest_of_its_release_where_there_is_one() {
    let verify = |version: &str, arch| {
        let (name, text) = mix("{:tailwind, \"~> 0.4\"}");
        let config = format!("config :tailwind, version: \"{version}\"\n");
        let files = [
            (name, text.as_str()),
            ("config/config.exs", config.as_str()),
        ];
        let found = planned(&files, arch, &Registry::default());
        found.value.unwrap().tools[0].artifact.verify.clone()
    };
    let digest = Verify::Sha256(Digest::of(b"it"));
    assert_eq!(verify("4.1.12", Arch::Amd64), digest);
    assert_eq!(verify("4.1.12", Arch::Arm64), Verify::FirstUse);
    assert_eq!(verify("3.0.7", Arch::Amd64), Verify::FirstUse);
}

#[test]
fn only_what_production_runs_is_fetched() {
    let tools = |deps: &str, config: &str| {
        let (name, text) = mix(deps);
        let files = [(name, text.as_str()), ("config/config.exs", config)];
        let found = planned(&files, Arch::Amd64, &Registry::default());
        let found = found.value.unwrap();
        let decided = found.decisions.iter().map(|one| one.value.value.clone());
        (found.tools.len(), decided.collect::<Vec<_>>().join(" "))
    };
    let esbuild = "config :esbuild, version: \"0.25.0\"\n";
    assert_eq!(
        tools("{:esbuild, \"~> 0.10\"}", esbuild),
        (1, "0.25.0".to_owned())
    );
    assert_eq!(
        tools("{:esbuild, \"~> 0.10\", only: :dev}", esbuild),
        (0, String::new())
    );
    assert_eq!(tools("{:jason, \"~> 1.0\"}", esbuild), (0, String::new()));
    assert_eq!(
        tools(
            "{:esbuild, \"~> 0.10\"}",
            "if config_env() == :dev do\n  config :esbuild, version: \"0.25.0\"\nend\n"
        ),
        (0, String::new())
    );
    assert_eq!(
        tools(
            "{:esbuild, \"~> 0.10\"}",
            "config :esbuild, version: \"../../x\"\n"
        ),
        (0, String::new())
    );
    assert_eq!(
        tools(
            "{:esbuild, \"~> 0.10\"}",
            "config :esbuild, version: \"0.25.0\", path: \"/usr/bin/esbuild\"\n"
        ),
        (0, "the app's own".to_owned())
    );
}

#[test]
fn an_application_of_an_umbrella_may_be_the_one_that_has_it() {
    let (_, child) = mix("{:esbuild, \"~> 0.10\"}");
    let registry = Registry::default();
    let files = [
        (
            "mix.exs",
            "def project do [apps_path: \"apps\", deps: []] end",
        ),
        ("apps/web/mix.exs", child.as_str()),
        ("config/config.exs", "config :esbuild, version: \"0.25.0\""),
        (
            "apps/web/config/config.exs",
            "config :esbuild, version: \"0.24.0\"",
        ),
    ];
    let found = planned(&files, Arch::Amd64, &registry).value.unwrap();
    assert_eq!(found.tools[0].version, "0.25.0");
    let of_child = [files[0], files[1], files[3]];
    let found = planned(&of_child, Arch::Amd64, &registry).value.unwrap();
    assert_eq!(found.tools[0].version, "0.24.0");
}

#[test]
fn a_version_that_the_registry_lacks_is_said_where_it_is_asked_for() {
    let (name, text) = mix("{:esbuild, \"~> 0.10\"}");
    let config = "config :esbuild, version: \"0.99.0\"";
    let registry = Registry {
        empty: true,
        ..Registry::default()
    };
    let files = [(name, text.as_str()), ("config/config.exs", config)];
    let outcome = planned(&files, Arch::Amd64, &registry);
    assert!(outcome.value.is_none());
    let problem = &outcome.diagnostics[0];
    assert_eq!(problem.code.0, "npm-package-missing");
    assert_eq!(problem.labels[0].span.to_string(), "config/config.exs:1:28");
}

#[test]
fn the_program_is_laid_where_a_link_of_the_build_stood() {
    let desk = tempfile::tempdir().unwrap();
    let (tree, tool) = (desk.path().join("tree"), desk.path().join("tool"));
    let outside = desk.path().join("outside");
    fs_err::create_dir_all(tool.join("bin")).unwrap();
    fs_err::create_dir_all(tree.join("_build")).unwrap();
    fs_err::write(tool.join("bin/esbuild"), "program").unwrap();
    fs_err::write(&outside, "precious").unwrap();
    let place = tree.join("_build/esbuild-linux-x64");
    std::os::unix::fs::symlink(&outside, &place).unwrap();
    let (name, text) = mix("{:esbuild, \"~> 0.10\"}");
    let config = "config :esbuild, version: \"0.25.0\"";
    let files = [(name, text.as_str()), ("config/config.exs", config)];
    let found = planned(&files, Arch::Amd64, &Registry::default());
    let tools = BTreeMap::from([("esbuild".to_owned(), tool)]);
    let host = Host {
        tree: &tree,
        tools: &tools,
        earlier: None,
        shared: None,
    };
    prepare(&found.value.unwrap().steps[0], &host).unwrap();
    assert_eq!(fs_err::read_to_string(&place).unwrap(), "program");
    assert_eq!(fs_err::read_to_string(&outside).unwrap(), "precious");
}

#[test]
fn no_image_holds_the_programs() {
    assert!(is_program("_build/esbuild"));
    assert!(is_program("_build/esbuild-linux-x64"));
    assert!(is_program("_build/tailwind-linux-x64-4.3.0"));
    assert!(!is_program("_build/prod/lib/esbuild/ebin/esbuild.app"));
    assert!(!is_program("_build/esbuilder"));
    assert!(!is_program("lib/esbuild-linux-x64"));
}
