//! The network as a trait: one request, one answer, and failures sorted by whether another try can help.

use std::fmt;
use std::io::{self, Read};
use std::time::Duration;

use crate::diagnostic::{Class, Diagnostic, Explain};

/// A GET.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Where.
    pub url: String,
    /// Asks for the bytes from this one on; the answer is 206, or 200 with all of them.
    pub range_from: Option<u64>,
    /// With `range_from`: only if the file still has this `ETag` (`If-Range`). Without: only if it has another one
    /// (`If-None-Match`; the answer may be 304 without a body).
    pub etag: Option<String>,
    /// How long to wait.
    pub limits: TimeLimits,
}

impl Request {
    /// All of `url`.
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            range_from: None,
            etag: None,
            limits: TimeLimits::default(),
        }
    }
}

/// How long to wait. There is no limit on the whole: a slow line that moves is no failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLimits {
    /// For a connection.
    pub connect: Duration,
    /// For the answer's first byte, and between any two reads of its body.
    pub stall: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            stall: Duration::from_secs(30),
        }
    }
}

/// An answer that is no failure: 200, 206 or 304.
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Bytes of this body, where the server said so.
    pub length: Option<u64>,
    /// For 206: first byte and, where known, size of the whole file, as `Content-Range` says.
    pub range: Option<(u64, Option<u64>)>,
    /// The file's `ETag`.
    pub etag: Option<String>,
    /// The body's type, as the server says it.
    pub content_type: Option<String>,
    /// Where the answer came from after redirects, without credentials.
    pub final_url: String,
    /// The body. A stall is `io::ErrorKind::TimedOut`; an end before the promised length is `UnexpectedEof`.
    pub body: Box<dyn Read + Send>,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("length", &self.length)
            .field("final_url", &self.final_url)
            .finish_non_exhaustive()
    }
}

/// Gets files.
pub trait Fetch: Send + Sync {
    /// Sends the request and waits for the answer's head.
    fn get(&self, request: &Request) -> Result<Response, FetchError>;
}

/// Why there was no good answer.
#[derive(Debug, thiserror::Error)]
#[error("cannot fetch `{url}`: {cause}")]
pub struct FetchError {
    /// What was asked for, without credentials.
    pub url: String,
    /// What happened.
    pub cause: Cause,
}

/// What happened instead of a good answer.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// No connection: refused, unreachable, unknown host.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// No TLS: certificate not trusted, or none to trust.
    #[error("no secure connection: {0}")]
    Tls(String),
    /// Nothing came for this long.
    #[error("nothing received for {} s", .0.as_secs_f32())]
    Stalled(Duration),
    /// The connection broke, or ended too early.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// The server answered with a failure.
    #[error("the server answered {status}")]
    Status {
        /// The HTTP status.
        status: u16,
        /// The wait that the server asked for.
        retry_after: Option<Duration>,
    },
    /// The request is no request: a bad URL, too many redirects.
    #[error("{0}")]
    Invalid(String),
    /// The network may not be used.
    #[error("working offline")]
    Offline,
}

impl FetchError {
    /// Of `url`, whose credentials are taken out.
    pub fn new(url: &str, cause: Cause) -> Self {
        Self {
            url: redact_url(url),
            cause,
        }
    }

    /// A failed read of a body, sorted by its kind.
    pub fn body(url: &str, error: &io::Error, limits: TimeLimits) -> Self {
        let cause = match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Cause::Stalled(limits.stall),
            _ => Cause::Broken(error.to_string()),
        };
        Self::new(url, cause)
    }

    /// Whether the same request may do better in a moment.
    pub fn retryable(&self) -> bool {
        match &self.cause {
            Cause::Connect(_) | Cause::Stalled(_) | Cause::Broken(_) => true,
            Cause::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500..=599),
            Cause::Tls(_) | Cause::Invalid(_) | Cause::Offline => false,
        }
    }

    /// The wait that the server asked for.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.cause {
            Cause::Status { retry_after, .. } => retry_after,
            _ => None,
        }
    }
}

impl Explain for FetchError {
    fn diagnostic(&self) -> Diagnostic {
        let say = |code| Diagnostic::error(code, Class::Surroundings, self.to_string());
        match &self.cause {
            Cause::Connect(_) => say("connect-failed")
                .help("check the network, the proxy (`HTTPS_PROXY`) and the host's name"),
            Cause::Tls(_) => say("tls-failed").help(
                "install the system's CA certificates, or name a file of them with `SSL_CERT_FILE`",
            ),
            Cause::Stalled(_) => say("download-stalled").help("try again, or use a nearer mirror"),
            Cause::Broken(_) => say("download-broken").help("try again, or use a nearer mirror"),
            Cause::Status {
                status: 404 | 410, ..
            } => say("download-not-found").help("check the version and the host it is asked from"),
            Cause::Status {
                status: 401 | 403 | 407,
                ..
            } => say("download-forbidden").help("check the credentials of the host or the proxy"),
            Cause::Status { .. } => say("download-refused").help("try again later"),
            Cause::Invalid(_) => say("download-invalid").help("check the address"),
            Cause::Offline => say("offline")
                .help("run once with the network, so that it is kept, or leave out `--offline`"),
        }
    }
}

/// A network that may not be used: whatever is not kept is missing.
pub struct Offline;

impl Fetch for Offline {
    fn get(&self, request: &Request) -> Result<Response, FetchError> {
        Err(FetchError::new(&request.url, Cause::Offline))
    }
}

/// `url` without what may be secret in it: user, password, query.
pub fn redact_url(url: &str) -> String {
    let (rest, query) = match url.split_once(['?', '#']) {
        Some((rest, _)) => (rest, "?…"),
        None => (url, ""),
    };
    // An address of a proxy may do without a scheme.
    let (scheme, rest) = match rest.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), rest),
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or(authority);
    format!("{scheme}{host}{path}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_never_reach_a_message() {
        for (url, shown) in [
            ("https://h/a.tgz", "https://h/a.tgz"),
            ("https://u:p@h:8/a", "https://h:8/a"),
            ("https://u:p@ss@h/a?token=x", "https://h/a?…"),
            ("https://h#u:p@x", "https://h?…"),
            ("nonsense", "nonsense"),
            ("u:p@proxy:3128", "proxy:3128"),
        ] {
            assert_eq!(redact_url(url), shown);
        }
    }

    #[test]
    fn only_passing_failures_are_retried() {
        let status = |status| Cause::Status {
            status,
            retry_after: None,
        };
        for (cause, retryable) in [
            (status(408), true),
            (status(429), true),
            (status(503), true),
            (status(404), false),
            (status(403), false),
            (Cause::Connect(String::new()), true),
            (Cause::Tls(String::new()), false),
            (Cause::Offline, false),
        ] {
            assert_eq!(FetchError::new("http://h", cause).retryable(), retryable);
        }
    }
}
