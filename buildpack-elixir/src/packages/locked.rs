//! The packages that an app's `mix.lock` and `mix.exs` name, as they stand in the tree.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use buildpack_core::app::{App, HexLock, MixDep, MixExs};
use buildpack_core::pack::file_in_tree;

use super::{folders_in, text_of};

/// Options that say whether and when a dependency is there, and nothing of how it is compiled.
const OF_RESOLVING: [&str; 9] = [
    "hex",
    "only",
    "optional",
    "organization",
    "override",
    "repo",
    "runtime",
    "targets",
    "warn_if_outdated",
];

/// Keys of a project by which Mix looks for its folders and files elsewhere.
const MOVED: [&str; 7] = [
    "build_embedded",
    "build_path",
    "build_per_environment",
    "config_path",
    "deps_build_path",
    "deps_path",
    "lockfile",
];

/// The locked packages.
pub(super) struct Locked {
    /// Those of Hex, by the name of their application.
    pub(super) hex: BTreeMap<String, Package>,
    /// `MIX_ENV`.
    pub(super) environment: String,
    /// What `mix.exs` and those of an umbrella's applications name; none where only Elixir could tell.
    asked: Option<Vec<MixDep>>,
    /// The text of all of these.
    pub(super) projects: String,
}

/// One package of Hex.
pub(super) struct Package {
    /// Its version.
    pub(super) version: String,
    /// What the lock says of it.
    pub(super) lock: HexLock,
}

impl Locked {
    /// Those of the app in `tree`; none where it has no lock, or keeps things where nobody would look.
    pub(super) fn read(tree: &Path, environment: &str) -> Option<Self> {
        let mut files = BTreeMap::new();
        for name in ["mix.exs", "mix.lock"] {
            files.insert(name.to_owned(), text_of(tree, name)?.into_bytes());
        }
        let root = App::of_files(tree, files.clone()).value?;
        let mix_exs = root.mix_exs.as_ref()?;
        let plain = !environment.is_empty() && !environment.contains(['/', '.']);
        let text = root.source("mix.exs")?;
        let names_a_key = |key: &str| text.text.contains(&format!("{key}:"));
        if !plain || MOVED.iter().any(|key| names_a_key(key)) {
            return None;
        }
        let children = mix_exs.apps_path.iter().flat_map(|path| {
            let children = folders_in(tree, &path.value);
            let path = path.value.clone();
            children
                .into_iter()
                .map(move |name| format!("{path}/{name}/mix.exs"))
        });
        for path in children {
            if let Some(text) = text_of(tree, &path) {
                files.insert(path, text.into_bytes());
            }
        }
        let texts = files.iter().filter(|(path, _)| path.ends_with("mix.exs"));
        let projects =
            texts.map(|(path, text)| format!("{path}\n{}\n", String::from_utf8_lossy(text)));
        let projects = projects.collect();
        let app = App::of_files(tree, files).value?;
        let children = app.children.iter().map(|child| &child.mix_exs);
        let asked = app
            .mix_exs
            .iter()
            .chain(children)
            .map(deps)
            .collect::<Option<Vec<_>>>();
        let packages = app.mix_lock?.packages.into_iter();
        let hex = packages.filter_map(|(name, package)| {
            let package = Package {
                version: package.version?.value,
                lock: package.hex?,
            };
            is_plain(&name).then_some((name, package))
        });
        Some(Self {
            hex: hex.collect(),
            environment: environment.to_owned(),
            asked: asked.map(|all| all.into_iter().flatten().collect()),
            projects,
        })
    }

    /// Names of all that is needed in this environment, whether or not it is of Hex; none where only Elixir could tell.
    pub(super) fn wanted(&self) -> Option<BTreeSet<&String>> {
        let asked = self.asked.as_ref()?;
        let mut wanted: BTreeSet<&String> = BTreeSet::new();
        let here = asked.iter().filter(|dep| dep.is_for(&self.environment));
        let mut open: Vec<&String> = here.map(|dep| &dep.name.value).collect();
        while let Some(name) = open.pop() {
            if wanted.insert(name)
                && let Some(package) = self.hex.get(name)
            {
                let needed = package.lock.requires.iter().filter(|other| !other.optional);
                open.extend(needed.map(|other| &other.name));
            }
        }
        Some(wanted)
    }

