//! What an app asks of Node: a version, a range, or a name that nvm and its like know.

use std::fmt;
use std::str::FromStr;

use super::{NodeRange, NodeVersion, VersionError};

/// A request for Node. Which release it means depends on what is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeRequest {
    /// This release: `22.11.0`, `v22.11.0`, `=22.11.0`.
    Exact(NodeVersion),
    /// The newest release of a range: `^22.11`, `22`, `22.11`, `>=18 <21`.
    Range(NodeRange),
    /// The newest release of all: `latest`, `current`, `node`, `stable`.
    Latest,
    /// The newest release with long-term support: `lts`, `lts/*`.
    Lts,
    /// The newest release of a line with long-term support: `lts/jod`. The name is in lower case.
    LtsName(String),
    /// The newest release of the line that many lines with long-term support before the newest: `lts/-1`.
    LtsBefore(usize),
}

impl FromStr for NodeRequest {
    type Err = VersionError;

    /// Takes what stands in config files, `.nvmrc` and `engines.node`; blanks around it don't matter, nor does case in
    /// names.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let word = text.trim().to_ascii_lowercase();
        match word.as_str() {
            "latest" | "current" | "node" | "stable" => return Ok(Self::Latest),
            "lts" | "lts/*" => return Ok(Self::Lts),
            _ => {}
        }
        // mise and asdf write `lts-jod`.
        if let Some(name) = word
            .strip_prefix("lts/")
            .or_else(|| word.strip_prefix("lts-"))
        {
            return Self::lts(name).ok_or_else(|| VersionError {
                what: "Node",
                text: text.to_owned(),
                why: "expected the name of a line with long-term support after `lts/`, such as `jod`, or `*` or `-1`",
            });
        }
        let exact = word.strip_prefix('=').map_or(word.as_str(), str::trim);
        match exact.parse::<NodeVersion>() {
            Ok(version) if version.0.build.is_empty() => Ok(Self::Exact(version)),
            _ => text.parse().map(Self::Range),
        }
    }
}

impl NodeRequest {
    fn lts(name: &str) -> Option<Self> {
        if let Some(count) = name.strip_prefix('-') {
            let plain = count.bytes().all(|byte| byte.is_ascii_digit());
            let count = count.parse().ok().filter(|count| *count > 0)?;
            return plain.then_some(Self::LtsBefore(count));
        }
        let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic());
        plain.then(|| Self::LtsName(name.to_owned()))
    }

    /// Whether `version` is of those that are meant, as far as the request alone can tell.
    pub fn allows(&self, version: &NodeVersion) -> bool {
        match self {
            Self::Exact(exact) => exact == version,
            Self::Range(range) => range.contains(version),
            Self::Latest | Self::Lts | Self::LtsName(_) | Self::LtsBefore(_) => true,
        }
    }
}

impl fmt::Display for NodeRequest {
    /// In the form that most tools read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(version) => version.fmt(f),
            Self::Range(range) => range.fmt(f),
            Self::Latest => f.write_str("latest"),
            Self::Lts => f.write_str("lts/*"),
            Self::LtsName(name) => write!(f, "lts/{name}"),
            Self::LtsBefore(count) => write!(f, "lts/-{count}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(text: &str) -> NodeRequest {
        text.parse().unwrap()
    }

    #[test]
    fn reads_what_people_write() {
        let jod = NodeRequest::LtsName("jod".to_owned());
        let exact = NodeRequest::Exact("22.11.0".parse().unwrap());
        for (written, meant) in [
            ("22.11.0", exact.clone()),
            (" v22.11.0\n", exact.clone()),
            ("=22.11.0", exact.clone()),
            ("= v22.11.0", exact),
            ("latest", NodeRequest::Latest),
            ("Current", NodeRequest::Latest),
            ("node", NodeRequest::Latest),
            ("stable", NodeRequest::Latest),
            ("lts", NodeRequest::Lts),
            ("LTS/*", NodeRequest::Lts),
            ("lts/jod", jod.clone()),
            ("lts/Jod", jod.clone()),
            ("lts-jod", jod),
            ("lts/-1", NodeRequest::LtsBefore(1)),
        ] {
            assert_eq!(request(written), meant, "{written}");
        }
        for written in ["22", "v22", "22.11", "22.x", "^22", "*", "", "18 || 20"] {
            assert!(
                matches!(request(written), NodeRequest::Range(_)),
                "{written}"
            );
        }
    }

    #[test]
    fn refuses_the_rest() {
        for text in [
            "twenty",
            "lts/",
            "lts/-0",
            "lts/-",
            "lts/--1",
            "lts/-99999999999999999999999",
            "lts/jod iron",
            "lts/22",
            "latest-22",
            "iojs",
            "22.11.0.1",
            "system",
            "٢٢",
        ] {
            assert!(text.parse::<NodeRequest>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_parses_or_fails_quietly(text in "\\PC{0,20}|(lts[/-])?[-0-9x*.v=^~<> |a-z]{0,12}") {
            if let Ok(request) = text.parse::<NodeRequest>() {
                prop_assert_eq!(request.to_string().parse::<NodeRequest>().unwrap(), request);
            }
        }
    }
}
