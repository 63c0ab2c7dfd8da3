//! `otp-known-bad`: Erlang/OTP releases that are built and don't work.

use buildpack_core::check::replace;
use buildpack_core::diagnostic::Diagnostic;
use buildpack_core::version::OtpVersion;

use super::Facts;

/// A range of releases with one fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownBad {
    /// The first release with the fault, as `[27, 2]`.
    pub since: &'static [u32],
    /// The first release after it without the fault.
    pub fixed_in: &'static [u32],
    /// What goes wrong, as the end of a sentence that begins with the version.
    pub fault: &'static str,
    /// Where it is described.
    pub source: &'static str,
}

/// `public_key` 1.13.3.5, 1.15.1.4 and 1.16.4 came to want that the key usages of a CA's certificate agree; 1.13.3.6,
/// 1.15.1.5 and 1.17.1 no longer do (their release notes: OTP-19240, GH-9208). Hex's hosts have had such a chain since
/// 2026-05-31 (hexpm/hexdocs#120). Which OTP has which stands in OTP's `otp_versions.table`.
const KEY_USAGE: &str = "refuses the certificates of Hex's hosts (`key_usage_mismatch`)";

const GH_9208: &str = "https://github.com/erlang/otp/issues/9208";

const TABLE: [KnownBad; 3] = [
    KnownBad {
        since: &[25, 3, 2, 16],
        fixed_in: &[25, 3, 2, 18],
        fault: KEY_USAGE,
        source: GH_9208,
    },
    KnownBad {
        since: &[26, 2, 5, 6],
        fixed_in: &[26, 2, 5, 8],
        fault: KEY_USAGE,
        source: GH_9208,
    },
    KnownBad {
        since: &[27, 1, 3],
        fixed_in: &[27, 2, 2],
        fault: KEY_USAGE,
        source: GH_9208,
    },
];

/// The fault that `version` is known for.
pub fn known_bad(version: &OtpVersion) -> Option<&'static KnownBad> {
    TABLE.iter().find(|row| {
        let numbers = version.numbers();
        row.since <= numbers && numbers < row.fixed_in
    })
}

/// The warning that the chosen OTP is such a release.
pub(super) fn check(facts: &Facts<'_>) -> Option<Diagnostic> {
    let found = facts.otp?;
    let version = &found.version;
    let bad = known_bad(version)?;
    let fixed: Vec<String> = bad.fixed_in.iter().map(ToString::to_string).collect();
    let problem = Diagnostic::warning(
        "otp-known-bad",
        format!("Erlang/OTP {version} {}", bad.fault),
    )
    .from(&found.build.version.origin, "asked for here")
    .note(format!("mended in {}: {}", fixed.join("."), bad.source));
    let better: Vec<OtpVersion> = facts
        .offer
        .otps_near(version, facts.elixir_request)
        .into_iter()
        .filter(|other| other > version && known_bad(other).is_none())
        .collect();
    let problem = match better.first() {
        None => problem.help(format!(
            "take {} or later, on a stack that has it",
            fixed.join(".")
        )),
        Some(best) => replace(
            problem,
            &found.build.version.origin,
            format!("take {best}"),
            &best.to_string(),
            best.major() == version.major(),
        ),
    };
    Some(problem.alternatives(better.iter().map(ToString::to_string).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_range_ends_where_it_was_mended() {
        let bad = |text: &str| known_bad(&text.parse().unwrap()).is_some();
        for text in [
            "25.3.2.16",
            "25.3.2.17",
            "26.2.5.6",
            "26.2.5.7",
            "27.1.3",
            "27.2",
            "27.2.1",
        ] {
            assert!(bad(text), "{text}");
        }
        for text in [
            "25.3.2.15",
            "25.3.2.18",
            "26.2.5.5",
            "26.2.5.8",
            "26.2.5.21",
            "27.0",
            "27.1.2",
            "27.2.2",
            "27.3",
            "28.0",
        ] {
            assert!(!bad(text), "{text}");
        }
    }
}
