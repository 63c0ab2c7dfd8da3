//! The steps that install packages, build assets and digest them.

use std::collections::BTreeMap;

use buildpack_core::plan::{Inputs, PackPlan, Phase, Run, Separator, Step, TaskRunner};

use crate::assets::{AssetsApp, Builder, DEPLOY, Digesting};
use crate::package_manager::{Manager, PackageManager, Program, below};

/// The step that installs packages; of several apps each has its own, with its folder behind it.
pub const INSTALL: &str = "assets-install";

/// The step that writes the small programs of package managers.
pub(crate) const PROGRAMS: &str = "assets-programs";

/// What lets yarn from 2 on install without a lock file, or with one of yarn 1.
const NOT_IMMUTABLE: &str = "--no-immutable";

/// The step that adds static files of earlier builds.
pub(crate) const EARLIER: &str = "assets-earlier";

/// What packages are installed from besides the lock file and what stands in the assets' folder: these may stand above it.
const PACKAGE_FILES: [&str; 11] = [
    "package.json",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "pnpm-workspace.yaml",
    ".pnpmfile.cjs",
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    "*.patch",
];

/// What bundlers read wherever it stands: next to templates, at the top of the app.
const BUNDLED_FILES: [&str; 33] = [
    "*.js",
    "*.cjs",
    "*.mjs",
    "*.jsx",
    "*.ts",
    "*.cts",
    "*.mts",
    "*.tsx",
    "*.json",
    "*.json5",
    "*.css",
    "*.scss",
    "*.sass",
    "*.less",
    "*.styl",
    "*.pcss",
    "*.vue",
    "*.svelte",
    "*.elm",
    "*.wasm",
    "*.svg",
    "*.html",
    "*.md",
    "*.yml",
    "*.yaml",
    "*.toml",
    ".babelrc",
    ".browserslistrc",
    ".postcssrc",
    ".swcrc",
    ".env",
    ".env.production",
    "*.exs",
];

/// Folders of templates: today's, that of Phoenix before 1.3, and that of umbrellas.
const TEMPLATES: [&str; 3] = ["lib", "web", "apps"];

/// What steps are made for besides the app.
pub(crate) struct Surroundings<'a> {
    /// What the packs before this one will do.
    pub(crate) before: Option<&'a PackPlan>,
    /// The folder that the app is compiled in.
    pub(crate) app_dir: &'a str,
    /// The ids of the tools that packages are installed with: Node, a package manager.
    pub(crate) installs_with: Vec<String>,
    /// The ids of the tools that assets are built with: these, and programs of Mix tasks.
    pub(crate) builds_with: Vec<String>,
    /// The major version of the npm that is taken.
    pub(crate) npm_major: u64,
    /// The steps that install packages, by the folder that they install in.
    pub(crate) installs: BTreeMap<String, String>,
}

