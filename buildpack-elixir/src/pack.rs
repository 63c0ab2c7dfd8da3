//! The Elixir pack: a table of contents of its parts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use buildpack_core::app::App;
use buildpack_core::check::{CheckContext, Checked};
use buildpack_core::diagnostic::{Diagnostic, Origin, Outcome, Sourced};
use buildpack_core::digest::Digest;
use buildpack_core::layer::Normalise;
use buildpack_core::pack::{
    Buildpack, Built, CompileError, Detection, Finding, Host, Made, Place, PlanContext, Release,
    TESTS, write_in_tree,
};
use buildpack_core::plan::{Decision, Goal, PackPlan, Step};
use buildpack_core::version::Tool;

use crate::config::ElixirConfig;
use crate::environment::{self, Settings};
use crate::inspect::{Output, mix_tasks, static_manifest};
use crate::normalise::{self, BeamNormaliser, ReleaseCookie, not_for_the_image};
use crate::resolve::ResolvedTools;
use crate::rules::config_deprecated_key;
use crate::tools::{Places, Versions};
use crate::{
    atom_order, check, config, detect, layers, loaded, mix_test, packages, resolve, steps, tools,
};

/// The Elixir pack, compatible with `elixir_buildpack.config`.
#[derive(Debug, Clone, Copy, Default)]
pub struct ElixirPack;

impl Buildpack for ElixirPack {
    fn detect(&self, app: &App) -> Detection {
        let applies = detect::detect(app);
        Detection {
            applies,
            name: "Elixir".to_owned(),
            evidence: vec![format!(
                "`{}` {} at the top of the app",
                detect::EVIDENCE,
                if applies { "stands" } else { "is missing" }
            )],
        }
    }

    fn check(&self, app: &App, context: &CheckContext<'_>) -> Checked {
        check::check(app, context)
    }

    fn looks_at(&self, _: &App, _: &Goal) -> Vec<Tool> {
        vec![Tool::Erlang, Tool::Elixir]
    }