    /// Whether the package is there as the lock has it.
    pub(super) fn is_fetched(&self, tree: &Path, name: &str) -> bool {
        let Some(package) = self.hex.get(name) else {
            return false;
        };
        let mark = file_in_tree(tree, &format!("deps/{name}/.hex"));
        let mark = mark.and_then(|mark| fs_err::read(mark).ok());
        let digest = package.lock.digest.hex();
        mark.is_some_and(|mark| {
            let mut parts = mark.windows(digest.len());
            parts.any(|part| part.eq_ignore_ascii_case(digest.as_bytes()))
        })
    }

    /// Whether the app says that nothing is to be compiled of it.
    pub(super) fn is_never_compiled(&self, name: &str) -> bool {
        let mut options = self.asked_of(name);
        options.any(|dep| {
            let compile = dep.options.as_ref().and_then(|all| all.get("compile"));
            compile.is_some_and(|value| value == "false")
        })
    }

    /// Whether the app itself asks for it, from wherever it comes. Where only Elixir could tell, the text of the projects
    /// stands for the answer.
    pub(super) fn is_asked_for(&self, name: &str) -> bool {
        self.asked_of(name).next().is_some()
    }

    /// The options that the app gives a package and that may change how it is compiled, by name.
    pub(super) fn options(&self, name: &str) -> BTreeMap<&String, &String> {
        let asked = self.asked.iter().flatten();
        asked
            .filter(|dep| dep.name.value == name)
            .filter_map(|dep| dep.options.as_ref())
            .flatten()
            .filter(|(option, _)| !OF_RESOLVING.contains(&option.as_str()))
            .collect()
    }

    /// Whether all that was asked for could be read.
    pub(super) fn is_read(&self) -> bool {
        self.asked.is_some()
    }

    fn asked_of<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s MixDep> {
        let asked = self.asked.iter().flatten();
        asked.filter(move |dep| dep.name.value == name)
    }

    /// These packages and all that depend on them.
    pub(super) fn with_dependents(&self, names: &BTreeSet<String>) -> BTreeSet<String> {
        let mut all = names.clone();
        loop {
            let depends = |package: &Package| {
                let mut requires = package.lock.requires.iter();
                requires.any(|other| all.contains(&other.name))
            };
            let more: Vec<String> = (self.hex.iter())
                .filter(|(name, package)| !all.contains(*name) && depends(package))
                .map(|(name, _)| name.clone())
                .collect();
            if more.is_empty() {
                return all;
            }
            all.extend(more);
        }
    }
}

/// Whether a folder stands in a package's place that nobody fetched.
pub(super) fn is_vendored(tree: &Path, name: &str) -> bool {
    let stands = |path: String| tree.join(path).symlink_metadata().is_ok();
    stands(format!("deps/{name}")) && !stands(format!("deps/{name}/.hex"))
}

/// The dependencies of a project; none where not all of them could be read.
fn deps(mix_exs: &MixExs) -> Option<Vec<MixDep>> {
    let unread = ["project", "deps"]
        .iter()
        .any(|what| mix_exs.unread(what).is_some());
    let whole = |dep: &MixDep| {
        let options = dep.options.as_ref();
        options.is_some_and(|options| {
            let literal = (options.iter())
                .filter(|(name, _)| !OF_RESOLVING.contains(&name.as_str()))
                .all(|(_, value)| is_literal(value));
            literal && options.contains_key("only") == dep.only.is_some()
        })
    };
    (!unread && mix_exs.deps.iter().all(whole)).then(|| mix_exs.deps.clone())
}

/// Whether an option's value means the same wherever it stands.
fn is_literal(value: &str) -> bool {
    let words = value.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let code = value.contains(['@', '(', '#', '&']);
    !code && words.into_iter().all(|word| word != "fn" && word != "if")
}

/// Whether it can be the name of a folder.
fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty() && name.bytes().all(plain)
}
