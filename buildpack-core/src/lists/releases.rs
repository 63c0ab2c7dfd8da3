//! Which Erlang/OTP releases there are at all, built or not.

use super::snapshot;
use crate::version::OtpVersion;

/// The first version that was tagged as today's are.
const FIRST: u32 = 17;

/// Whether OTP ever released `version`: none where that can't be told, as for one that is newer than the newest known of
/// its line.
pub fn is_otp_release(version: &OtpVersion) -> Option<bool> {
    if version.major() < FIRST {
        return Some(false);
    }
    let known = otp_releases();
    if known.contains(version) {
        return Some(true);
    }
    let newest = |count: usize| {
        let line = &version.numbers()[..count];
        let of_it = known
            .iter()
            .filter(|other| other.numbers().starts_with(line));
        of_it.max()
    };
    // A line that is known may still grow at its end, and nowhere else; a minor version that was skipped stays so.
    let newest = newest(2).or_else(|| newest(1))?;
    (version < newest).then_some(false)
}

/// The Erlang/OTP releases that are known, candidates among them, built or not.
pub fn otp_releases() -> Vec<OtpVersion> {
    let lines = snapshot::section("otp-releases").map(|(_, lines)| lines);
    let lines = lines.into_iter().flatten();
    lines.filter_map(|line| line.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Option<bool> {
        is_otp_release(&text.parse().unwrap())
    }

    #[test]
    fn knows_what_there_is_what_there_never_was_and_what_may_come() {
        for there in ["17.0", "27.2", "27.3.4.1", "28.0-rc1", "OTP-26.2.5", "27"] {
            assert_eq!(told(there), Some(true), "{there}");
        }
        for never in ["26.2.4.9", "27.0-rc9", "16.3", "25.0.0.0.9-rc1", "27.3.0.1"] {
            assert_eq!(told(never), Some(false), "{never}");
        }
        for perhaps in ["27.3.4.99", "27.99", "31.0", "27.2.99", "99.9"] {
            assert_eq!(told(perhaps), None, "{perhaps}");
        }
    }
}
