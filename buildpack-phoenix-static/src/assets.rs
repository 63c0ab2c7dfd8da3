//! What of an app has assets, and who builds them: decided from the app's files alone.

use buildpack_core::app::{App, ConfigValue, MixExs, PackageJson, folder_inside};
use buildpack_core::diagnostic::{Class, Diagnostic, Origin, Outcome, Sourced};

use crate::config::{FILE, StaticConfig, text};
use crate::lock_file::lock_files;
use crate::package_manager::{PackageManager, asks_for_another, below, choose};

/// A Phoenix app whose assets are built.
#[derive(Debug, Clone)]
pub(crate) struct AssetsApp<'a> {
    /// Its folder below the app's; empty for the app itself.
    pub(crate) phoenix_dir: String,
    /// Where its `package.json` is, or would be.
    pub(crate) assets_dir: String,
    /// Its `package.json`, if packages are installed for it.
    pub(crate) package: Option<&'a PackageJson>,
    /// What installs them.
    pub(crate) manager: Option<PackageManager>,
    /// Who builds the assets.
    pub(crate) builder: Sourced<Builder>,
    /// Who digests them.
    pub(crate) digest: Digesting,
    /// The first word of Phoenix's Mix tasks: `phx` or `phoenix`.
    pub(crate) phoenix_ex: String,
    /// Whether templates are searched for what the stylesheets need.
    pub(crate) scans_templates: bool,
    /// Whether what builds or digests the assets has Mix compile the app by itself.
    pub(crate) compiles: bool,
    /// Folders of other applications of the umbrella that do not count for these assets.
    pub(crate) unrelated: Vec<String>,
}

/// Who builds assets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Builder {
    /// A script of the app, at this path, in place of the pack's steps.
    Script(String),
    /// The script `deploy` of `package.json`.
    Deploy,
    /// The alias `assets.deploy` of `mix.exs`.
    Alias,
    /// A hook of the app.
    Hook,
    /// Nobody.
    Nobody,
}

/// Who gives static files names that follow from their content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Digesting {
    /// A step of ours.
    Ours,
    /// Nobody, or whoever builds the assets; why.
    NotOurs(String),
}

/// The script that is looked for where the config names none.
const COMPILE: &str = "compile";

/// The alias that builds assets.
pub(crate) const DEPLOY: &str = "assets.deploy";

/// The first Phoenix whose `phx.digest` compiles the app (its `lib/mix/tasks/phx.digest.ex`).
const COMPILES: semver::Version = semver::Version::new(1, 6, 0);

/// Parts of names of packages that search templates for class names.
const SCANNERS: [&str; 6] = [
    "tailwind", "purgecss", "unocss", "windicss", "pandacss", "twind",
];

/// The Phoenix app in `phoenix_dir`, whose `package.json` the config says to be in `said` below it; `hook` builds it, if
/// any hook does.
pub(crate) fn of<'a>(
    app: &'a App,
    config: &StaticConfig,
    hook: Option<&str>,
    phoenix_dir: &str,
    said: &str,
    mix_exs: Option<&MixExs>,
) -> Outcome<AssetsApp<'a>> {
    let mut diagnostics = Vec::new();
    let candidate = package(app, phoenix_dir, said);
    let assets_dir = match candidate {
        Some(package) => folder_of(&package.path).to_owned(),
        None => below(phoenix_dir, if said.is_empty() { "assets" } else { said }),
    };
    let script = script(app, config, phoenix_dir);
    let builder = builder(candidate, mix_exs, script, hook);
    // Scripts may want packages though no package.json says so; otherwise a package.json may be there for its own sake.
    let package = candidate.filter(|package| {
        !package.dependencies.is_empty()
            || ["deploy", "postinstall", "install", "preinstall", "prepare"]
                .iter()
                .any(|script| package.scripts.contains_key(*script))
            || matches!(builder.value, Builder::Script(_))
            || !lock_files(app, &assets_dir).is_empty()
    });
    // A hook may use what we don't know.
    let package = package.filter(|package| {
        builder.value != Builder::Hook || !asks_for_another(app, &assets_dir, package)
    });
    let manager = match package {
        Some(package) => {
            let chosen = choose(app, &assets_dir, package, config).collect(&mut diagnostics);
            let Some(chosen) = chosen else {
                return Outcome::failed(diagnostics);
            };
            Some(chosen)
        }
        None => None,
    };
    let phoenix_ex = phoenix_ex(app, config);
    let digest = digesting(
        app,
        phoenix_dir,
        candidate,
        mix_exs,
        &builder.value,
        &phoenix_ex,
    );
    let compiles = compiles(app, mix_exs, &builder.value, &digest, &phoenix_ex);
    Outcome {
        value: Some(AssetsApp {
            phoenix_dir: phoenix_dir.to_owned(),
            compiles,
            unrelated: Vec::new(),
            scans_templates: scans_templates(app, package),
            assets_dir,
            package,
            manager,
            builder,
            digest,
            phoenix_ex,
        }),
        diagnostics,
    }
}

