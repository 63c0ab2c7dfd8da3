//! npm's version ranges, as its `semver` package reads them in strict mode
//! (<https://github.com/npm/node-semver#ranges>).
//!
//! Ours, because crates for it take texts that npm refuses, and a text that is no range must not choose a Node.

mod reader;

use std::fmt;
use std::str::FromStr;

use semver::Version;

use self::reader::Reader;
use super::{NodeVersion, VersionError};

/// Longer texts are refused; npm itself takes no version that is longer.
const LONGEST: usize = 256;

/// A range such as `^22.11`, `>=18 <21` or `18 || 20`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRange {
    text: String,
    /// One of these must hold.
    sets: Vec<Vec<Bound>>,
}

/// One condition of those that must hold together.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Bound {
    comparison: Comparison,
    version: Version,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
}

impl NodeRange {
    /// Whether `version` lies in it. A pre-release does only where the range names one of the same three numbers.
    pub fn contains(&self, version: &NodeVersion) -> bool {
        self.sets.iter().any(|set| {
            let version = &version.0;
            let named = || {
                set.iter().any(|bound| {
                    let of = &bound.version;
                    !of.pre.is_empty()
                        && (of.major, of.minor, of.patch)
                            == (version.major, version.minor, version.patch)
                })
            };
            set.iter().all(|bound| bound.holds(version)) && (version.pre.is_empty() || named())
        })
    }

    /// Whether every version without a pre-release lies in it, as in `*`.
    pub fn is_any(&self) -> bool {
        self.sets.iter().any(Vec::is_empty)
    }
}

impl Bound {
    fn holds(&self, version: &Version) -> bool {
        let order = version.cmp_precedence(&self.version);
        match self.comparison {
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
            Comparison::Equal => order.is_eq(),
            Comparison::GreaterOrEqual => order.is_ge(),
            Comparison::Greater => order.is_gt(),
        }
    }
}

impl fmt::Display for NodeRange {
    /// As it was written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for NodeRange {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = |why| VersionError {
            what: "Node",
            text: text.chars().take(LONGEST).collect(),
            why,
        };
        if text.len() > LONGEST {
            return Err(bad("it is longer than 256 bytes"));
        }
        let sets: Option<Vec<_>> = text.split("||").map(|set| Reader::new(set).set()).collect();
        Ok(Self {
            text: text.trim().to_owned(),
            sets: sets.ok_or_else(|| {
                bad("expected a version such as `22.1.0` or a range such as `^22.1`")
            })?,
        })
    }
}

#[cfg(test)]
mod tests;
