//! Which package manager installs an app's packages: as `packageManager` of `package.json` says (Corepack's field), else
//! as the lock file tells, else npm.

use buildpack_core::app::{App, PackageJson};
use buildpack_core::diagnostic::{Class, Diagnostic, Origin, Outcome, Sourced};
use buildpack_core::toolchain::Pin;
use semver::Version;

use crate::config::{StaticConfig, text};
use crate::lock_file::{Lock, LockFile, lock_files, project_root};
use crate::rules::lock_file_missing;

mod field;

/// The yarn that reads a classic `yarn.lock` where nobody says which; the last of its line.
const YARN_CLASSIC: &str = "1.22.22";

/// Programs that install packages, too, and that are not supported.
const OTHERS: [&str; 2] = ["bun", "deno"];

/// A family of package managers that share commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Manager {
    /// npm.
    Npm,
    /// yarn 1.
    YarnClassic,
    /// yarn from 2 on.
    YarnBerry,
    /// pnpm.
    Pnpm,
}

impl Manager {
    /// The program.
    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::YarnClassic | Self::YarnBerry => "yarn",
            Self::Pnpm => "pnpm",
        }
    }

    /// The file that it locks packages with.
    pub(crate) fn lock(self) -> &'static str {
        match self {
            Self::Npm => "package-lock.json",
            Self::YarnClassic | Self::YarnBerry => "yarn.lock",
            Self::Pnpm => "pnpm-lock.yaml",
        }
    }

    /// The npm package that holds it.
    pub(crate) fn package(self) -> &'static str {
        match self {
            Self::YarnBerry => "@yarnpkg/cli-dist",
            other => other.program(),
        }
    }
}

/// Where the program comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Program {
    /// It is in Node's own archive.
    OfNode,
    /// A file of the app, below the folder that it installs in: `.yarn/releases/yarn-4.9.2.cjs`.
    OfApp(String),
    /// This version, from the npm registry.
    Fetched {
        /// The version.
        version: Version,
        /// The digest that the app itself names.
        pin: Option<Pin>,
    },
}

impl Program {
    /// The version, where it is one that is fetched.
    pub(crate) fn version(&self) -> Option<&Version> {
        match self {
            Self::Fetched { version, .. } => Some(version),
            Self::OfNode | Self::OfApp(_) => None,
        }
    }
}

/// A package manager, and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PackageManager {
    /// Its family.
    pub(crate) manager: Manager,
    /// Where it comes from.
    pub(crate) program: Program,
    /// The lock file that it reads, where there is one.
    pub(crate) lock: Option<LockFile>,
    /// The folder that it installs in, below the app's: that of `package.json`, or of the workspace around it.
    pub(crate) root: String,
    /// Who decided.
    pub(crate) origin: Origin,
}

/// The package manager of the packages in `folder`. Whoever takes npm decides about its version by `npm_version` later.
pub(crate) fn choose(
    app: &App,
    folder: &str,
    package: &PackageJson,
    config: &StaticConfig,
) -> Outcome<PackageManager> {
    let root = project_root(app, folder);
    let locks = lock_files(app, folder);
    // In a workspace the field stands at its top.
    let chosen = match named(app, root, package) {
        Some(field) => field::read(field, &locks, root),
        None => by_lock(app, root, &locks, config),
    };
    match chosen {
        Ok(chosen) => {
            let unused = unused_locks(&locks, &chosen);
            let missing = lock_file_missing::check(package, &chosen);
            Outcome::with(chosen, unused.into_iter().chain(missing).collect())
        }
        Err(problem) => Outcome::failed(vec![*problem]),
    }
}

/// `packageManager` of the package, or of the workspace that it is in.
fn named<'a>(app: &'a App, root: &str, package: &'a PackageJson) -> Option<&'a Sourced<String>> {
    let top = below(root, "package.json");
    let mut of_root = app.every_package_json().filter(|other| other.path == top);
    let own = package.package_manager.as_ref();
    own.or_else(|| of_root.next()?.package_manager.as_ref())
}

fn by_lock(
    app: &App,
    root: &str,
    locks: &[LockFile],
    config: &StaticConfig,
) -> Result<PackageManager, Box<Diagnostic>> {
    let Some(lock) = locks.first() else {
        return Ok(PackageManager {
            manager: Manager::Npm,
            program: Program::OfNode,
            lock: None,
            root: root.to_owned(),
            origin: Origin::Default("there is no lock file".to_owned()),
        });
    };
    let mut origin = Origin::Default(format!("{} is {}", lock.path, lock.kind.whose()));
    let fetched = |version| Program::Fetched { version, pin: None };
    let (manager, program) = match &lock.kind {
        Lock::Npm { .. } => (Manager::Npm, Program::OfNode),
        Lock::YarnClassic => {
            let asked = config.yarn_version.as_ref();
            let version =
                match asked.filter(|asked| text(asked).is_none_or(|text| !text.is_empty())) {
                    Some(asked) => {
                        origin = asked.origin.clone();
                        yarn_version(asked)?
                    }
                    None => known(YARN_CLASSIC),
                };
            (Manager::YarnClassic, fetched(version))
        }
        Lock::YarnBerry { version } => {
            let program = match yarn_path(app, root) {
                Some(path) => Program::OfApp(path),
                None => fetched(berry_for(*version)),
            };
            (Manager::YarnBerry, program)
        }
        Lock::Pnpm { version } => (Manager::Pnpm, fetched(pnpm_for(*version))),
        Lock::Other(name) => {
            return Err(unsupported(&format!("`{}`", lock.path), name, &origin));
        }
    };
    Ok(PackageManager {
        manager,
        program,
        lock: Some(lock.clone()),
        root: root.to_owned(),
        origin,
    })
}