/// A folder that the config names, below the app's.
pub(crate) fn inside(
    key: &str,
    value: Option<&Sourced<ConfigValue>>,
) -> Result<String, Box<Diagnostic>> {
    let Some(value) = value else {
        return Ok(String::new());
    };
    let problem = |what: String| {
        Box::new(
            Diagnostic::error("assets-path", Class::Config, what)
                .from(&value.origin, "written here")
                .help(format!("let `{key}` in `{FILE}` name a folder of the app")),
        )
    };
    let Some(text) = text(value) else {
        return Err(problem(format!(
            "only bash can tell what `{key}` is, so that no assets can be found"
        )));
    };
    folder_inside(text).ok_or_else(|| {
        problem(format!(
            "`{key}` must lie inside of the app: found `{text}`"
        ))
    })
}

/// The `package.json` that counts: where the config says, else of the Phoenix app's own and that in `assets` the one with
/// a script `deploy`, else the first (the bash packs' order).
fn package<'a>(app: &'a App, phoenix_dir: &str, said: &str) -> Option<&'a PackageJson> {
    let at = |folder: &str| {
        let path = below(folder, "package.json");
        app.every_package_json()
            .find(|package| package.path == path)
    };
    if !said.is_empty()
        && let Some(package) = at(&below(phoenix_dir, said))
    {
        return Some(package);
    }
    let usual = [at(phoenix_dir), at(&below(phoenix_dir, "assets"))];
    let usual = usual.into_iter().flatten();
    let deploys = |package: &&PackageJson| package.scripts.contains_key("deploy");
    usual.clone().find(deploys).or_else(|| usual.clone().next())
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The script of the app's own, if there is one; what names it.
fn script(app: &App, config: &StaticConfig, phoenix_dir: &str) -> Option<Sourced<String>> {
    let named = config.compile.as_ref();
    let name = named.map_or(Some(COMPILE), text)?;
    let name = if name.is_empty() { COMPILE } else { name };
    // The bash packs look at the app's top.
    let path = [
        folder_inside(name)?,
        below(phoenix_dir, &folder_inside(name)?),
    ]
    .into_iter()
    .find(|path| !path.is_empty() && app.root().join(path).is_file())?;
    let origin = named.map_or(Origin::Default("it is there".to_owned()), |named| {
        named.origin.clone()
    });
    Some(Sourced::new(path, origin))
}

fn builder(
    package: Option<&PackageJson>,
    mix_exs: Option<&MixExs>,
    script: Option<Sourced<String>>,
    hook: Option<&str>,
) -> Sourced<Builder> {
    if let Some(hook) = hook {
        return Sourced::new(Builder::Hook, Origin::Default(hook.to_owned()));
    }
    if let Some(script) = script {
        return script.map(Builder::Script);
    }
    if let Some(deploy) = package.and_then(|package| package.scripts.get("deploy")) {
        return Sourced::new(Builder::Deploy, deploy.origin.clone());
    }
    if let Some(alias) = mix_exs.and_then(|mix| mix.aliases.get(DEPLOY)) {
        return Sourced::new(Builder::Alias, Origin::File(alias.name.clone()));
    }
    let why = match package {
        Some(package) => format!(
            "{} has no script `deploy`, mix.exs no alias `assets.deploy`",
            package.path
        ),
        None => "there is no package.json, and mix.exs has no alias `assets.deploy`".to_owned(),
    };
    Sourced::new(Builder::Nobody, Origin::Default(why))
}

