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
    needs: BTreeMap<String, Need>,
    /// Libraries that are there, by their name, with the versions of symbols that they define (`GLIBC_2.39`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    offers: BTreeMap<String, BTreeSet<String>>,
}

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
    /// Takes in what the file at `path` needs and offers on `architecture`. `path` is where the image has it.
    ///
    /// A file for another architecture or C library than the stack's is there for other systems, as packages of Node bring
    /// one of each.
    pub fn add(&mut self, path: &str, linked: Linked, architecture: Arch) {
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
        for (library, versions) in linked.needs {
            let need = self.needs.entry(library).or_insert_with(|| Need {
                file: path.to_owned(),
                versions: BTreeMap::new(),
            });
            for version in versions {
                need.versions
                    .entry(version)
                    .or_insert_with(|| path.to_owned());
            }
        }
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
        for (library, other) in &other.needs {
            let need = self
                .needs
                .entry(library.clone())
                .or_insert_with(|| other.clone());
            for (version, file) in &other.versions {
                let known = need.versions.entry(version.clone());
                known.or_insert_with(|| file.clone());
            }
        }
        for (library, versions) in &other.offers {
            let known = self.offers.entry(library.clone()).or_default();
            known.extend(versions.iter().cloned());
        }
    }

    /// Without what is needed of libraries that are offered here, too, and without all offers: what the image below has
    /// to have.
    #[must_use]
    pub fn wanted(&self) -> Self {
        let missing = self.missing_in(self);
        let mut wanted = Self::default();
        for (library, need) in &self.needs {
            let of_library = || missing.iter().filter(|it| it.library == *library);
            if of_library().next().is_none() {
                continue;
            }
            let mut need = need.clone();
            if self.offers.contains_key(library) {
                let open: BTreeSet<_> = of_library().filter_map(|it| it.version.as_ref()).collect();
                need.versions.retain(|version, _| open.contains(version));
            }
            wanted.needs.insert(library.clone(), need);
        }
        wanted
    }

    /// What is needed here and not offered by `there`, in order.
    ///
    /// A library without any versions of symbols is taken as it is, as the dynamic linker does.
    pub fn missing_in(&self, there: &Self) -> Vec<Missing> {
        let mut missing = Vec::new();
        for (library, need) in &self.needs {
            let Some(offered) = there.offers.get(library) else {
                missing.push(Missing {
                    library: library.clone(),
                    version: None,
                    file: need.file.clone(),
                });
                continue;
            };
            let versions = need.versions.iter();
            missing.extend(
                versions
                    .filter(|(version, _)| !offered.is_empty() && !offered.contains(*version))
                    .map(|(version, file)| Missing {
                        library: library.clone(),
                        version: Some(version.clone()),
                        file: file.clone(),
                    }),
            );
        }
        missing
    }

    /// Without these needs.
    #[must_use]
    pub fn without(mut self, missing: &[Missing]) -> Self {
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

#[cfg(test)]
mod tests;
