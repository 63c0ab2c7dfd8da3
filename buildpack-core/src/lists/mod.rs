//! Published builds, and a verdict for a version.

mod provider;
mod snapshot;

use std::sync::Arc;

use jiff::civil::Date;
use stacks::Target;

use crate::diagnostic::Explain;
use crate::digest::Digest;

pub use provider::Provider;

/// One published build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// Its name, such as `OTP-27.3.4.1` or `v1.18.3-otp-27`.
    pub reference: String,
    /// The commit it was made from; empty in the built-in list.
    pub commit: String,
    /// When it was made, as the list says it (ISO 8601).
    pub date: String,
    /// SHA-256 of the archive; older entries have none.
    pub sha256: Option<Digest>,
}

/// A list of builds, and where from and from when it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildList {
    /// Folder of the list and its archives below the builds host, such as `builds/otp/amd64/ubuntu-24.04`.
    pub folder: String,
    /// The day it was taken, where it is not from today.
    pub taken: Option<Date>,
    builds: Vec<Publication>,
}

impl BuildList {
    /// Reads `builds.txt`: `REF COMMIT DATE [SHA256]` a line, blank lines and older lines without a digest among them.
    ///
    /// What has not one such line, or one that is none, is no list: an error page, a truncated file.
    pub fn parse(folder: &str, text: &str, taken: Option<Date>) -> Result<Self, String> {
        let builds = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(|line| {
                Publication::parse(line)
                    .ok_or_else(|| format!("`{}` is no line of a list", cut(line)))
            })
            .collect::<Result<Vec<_>, _>>()?;
        if builds.is_empty() {
            return Err("it is empty".to_owned());
        }
        Ok(Self {
            folder: folder.to_owned(),
            taken,
            builds,
        })
    }

    /// The build of this name.
    pub fn find(&self, reference: &str) -> Option<&Publication> {
        self.builds
            .iter()
            .find(|build| build.reference == reference)
    }

    /// All builds, as the list orders them.
    pub fn builds(&self) -> &[Publication] {
        &self.builds
    }
}

impl Publication {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let (reference, commit, date) = (words.next()?, words.next()?, words.next()?);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-+".contains(&byte);
        let whole = reference.bytes().all(plain)
            && commit.bytes().all(|byte| byte.is_ascii_hexdigit())
            && date.starts_with(|digit: char| digit.is_ascii_digit());
        let sha256 = match words.next() {
            None => None,
            Some(digest) => Some(digest.parse().ok()?),
        };
        whole.then(|| Self {
            reference: reference.to_owned(),
            commit: commit.to_owned(),
            date: date.to_owned(),
            sha256,
        })
    }
}

/// The beginning of a line that may be long.
fn cut(line: &str) -> String {
    line.chars().take(40).collect()
}

/// Where build lists come from.
pub trait ListSource: Send + Sync {
    /// The Erlang/OTP builds for `target`.
    fn otp(&self, target: &Target) -> Result<Arc<BuildList>, Box<dyn ListError>>;
    /// The Elixir builds, which fit every stack and architecture.
    fn elixir(&self) -> Result<Arc<BuildList>, Box<dyn ListError>>;
}

/// Why a list could not be had.
pub trait ListError: Explain + Send + Sync {}

/// Gets a list's text from the builds host; the runner's part.
pub trait FetchList: Send + Sync {
    /// The text at `path` below the builds host, such as `builds/otp/amd64/ubuntu-24.04/builds.txt`; none if the host
    /// says that there is nothing (404, 403).
    fn get(&self, path: &str) -> Result<Option<String>, Box<dyn ListError>>;

    /// The text last kept for `path` and the day it was fetched; for use while the host can't be reached.
    fn kept(&self, path: &str) -> Option<(String, Date)> {
        let _ = path;
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHA: &str = "19d80df49510d24079baf670e9675cba2c005b65ede2086d70db03a9e52b8ad3";

    #[test]
    fn reads_lines_with_and_without_a_digest() {
        let text = format!(
            "OTP-27.3 3d7f4d 2024-05-11T09:35:09Z {SHA} \n\nmaint-26 abc 2024-05-11T09:35:09Z\n"
        );
        let list = BuildList::parse("builds/otp", &text, None).unwrap();
        assert_eq!(list.find("OTP-27.3").unwrap().sha256.unwrap().hex(), SHA);
        assert_eq!(list.find("maint-26").unwrap().sha256, None);
        assert_eq!(list.find("OTP-27"), None);
    }

    #[test]
    fn refuses_what_is_no_list() {
        for text in [
            "",
            "\n \n",
            "<html><body>502 Bad Gateway</body></html>",
            "OTP-27.3 3d7f4d 2024-05-11T09:35:09Z 19d8",
            "OTP-27.3 3d7f4d",
            "../x 3d7f4d 2024-05-11T09:35:09Z",
        ] {
            assert!(BuildList::parse("x", text, None).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = BuildList::parse("x", &text, None);
        }
    }
}