fn digesting(
    app: &App,
    phoenix_dir: &str,
    package: Option<&PackageJson>,
    mix_exs: Option<&MixExs>,
    builder: &Builder,
    phoenix_ex: &str,
) -> Digesting {
    let task = format!("{phoenix_ex}.digest");
    let not_ours = |why: &str| Digesting::NotOurs(why.to_owned());
    let phoenix = app
        .mix_lock
        .as_ref()
        .is_some_and(|lock| lock.packages.contains_key("phoenix"))
        || app
            .mix_exs
            .as_ref()
            .is_some_and(|mix| mix.depends_on("phoenix"));
    match builder {
        Builder::Hook => not_ours("a hook does it"),
        Builder::Script(_) => not_ours("the script does it"),
        _ if !phoenix => not_ours("phoenix is in neither mix.lock nor mix.exs"),
        Builder::Alias if mix_exs.is_some_and(|mix| mix.alias(DEPLOY).runs(&task)) => {
            not_ours("the alias does it")
        }
        Builder::Deploy
            if package
                .and_then(|package| package.scripts.get("deploy"))
                .is_some_and(|deploy| deploy.value.contains(&task)) =>
        {
            not_ours("the script `deploy` does it")
        }
        Builder::Nobody if !app.has(&below(phoenix_dir, "priv/static")) => {
            not_ours("there is no priv/static")
        }
        _ => Digesting::Ours,
    }
}

/// Phoenix had its tasks under its whole name before 1.3.
fn phoenix_ex(app: &App, config: &StaticConfig) -> String {
    let said = config.phoenix_ex.as_ref().and_then(text).map(str::trim);
    // The word becomes one of a command.
    let plain = |word: &&str| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))
    };
    if let Some(said) = said.filter(plain) {
        return said.to_owned();
    }
    let old = phoenix(app).is_some_and(|version| version < semver::Version::new(1, 3, 0));
    if old { "phoenix" } else { "phx" }.to_owned()
}

/// The version of Phoenix, where `mix.lock` has one.
fn phoenix(app: &App) -> Option<semver::Version> {
    let lock = app.mix_lock.as_ref()?;
    let version = lock.packages.get("phoenix")?.version.as_ref()?;
    semver::Version::parse(&version.value).ok()
}

/// Whether a task of Mix that builds or digests these assets compiles what is out of date. A script of the app's need not
/// start Mix.
fn compiles(
    app: &App,
    mix_exs: Option<&MixExs>,
    builder: &Builder,
    digest: &Digesting,
    phoenix_ex: &str,
) -> bool {
    let digest_compiles = phoenix(app).is_some_and(|version| version >= COMPILES);
    match (builder, digest) {
        (Builder::Deploy | Builder::Alias, Digesting::Ours) => digest_compiles,
        (Builder::Alias, Digesting::NotOurs(_)) => mix_exs.is_some_and(|mix| {
            let alias = mix.alias(DEPLOY);
            let digests = digest_compiles && alias.lists(&format!("{phoenix_ex}.digest"));
            (digests || alias.lists("compile")) && !alias.runs("--no-compile")
        }),
        _ => false,
    }
}

fn scans_templates(app: &App, package: Option<&PackageJson>) -> bool {
    let is_scanner = |name: &str| SCANNERS.iter().any(|part| name.contains(part));
    let of_npm = package.is_some_and(|package| {
        package.dependencies.keys().any(|name| is_scanner(name))
            || package
                .scripts
                .values()
                .any(|script| is_scanner(&script.value) || script.value.contains("lib/"))
    });
    let of_mix = app
        .mix_lock
        .as_ref()
        .is_some_and(|lock| lock.packages.keys().any(|name| is_scanner(name)))
        || app
            .mix_exs
            .as_ref()
            .is_some_and(|mix| mix.deps.iter().any(|dep| is_scanner(&dep.name.value)));
    of_npm || of_mix
}
