//! Elixir versions: semver, or a branch that is built every night.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use semver::Version;

use super::VersionError;

/// An Elixir version, or a branch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ElixirVersion {
    /// A release or release candidate, such as `1.18.3` or `1.18.0-rc.0`.
    Release(Version),
    /// A branch such as `main` or `v1.18`, whose build changes.
    Branch(String),
}

impl ElixirVersion {
    /// The name of its build without an OTP suffix: `v1.18.3`, `main`.
    pub fn reference(&self) -> String {
        match self {
            Self::Release(version) => format!("v{version}"),
            Self::Branch(branch) => branch.clone(),
        }
    }

    /// The release, where it is one.
    pub fn release(&self) -> Option<&Version> {
        match self {
            Self::Release(version) => Some(version),
            Self::Branch(_) => None,
        }
    }

    /// Its first two numbers, which the table of supported OTP versions goes by; none for `main`.
    pub fn line(&self) -> Option<(u64, u64)> {
        match self {
            Self::Release(version) => Some((version.major, version.minor)),
            Self::Branch(branch) => {
                let (major, minor) = branch.strip_prefix('v')?.split_once('.')?;
                Some((major.parse().ok()?, minor.parse().ok()?))
            }
        }
    }
}

impl fmt::Display for ElixirVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Release(version) => version.fmt(f),
            Self::Branch(branch) => f.write_str(branch),
        }
    }
}

impl Ord for ElixirVersion {
    /// Releases as semver orders them, then branches by name.
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Release(one), Self::Release(two)) => one.cmp(two),
            (Self::Branch(one), Self::Branch(two)) => one.cmp(two),
            (Self::Release(_), Self::Branch(_)) => Ordering::Less,
            (Self::Branch(_), Self::Release(_)) => Ordering::Greater,
        }
    }
}

impl PartialOrd for ElixirVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A published build: a version, and the OTP it was compiled with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElixirBuild {
    /// The version.
    pub version: ElixirVersion,
    /// The number after `-otp-`; none where one build is meant for every OTP.
    pub otp: Option<u32>,
}

/// Splits a trailing `-otp-NN` off.
pub(super) fn split_otp(text: &str) -> (&str, Option<u32>) {
    text.rsplit_once("-otp-")
        .and_then(|(version, otp)| Some((version, Some(otp.parse().ok()?))))
        .unwrap_or((text, None))
}

impl FromStr for ElixirBuild {
    type Err = VersionError;

    /// Takes `v1.18.3-otp-27`, `1.18.3`, `1.18.0-rc.0`; `1.18-rc.0` is `1.18.0-rc.0`. Two bare numbers are a branch's
    /// build: [`Self::of_reference`] reads it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = |why| VersionError {
            what: "Elixir",
            text: text.to_owned(),
            why,
        };
        let bare = text.trim();
        let bare = bare.strip_prefix(['v', 'V']).unwrap_or(bare);
        let (bare, otp) = split_otp(bare);
        if split_otp(bare).1.is_some() {
            return Err(bad("one `-otp-` is enough"));
        }
        let numbers = bare.split(['-', '+']).next().unwrap_or_default();
        let full = match numbers.split('.').count() {
            2 => bare.replacen(numbers, &format!("{numbers}.0"), 1),
            _ => bare.to_owned(),
        };
        let version = Version::parse(&full)
            .map_err(|_| bad("expected three numbers separated by dots, such as `1.18.3`"))?;
        if !version.build.is_empty() {
            return Err(bad("Elixir releases have no `+` part"));
        }
        Ok(Self {
            version: ElixirVersion::Release(version),
            otp,
        })
    }
}

impl ElixirBuild {
    /// Reads a list's name of a build: `v1.18.3-otp-27` is a release, `v1.18-otp-27` and `main` are branches.
    pub fn of_reference(reference: &str) -> Self {
        let (bare, otp) = split_otp(reference);
        let release = bare
            .strip_prefix('v')
            .and_then(|bare| Version::parse(bare).ok());
        Self {
            version: match release {
                Some(release) => ElixirVersion::Release(release),
                None => ElixirVersion::Branch(bare.to_owned()),
            },
            otp,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn build(text: &str) -> (String, Option<u32>) {
        let build: ElixirBuild = text.parse().unwrap();
        (build.version.to_string(), build.otp)
    }

    #[test]
    fn normalises_what_people_write() {
        assert_eq!(build("1.18.3"), ("1.18.3".into(), None));
        assert_eq!(build("1.18-rc.0"), ("1.18.0-rc.0".into(), None));
        assert_eq!(
            build("v1.18.0-rc.0-otp-27"),
            ("1.18.0-rc.0".into(), Some(27))
        );
        for text in [
            "",
            "1",
            "main",
            "1.x",
            "1.18.1.2",
            "1.18.1+x",
            "01.2.3",
            "1.18.1-otp-26-otp-27",
        ] {
            assert!(text.parse::<ElixirBuild>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_reference_is_a_release_or_a_branch() {
        let read = |text: &str| {
            let build = ElixirBuild::of_reference(text);
            let branch = matches!(build.version, ElixirVersion::Branch(_));
            (build.version.to_string(), build.otp, branch)
        };
        assert_eq!(
            read("v1.18.3-otp-27"),
            ("1.18.3".to_owned(), Some(27), false)
        );
        assert_eq!(read("v1.18-otp-27"), ("v1.18".to_owned(), Some(27), true));
        assert_eq!(read("main"), ("main".to_owned(), None, true));
    }

    proptest! {
        #[test]
        fn any_text_parses_or_fails_quietly(text in "\\PC{0,20}") {
            let _ = ElixirBuild::of_reference(&text);
            if let Ok(build) = text.parse::<ElixirBuild>() {
                let again: ElixirBuild = build.version.to_string().parse().unwrap();
                prop_assert_eq!(again.version, build.version);
            }
        }
    }
}
