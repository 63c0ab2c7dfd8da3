//! What it means when an answer is none: refusals, broken bodies, silence.

use std::io::Read;
use std::time::Duration;

use reqwest::blocking::Response;
use serde::Deserialize;

use super::endpoint::{Endpoint, redacted};
use super::request::{At, Request};
use super::{Access, RegistryError};
use crate::http::retry_after;
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
    let (connecting, about_tls) = (error.is_connect(), tls::is_about_tls(&error));
    // The URL may hold what must not be shown; it is told apart.
    let why = tls::chain(&error.without_url());
    if about_tls {
        RegistryError::NoTrust { url, why }
    } else if connecting {
        RegistryError::Connect { url, why }
    } else if timed_out {
        RegistryError::Stalled { url, patience }
    } else {
        RegistryError::Broken { url, why }
    }
}

/// Lets a success pass. `known` says whether credentials or a token were shown.
pub(super) fn accepted(
    to: &Endpoint,
    request: &Request<'_>,
    known: bool,
    response: Response,
) -> Result<Response, RegistryError> {
    if response.status().is_success() {
        return Ok(response);
    }
    let url = redacted(response.url().as_str());
    let (status, retry_after) = (response.status().as_u16(), retry_after(response.headers()));
    let said = refusal(response);
    let host = to.host.clone();
    let repository = to.repository.clone();
    if request.writes() && said.is_full(status) {
        return Err(RegistryError::Full {
            host,
            status,
            why: said.text,
        });
    }
    let own = matches!(request.at, At::Part(_));
    Err(match status {
        401 | 403 => RegistryError::Denied {
            host,
            repository,
            access: request.access,
            why: said.text,
            had_credentials: known || to.own_credentials.is_some(),
        },
        404 if own && request.writes() && !said.has("BLOB_UNKNOWN") => {
            RegistryError::NoRepository {
                host,
                repository,
                why: said.text,
            }
        }
        404 if own && !request.writes() => RegistryError::NotFound {
            host,
            what: what(to, &url),
        },
        405 if own && request.writes() => RegistryError::TakesNone {
            host,
            why: said.text,
        },
        status => RegistryError::Status {
            url,
            status,
            why: said.text,
            retry_after,
        },
    })
}

/// Lets the answer of a token server pass.
pub(super) fn given(
    to: &Endpoint,
    had_credentials: bool,
    response: Response,
) -> Result<Response, RegistryError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let url = redacted(response.url().as_str());
    let retry_after = retry_after(response.headers());
    let why = refusal(response).text;
    Err(match status.as_u16() {
        401 | 403 => RegistryError::Denied {
            host: to.host.clone(),
            repository: to.repository.clone(),
            access: Access::default(),
            why,
            had_credentials,
        },
        status => RegistryError::Status {
            url,
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

/// What a registry says in a refusal.
pub(super) struct Refusal {
    /// Its codes, if it is in a registry's form.
    codes: Vec<String>,
    /// All of it, on one line.
    text: String,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Refusal {
    /// Whether one of its codes ends so.
    fn has(&self, code: &str) -> bool {
        self.codes.iter().any(|it| it.ends_with(code))
    }

    /// Whether it means that there is no room: some say so by status, some in words.
    fn is_full(&self, status: u16) -> bool {
        const WORDS: [&str; 6] = [
            "no space left",
            "enospc",
            "disk full",
            "disk is full",
            "quota",
            "insufficient storage",
        ];
        let text = self.text.to_lowercase();
        matches!(status, 413 | 507)
            || status != 429 && status >= 400 && WORDS.iter().any(|word| text.contains(word))
    }
}

/// Reads a refusal.
pub(super) fn refusal(response: Response) -> Refusal {
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
        #[serde(default)]
        detail: serde_json::Value,
    }
    let status = response.status();
    let mut body = Vec::new();
    let _ = response.take(REFUSAL).read_to_end(&mut body);
    let mut codes = Vec::new();
    if let Ok(Envelope { errors }) = serde_json::from_slice(&body) {
        let said: Vec<_> = errors
            .iter()
            .map(|it| match &it.detail {
                // What a storage driver says stands here, and nowhere else.
                detail @ (serde_json::Value::String(_) | serde_json::Value::Object(_))
                    if status.is_server_error() =>
                {
                    format!("{}: {}: {detail}", it.code, it.message)
                }
                _ => format!("{}: {}", it.code, it.message),
            })
            .collect();
        codes.extend(errors.into_iter().map(|it| it.code));
        if !said.is_empty() {
            let text = one_line(&said.join("; "));
            return Refusal { codes, text };
        }
    }
    let text = String::from_utf8_lossy(&body);
    let text = if text.trim().is_empty() || text.trim_start().starts_with('<') {
        status
            .canonical_reason()
            .unwrap_or("no reason given")
            .to_owned()
    } else {
        one_line(&text)
    };
    Refusal { codes, text }
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
