//! Which Phoenix apps have their assets built: the one that the config names, else the app itself, and of an umbrella
//! every application that has something to build.

use buildpack_core::app::{App, ChildApp, ConfigValue, MixExs};
use buildpack_core::diagnostic::{Class, Diagnostic, Origin, Outcome, Sourced};

use crate::assets::{AssetsApp, Builder, DEPLOY, Digesting, inside, of};
use crate::config::StaticConfig;
use crate::neighbours;
use crate::package_manager::{PackageManager, Program};

/// The Phoenix apps in the order in which they are built; by `hook`, if any hook builds assets.
pub(crate) fn find<'a>(
    app: &'a App,
    config: &StaticConfig,
    hook: Option<&str>,
) -> Outcome<Vec<AssetsApp<'a>>> {
    let mut diagnostics = Vec::new();
    let mut folder = |key: &str, value: Option<&Sourced<ConfigValue>>| {
        let found = inside(key, value);
        found.map_err(|problem| diagnostics.push(*problem)).ok()
    };
    let named = folder(
        "phoenix_relative_path",
        config.phoenix_relative_path.as_ref(),
    );
    let said = folder("assets_path", config.assets_path.as_ref());
    let (Some(named), Some(said)) = (named, said) else {
        return Outcome::failed(diagnostics);
    };
    let mut at = |folder: &str, mix_exs: Option<&MixExs>| {
        let found = of(app, config, hook, folder, &said, mix_exs);
        found.collect(&mut diagnostics)
    };
    if !named.is_empty() {
        let child = app.children.iter().find(|child| child.path == named);
        let found = at(&named, child.map(|child| &child.mix_exs));
        return Outcome {
            value: found.map(|found| vec![found]),
            diagnostics,
        };
    }
    let own = at("", app.mix_exs.as_ref());
    let by_script = own
        .as_ref()
        .is_some_and(|own| matches!(own.builder.value, Builder::Script(_)));
    let mut all = Vec::new();
    if !by_script {
        let mut whole = own.is_some();
        for child in app.children.iter().filter(|child| has_assets(app, child)) {
            match at(&child.path, Some(&child.mix_exs)) {
                Some(found) => all.push(found),
                None => whole = false,
            }
        }
        if !whole {
            return Outcome::failed(diagnostics);
        }
    }
    if let Some(own) = own {
        if own.builder.value == Builder::Alias {
            leave_to_alias(&mut all, app, &own);
        }
        // A hook that builds them wants their packages, no more.
        all.retain(|child| child.builder.value != Builder::Hook || child.package.is_some());
        // Of an umbrella, the root itself has none, mostly.
        if all.is_empty() || own.package.is_some() || own.builder.value == Builder::Alias {
            all.push(own);
        }
    }
    neighbours::tell(app, &mut all);
    diagnostics.extend(one_of_each_manager(&all));
    Outcome::with(all, diagnostics)
}

/// Whether an application of an umbrella has something to build or to digest.
fn has_assets(app: &App, child: &ChildApp) -> bool {
    let deploys = |script: &str| {
        let mut packages = child.package_jsons.iter();
        packages.any(|package| package.scripts.contains_key(script))
    };
    let phoenix = child.mix_exs.depends_on("phoenix");
    child.mix_exs.aliases.contains_key(DEPLOY)
        || deploys("deploy")
        || phoenix && !child.package_jsons.is_empty()
        || phoenix && app.has(&format!("{}/priv/static", child.path))
}

/// Where the root has an alias that builds all of them, only packages are installed for the others before it.
fn leave_to_alias(children: &mut [AssetsApp<'_>], app: &App, own: &AssetsApp<'_>) {
    let alias = app.mix_exs.as_ref().map(|mix| mix.alias(DEPLOY));
    let task = format!("{}.digest", own.phoenix_ex);
    // `cmd mix assets.deploy` runs the alias of each.
    let digests = alias.is_some_and(|alias| alias.runs(&task) || alias.runs("cmd"));
    for child in children.iter_mut() {
        child.builder = Sourced::new(Builder::Hook, own.builder.origin.clone());
        if digests {
            child.digest = Digesting::NotOurs("the alias of the umbrella does it".to_owned());
        }
    }
}

/// One Node runs them all, and one version of each package manager: where others are asked for, that is an error.
fn one_of_each_manager(apps: &[AssetsApp<'_>]) -> Option<Diagnostic> {
    let managers: Vec<_> = apps.iter().filter_map(|app| app.manager.as_ref()).collect();
    let (first, other) = managers.iter().enumerate().find_map(|(at, first)| {
        let fetched = fetched(first)?;
        let others = managers[at + 1..].iter();
        let other = others.copied().find(|other| {
            let same = other.manager.program() == first.manager.program();
            same && self::fetched(other).is_some_and(|version| version != fetched)
        });
        Some((*first, other?))
    })?;
    let program = first.manager.program();
    let problem = Diagnostic::error(
        "package-manager-conflict",
        Class::Config,
        format!("the applications of this umbrella ask for more than one version of {program}"),
    );
    let asked = [&first.origin, &other.origin];
    let problem = asked
        .into_iter()
        .fold(problem, |problem, origin| match origin {
            Origin::File(span) => problem.at(span.clone(), "asked for here"),
            other => problem.note(format!("one: {other}")),
        });
    Some(problem.help(format!(
        "let `packageManager` of each `package.json` name the same version of {program}"
    )))
}

fn fetched(manager: &PackageManager) -> Option<&semver::Version> {
    match &manager.program {
        Program::Fetched { version, .. } => Some(version),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