    fn planned_keys(&self) -> Vec<(&'static str, &'static [&'static str])> {
        vec![(config::FILE, &config::PLANNED)]
    }

    fn plan(&self, app: &App, context: &PlanContext<'_>) -> Outcome<PackPlan> {
        let mut diagnostics = Vec::new();
        let plan = plan(app, context, &mut diagnostics);
        Outcome {
            value: plan.filter(|_| !diagnostics.iter().any(Diagnostic::is_error)),
            diagnostics,
        }
    }

    fn prepare(
        &self,
        plan: &PackPlan,
        step: &Step,
        host: &Host<'_>,
    ) -> Result<BTreeMap<String, String>, CompileError> {
        let done = match step.id.as_str() {
            packages::SOURCES => packages::restore_sources(plan, host).map(|()| false),
            packages::COMPILED => packages::restore_compiled(plan, host).map(|()| false),
            steps::ATOM_ORDER => pin_atoms(host),
            _ => Ok(false),
        };
        let pinned = done.map_err(|source| CompileError::Tree {
            path: host.tree.to_owned(),
            source,
        })?;
        Ok(if pinned {
            environment::boot(&format!("{}/{BOOT_FILE}", plan.app_dir))
        } else {
            BTreeMap::new()
        })
    }

    fn survey(&self, plan: &PackPlan, tree: &Path) -> Result<Built, CompileError> {
        let output = tree.join("_build").join(mix_env(plan));
        remove_dangling(&output.join("lib"))?;
        let dependencies = folders(&tree.join("deps"))?;
        let compiled = folders(&output.join("lib"))?;
        Ok(Built {
            applications: compiled.difference(&dependencies).cloned().collect(),
            dependencies,
            releases: folders(&output.join("rel"))?.into_iter().collect(),
            ..Built::default()
        })
    }

    fn release(&self, plan: &PackPlan, built: &Built) -> Option<Release> {
        let mut processes = plan.default_processes.clone();
        if let (true, [release]) = (releases(plan), built.releases.as_slice()) {
            let command = format!("_build/{}/rel/{release}/bin/{release} start", mix_env(plan));
            processes.insert("web".to_owned(), command);
        }
        Some(Release {
            processes,
            ..Release::default()
        })
    }

    fn place_of(&self, plan: &PackPlan, built: &Built, path: &str) -> Place {
        if not_for_the_image(Path::new(path)) {
            return Place::Nowhere;
        }
        let purpose = if releases(plan) {
            layers::of_release(mix_env(plan), built, path)
        } else {
            layers::of_source(mix_env(plan), built, path)
        };
        purpose.map_or(Place::Nowhere, Place::Layer)
    }

    fn loads(&self, plan: &PackPlan, path: &str) -> bool {
        loaded::is_loaded(&plan.app_dir, path)
    }

    fn inspect(&self, plan: &PackPlan, made: &Made<'_>) -> Vec<Finding> {
        let output = Output {
            mix_env: mix_env(plan),
            releases: releases(plan),
        };
        let mut findings = static_manifest::missing(made, output);
        findings.extend(mix_tasks::missing(plan, made, output));
        findings
    }

    fn normalisers(&self, inputs: &Digest, built: &Built) -> Vec<Box<dyn Normalise>> {
        vec![
            Box::new(BeamNormaliser::new(built.dependencies.clone())),
            Box::new(ReleaseCookie::new(inputs.bytes())),
        ]
    }

    fn layers_version(&self) -> String {
        normalise::VERSION.to_owned()
    }
}

/// The boot file that names the app's words, below the app's folder and without its extension.
pub(crate) const BOOT_FILE: &str = ".bp/atoms";

/// The same words as text.
pub(crate) const WORDS_FILE: &str = ".bp/words";

/// Writes both; `false` where OTP's own boot file is none that we know how to begin.
fn pin_atoms(host: &Host<'_>) -> std::io::Result<bool> {
    let Some(erlang) = host.tools.get("erlang") else {
        return Ok(false);
    };
    let start = fs_err::read(erlang.join("bin/start.boot"))?;
    let words = atom_order::words(host.tree)?;
    let Some(file) = atom_order::boot_file(&start, &words) else {
        return Ok(false);
    };
    packages::forget_what_follows(host.tree, &words)?;
    let text = words.text();
    write_in_tree(host.tree, WORDS_FILE, text.as_bytes(), false)?;
    write_in_tree(host.tree, &format!("{BOOT_FILE}.boot"), &file, false)?;
    Ok(true)
}

fn plan(
    app: &App,
    context: &PlanContext<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<PackPlan> {
    let config = keep(
        ElixirConfig::read(app, context.check.evaluated),
        diagnostics,
    )?;
    diagnostics.extend(config_deprecated_key::check(&config));
    let resolution = resolve::resolve(app, &config, &context.check, true);
    diagnostics.extend(resolution.diagnostics);
    let resolved = resolution.tools?;
    if diagnostics.iter().any(Diagnostic::is_error) {
        // There will be no plan, so the install lists need not be asked for.
        return None;
    }
    let app_dir = config.runtime_path.value.trim_end_matches('/').to_owned();
    let settings = Settings::of(&app_dir, context.check.config_vars, context.goal);
    let places = Places {
        erlang: format!("{app_dir}/.platform_tools/erlang"),
        elixir: format!("{app_dir}/.platform_tools/elixir"),
        mix_home: settings.mix_home.clone(),
        hex_home: settings.hex_home.clone(),
    };
    let tools = keep(
        tools::plan(
            &resolved,
            &context.upstreams.hex_builds,
            context.install_lists,
            &places,
            !config.release.value,
        ),
        diagnostics,
    )?;
    let versions = Versions::of(&resolved);
    let tests = context.goal.tests();
    let releases = config.release.value && tests.is_none();
    let web = Some("mix run --no-halt").filter(|_| !releases);
    let mix_env = &settings.mix_env.value;
    let mut steps = steps::plan(&config, &versions.elixir, mix_env, context.goal);
    let mut decisions = decisions(&resolved, &settings);
    if releases {
        decisions.push(Decision {
            what: "release".to_owned(),
            value: config.release.clone().map(|_| "yes".to_owned()),
        });
    }
    if let Some(options) = tests {
        let command = mix_test::command(&config, context.check.config_vars, options);
        steps.push(mix_test::step(&command.value));
        decisions.push(Decision {
            what: TESTS.to_owned(),
            value: command,
        });
    }
    Some(PackPlan {
        packs: vec!["Elixir".to_owned()],
        decisions,
        build_env: environment::build(&settings, &places, &tools),
        surroundings: environment::surroundings(context, &versions),
        build_path: environment::path(&places),
        steps,
        profile: environment::profile(&settings, &places, releases),
        default_processes: web
            .map(|command| ("web".to_owned(), command.to_owned()))
            .into_iter()
            .collect(),
        // The words by name, too: of a container's `.bp` nothing else is brought back to the next one.
        kept: ["_build", "deps", ".mix", ".hex", ".bp", WORDS_FILE]
            .map(str::to_owned)
            .to_vec(),
        from_scratch: config.always_rebuild.value,
        tools,
        ..PackPlan::empty(&app_dir)
    })
}

fn decisions(tools: &ResolvedTools, settings: &Settings) -> Vec<Decision> {
    let decided = |what: &str, value: &Sourced<String>, rule: &str| Decision {
        what: what.to_owned(),
        value: if rule.is_empty() {
            value.clone()
        } else {
            value.clone().map(|version| format!("{version} ({rule})"))
        },
    };
    vec![
        decided("Erlang", &tools.otp.version, &tools.otp.rule),
        decided("Elixir", &tools.elixir.version, &tools.elixir.rule),
        decided("MIX_ENV", &settings.mix_env, ""),
    ]
}

fn keep<T>(outcome: Outcome<T>, diagnostics: &mut Vec<Diagnostic>) -> Option<T> {
    diagnostics.extend(outcome.diagnostics);
    outcome.value
}

/// The environment that Mix builds for.
fn mix_env(plan: &PackPlan) -> &str {
    plan.build_env.get("MIX_ENV").map_or("prod", String::as_str)
}

/// Whether the image holds a release and none of the tools.
fn releases(plan: &PackPlan) -> bool {
    plan.steps.iter().any(|step| step.id == "release")
}

/// Removes the links that Mix made for an application's `priv` and `include` when these are gone since: a clean build
/// would not have them.
fn remove_dangling(lib: &Path) -> Result<(), CompileError> {
    for application in folders(lib)? {
        for name in ["priv", "include"] {
            let link = lib.join(&application).join(name);
            if link.is_symlink() && !link.exists() {
                fs_err::remove_file(&link)
                    .map_err(|source| CompileError::Tree { path: link, source })?;
            }
        }
    }
    Ok(())
}

/// Names of the folders in `path`; none where it does not exist.
fn folders(path: &Path) -> Result<BTreeSet<String>, CompileError> {
    let failed = |source| CompileError::Tree {
        path: path.to_owned(),
        source,
    };
    let entries = match fs_err::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut names = BTreeSet::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if entry.path().is_dir()
            && let Some(name) = entry.file_name().to_str()
        {
            names.insert(name.to_owned());
        }
    }
    Ok(names)
}

/// A config var, else a default of this rule.
pub(crate) fn var_or(
    vars: &BTreeMap<String, String>,
    name: &str,
    default: &str,
    rule: &str,
) -> Sourced<String> {
    match vars.get(name) {
        Some(value) => Sourced::new(value.clone(), Origin::Env(name.to_owned())),
        None => Sourced::new(default.to_owned(), Origin::Default(rule.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_to_what_is_gone_are_gone_too() {
        let lib = tempfile::tempdir().unwrap();
        let app = lib.path().join("hello");
        fs_err::create_dir_all(app.join("there")).unwrap();
        symlink("../../../../priv", app.join("priv")).unwrap();
        symlink("there", app.join("include")).unwrap();
        remove_dangling(lib.path()).unwrap();
        assert!(!app.join("priv").is_symlink());
        assert!(app.join("include").exists());
        remove_dangling(&lib.path().join("nothing")).unwrap();
    }
}
