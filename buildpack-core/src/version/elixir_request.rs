//! What an app asks for where it names an Elixir version.

use std::fmt;
use std::str::FromStr;

use semver::Version;

use super::{ElixirBuild, ElixirVersion, VersionError, words_of_version_managers};

/// A version or a line of them, and perhaps the OTP it is to be built for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElixirRequest {
    /// Which Elixir.
    pub wanted: ElixirWanted,
    /// The number after `-otp-`, where one was written.
    pub otp: Option<u32>,
}

/// One version, or the newest of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ElixirWanted {
    /// This release or branch and no other.
    Version(ElixirVersion),
    /// The newest release of a line such as 1.18.
    Line(u64, u64),
    /// The newest release that is no candidate.
    Latest,
}

impl ElixirWanted {
    /// The line that it can only be of; none for `latest` and `main`.
    pub fn line(&self) -> Option<(u64, u64)> {
        match self {
            Self::Version(version) => version.line(),
            Self::Line(major, minor) => Some((*major, *minor)),
            Self::Latest => None,
        }
    }

    /// Whether `version` is one that would do, whatever is published.
    pub fn allows(&self, version: &ElixirVersion) -> bool {
        match (self, version) {
            (Self::Version(wanted), _) => wanted == version,
            (Self::Line(major, minor), ElixirVersion::Release(release)) => {
                (release.major, release.minor) == (*major, *minor)
            }
            (Self::Line(..), ElixirVersion::Branch(_)) => false,
            (Self::Latest, _) => true,
        }
    }
}

impl fmt::Display for ElixirWanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => version.fmt(f),
            Self::Line(major, minor) => write!(f, "{major}.{minor}"),
            Self::Latest => f.write_str("latest"),
        }
    }
}

impl ElixirRequest {
    /// The branch `name`, as `elixir_version=(branch name)` asks for.
    pub fn branch(name: &str) -> Result<Self, VersionError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if name.is_empty() || !name.bytes().all(plain) {
            return Err(bad(
                name,
                "expected the name of a branch, such as `main` or `v1.18`",
            ));
        }
        let (branch, otp) = super::elixir::split_otp(name);
        Ok(Self {
            wanted: ElixirWanted::Version(ElixirVersion::Branch(branch.to_owned())),
            otp,
        })
    }
}

fn bad(text: &str, why: &'static str) -> VersionError {
    VersionError {
        what: "Elixir",
        text: text.to_owned(),
        why,
    }
}

impl FromStr for ElixirRequest {
    type Err = VersionError;

    /// Takes `1.18.3`, `v1.18.3`, `1.18.0-rc.0`, `1.18.3-otp-27`, the line `1.18`, `latest`, and `main`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(why) = words_of_version_managers(text) {
            return Err(bad(text, why));
        }
        let trimmed = text.trim();
        let (bare, otp) = super::elixir::split_otp(trimmed);
        let wanted = match bare {
            "latest" => ElixirWanted::Latest,
            "main" | "master" => ElixirWanted::Version(ElixirVersion::Branch(bare.to_owned())),
            _ => match line(bare) {
                Some((major, minor)) => ElixirWanted::Line(major, minor),
                None if has_requirement(bare) => {
                    return Err(bad(
                        text,
                        "a requirement belongs into `mix.exs`, here stands one version such as `1.18.3`",
                    ));
                }
                None => {
                    let build: ElixirBuild = trimmed.parse().map_err(|_| {
                        bad(
                            text,
                            "expected three numbers separated by dots, such as `1.18.3`, or two for the newest of a line",
                        )
                    })?;
                    ElixirWanted::Version(build.version)
                }
            },
        };
        Ok(Self { wanted, otp })
    }
}

fn has_requirement(text: &str) -> bool {
    text.contains(['~', '<', '>', '=', '*']) || text.contains(" or ") || text.contains(" and ")
}

/// The numbers of `1.18` or `v1.18`.
fn line(bare: &str) -> Option<(u64, u64)> {
    let bare = bare.strip_prefix(['v', 'V']).unwrap_or(bare);
    let version = Version::parse(&format!("{bare}.0")).ok()?;
    (version.pre.is_empty() && version.build.is_empty()).then_some((version.major, version.minor))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(text: &str) -> (String, Option<u32>) {
        let request: ElixirRequest = text.parse().unwrap();
        (format!("{:?}", request.wanted), request.otp)
    }

    #[test]
    fn takes_what_people_write() {
        for (text, wanted, otp) in [
            ("1.18.3", "1.18.3", None),
            ("v1.18.1", "1.18.1", None),
            (" 1.18.1-otp-27 ", "1.18.1", Some(27)),
            ("1.18.0-rc.0", "1.18.0-rc.0", None),
            ("v1.18.0-rc.0-otp-27", "1.18.0-rc.0", Some(27)),
            ("1.18-rc.0", "1.18.0-rc.0", None),
            ("main", "main", None),
            ("main-otp-27", "main", Some(27)),
            ("latest", "latest", None),
        ] {
            let request: ElixirRequest = text.parse().unwrap();
            assert_eq!(
                (request.wanted.to_string().as_str(), request.otp),
                (wanted, otp)
            );
        }
        assert_eq!(request("1.18"), ("Line(1, 18)".to_owned(), None));
        assert_eq!(
            request("v1.18-otp-27"),
            ("Line(1, 18)".to_owned(), Some(27))
        );
    }

    #[test]
    fn refuses_the_rest() {
        for text in [
            "", "1", "1.x", "1.18.1.2", "1.18.1+x", "~> 1.18", "01.2.3", "system", "ref:main",
            "path:/x", "feature",
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
        assert_eq!(request.wanted.line(), Some((1, 18)));
        assert_eq!(request.otp, Some(27));
        assert_eq!(ElixirRequest::branch("main").unwrap().wanted.line(), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,20}") {
            let _ = text.parse::<ElixirRequest>();
            let _ = ElixirRequest::branch(&text);
        }
    }
}
