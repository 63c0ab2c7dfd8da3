//! What an app asks for where it names an Erlang/OTP version.

use super::{OtpVersion, VersionError, otp, words_of_version_managers};

/// One release, or the newest of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OtpRequest {
    /// This release and no other.
    Release(OtpVersion),
    /// The release of just these numbers if it is there, else the newest that begins with them. One number is always
    /// the newest of its line.
    Newest(Vec<u32>),
    /// The newest release that is no candidate.
    Latest,
}

impl OtpRequest {
    /// As Heroku's Elixir packs and asdf read it: `27` is the release 27.0.
    pub fn exact(text: &str) -> Result<Self, VersionError> {
        if text.trim() == "latest" {
            return Ok(Self::Latest);
        }
        understandable(text)?.parse().map(Self::Release)
    }

    /// As mise and kerl's readers read it: `27` is the newest release of the line, `27.2` too where no release has just
    /// this name.
    pub fn newest(text: &str) -> Result<Self, VersionError> {
        let Self::Release(version) = Self::exact(text)? else {
            return Ok(Self::Latest);
        };
        // The version itself has no trailing zeros any more, and a second number in any case.
        let written = otp::bare(text).split('.').count();
        let numbers = version.numbers();
        Ok(if version.is_candidate() || written > numbers.len() {
            Self::Release(version)
        } else {
            Self::Newest(numbers[..written].to_vec())
        })
    }

    /// The line that it can only be of, such as 27; none for `latest`.
    pub fn major(&self) -> Option<u32> {
        match self {
            Self::Release(version) => Some(version.major()),
            Self::Newest(numbers) => numbers.first().copied(),
            Self::Latest => None,
        }
    }

    /// Whether `version` is one that would do, whatever is published.
    pub fn allows(&self, version: &OtpVersion) -> bool {
        match self {
            Self::Release(release) => release == version,
            Self::Newest(numbers) => !version.is_candidate() && version.begins_with(numbers),
            Self::Latest => true,
        }
    }
}

fn understandable(text: &str) -> Result<&str, VersionError> {
    match words_of_version_managers(text) {
        None => Ok(text),
        Some(why) => Err(VersionError {
            what: "Erlang/OTP",
            text: text.to_owned(),
            why,
        }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn release(text: &str) -> OtpRequest {
        OtpRequest::Release(text.parse().unwrap())
    }

    #[test]
    fn the_packs_and_mise_read_short_versions_differently() {
        use OtpRequest::{Latest, Newest};
        for (text, packs, mise) in [
            ("27", release("27.0"), Newest(vec![27])),
            ("27.2", release("27.2"), Newest(vec![27, 2])),
            ("OTP-27.2", release("27.2"), Newest(vec![27, 2])),
            ("27.3.4.1", release("27.3.4.1"), Newest(vec![27, 3, 4, 1])),
            ("26.0.0", release("26.0"), release("26.0")),
            ("27.0-rc1", release("27.0-rc1"), release("27.0-rc1")),
            ("latest", Latest, Latest),
        ] {
            assert_eq!(OtpRequest::exact(text), Ok(packs), "{text}");
            assert_eq!(OtpRequest::newest(text), Ok(mise), "{text}");
        }
    }

    #[test]
    fn words_of_version_managers_are_no_versions() {
        for (text, said) in [
            ("system", "nothing installed"),
            ("path:~/otp", "one machine"),
            ("ref:maint-27", "commit"),
            ("prefix:27", "mise"),
        ] {
            let error = OtpRequest::newest(text).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,20}") {
            let _ = OtpRequest::exact(&text);
            let _ = OtpRequest::newest(&text);
        }

        #[test]
        fn what_reads_as_a_release_reads_as_a_line(text in "(OTP-|v)?[0-9]{1,2}(\\.[0-9]{1,2}){0,4}(-rc[0-9])?") {
            let OtpRequest::Release(version) = OtpRequest::exact(&text).unwrap() else { panic!() };
            let line = OtpRequest::newest(&text).unwrap();
            prop_assert!(line.allows(&version));
            prop_assert_eq!(line.major(), Some(version.major()));
        }
    }
}
