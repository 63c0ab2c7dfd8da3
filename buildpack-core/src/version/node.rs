//! Node versions: semver, with or without a `v`.

use std::fmt;
use std::str::FromStr;

use semver::Version;

use super::VersionError;

/// An exact Node version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeVersion(pub Version);

impl NodeVersion {
    /// The folder and file part of its name below the dist host: `v22.1.0`.
    pub fn reference(&self) -> String {
        format!("v{}", self.0)
    }
}

impl fmt::Display for NodeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for NodeVersion {
    type Err = VersionError;

    /// Takes `22.1.0` and `v22.1.0`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bare = text.trim();
        let bare = bare.strip_prefix('v').unwrap_or(bare);
        Version::parse(bare).map(Self).map_err(|_| VersionError {
            what: "Node",
            text: text.to_owned(),
            why: "expected three numbers separated by dots, such as `22.1.0`",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_a_v_and_refuses_ranges() {
        let version: NodeVersion = "v22.1.0".parse().unwrap();
        assert_eq!(version.reference(), "v22.1.0");
        for text in ["", "22", "22.x", "^22.1.0", ">=22.1.0"] {
            assert!(text.parse::<NodeVersion>().is_err(), "{text}");
        }
    }
}
