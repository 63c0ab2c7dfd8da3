//! esbuild and tailwind as programs of their own, which Mix tasks run: `bp` fetches and verifies them, and lays them where
//! the tasks look, so that no step downloads anything.
//!
//! Where the tasks look, and what they would fetch, is from the history of the Hex packages esbuild and tailwind
//! (`bin_path`, `install`). No npm package holds tailwind's program but those of a few early versions
//! (`npm view @tailwindcss/standalone versions`): it is a file of Tailwind's releases on GitHub. They publish digests, but
//! for early ones, where the program seen at first counts.

use buildpack_core::app::{App, ConfigExs};
use buildpack_core::check::CheckContext;
use buildpack_core::diagnostic::{Origin, Outcome, Sourced, Span};
use buildpack_core::layer::Purpose;
use buildpack_core::lists::ListError;
use buildpack_core::pack::{CompileError, Host, PlanContext, copy_in_tree};
use buildpack_core::plan::{Decision, Inputs, Phase, Run, Step, Tool, Unpack};
use buildpack_core::toolchain::{Artifact, Kind, Verify};
use semver::Version;
use stacks::Arch;

/// The releases of Tailwind, without a slash at the end.
pub const TAILWIND_RELEASES: &str = "https://github.com/tailwindlabs/tailwindcss/releases/download";

/// The file of a release that has the digests of the others.
const SUMS: &str = "sha256sums.txt";

/// A program that has a Mix task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    /// The bundler.
    Esbuild,
    /// The maker of styles.
    Tailwind,
}

impl Program {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Esbuild, Self::Tailwind];

    /// Its name: that of the Hex package, of the application that is configured, of the Mix task and of the tool.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Esbuild => "esbuild",
            Self::Tailwind => "tailwind",
        }
    }

    /// Its file in the folder that it is unpacked into.
    fn file(self) -> &'static str {
        match self {
            Self::Esbuild => "bin/esbuild",
            Self::Tailwind => "tailwindcss",
        }
    }

    fn version_in(self, config: &ConfigExs) -> Option<&Sourced<String>> {
        match self {
            Self::Esbuild => config.esbuild_version.as_ref(),
            Self::Tailwind => config.tailwind_version.as_ref(),
        }
    }

    fn path_in(self, config: &ConfigExs) -> Option<&Span> {
        match self {
            Self::Esbuild => config.esbuild_path.as_ref(),
            Self::Tailwind => config.tailwind_path.as_ref(),
        }
    }

    /// Where the Mix task of this Hex package looks, below the app's folder; the newest where the package's version is
    /// not known.
    fn place(self, package: Option<&Version>, version: &Version, arch: Arch) -> String {
        let before = |minor| package.is_some_and(|package| *package < Version::new(0, minor, 0));
        match self {
            Self::Esbuild if before(4) => "_build/esbuild".to_owned(),
            Self::Esbuild if before(6) => format!("_build/esbuild-{}", old_target(arch)),
            Self::Esbuild => format!("_build/esbuild-{}", target(arch)),
            Self::Tailwind if before(5) => format!("_build/tailwind-{}", target(arch)),
            Self::Tailwind => format!("_build/tailwind-{}-{version}", target(arch)),
        }
    }
}

fn target(arch: Arch) -> &'static str {
    match arch {
        Arch::Amd64 => "linux-x64",
        Arch::Arm64 => "linux-arm64",
    }
}

/// As esbuild's packages were called before 0.16.
fn old_target(arch: Arch) -> &'static str {
    match arch {
        Arch::Amd64 => "linux-64",
        Arch::Arm64 => "linux-arm64",
    }
}

/// A program that the app's Mix tasks run in production.
#[derive(Debug, Clone)]
pub(crate) struct Used {
    /// Which.
    pub(crate) program: Program,
    /// Where the app names its Hex package.
    pub(crate) named: Origin,
    /// The version of the Hex package, where `mix.lock` has one.
    pub(crate) package: Option<Version>,
    /// Which version of the program is to run.
    pub(crate) asked: Asked,
}

