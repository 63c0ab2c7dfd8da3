//! Keys of compiled packages: of all that may go into one.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use buildpack_core::digest::{Digest, Hasher, HashingReader};
use buildpack_core::pack::{Host, Shared};
use buildpack_core::plan::{PackPlan, Run};
use buildpack_core::store::CacheKey;
use walkdir::WalkDir;

use super::Made;
use super::config::Config;
use super::locked::{Locked, Package};
use super::reads::Reads;
use crate::steps::ATOM_ORDER;

/// Variables with these beginnings change how compilers work, whether or not a package reads them.
const OF_COMPILERS: [&str; 5] = ["ELIXIR_", "ERL", "MIX_", "REBAR_", "SOURCE_DATE_EPOCH"];

/// Those of them that the plan has an answer of its own for, or that change no output.
const KNOWN: [&str; 5] = [
    "MIX_ENV",
    "MIX_HOME",
    "MIX_OS_DEPS_COMPILE_PARTITION_COUNT",
    "MIX_QUIET",
    "MIX_REBAR3",
];

/// The commit that is built, which every program can read.
const COMMIT: &str = "SOURCE_VERSION";

/// Makes keys of packages of one tree.
pub(super) struct Keys<'k> {
    plan: &'k PackPlan,
    host: &'k Host<'k>,
    shared: &'k dyn Shared,
    locked: &'k Locked,
    config: Config,
    /// Applications of Erlang and Elixir.
    platform: BTreeSet<String>,
    /// Whether the app's hooks may have changed what was fetched.
    patched: bool,
    reads: BTreeMap<String, Reads>,
    made: Made,
    /// Packages whose keys are being made.
    open: BTreeSet<String>,
    /// Of each package, all that it depends on.
    below: BTreeMap<String, BTreeSet<String>>,
}

impl<'k> Keys<'k> {
    /// For the packages in `locked`.
    pub(super) fn new(
        plan: &'k PackPlan,
        host: &'k Host<'k>,
        shared: &'k dyn Shared,
        locked: &'k Locked,
    ) -> io::Result<Self> {
        let before = plan
            .steps
            .iter()
            .take_while(|step| step.id != super::COMPILED);
        let mut before = before;
        let patched = before.any(|step| matches!(step.run, Run::Bash { .. } | Run::Script { .. }));
        let mut platform = BTreeSet::new();
        for id in ["erlang", "elixir"] {
            let Some(folder) = host.tools.get(id) else {
                continue;
            };
            for entry in fs_err::read_dir(folder.join("lib"))? {
                let name = entry?.file_name().to_string_lossy().into_owned();
                let name = name.split('-').next().unwrap_or_default();
                platform.insert(name.to_owned());
            }
        }
        Ok(Self {
            plan,
            host,
            shared,
            locked,
            config: Config::read(host.tree, &locked.environment),
            platform,
            patched,
            reads: BTreeMap::new(),
            made: Made::new(),
            open: BTreeSet::new(),
            below: BTreeMap::new(),
        })
    }

    /// Whether other compilers than Erlang's and Elixir's make some of a package that has a key.
    pub(super) fn is_native(&self, name: &str) -> bool {
        let below = self.below.get(name).into_iter().flatten();
        let mut all = below.map(String::as_str).chain([name]);
        all.any(|name| self.reads.get(name).is_some_and(|reads| reads.native))
    }

    /// The applications whose configuration counts for a package that has a key. Of the logger's, not all does.
    pub(super) fn may_configure(&self, name: &str) -> BTreeSet<String> {
        let below = self.below.get(name).into_iter().flatten().cloned();
        let platform = self.platform.iter().filter(|name| *name != "logger");
        below
            .chain(platform.cloned())
            .chain([name.to_owned()])
            .collect()
    }

    /// The key of a package; else why it has none.
    pub(super) fn of(&mut self, name: &str) -> io::Result<Result<CacheKey, String>> {
        if let Some(made) = self.made.get(name) {
            return Ok(made.clone());
        }
        if !self.open.insert(name.to_owned()) {
            return Ok(Err("it depends on itself".to_owned()));
        }
        let key = match self.locked.hex.get(name) {
            Some(package) => self.make(name, package)?,
            None => Err("it is no package of Hex".to_owned()),
        };
        self.open.remove(name);
        self.made.insert(name.to_owned(), key.clone());
        Ok(key)
    }

