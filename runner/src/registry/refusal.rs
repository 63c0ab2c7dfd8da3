//! What it means when an answer is none: refusals, broken bodies, silence.

use std::io::Read;
use std::time::Duration;

use reqwest::blocking::Response;
use reqwest::header;
use serde::Deserialize;

use super::RegistryError;
use super::endpoint::{Endpoint, redacted};
use crate::tls;

/// As much of a refusal's body as is looked at.
const REFUSAL: u64 = 16 << 10;

/// Reads a body of at most `most` bytes.
pub(super) fn whole(
    url: &str,
    response: Response,
    most: u64,
    patience: Duration,
) -> Result<Vec<u8>, RegistryError> {
    let mut bytes = Vec::new();
    response
        .take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| broken(url, &error, patience))?;
    if bytes.len() as u64 > most {
        return Err(RegistryError::Unexpected {
            url: url.to_owned(),
            expected: "a document of its kind",
            why: format!("it is longer than {most} bytes"),
        });
    }
    Ok(bytes)
}

/// What a failing read of a body means.
pub(super) fn broken(url: &str, error: &std::io::Error, patience: Duration) -> RegistryError {
    let timed_out = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<reqwest::Error>())
        .is_some_and(reqwest::Error::is_timeout);
    if timed_out || error.kind() == std::io::ErrorKind::TimedOut {
        return RegistryError::Stalled {
            url: url.to_owned(),
            patience,
        };
    }
    RegistryError::Broken {
        url: url.to_owned(),
        why: tls::chain(error),
    }
}

/// What it means that no answer came.
pub(super) fn transport(url: &str, error: reqwest::Error, patience: Duration) -> RegistryError {
    let url = redacted(url);
    let timed_out = error.is_timeout();
    let connecting = error.is_connect();
    // The URL may hold what must not be shown; it is told apart.
    let why = tls::chain(&error.without_url());
    if connecting {
        RegistryError::Connect { url, why }
    } else if timed_out {
        RegistryError::Stalled { url, patience }
    } else {
        RegistryError::Broken { url, why }
    }
}

/// Lets a success pass.
pub(super) fn accepted(
    to: &Endpoint,
    url: &str,
    response: Response,
) -> Result<Response, RegistryError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let retry_after = response
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .map(Duration::from_secs);
    let why = refusal(response);
    Err(match status.as_u16() {
        401 | 403 => RegistryError::Denied {
            host: to.host.clone(),
            repository: to.repository.clone(),
            why,
            had_credentials: to.own_credentials.is_some(),
        },
        404 => RegistryError::NotFound {
            host: to.host.clone(),
            what: what(to, url),
        },
        status => RegistryError::Status {
            url: redacted(url),
            status,
            why,
            retry_after,
        },
    })
}

/// `heroku/heroku:24`, or a blob of it.
fn what(to: &Endpoint, url: &str) -> String {
    let last = url.rsplit('/').next().unwrap_or_default();
    let repository = &to.repository;
    if url.contains("/blobs/") {
        format!("blob `{last}` of `{repository}`")
    } else if last.starts_with("sha256:") {
        format!("`{repository}@{last}`")
    } else {
        format!("`{repository}:{last}`")
    }
}

/// What a registry says in a refusal, on one line.
pub(super) fn refusal(response: Response) -> String {
    #[derive(Deserialize)]
    struct Envelope {
        errors: Vec<Said>,
    }
    #[derive(Deserialize)]
    struct Said {
        #[serde(default)]
        code: String,
        #[serde(default)]
        message: String,
    }
    let status = response.status();
    let mut body = Vec::new();
    let _ = response.take(REFUSAL).read_to_end(&mut body);
    if let Ok(Envelope { errors }) = serde_json::from_slice(&body) {
        let said: Vec<_> = errors
            .iter()
            .map(|it| format!("{}: {}", it.code, it.message))
            .collect();
        if !said.is_empty() {
            return one_line(&said.join("; "));
        }
    }
    let text = String::from_utf8_lossy(&body);
    if text.trim().is_empty() || text.trim_start().starts_with('<') {
        return status
            .canonical_reason()
            .unwrap_or("no reason given")
            .to_owned();
    }
    one_line(&text)
}

/// Foreign text for a message: without control characters, and not too long.
pub(super) fn one_line(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|char| if char.is_control() { ' ' } else { char })
        .take(300)
        .collect();
    line.trim().to_owned()
}
