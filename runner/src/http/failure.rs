//! reqwest's failures, sorted by what can be done about them.

use std::error::Error;
use std::io;
use std::time::Duration;

use buildpack_core::toolchain::{Cause, TimeLimits};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// Why a request brought no answer.
pub(super) fn sort(error: reqwest::Error, limits: TimeLimits) -> Cause {
    // Its address may hold a password.
    let error = error.without_url();
    if error.is_builder() || error.is_redirect() {
        return Cause::Invalid(chain(&error));
    }
    if causes(&error).any(<dyn Error>::is::<rustls::Error>) || wraps_tls(&error) {
        return Cause::Tls(chain(&error));
    }
    if error.is_connect() {
        return Cause::Connect(if error.is_timeout() {
            format!("no answer within {} s", limits.connect.as_secs_f32())
        } else {
            chain(&error)
        });
    }
    if error.is_timeout() {
        return Cause::Stalled(limits.stall);
    }
    Cause::Broken(chain(&error))
}

/// What an error and its causes say, the outermost words of the client left out where there are inner ones.
pub(super) fn chain(error: &reqwest::Error) -> String {
    let mut words: Vec<String> = Vec::new();
    for cause in causes(error) {
        let text = cause.to_string();
        // Some repeat their cause.
        if !words.iter().any(|word| word.contains(&text)) {
            words.push(text);
        }
    }
    let inner = if words.len() > 1 {
        &words[1..]
    } else {
        &words[..]
    };
    inner.join(": ")
}

/// The kind of the system's error below.
pub(super) fn io_kind(error: &reqwest::Error) -> Option<io::ErrorKind> {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .map(io::Error::kind)
        .find(|kind| *kind != io::ErrorKind::Other)
}

/// Whether an I/O error carries one of TLS inside, where the chain of causes does not show it.
fn wraps_tls(error: &reqwest::Error) -> bool {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .filter_map(io::Error::get_ref)
        .any(<dyn Error + Send + Sync>::is::<rustls::Error>)
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let first: &(dyn Error + 'static) = error;
    std::iter::successors(Some(first), |cause| (*cause).source())
}

/// The wait that a server asks for: seconds, or a date (RFC 9110, 10.2.3).
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    wait_until(headers.get(RETRY_AFTER)?.to_str().ok()?, Timestamp::now())
}

fn wait_until(value: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTimeParser::new().parse_timestamp(value.trim()).ok()?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_seconds_or_a_date() {
        let now: Timestamp = "2015-10-21T07:27:50Z".parse().unwrap();
        let wait = |value| wait_until(value, now).map(|wait| wait.as_secs());
        assert_eq!(wait("7"), Some(7));
        assert_eq!(wait("Wed, 21 Oct 2015 07:28:00 GMT"), Some(10));
        assert_eq!(wait("Wed, 21 Oct 2015 07:20:00 GMT"), Some(0));
        assert_eq!(wait("soon"), None);
    }
}
