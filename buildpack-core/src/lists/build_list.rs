//! Lists of Erlang/OTP and Elixir builds: `builds.txt` of the Hex builds host.

use std::collections::HashMap;

use super::ListInfo;
use crate::digest::Digest;

/// One published build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// Its name, such as `OTP-27.3.4.1` or `v1.18.3-otp-27`.
    pub reference: String,
    /// The commit it was made from; empty where the list does not say, as the built-in one.
    pub commit: String,
    /// When it was made, as the list says it (ISO 8601); empty where it does not.
    pub date: String,
    /// SHA-256 of the archive; older entries have none.
    pub sha256: Option<Digest>,
}

/// A list of builds, and where from and from when it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildList {
    /// Where from and from when.
    pub info: ListInfo,
    builds: Vec<Publication>,
}

impl BuildList {
    /// Reads `builds.txt`: `REF [COMMIT [DATE [SHA256]]]` a line, in any order, the last line of a name counting.
    ///
    /// Other lines are passed over where they are few. A text with more of them, one in twenty, is no list but an error
    /// page or the like; neither is one without any build.
    pub fn read(text: &str, info: ListInfo) -> Result<Self, String> {
        let mut builds: Vec<Option<Publication>> = Vec::new();
        let mut places = HashMap::new();
        let (mut lines, mut odd) = (0_usize, None::<(&str, usize)>);
        for (line, whole) in lines_of(text) {
            lines += 1;
            let Some(build) = Publication::read(line, whole) else {
                odd = Some(odd.map_or((line, 1), |(first, count)| (first, count + 1)));
                continue;
            };
            let name = line.split_ascii_whitespace().next();
            if let Some(earlier) = places.insert(name, builds.len()) {
                builds[earlier] = None;
            }
            builds.push(Some(build));
        }
        if let Some((first, _)) = odd.filter(|(_, count)| count * 20 > lines) {
            return Err(format!("`{}` is no line of a list", cut(first)));
        }
        if builds.is_empty() {
            return Err("it is empty".to_owned());
        }
        Ok(Self::of(builds.into_iter().flatten().collect(), info))
    }

    pub(super) fn of(builds: Vec<Publication>, info: ListInfo) -> Self {
        Self { info, builds }
    }

    /// The list as if it had this build alone.
    #[must_use]
    pub fn with_only(&self, build: Publication) -> Self {
        Self::of(vec![build], self.info.clone())
    }

    /// The build of this name.
    pub fn find(&self, reference: &str) -> Option<&Publication> {
        self.builds
            .iter()
            .find(|build| build.reference == reference)
    }

    /// Whether what the list lacks is not published. An older list can't tell.
    pub fn is_current(&self) -> bool {
        self.info.current
    }

    /// Folder of the list and its archives below the builds host, such as `builds/otp/amd64/ubuntu-24.04`.
    pub fn folder(&self) -> &str {
        let path = self.info.path.as_str();
        path.rsplit_once('/').map_or(path, |(folder, _)| folder)
    }

    /// All builds, as the list orders them; each name once.
    pub fn builds(&self) -> &[Publication] {
        &self.builds
    }
}

impl Publication {
    /// Reads a line; `whole` is whether its end is known to be its end.
    fn read(line: &str, whole: bool) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let reference = words.next()?;
        let commit = words.next().unwrap_or_default();
        let date = words.next().unwrap_or_default();
        let sha256 = match words.next() {
            None => None,
            // An unreadable digest is not as good as none: the archive would go unverified.
            Some(digest) => Some(digest.parse().ok()?),
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-+".contains(&byte);
        let good = reference.len() <= 200
            && reference.bytes().all(plain)
            && reference.starts_with(|c: char| c.is_ascii_alphanumeric())
            && commit.bytes().all(|byte| byte.is_ascii_hexdigit())
            && (date.is_empty() || date.starts_with(|digit: char| digit.is_ascii_digit()))
            // Any word could be the name of a branch.
            && (!date.is_empty() || is_version(reference) && whole);
        good.then(|| Self {
            reference: reference.to_owned(),
            commit: commit.to_owned(),
            date: date.to_owned(),
            sha256,
        })
    }
}

/// Whether it is `OTP-` or `v` and a number.
fn is_version(reference: &str) -> bool {
    let bare = reference
        .strip_prefix("OTP-")
        .or_else(|| reference.strip_prefix('v'));
    bare.is_some_and(|bare| bare.starts_with(|digit: char| digit.is_ascii_digit()))
}

/// Lines that hold something, without white space around them, and whether a line end follows: a text that was cut off
/// may end in the middle of a name.
fn lines_of(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.split_inclusive('\n')
        .map(|line| (line.trim(), line.ends_with('\n')))
        .filter(|(line, _)| !line.is_empty())
}

/// The beginning of a line that may be long.
fn cut(line: &str) -> String {
    line.chars().take(40).collect()
}

#[cfg(test)]
mod tests;