/// The steps that install packages for `apps`, by the folder that they install in: one for all apps of a workspace.
pub(crate) fn installs(apps: &[AssetsApp<'_>]) -> BTreeMap<String, String> {
    let root = |app: &AssetsApp<'_>| Some(app.manager.as_ref()?.root.clone());
    let steps = apps.iter().map(|app| Some((root(app)?, id(app, INSTALL))));
    // Of several the first stays.
    steps.rev().flatten().collect()
}

/// The folder that static files are served from.
pub(crate) fn static_dir(app: &AssetsApp<'_>) -> String {
    below(&app.phoenix_dir, "priv/static")
}

/// The folder that holds assets and nothing else.
pub(crate) fn assets_folder(app: &AssetsApp<'_>) -> String {
    if app.assets_dir == app.phoenix_dir {
        below(&app.phoenix_dir, "assets")
    } else {
        app.assets_dir.clone()
    }
}

/// Whether anything is built or digested here.
pub(crate) fn makes_static_files(app: &AssetsApp<'_>) -> bool {
    app.digest == Digesting::Ours
        || matches!(
            app.builder.value,
            Builder::Script(_) | Builder::Deploy | Builder::Alias
        )
}

/// The step that writes the programs that start package managers; it runs each time, as it costs nothing.
pub(crate) fn programs(phase: Phase) -> Step {
    Step::new(PROGRAMS, phase, "Preparing package managers", Run::Pack)
}

/// The step behind all digests that adds static files of earlier builds. It runs each time, as other builds may have been
/// made since.
pub(crate) fn earlier() -> Step {
    Step::new(
        EARLIER,
        Phase::Assets,
        "Adding static files of earlier builds",
        Run::Pack,
    )
}

/// When packages are installed: after the compile, but before the hooks where one of them builds the assets.
pub(crate) fn install_phase(app: &AssetsApp<'_>) -> Phase {
    match app.builder.value {
        Builder::Hook => Phase::Dependencies,
        _ => Phase::Assets,
    }
}

/// The id of a step for this app: of several apps each has its own.
pub(crate) fn id(app: &AssetsApp<'_>, step: &str) -> String {
    match app.phoenix_dir.as_str() {
        "" => step.to_owned(),
        folder => format!("{step}:{folder}"),
    }
}

/// Which application of an umbrella a heading is about; nothing where there is but one.
fn of(app: &AssetsApp<'_>) -> String {
    match app.phoenix_dir.as_str() {
        "" => String::new(),
        folder => format!(" of {folder}"),
    }
}

/// The steps in order.
pub(crate) fn plan(app: &AssetsApp<'_>, around: &Surroundings<'_>) -> Vec<Step> {
    [
        install(app, around),
        build(app, around),
        digest(app, around),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn install(app: &AssetsApp<'_>, around: &Surroundings<'_>) -> Option<Step> {
    let (manager, package) = (app.manager.as_ref()?, app.package?);
    if around.installs.get(&manager.root) != Some(&id(app, INSTALL)) {
        return None;
    }
    let own_scripts = ["preinstall", "install", "postinstall", "prepare"];
    let runs_own = own_scripts
        .iter()
        .any(|script| package.scripts.contains_key(*script));
    let root = &manager.root;
    let mut folders: Vec<String> = if runs_own && !app.assets_dir.is_empty() {
        // They may read whatever lies there.
        vec![app.assets_dir.clone()]
    } else {
        ["patches", ".yarn"]
            .map(|folder| below(root, folder))
            .to_vec()
    };
    if let Program::OfApp(path) = &manager.program {
        folders.push(below(root, path));
    }
    let all_but = (runs_own && app.assets_dir.is_empty()).then(|| owned(&["test"]));
    let modules = below(root, "node_modules");
    // Packages in folders of the app are dependencies of Mix, mostly.
    let after = if package
        .dependencies
        .values()
        .any(|range| range.value.contains(':'))
    {
        ids(around, &["deps"])
    } else {
        Vec::new()
    };
    let keeps_modules = manager.manager != Manager::YarnBerry;
    Some(Step {
        cwd: root.clone(),
        skip_if_unchanged: Some(Inputs {
            names: owned(&PACKAGE_FILES),
            folders,
            all_but,
            tools: around.installs_with.clone(),
            after,
            // yarn 2 and later may do without the folder.
            outputs: if keeps_modules && !package.dependencies.is_empty() {
                vec![modules.clone()]
            } else {
                Vec::new()
            },
            except: app.unrelated.clone(),
            ..Inputs::default()
        }),
        ..Step::new(
            id(app, INSTALL),
            install_phase(app),
            format!(
                "Installing packages{} with {}",
                of(app),
                manager.manager.program()
            ),
            Run::Program {
                argv: install_command(manager, around.npm_major),
            },
        )
    })
}

/// What installs exactly what the lock file says, bundlers among `devDependencies` too, and writes no lock file.
fn install_command(manager: &PackageManager, npm_major: u64) -> Vec<String> {
    let locked = manager.lock.is_some();
    let words: &[&str] = match manager.manager {
        Manager::Npm if locked => &["ci"],
        Manager::Npm => &["install", "--no-package-lock"],
        Manager::YarnClassic if locked => &["install", "--frozen-lockfile", "--non-interactive"],
        Manager::YarnClassic => &["install", "--pure-lockfile", "--non-interactive"],
        Manager::YarnBerry if locked => &["install", "--immutable"],
        Manager::YarnBerry => &["install", NOT_IMMUTABLE],
        Manager::Pnpm if locked => &["install", "--frozen-lockfile"],
        Manager::Pnpm => &["install", "--no-lockfile"],
    };
    let with_dev = match manager.manager {
        Manager::Npm if npm_major >= 7 => Some("--include=dev"),
        Manager::Npm | Manager::YarnClassic => Some("--production=false"),
        Manager::Pnpm => Some("--prod=false"),
        // It always does.
        Manager::YarnBerry => None,
    };
    let mut argv = start(manager, &manager.root);
    argv.extend(owned(words));
    argv.extend(with_dev.map(str::to_owned));
    argv
}

/// Whether `path` is a lock file that yarn writes where the app has none: it can't be told to write none.
pub(crate) fn is_lock_of_its_own_making(plan: &PackPlan, path: &str) -> bool {
    let writes = |step: &Step| match &step.run {
        Run::Program { argv } => argv.iter().any(|word| word == NOT_IMMUTABLE),
        _ => false,
    };
    let mut steps = plan.steps.iter();
    steps.any(|step| writes(step) && path == below(&step.cwd, "yarn.lock"))
}

/// The yarn among the app's own files, below its folder, if packages are installed by one.
pub(crate) fn yarn_of_app(plan: &PackPlan) -> Option<String> {
    plan.steps.iter().find_map(|step| match &step.run {
        Run::Program { argv } if step.id.starts_with(INSTALL) && argv[..1] == ["node"] => {
            Some(below(&step.cwd, argv.get(1)?))
        }
        _ => None,
    })
}

/// The words that start a package manager in `folder`, which is the one that it installs in or lies below it.
fn start(manager: &PackageManager, folder: &str) -> Vec<String> {
    match &manager.program {
        Program::OfApp(path) => {
            let way = folder.strip_prefix(manager.root.as_str()).unwrap_or(folder);
            let ups = way.split('/').filter(|part| !part.is_empty()).count();
            vec!["node".to_owned(), format!("{}{path}", "../".repeat(ups))]
        }
        Program::OfNode | Program::Fetched { .. } => owned(&[manager.manager.program()]),
    }
}

fn build(app: &AssetsApp<'_>, around: &Surroundings<'_>) -> Option<Step> {
    let name = "assets-deploy";
    let (heading, run, cwd) = match &app.builder.value {
        Builder::Script(script) => (
            format!("Building assets{} with the script {script}", of(app)),
            Run::Bash {
                script: custom(around.app_dir, script),
            },
            &app.assets_dir,
        ),
        Builder::Deploy => {
            let manager = app.manager.as_ref()?;
            let mut argv = start(manager, &app.assets_dir);
            argv.extend(owned(&["run", "deploy"]));
            (
                format!(
                    "Building assets{} with {} run deploy",
                    of(app),
                    manager.manager.program()
                ),
                Run::Program { argv },
                &app.assets_dir,
            )
        }
        Builder::Alias => (
            format!("Building assets{} with mix {DEPLOY}", of(app)),
            mix(around, &[DEPLOY]),
            &app.phoenix_dir,
        ),
        Builder::Hook | Builder::Nobody => return None,
    };
    let mut inputs = Inputs {
        tools: around.builds_with.clone(),
        after: after_install(app, around),
        made: vec![colocated(around.before)],
        owns: vec![static_dir(app)],
        except: app.unrelated.clone(),
        ..Inputs::default()
    };
    if matches!(app.builder.value, Builder::Script(_)) {
        inputs.all_but = Some(owned(&["test"]));
    } else {
        inputs.names = owned(&BUNDLED_FILES);
        inputs.folders = vec![
            below(&app.phoenix_dir, "assets"),
            below(&app.phoenix_dir, "priv"),
        ];
        if !app.assets_dir.is_empty() && !inputs.folders.contains(&app.assets_dir) {
            inputs.folders.push(app.assets_dir.clone());
        }
        if app.scans_templates {
            inputs.folders.extend(owned(&TEMPLATES));
        }
    }
    Some(Step {
        cwd: cwd.clone(),
        skip_if_unchanged: Some(inputs),
        ..Step::new(id(app, name), Phase::Assets, heading, run)
    })
}

/// Files with names that follow from their content. What earlier builds digested is not there any more, so that there are
/// no old versions to clean away.
fn digest(app: &AssetsApp<'_>, around: &Surroundings<'_>) -> Option<Step> {
    if app.digest != Digesting::Ours {
        return None;
    }
    let task = format!("{}.digest", app.phoenix_ex);
    let folder = static_dir(app);
    let builds = !matches!(app.builder.value, Builder::Nobody);
    Some(Step {
        cwd: app.phoenix_dir.clone(),
        skip_if_unchanged: Some(Inputs {
            names: owned(&["*.exs", "mix.lock"]),
            folders: vec![folder.clone()],
            after: if builds {
                vec![id(app, "assets-deploy")]
            } else {
                Vec::new()
            },
            outputs: vec![format!("{folder}/cache_manifest.json")],
            // Where assets are built, that step empties the folder.
            owns: if builds { Vec::new() } else { vec![folder] },
            except: app.unrelated.clone(),
            ..Inputs::default()
        }),
        begins_with: owned(&["Check your digested files"]),
        ..Step::new(
            id(app, "assets-digest"),
            Phase::Assets,
            format!("Digesting static files{}", of(app)),
            mix(around, &[&task]),
        )
    })
}

/// The bash packs source the script in the folder of `package.json`, with [`script_variables`].
fn custom(app_dir: &str, script: &str) -> String {
    format!("set -e; . {}", quoted(&below(app_dir, script)))
}

/// What a script of the app's own sees (compatibility facts 3.4).
pub(crate) fn script_variables(app: &AssetsApp<'_>, app_dir: &str) -> BTreeMap<String, String> {
    if !matches!(app.builder.value, Builder::Script(_)) {
        return BTreeMap::new();
    }
    [
        ("build_dir", app_dir.to_owned()),
        ("phoenix_dir", below(app_dir, &app.phoenix_dir)),
        ("assets_dir", below(app_dir, &app.assets_dir)),
        ("cache_dir", "/tmp".to_owned()),
        ("env_dir", "/tmp/env".to_owned()),
        ("phoenix_ex", app.phoenix_ex.clone()),
        ("heroku_dir", below(app_dir, ".heroku")),
        // A function that the bash packs have, as bash itself hands functions on.
        ("BASH_FUNC_info%%", "() {  echo \"$*\"\n}".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
    if text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn mix(around: &Surroundings<'_>, words: &[&str]) -> Run {
    // The one of the pack that brings Mix, so that neighbouring tasks share a start.
    let runner = around.before.and_then(|plan| {
        plan.steps.iter().find_map(|step| match &step.run {
            Run::Task { runner, .. } => Some(runner.clone()),
            _ => None,
        })
    });
    Run::Task {
        runner: runner.unwrap_or_else(|| TaskRunner {
            one: owned(&["mix"]),
            many: owned(&["mix", "do"]),
            separator: Separator::Plus,
        }),
        words: owned(words),
    }
}

/// `LiveView` writes hooks that stand in templates here when it compiles them.
fn colocated(before: Option<&PackPlan>) -> String {
    let mix_env = before.and_then(|plan| plan.build_env.get("MIX_ENV"));
    let mix_env = mix_env.map_or("prod", String::as_str);
    format!("_build/{mix_env}/phoenix-colocated")
}

/// Bundles hold what dependencies and packages bring.
fn after_install(app: &AssetsApp<'_>, around: &Surroundings<'_>) -> Vec<String> {
    let mut after = ids(around, &["deps"]);
    let root = app.manager.as_ref().map(|manager| &manager.root);
    after.extend(root.and_then(|root| around.installs.get(root).cloned()));
    after
}

/// Those of these steps that are in the plan before.
fn ids(around: &Surroundings<'_>, wanted: &[&str]) -> Vec<String> {
    let steps = around.before.map_or(&[][..], |plan| &plan.steps);
    wanted
        .iter()
        .filter(|id| steps.iter().any(|step| step.id == **id))
        .map(|id| (*id).to_owned())
        .collect()
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}