    fn make(&mut self, name: &str, package: &Package) -> io::Result<Result<CacheKey, String>> {
        let tree = self.host.tree;
        let mut below = BTreeSet::new();
        let mut dependencies = Vec::new();
        for other in &package.lock.requires {
            let other_name = &other.name;
            if !self.locked.is_fetched(tree, other_name) {
                let elsewhere = self.locked.is_asked_for(other_name);
                if other.optional && !elsewhere {
                    continue;
                }
                return Ok(Err(format!(
                    "it depends on {other_name}, which is no package of Hex"
                )));
            }
            match self.of(other_name)? {
                Ok(key) => dependencies.push((other_name.clone(), key.digest())),
                Err(_) => {
                    return Ok(Err(format!(
                        "it depends on {other_name}, which cannot be shared"
                    )));
                }
            }
            below.extend(self.below.get(other_name).into_iter().flatten().cloned());
            below.insert(other_name.clone());
        }
        dependencies.sort();
        let reads = Reads::of(&tree.join("deps").join(name))?;
        if reads.variables.contains(COMMIT) {
            return Ok(Err("it reads the commit that is built".to_owned()));
        }
        let applications = below.iter().chain(&self.platform).map(String::as_str);
        let seen = self.config.of(&applications.chain([name]).collect());
        let any = reads.any || seen.calls || !self.locked.is_read();
        let counts = |variable: &str| {
            let of_compilers = OF_COMPILERS.iter().any(|start| variable.starts_with(start));
            any || reads.variables.contains(variable)
                || (of_compilers && !KNOWN.contains(&variable))
        };
        let ordered = self.plan.steps.iter().any(|step| step.id == ATOM_ORDER);
        let mut key = CacheKey::new("compiled package")
            .part("name", name)
            .part("package", &package.lock.package)
            .part("version", &package.version)
            .part("repository", &package.lock.repository)
            .part("digest", package.lock.digest)
            .part("managers", &package.lock.managers)
            .part("folder", &self.plan.app_dir)
            .part("MIX_ENV", &self.locked.environment)
            // Without it the order of atoms, and what follows from it, is another each time.
            .part(
                "atom order",
                if ordered { "packages first" } else { "none" },
            );
        for tool in self.plan.tools.iter().filter(|tool| tool.binds_output) {
            key = key.part(&tool.id, tool.artifact.identity());
        }
        for (option, value) in self.locked.options(name) {
            key = key.part(format!("option {option}"), value);
        }
        for (other, digest) in dependencies {
            key = key.part(format!("dependency {other}"), digest);
        }
        key = key.part("configuration", seen.digest);
        if !self.locked.is_read() {
            key = key.part("mix.exs", Digest::of(self.locked.projects.as_bytes()));
        }
        if self.patched {
            key = key.part("files", self.content(name)?);
        }
        if let Some(hash) = self.shared.config_vars(&counts)? {
            key = key.part("config vars", hash);
        }
        self.reads.insert(name.to_owned(), reads);
        self.below.insert(name.to_owned(), below);
        Ok(Ok(key))
    }

    /// A digest of what stands in a package's folder.
    fn content(&self, name: &str) -> io::Result<Digest> {
        let root = self.host.tree.join("deps").join(name);
        let mut hasher = Hasher::new();
        for entry in WalkDir::new(&root)
            .follow_root_links(false)
            .sort_by_file_name()
        {
            let entry = entry?;
            let below = entry.path().strip_prefix(&root).unwrap_or(entry.path());
            hasher.field(below.as_os_str().as_encoded_bytes());
            if entry.file_type().is_file() {
                let reader = HashingReader::new(fs_err::File::open(entry.path())?);
                hasher.field(reader.drain()?.0.hex().as_bytes());
            }
        }
        Ok(hasher.finish())
    }
}

#[cfg(test)]
mod tests;
