//! Shared libraries that programs need, and that layers and images offer (System V gABI, chapter 5; symbol versions: the
//! Linux Standard Base, "Symbol Versioning").

mod elf;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use stacks::Arch;

pub use elf::{MAGIC, read};

/// What the ELF files of a layer, or of several, need and offer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Libraries {
    /// Libraries that are needed, by their name (`libssl.so.3`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    needs: Needs,
    /// What of it is needed by files that the app is sure to load.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    loads: Needs,
    /// Libraries that are there, by their name, with the versions of symbols that they define (`GLIBC_2.39`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    offers: Offers,
}

type Needs = BTreeMap<String, Need>;
type Offers = BTreeMap<String, BTreeSet<String>>;

/// A library that is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Need {
    /// A file that needs it.
    file: String,
    /// Versions of its symbols, each with a file that needs it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    versions: BTreeMap<String, String>,
}

/// What one ELF file needs and offers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Linked {
    /// What it runs on (`e_machine`); none where no stack does.
    pub architecture: Option<Arch>,
    /// Libraries by name, each with the versions of symbols that it must define.
    pub needs: BTreeMap<String, BTreeSet<String>>,
    /// Its own name as a library, and the versions that it defines.
    pub offers: Option<(String, BTreeSet<String>)>,
}

/// Something that is needed and not there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    /// The library.
    pub library: String,
    /// The version of its symbols, where the library itself is there.
    pub version: Option<String>,
    /// A file that needs it.
    pub file: String,
    /// Whether the app is sure to load that file.
    pub loaded: bool,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.version {
            Some(version) => write!(f, "{version} of {}", self.library),
            None => write!(f, "{}", self.library),
        }
    }
}

impl Libraries {
    /// Takes in what the file at `path` needs and offers on `architecture`. `path` is where the image has it; `loaded` says
    /// that the app is sure to load it.
    ///
    /// A file for another architecture or C library than the stack's is there for other systems, as packages of Node bring
    /// one of each.
    pub fn add(&mut self, path: &str, linked: Linked, architecture: Arch, loaded: bool) {
        if linked.architecture != Some(architecture) {
            return;
        }
        if linked
            .needs
            .keys()
            .any(|name| name.starts_with("libc.musl-"))
        {
            return;
        }
        let versions = |versions: &BTreeSet<String>| {
            let with_path = |version: &String| (version.clone(), path.to_owned());
            versions.iter().map(with_path).collect()
        };
        let needs = linked.needs.iter().map(|(library, named)| {
            let need = Need {
                file: path.to_owned(),
                versions: versions(named),
            };
            (library.clone(), need)
        });
        let needs: Needs = needs.collect();
        if loaded {
            join(&mut self.loads, &needs);
        }
        join(&mut self.needs, &needs);
        // One without a name of its own is found by that of its file.
        let name = path.rsplit('/').next().unwrap_or_default();
        let by_file = || {
            name.contains(".so")
                .then(|| (name.to_owned(), BTreeSet::new()))
        };
        if let Some((name, versions)) = linked.offers.or_else(by_file) {
            self.offers.entry(name).or_default().extend(versions);
        }
    }

    /// Takes in what another layer needs and offers.
    pub fn join(&mut self, other: &Self) {
        join(&mut self.needs, &other.needs);
        join(&mut self.loads, &other.loads);
        for (library, versions) in &other.offers {
            let known = self.offers.entry(library.clone()).or_default();
            known.extend(versions.iter().cloned());
        }
    }

    /// Without what is needed of libraries that are offered here, too, and without all offers: what the image below has
    /// to have.
    #[must_use]
    pub fn wanted(&self) -> Self {
        Self {
            needs: open(&self.needs, &self.offers),
            loads: open(&self.loads, &self.offers),
            offers: Offers::new(),
        }
    }

    /// What is needed here and not offered by `there`, in order; of several files that need it, one that the app is sure to
    /// load, if there is such a one.
    ///
    /// A library without any versions of symbols is taken as it is, as the dynamic linker does.
    pub fn missing_in(&self, there: &Self) -> Vec<Missing> {
        let surely = missing(&self.loads, &there.offers, true);
        let all = missing(&self.needs, &there.offers, false);
        let same = |one: &Missing, other: &Missing| {
            one.library == other.library && one.version == other.version
        };
        all.into_iter()
            .map(|it| {
                let loaded = surely.iter().find(|other| same(&it, other));
                loaded.cloned().unwrap_or(it)
            })
            .collect()
    }

    /// Without these needs, and without saying which are of files that the app is sure to load.
    #[must_use]
    pub fn without(mut self, missing: &[Missing]) -> Self {
        self.loads.clear();
        for it in missing {
            match (&it.version, self.needs.get_mut(&it.library)) {
                (Some(version), Some(need)) => {
                    need.versions.remove(version);
                }
                _ => {
                    self.needs.remove(&it.library);
                }
            }
        }
        self
    }

    /// Whether nothing is needed and nothing offered.
    pub fn is_empty(&self) -> bool {
        self.needs.is_empty() && self.offers.is_empty()
    }
}

/// Adds needs, each with the file that is known first.
fn join(needs: &mut Needs, others: &Needs) {
    for (library, other) in others {
        let need = needs
            .entry(library.clone())
            .or_insert_with(|| other.clone());
        for (version, file) in &other.versions {
            let known = need.versions.entry(version.clone());
            known.or_insert_with(|| file.clone());
        }
    }
}

/// The needs that these offers leave open.
fn open(needs: &Needs, offers: &Offers) -> Needs {
    let mut open = Needs::new();
    for it in missing(needs, offers, false) {
        let Some(need) = needs.get(&it.library) else {
            continue;
        };
        match it.version {
            None => {
                open.insert(it.library, need.clone());
            }
            Some(version) => {
                let left = open.entry(it.library).or_insert_with(|| Need {
                    versions: BTreeMap::new(),
                    ..need.clone()
                });
                left.versions.insert(version, it.file);
            }
        }
    }
    open
}

fn missing(needs: &Needs, offers: &Offers, loaded: bool) -> Vec<Missing> {
    let mut missing = Vec::new();
    for (library, need) in needs {
        let lacks = |version: Option<&String>, file: &String| Missing {
            library: library.clone(),
            version: version.cloned(),
            file: file.clone(),
            loaded,
        };
        let Some(offered) = offers.get(library) else {
            missing.push(lacks(None, &need.file));
            continue;
        };
        let versions = need.versions.iter();
        missing.extend(
            versions
                .filter(|(version, _)| !offered.is_empty() && !offered.contains(*version))
                .map(|(version, file)| lacks(Some(version), file)),
        );
    }
    missing
}

#[cfg(test)]
mod tests;
