//! `assets-missing-script`: nothing would build the assets, or not what is meant to.

use buildpack_core::app::{App, ChildApp, ConfigValue, MixExs, PackageJson};
use buildpack_core::diagnostic::{Diagnostic, Sourced};

use crate::config::{FILE, StaticConfig, text};
use crate::hooks;

/// The script that the pack looks for where the config names none.
const COMPILE: &str = "compile";

/// The warnings where neither a `deploy` script, nor a Mix alias, nor a script of the app's own builds the assets: of the
/// app, and of each Phoenix app of an umbrella.
pub(crate) fn check(app: &App, config: &StaticConfig) -> Vec<Diagnostic> {
    if let Some(named) = config.compile.as_ref() {
        let Some(name) = text(named) else {
            return Vec::new();
        };
        if !name.is_empty() {
            let missing = (!app.has(name)).then(|| no_such_script(named, name));
            return missing.into_iter().collect();
        }
    } else if app.has(COMPILE) {
        return Vec::new();
    }
    if hooks::may_build(app) {
        return Vec::new();
    }
    // The Phoenix app that the config names is the only one that is built.
    let named = config.phoenix_relative_path.as_ref();
    let named = named.filter(|path| is_below(path));
    let is_named = |child: &&ChildApp| {
        let path = |path| Some(text(path)?.trim_start_matches("./").trim_matches('/'));
        named.is_none_or(|named| path(named) == Some(child.path.as_str()))
    };
    let own = (
        &app.package_jsons,
        "mix.exs".to_owned(),
        app.mix_exs.as_ref(),
    );
    let children = app
        .children
        .iter()
        .filter(is_named)
        .filter(|child| child.mix_exs.depends_on("phoenix"))
        .map(|child| {
            let path = format!("{}/mix.exs", child.path);
            (&child.package_jsons, path, Some(&child.mix_exs))
        });
    std::iter::once(own)
        .filter(|_| named.is_none())
        .chain(children)
        .filter_map(|(packages, path, mix)| unbuilt(app, packages, &path, mix))
        .collect()
}

fn unbuilt(
    app: &App,
    packages: &[PackageJson],
    mix_path: &str,
    mix: Option<&MixExs>,
) -> Option<Diagnostic> {
    let deploys = |package: &PackageJson| package.scripts.contains_key("deploy");
    if mix.is_some_and(builds) || packages.iter().any(deploys) {
        return None;
    }
    let Some(package) = packages.last() else {
        return for_deno(app, mix_path);
    };
    if packages.iter().any(|package| package.unread) {
        return None;
    }
    let problem = Diagnostic::warning(
        "assets-missing-script",
        format!(
            "nothing would build the assets: `{}` has no script `deploy`, and `{mix_path}` no alias `assets.deploy`",
            package.path
        ),
    );
    let problem = match package.scripts.values().next() {
        Some(script) => problem.from(&script.origin, "the scripts that there are"),
        None => problem,
    };
    Some(problem.help(format!(
        "add a script `deploy` to `{}` that builds them for production, or an alias `assets.deploy` to `{mix_path}`",
        package.path
    )))
}

/// The warning that the assets are for deno alone.
fn for_deno(app: &App, mix_path: &str) -> Option<Diagnostic> {
    let folder = mix_path.strip_suffix("mix.exs").unwrap_or_default();
    let files = [
        "assets/deno.json",
        "assets/deno.jsonc",
        "deno.json",
        "deno.jsonc",
    ];
    let mut files = files.iter().map(|file| format!("{folder}{file}"));
    let file = files.find(|file| app.has(file))?;
    let problem = Diagnostic::warning(
        "assets-missing-script",
        format!(
            "nothing would build the assets: `{file}` is for deno, which is not supported, and `{mix_path}` has no alias \
             `assets.deploy`"
        ),
    );
    Some(
        problem
            .help("let `hook_post_compile` in `elixir_buildpack.config` build them, or that alias"),
    )
}

/// Whether Mix builds the assets, or may do so for all that can be read.
fn builds(mix: &MixExs) -> bool {
    let unread = |part: &&str| mix.unread(part).is_some();
    mix.umbrella
        || mix.aliases.contains_key("assets.deploy")
        || ["aliases", "project"].iter().any(unread)
}

/// Whether the Phoenix app is not the app itself, or may not be.
fn is_below(path: &Sourced<ConfigValue>) -> bool {
    text(path).is_none_or(|path| !matches!(path.trim_matches('/'), "" | "."))
}

fn no_such_script(named: &Sourced<ConfigValue>, name: &str) -> Diagnostic {
    Diagnostic::warning(
        "assets-missing-script",
        format!("`{FILE}` names the script `{name}`, and there is none"),
    )
    .from(&named.origin, "the pack then goes its usual way")
    .help(format!("add `{name}` to the app, or take the line out"))
}
