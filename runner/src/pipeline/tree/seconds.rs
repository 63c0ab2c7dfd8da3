//! Builds of one tree in different seconds: Mix compares times of files by the second.
//!
//! What a build changes in the second in which the last one wrote its manifests counts as unchanged: a removed module
//! stays in the list of modules (`mix compile.app`: a folder's time has to be later than the file's), and an edit that
//! keeps a file's size is not seen.

use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Times of files are those of the kernel's last tick, at most this long ago.
const TICK: Duration = Duration::from_millis(20);

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    since_1970().as_secs()
}

/// Waits for the next second if the last build ended in this one; none: at a moment that nobody knows.
pub(super) fn leave(ended: Option<u64>) {
    if let Some(wait) = rest(ended, since_1970()) {
        sleep(wait);
    }
}

fn rest(ended: Option<u64>, now: Duration) -> Option<Duration> {
    let ended = ended.unwrap_or(now.as_secs());
    let ready = Duration::from_secs(ended.checked_add(1)?) + TICK;
    // A clock that was set back is no reason to wait for longer.
    (ended <= now.as_secs())
        .then(|| ready.checked_sub(now))
        .flatten()
}

fn since_1970() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_build_in_the_same_second_waits() {
        let at = Duration::from_millis;
        assert_eq!(rest(Some(0), at(7_300)), None);
        assert_eq!(rest(Some(6), at(7_300)), None);
        assert_eq!(rest(Some(7), at(7_300)), Some(at(720)));
        assert_eq!(rest(None, at(7_300)), Some(at(720)));
        assert_eq!(rest(Some(6), at(7_005)), Some(at(15)));
        assert_eq!(rest(Some(900), at(7_300)), None);
    }
}
