//! Erlang/OTP versions: any count of numbers, perhaps a release candidate. They are not semver.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use super::VersionError;

/// An Erlang/OTP version such as `27.3.4.1` or `28.0-rc1`, normalised to at least two numbers without trailing zeros
/// beyond them, as OTP tags its releases.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OtpVersion {
    numbers: Vec<u32>,
    candidate: Option<u32>,
}

impl OtpVersion {
    /// The release of these numbers; missing ones are 0.
    pub fn of(numbers: &[u32]) -> Self {
        let mut numbers = numbers.to_vec();
        while numbers.len() > 2 && numbers.last() == Some(&0) {
            numbers.pop();
        }
        numbers.resize(numbers.len().max(2), 0);
        Self {
            numbers,
            candidate: None,
        }
    }

    /// The first number, which Elixir's builds are named after.
    pub fn major(&self) -> u32 {
        self.numbers[0]
    }

    /// All numbers, at least two.
    pub fn numbers(&self) -> &[u32] {
        &self.numbers
    }

    /// Whether it is a release candidate.
    pub fn is_candidate(&self) -> bool {
        self.candidate.is_some()
    }

    /// Whether these are its first numbers; the zero of `27.0` counts as one.
    pub fn begins_with(&self, numbers: &[u32]) -> bool {
        self.numbers.starts_with(numbers)
    }

    /// The first two numbers: patches of one line share them.
    pub fn line(&self) -> (u32, u32) {
        (self.numbers[0], self.numbers[1])
    }

    /// The name of its build, such as `OTP-27.3.4.1`.
    pub fn reference(&self) -> String {
        format!("OTP-{self}")
    }
}

impl FromStr for OtpVersion {
    type Err = VersionError;

    /// Takes `27.3.4.1`, `27`, `27.0.0`, `OTP-27.3`, `v27.3`, `28.0-rc1`, `28.0-rc.1`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = |why| VersionError {
            what: "Erlang/OTP",
            text: text.to_owned(),
            why,
        };
        let bare = bare(text);
        let (numbers, candidate) = match bare.split_once('-') {
            None => (bare, None),
            Some((numbers, suffix)) => {
                let digits = suffix
                    .strip_prefix("rc")
                    .ok_or_else(|| bad("only `-rc` and a number may follow the numbers"))?;
                let digits = digits.strip_prefix('.').unwrap_or(digits);
                let number = number(digits).ok_or_else(|| bad("`-rc` needs a number"))?;
                (numbers, Some(number))
            }
        };
        let numbers = numbers
            .split('.')
            .map(number)
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| bad("expected numbers separated by dots, such as `27.3.4.1`"))?;
        if numbers.len() > 8 {
            return Err(bad("too many numbers"));
        }
        Ok(Self {
            candidate,
            ..Self::of(&numbers)
        })
    }
}

/// The text without what people put before the numbers.
pub(super) fn bare(text: &str) -> &str {
    let bare = text.trim();
    let bare = strip_prefix_ignoring_case(bare, "otp")
        .map_or(bare, |rest| rest.trim_start_matches(['-', '_', ' ']));
    bare.strip_prefix(['v', 'V']).unwrap_or(bare)
}

/// A plain decimal number, without a sign.
fn number(digits: &str) -> Option<u32> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

impl fmt::Display for OtpVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, number) in self.numbers.iter().enumerate() {
            let dot = if at == 0 { "" } else { "." };
            write!(f, "{dot}{number}")?;
        }
        match self.candidate {
            Some(candidate) => write!(f, "-rc{candidate}"),
            None => Ok(()),
        }
    }
}

impl Ord for OtpVersion {
    /// Number by number, a shorter version first; a candidate before its release.
    fn cmp(&self, other: &Self) -> Ordering {
        let candidate = |version: &Self| version.candidate.unwrap_or(u32::MAX);
        self.numbers
            .cmp(&other.numbers)
            .then_with(|| candidate(self).cmp(&candidate(other)))
    }
}

impl PartialOrd for OtpVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn otp(text: &str) -> OtpVersion {
        text.parse().unwrap()
    }

    #[test]
    fn normalises_what_people_write() {
        for (written, meant) in [
            ("26", "26.0"),
            ("26.0.0", "26.0"),
            ("26.2.5.11", "26.2.5.11"),
            ("OTP-26.2.5", "26.2.5"),
            ("otp 26.2", "26.2"),
            (" v27.0 ", "27.0"),
            ("27.0-rc1", "27.0-rc1"),
            ("27.0-rc.1", "27.0-rc1"),
        ] {
            assert_eq!(otp(written).to_string(), meant, "{written}");
        }
        assert_eq!(otp("27.3.4.1").reference(), "OTP-27.3.4.1");
        assert_eq!(otp("27").major(), 27);
    }

    #[test]
    fn refuses_the_rest() {
        for text in [
            "",
            ".",
            "latest",
            "27.",
            ".27",
            "27..1",
            "27.x",
            "27-beta",
            "27-rc",
            "+27",
            "27.0 28",
            "99999999999",
            "1.2.3.4.5.6.7.8.9",
            "٢٧",
            "é",
        ] {
            assert!(text.parse::<OtpVersion>().is_err(), "{text}");
        }
    }

    #[test]
    fn orders_as_otp_releases() {
        let sorted = [
            "26.0-rc1",
            "26.0-rc3",
            "26.0",
            "26.0.1",
            "26.2",
            "26.2.5",
            "26.2.5.2",
            "26.2.5.11",
            "26.2.6",
            "26.10",
            "27.0-rc1",
        ];
        assert!(sorted.map(otp).is_sorted());
    }

    proptest! {
        #[test]
        fn any_text_parses_or_fails_quietly(text in "\\PC{0,20}") {
            if let Ok(version) = text.parse::<OtpVersion>() {
                prop_assert_eq!(otp(&version.to_string()), version);
            }
        }

        #[test]
        fn printing_reads_back(numbers in proptest::collection::vec(0u32..100, 1..6), candidate in proptest::option::of(0u32..9)) {
            let dotted: Vec<_> = numbers.iter().map(ToString::to_string).collect();
            let suffix = candidate.map(|number| format!("-rc{number}")).unwrap_or_default();
            let text = dotted.join(".") + &suffix;
            let version = otp(&text);
            prop_assert_eq!(otp(&version.to_string()), version);
        }
    }
}
