//! What to take in place of a version that cannot be had, the best first.

use buildpack_core::version::OtpVersion;
use semver::Version;

use super::shelf::{ElixirShelf, OtpShelf};
use crate::rules::otp_known_bad::known_bad;

/// How many are named.
const MOST: usize = 4;

/// How many of one line.
const OF_A_LINE: usize = 2;

/// Releases of the same line first, then of the same major version and newer where there are such, then the newest of the nearest major versions.
/// Those that are known to be bad come only where there are no others, those of a major version that does not fit
/// never.
pub(super) fn otps(
    version: &OtpVersion,
    shelf: &OtpShelf,
    fits: impl Fn(u32) -> bool,
) -> Vec<OtpVersion> {
    let (bad, good): (Vec<&OtpVersion>, Vec<&OtpVersion>) = shelf
        .releases()
        .filter(|other| *other != version && fits(other.major()))
        .partition(|other| known_bad(other).is_some());
    let there = if good.is_empty() { bad } else { good };
    let (same, mut others): (Vec<&OtpVersion>, Vec<&OtpVersion>) = there
        .into_iter()
        .partition(|other| other.major() == version.major());
    let (line, mut major): (Vec<&OtpVersion>, Vec<&OtpVersion>) = same
        .into_iter()
        .partition(|other| other.line() == version.line());
    if major.iter().any(|other| *other > version) {
        major.retain(|other| *other > version);
    }
    others.dedup_by_key(|other| other.major());
    // Of two that are as far away, the newer stands first already.
    others.sort_by_key(|other| other.major().abs_diff(version.major()));
    line.into_iter()
        .take(OF_A_LINE)
        .chain(major.into_iter().take(OF_A_LINE))
        .chain(others)
        .take(MOST)
        .cloned()
        .collect()
}

/// Releases of the same line first, then the newest of the nearest lines; of those that are `allowed`.
pub(super) fn elixirs(
    line: Option<(u64, u64)>,
    shelf: &ElixirShelf,
    otp: Option<u32>,
    allowed: impl Fn(&Version) -> bool,
) -> Vec<Version> {
    let of = |version: &Version| (version.major, version.minor);
    let (same, mut others): (Vec<&Version>, Vec<&Version>) = shelf
        .releases(otp)
        .filter(|version| allowed(version))
        .partition(|version| Some(of(version)) == line);
    others.dedup_by_key(|version| of(version));
    if let Some((major, minor)) = line {
        others
            .sort_by_key(|version| (version.major.abs_diff(major), version.minor.abs_diff(minor)));
    }
    same.into_iter()
        .take(OF_A_LINE)
        .chain(others)
        .take(MOST)
        .cloned()
        .collect()
}