/// `yarn_version` of the config: the bash packs take a classic yarn of exactly this version.
fn yarn_version(
    asked: &Sourced<buildpack_core::app::ConfigValue>,
) -> Result<Version, Box<Diagnostic>> {
    let written = text(asked).map(str::trim);
    let version = written.and_then(|text| text.parse::<Version>().ok());
    version.filter(|version| version.major < 2).ok_or_else(|| {
        Box::new(
            Diagnostic::error(
                "yarn-version",
                Class::Config,
                match written {
                    Some(text) => format!(
                        "`yarn_version` must be a version of yarn 1, such as `{YARN_CLASSIC}`: found `{text}`"
                    ),
                    None => format!(
                        "`yarn_version` must be a version of yarn 1, such as `{YARN_CLASSIC}`, written out"
                    ),
                },
            )
            .from(&asked.origin, "written here")
            .help("correct it, or leave it out; for yarn 2 and later write `packageManager` in `package.json`"),
        )
    })
}

/// The program that `.yarnrc.yml` names, if it is one of the app's own files.
fn yarn_path(app: &App, folder: &str) -> Option<String> {
    let head = app.head(&below(folder, ".yarnrc.yml"))?;
    let path = head
        .lines()
        .find_map(|line| line.strip_prefix("yarnPath:"))?
        .trim()
        .trim_matches(['"', '\''])
        .to_owned();
    app.head(&below(folder, &path)).is_some().then_some(path)
}

/// A yarn that writes lock files of this version as they are (`__metadata.version`: yarn's `Project.ts`), so that none has
/// to be changed.
fn berry_for(lock: u32) -> Version {
    known(match lock {
        0..=4 => "2.4.3",
        5 => "3.1.1",
        6 | 7 => "3.8.7",
        _ => "4.9.2",
    })
}

/// The pnpm that writes lock files of this version (pnpm's `packages/constants`).
fn pnpm_for(lock: u32) -> Version {
    known(match lock {
        0..=5 => "7.33.7",
        6 => "8.15.9",
        _ => "9.15.9",
    })
}

fn known(version: &str) -> Version {
    version.parse().unwrap_or(Version::new(0, 0, 0))
}

/// Whether the packages in `folder` are for a program that we don't know.
pub(crate) fn asks_for_another(app: &App, folder: &str, package: &PackageJson) -> bool {
    let Some(field) = named(app, project_root(app, folder), package) else {
        let locks = lock_files(app, folder);
        let first = locks.first().map(|lock| &lock.kind);
        return matches!(first, Some(Lock::Other(_)));
    };
    let name = field.value.trim().split('@').next();
    name.is_some_and(|name| OTHERS.contains(&name))
}

/// The error that `what` asks for a program that we don't know.
fn unsupported(what: &str, name: &str, origin: &Origin) -> Box<Diagnostic> {
    let problem = Diagnostic::error(
        "package-manager-unsupported",
        Class::Config,
        format!("{what} asks for {name}, which is not supported: npm, yarn and pnpm are"),
    );
    let problem = match origin {
        Origin::File(span) => problem.at(span.clone(), "asked for here"),
        _ => problem,
    };
    Box::new(problem.help(
        "build the assets in a hook (`hook_post_compile` in `elixir_buildpack.config`), or lock the packages with npm, \
         yarn or pnpm",
    ))
}

fn reads(manager: Manager, lock: &Lock) -> bool {
    matches!(
        (manager, lock),
        (Manager::Npm, Lock::Npm { .. })
            | (Manager::YarnClassic, Lock::YarnClassic)
            // yarn 2 and later makes its own of a classic one.
            | (Manager::YarnBerry, Lock::YarnBerry { .. } | Lock::YarnClassic)
            | (Manager::Pnpm, Lock::Pnpm { .. })
    )
}

/// The warning that lock files lie about which nobody reads.
fn unused_locks(locks: &[LockFile], chosen: &PackageManager) -> Option<Diagnostic> {
    let read = chosen.lock.as_ref();
    let unused: Vec<String> = locks
        .iter()
        .filter(|lock| Some(*lock) != read && !reads(chosen.manager, &lock.kind))
        .map(|lock| format!("`{}`", lock.path))
        .collect();
    if unused.is_empty() {
        return None;
    }
    let program = chosen.manager.program();
    let unused = unused.join(" and ");
    let what = match read {
        Some(lock) => format!("`{}` is read and {unused} is not", lock.path),
        None => format!("{unused} is not read"),
    };
    let problem = Diagnostic::warning(
        "lock-files",
        format!("{what}: packages are installed by {program}"),
    );
    let problem = match &chosen.origin {
        Origin::File(span) => problem.at(span.clone(), format!("this leads to {program}")),
        _ => problem,
    };
    Some(problem.help(
        "keep the lock file of the package manager that you use, and remove what others left",
    ))
}

/// A path below a folder of the app; the empty folder is the app's own.
pub(crate) fn below(folder: &str, path: &str) -> String {
    let path = path.trim_start_matches("./");
    match (folder, path) {
        ("", path) => path.to_owned(),
        (folder, "") => folder.to_owned(),
        (folder, path) => format!("{folder}/{path}"),
    }
}

#[cfg(test)]
mod tests;
