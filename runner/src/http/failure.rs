//! reqwest's failures, sorted by what can be done about them.

use std::io;
use std::time::Duration;

use buildpack_core::toolchain::{Cause, TimeLimits, redact_url};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::tls;

/// How the client's own messages begin, which name no cause.
const OWN_WORDS: [&str; 3] = [
    "error sending request",
    "client error",
    "request or response body error",
];

/// Why a request brought no answer; it went through `proxy`, if through any.
pub(super) fn sort(error: reqwest::Error, limits: TimeLimits, proxy: Option<&str>) -> Cause {
    // Its address may hold a password.
    let error = error.without_url();
    if error.is_builder() || error.is_redirect() {
        return Cause::Invalid(chain(&error));
    }
    if tls::is_about_tls(&error) {
        return Cause::Tls(chain(&error));
    }
    if error.is_connect() {
        let why = if error.is_timeout() {
            format!("no answer within {} s", limits.connect.as_secs_f32())
        } else {
            chain(&error)
        };
        return Cause::Connect(match proxy {
            Some(proxy) => format!("the proxy `{}` was asked: {why}", redact_url(proxy)),
            None => why,
        });
    }
    if error.is_timeout() {
        return Cause::Stalled(limits.stall);
    }
    Cause::Broken(chain(&error))
}

/// What an error and its causes say, without the client's own words where a cause says more.
pub(super) fn chain(error: &reqwest::Error) -> String {
    let mut words: Vec<String> = Vec::new();
    for cause in tls::causes(error) {
        let text = cause.to_string();
        // Some repeat their cause.
        if !words.iter().any(|word| word.contains(&text)) {
            words.push(text);
        }
    }
    let last = words.last().cloned().unwrap_or_default();
    words.retain(|word| !OWN_WORDS.iter().any(|own| word.starts_with(own)));
    if words.is_empty() {
        last
    } else {
        words.join(": ")
    }
}

/// The kind of the system's error below.
pub(super) fn io_kind(error: &reqwest::Error) -> Option<io::ErrorKind> {
    tls::causes(error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .map(io::Error::kind)
        .find(|kind| *kind != io::ErrorKind::Other)
}

/// The wait that a server asks for: seconds, or a date (RFC 9110, 10.2.3).
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
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