/// What the app's configuration says of a program.
#[derive(Debug, Clone)]
pub(crate) enum Asked {
    /// This version, as it is written.
    Version(Sourced<String>),
    /// A file of the app's own.
    Own(Span),
    /// Nothing that could be read.
    Nothing,
}

/// The programs that Mix tasks of `app` run where `MIX_ENV` is `environment`.
pub(crate) fn used(app: &App, environment: &str) -> Vec<Used> {
    let used = Program::ALL.into_iter().filter_map(|program| {
        let named = named(app, program, environment)?;
        let locked = app
            .mix_lock
            .as_ref()
            .and_then(|lock| lock.packages.get(program.name()))
            .and_then(|locked| locked.version.as_ref());
        Some(Used {
            program,
            named,
            package: locked.and_then(|version| Version::parse(&version.value).ok()),
            asked: asked(app, program),
        })
    });
    used.collect()
}

/// Where a `mix.exs` names the program's Hex package for this environment. Of a `mix.exs` that only Elixir could read,
/// the lock tells.
fn named(app: &App, program: Program, environment: &str) -> Option<Origin> {
    let children = app.children.iter().map(|child| &child.mix_exs);
    let projects: Vec<_> = app.mix_exs.iter().chain(children).collect();
    let mut deps = projects.iter().flat_map(|project| &project.deps);
    let dep = deps.find(|dep| dep.name.value == program.name() && dep.is_for(environment));
    if let Some(dep) = dep {
        return Some(dep.name.origin.clone());
    }
    let whole = |part| {
        projects
            .iter()
            .all(|project| project.unread(part).is_none())
    };
    if whole("deps") && whole("project") {
        return None;
    }
    let locked = app.mix_lock.as_ref()?.packages.get(program.name())?;
    Some(Origin::File(locked.span.clone()))
}

/// What is configured where the app is compiled: `config/prod.exs` counts before `config/config.exs`, the app's before
/// those of an umbrella's applications.
fn asked(app: &App, program: Program) -> Asked {
    let of_children = app.children.iter().map(|child| &child.configs);
    let mut places = std::iter::once(&app.configs).chain(of_children);
    let said = places.find_map(|configs| {
        let mut at_compile = configs.iter().rev().filter(|config| !config.at_start);
        at_compile.find_map(|config| {
            let own = program.path_in(config).cloned().map(Asked::Own);
            own.or_else(|| program.version_in(config).cloned().map(Asked::Version))
        })
    });
    said.unwrap_or(Asked::Nothing)
}

/// What is planned for the programs of an app.
#[derive(Debug, Default)]
pub(crate) struct Standalone {
    /// The programs; the steps that run them depend on their ids.
    pub(crate) tools: Vec<Tool>,
    /// Steps that lay them where the tasks look.
    pub(crate) steps: Vec<Step>,
    /// Which, and who said so.
    pub(crate) decisions: Vec<Decision>,
}

/// Plans the programs of `app`, seen below `app_dir` while it is built. One whose version cannot be read is left to the
/// Mix task; [`crate::rules::assets_binary_version`] says so.
pub(crate) fn plan(app: &App, context: &PlanContext<'_>, app_dir: &str) -> Outcome<Standalone> {
    let arch = context.check.target.arch;
    let mut planned = Standalone::default();
    let mut diagnostics = Vec::new();
    for used in used(app, environment(&context.check)) {
        let program = used.program;
        let decision = |value| Decision {
            what: program.name().to_owned(),
            value,
        };
        let (written, version) = match &used.asked {
            Asked::Version(written) => match Version::parse(&written.value) {
                Ok(version) => (written, version),
                Err(_) => continue,
            },
            Asked::Own(span) => {
                let own = Sourced::new("the app's own".to_owned(), Origin::File(span.clone()));
                planned.decisions.push(decision(own));
                continue;
            }
            Asked::Nothing => continue,
        };
        match tool(program, &version, app_dir, context) {
            Ok(tool) => {
                let place = program.place(used.package.as_ref(), &version, arch);
                planned.steps.push(step(&tool, place));
                planned.tools.push(tool);
                planned.decisions.push(decision(written.clone()));
            }
            Err(error) => {
                let problem = error.diagnostic();
                diagnostics.push(problem.from(&written.origin, "asked for here"));
            }
        }
    }
    Outcome::with(planned, diagnostics)
}

