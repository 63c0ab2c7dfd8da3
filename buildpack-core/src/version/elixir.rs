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

/// What an app asks for: a version, and perhaps the OTP it is to be built for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElixirRequest {
    /// The version.
    pub version: ElixirVersion,
    /// The number after `-otp-`, where one was written.
    pub otp: Option<u32>,
}

impl ElixirRequest {
    /// The branch `name`, as `elixir_version=(branch name)` asks for.
    pub fn branch(name: &str) -> Result<Self, VersionError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if name.is_empty() || !name.bytes().all(plain) {
            return Err(VersionError {
                what: "Elixir",
                text: name.to_owned(),
                why: "expected the name of a branch, such as `main` or `v1.18`",
            });
        }
        let (branch, otp) = split_otp(name);
        Ok(Self {
            version: ElixirVersion::Branch(branch.to_owned()),
            otp,
        })
    }
}

/// Splits a trailing `-otp-NN` off.
fn split_otp(text: &str) -> (&str, Option<u32>) {
    text.rsplit_once("-otp-")
        .and_then(|(version, otp)| Some((version, Some(otp.parse().ok()?))))
        .unwrap_or((text, None))
}

impl FromStr for ElixirRequest {
    type Err = VersionError;

    /// Takes `1.18.3`, `v1.18.3`, `1.18.0-rc.0`, `1.18.3-otp-27`; `1.18` is `1.18.0`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = |why| VersionError {
            what: "Elixir",
            text: text.to_owned(),
            why,
        };
        let bare = text.trim();
        let bare = bare.strip_prefix(['v', 'V']).unwrap_or(bare);
        let (bare, otp) = split_otp(bare);
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(text: &str) -> (String, Option<u32>) {
        let request: ElixirRequest = text.parse().unwrap();
        (request.version.to_string(), request.otp)
    }

    #[test]
    fn normalises_what_people_write() {
        assert_eq!(request("1.18.3"), ("1.18.3".into(), None));
        assert_eq!(request("v1.18.1"), ("1.18.1".into(), None));
        assert_eq!(request("1.18"), ("1.18.0".into(), None));
        assert_eq!(request("1.18-rc.0"), ("1.18.0-rc.0".into(), None));
        assert_eq!(request("1.18.1-otp-27"), ("1.18.1".into(), Some(27)));
        assert_eq!(request("1.18.0-rc.0"), ("1.18.0-rc.0".into(), None));
        assert_eq!(
            request("v1.18.0-rc.0-otp-27"),
            ("1.18.0-rc.0".into(), Some(27))
        );
    }

    #[test]
    fn refuses_the_rest() {
        for text in [
            "", "1", "main", "1.x", "1.18.1.2", "1.18.1+x", "~> 1.18", "01.2.3",
        ] {
            assert!(text.parse::<ElixirRequest>().is_err(), "{text}");
        }
        for branch in ["", "a b", "../x", "é"] {
            assert!(ElixirRequest::branch(branch).is_err(), "{branch}");
        }
    }

    #[test]
    fn a_branch_knows_its_line() {
        let request = ElixirRequest::branch("v1.18-otp-27").unwrap();
        assert_eq!(request.version.line(), Some((1, 18)));
        assert_eq!(request.otp, Some(27));
        assert_eq!(ElixirRequest::branch("main").unwrap().version.line(), None);
    }

    proptest! {
        #[test]
        fn any_text_parses_or_fails_quietly(text in "\\PC{0,20}") {
            if let Ok(request) = text.parse::<ElixirRequest>() {
                let again: ElixirRequest = request.version.to_string().parse().unwrap();
                prop_assert_eq!(again.version, request.version);
            }
        }
    }
}