/// The `MIX_ENV` of a build.
pub(crate) fn environment<'a>(context: &CheckContext<'a>) -> &'a str {
    let set = context.config_vars.get("MIX_ENV");
    set.map_or("prod", String::as_str)
}

fn tool(
    program: Program,
    version: &Version,
    app_dir: &str,
    context: &PlanContext<'_>,
) -> Result<Tool, Box<dyn ListError>> {
    let id = program.name().to_owned();
    let name = format!("{id} {version}");
    let arch = context.check.target.arch;
    let (artifact, unpack) = match program {
        Program::Esbuild => {
            let package = if *version < Version::new(0, 16, 0) {
                format!("esbuild-{}", old_target(arch))
            } else {
                format!("@esbuild/{}", target(arch))
            };
            let package = context.npm.package(&package, &version.to_string())?;
            let artifact = Artifact {
                name: name.clone(),
                url: package.tarball,
                verify: Verify::Sha512Hex(package.sha512),
                max_bytes: 128 << 20,
                kind: Kind::TarGz,
            };
            let unpack = Unpack::Archive {
                strip: 1,
                under: String::new(),
            };
            (artifact, unpack)
        }
        Program::Tailwind => {
            let release = format!("{}/v{version}", context.upstreams.tailwind);
            let file = format!("tailwindcss-{}", target(arch));
            let sums = context.sums.sums(&format!("{release}/{SUMS}"))?;
            let published = sums.and_then(|sums| sums.get(&file).copied());
            let artifact = Artifact {
                name: name.clone(),
                url: format!("{release}/{file}"),
                verify: published.map_or(Verify::FirstUse, Verify::Sha256),
                max_bytes: 512 << 20,
                kind: Kind::Program,
            };
            let unpack = Unpack::Program {
                name: program.file().to_owned(),
            };
            (artifact, unpack)
        }
    };
    Ok(Tool {
        place: format!("{app_dir}/.platform_tools/{id}"),
        version: version.to_string(),
        install: None,
        purpose: Purpose::Node,
        in_image: false,
        pin: None,
        binds_output: false,
        name,
        id,
        artifact,
        unpack,
    })
}

/// Due before anything is compiled: a hook after the compile may run the program.
fn step(tool: &Tool, place: String) -> Step {
    let heading = format!("Placing {}", tool.name);
    Step {
        skip_if_unchanged: Some(Inputs {
            tools: vec![tool.id.clone()],
            outputs: vec![place],
            ..Inputs::default()
        }),
        ..Step::new(&tool.id, Phase::Dependencies, heading, Run::Pack)
    }
}

/// Does a step of [`plan`]; other steps are let be.
pub(crate) fn prepare(step: &Step, host: &Host<'_>) -> Result<(), CompileError> {
    let program = (Program::ALL.into_iter()).find(|program| program.name() == step.id);
    let inputs = step.skip_if_unchanged.as_ref();
    let place = inputs.and_then(|inputs| inputs.outputs.first());
    let (Some(program), Some(place), Run::Pack) = (program, place, &step.run) else {
        return Ok(());
    };
    let Some(folder) = host.tools.get(program.name()) else {
        return Ok(());
    };
    let from = folder.join(program.file());
    copy_in_tree(host.tree, place, &from, true).map_err(|source| CompileError::Tree {
        path: host.tree.join(place),
        source,
    })
}

/// Whether a file below the app's folder is such a program, laid there by us or by a Mix task: no image needs it.
pub(crate) fn is_program(path: &str) -> bool {
    path.strip_prefix("_build/").is_some_and(|name| {
        let names = ["esbuild-", "tailwind-"];
        !name.contains('/') && (name == "esbuild" || names.iter().any(|n| name.starts_with(n)))
    })
}

#[cfg(test)]
mod tests;
