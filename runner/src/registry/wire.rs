//! Requests to a registry: clients, tokens, retries, and what a refusal means.

use std::collections::HashMap;
use std::io::Read;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::header;
use serde::Deserialize;

use super::challenge::{self, Challenge};
use super::credentials;
use super::endpoint::{Endpoint, redacted};
use super::{Credentials, RegistryError, RegistrySettings};
use crate::tls::{self, TlsError, Trust};

/// The longest `Retry-After` that is waited for.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// As much of a refusal's body as is looked at.
const REFUSAL: u64 = 16 << 10;
/// The largest token answer; tokens of 10 kB are known.
const TOKEN: u64 = 1 << 20;

/// Clients and tokens: one for all requests of a process.
pub(super) struct Wire {
    settings: RegistrySettings,
    client: Mutex<Option<Client>>,
    plain: Mutex<Option<Client>>,
    /// `Authorization` values that worked, by origin and repository.
    known: Mutex<HashMap<(String, String), String>>,
}

/// What to ask of a repository.
#[derive(Clone, Default)]
pub(super) struct Request<'a> {
    /// `manifests/24`, `blobs/sha256:…`.
    pub(super) part: &'a str,
    /// Media types that are understood.
    pub(super) accept: &'a str,
    /// First byte wanted, where the ones before it are there already.
    pub(super) from: u64,
}

impl Wire {
    pub(super) fn new(settings: RegistrySettings) -> Self {
        Self {
            settings,
            client: Mutex::default(),
            plain: Mutex::default(),
            known: Mutex::default(),
        }
    }

    pub(super) fn settings(&self) -> &RegistrySettings {
        &self.settings
    }

    /// Runs `attempt` again while it fails with what is worth trying again, as often as the settings allow.
    pub(super) fn patiently<T>(
        &self,
        mut attempt: impl FnMut() -> Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        let mut pause = self.settings.pause;
        for _ in 1..self.settings.attempts.max(1) {
            match attempt() {
                Err(error) if error.is_worth_a_retry() => {
                    let asked = error.retry_after().unwrap_or(pause);
                    std::thread::sleep(asked.min(LONGEST_PAUSE));
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                done => return done,
            }
        }
        attempt()
    }

    /// Sends one request, identifying ourselves where we are asked to. Any status but success is an error.
    pub(super) fn send(
        &self,
        to: &Endpoint,
        request: &Request<'_>,
    ) -> Result<Response, RegistryError> {
        let url = to.url(request.part);
        let key = (to.origin.clone(), to.repository.clone());
        let known = lock(&self.known).get(&key).cloned();
        let response = self.once(&url, request, known.as_deref())?;
        if response.status() != reqwest::StatusCode::UNAUTHORIZED {
            return accepted(to, &url, response);
        }
        // A token that worked may have run out meanwhile, so a known one is no reason to give up.
        lock(&self.known).remove(&key);
        let challenge = challenge::parse(
            response
                .headers()
                .get_all(header::WWW_AUTHENTICATE)
                .iter()
                .filter_map(|value| value.to_str().ok()),
        );
        let found = match &to.own_credentials {
            Some(own) => credentials::Found {
                credentials: Some(own.clone()),
                trouble: None,
            },
            None => credentials::find(&self.settings.credential_files, &to.host),
        };
        let denied = |why: String| RegistryError::Denied {
            host: to.host.clone(),
            repository: to.repository.clone(),
            why: match &found.trouble {
                Some(trouble) => format!("{why}; {trouble}"),
                None => why,
            },
            had_credentials: found.credentials.is_some(),
        };
        let authorization = match (challenge, &found.credentials) {
            (Some(Challenge::Basic), Some(Credentials::Basic(user, password))) => {
                basic(user, password)
            }
            (Some(Challenge::Basic), _) => {
                return Err(denied("it asks for user and password".to_owned()));
            }
            (
                Some(Challenge::Bearer {
                    realm,
                    service,
                    scope,
                }),
                credentials,
            ) => {
                let scope = scope.unwrap_or_else(|| format!("repository:{}:pull", to.repository));
                let ask = TokenRequest {
                    to,
                    realm,
                    service,
                    scope,
                };
                let token =
                    self.token(&ask, credentials.as_ref())
                        .map_err(|error| match error {
                            RegistryError::Denied { why, .. }
                            | RegistryError::Status {
                                status: 400, why, ..
                            } => denied(why),
                            other => other,
                        })?;
                format!("Bearer {token}")
            }
            (None, _) => return Err(denied(refusal(response))),
        };
        let response = self.once(&url, request, Some(&authorization))?;
        if matches!(response.status().as_u16(), 401 | 403) {
            return Err(denied(refusal(response)));
        }
        lock(&self.known).insert(key, authorization);
        accepted(to, &url, response)
    }

    fn once(
        &self,
        url: &str,
        request: &Request<'_>,
        authorization: Option<&str>,
    ) -> Result<Response, RegistryError> {
        let mut builder = self.client(url)?.get(url);
        if !request.accept.is_empty() {
            builder = builder.header(header::ACCEPT, request.accept);
        }
        if request.from > 0 {
            builder = builder.header(header::RANGE, format!("bytes={}-", request.from));
        }
        if let Some(authorization) = authorization {
            builder = builder.header(header::AUTHORIZATION, authorization);
        }
        self.execute(builder, url)
    }

    fn execute(&self, request: RequestBuilder, url: &str) -> Result<Response, RegistryError> {
        request
            .send()
            .map_err(|error| transport(url, error, self.settings.patience))
    }

    fn client(&self, url: &str) -> Result<Client, RegistryError> {
        if let Some(client) = lock(&self.plain)
            .as_ref()
            .filter(|_| url.starts_with("http:"))
        {
            return Ok(client.clone());
        }
        let mut slot = lock(&self.client);
        if let Some(client) = slot.as_ref() {
            return Ok(client.clone());
        }
        let trust = match &self.settings.ca_file {
            Some(file) => Trust::File(file),
            None => Trust::System,
        };
        match tls::client(self.builder(), trust) {
            Ok(client) => Ok(slot.insert(client).clone()),
            Err(TlsError::NoAuthorities { .. }) if url.starts_with("http:") => {
                let client = tls::client(self.builder(), Trust::Nobody)?;
                Ok(lock(&self.plain).insert(client).clone())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn builder(&self) -> reqwest::blocking::ClientBuilder {
        // The blocking client's time limit is for each wait, not for a whole transfer.
        reqwest::blocking::Client::builder()
            .user_agent(&self.settings.user_agent)
            .connect_timeout(self.settings.patience)
            .timeout(self.settings.patience)
    }

    fn token(
        &self,
        ask: &TokenRequest<'_>,
        credentials: Option<&Credentials>,
    ) -> Result<String, RegistryError> {
        #[derive(Deserialize)]
        struct Answer {
            token: Option<String>,
            access_token: Option<String>,
        }
        let url = ask.url()?;
        let client = self.client(url.as_str())?;
        let request = if let Some(Credentials::IdentityToken(token)) = credentials {
            client
                .post(url.clone())
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(ask.form(token))
        } else {
            let mut with_query = url.clone();
            with_query
                .query_pairs_mut()
                .extend_pairs(ask.service.as_deref().map(|it| ("service", it)))
                .append_pair("scope", &ask.scope);
            let request = client.get(with_query);
            match credentials {
                Some(Credentials::Basic(user, password)) => {
                    request.header(header::AUTHORIZATION, basic(user, password))
                }
                _ => request,
            }
        };
        let shown = redacted(url.as_str());
        let response = self.execute(request, &shown)?;
        let response = accepted(ask.to, &shown, response)?;
        let body = whole(&shown, response, TOKEN, self.settings.patience)?;
        let unexpected = |why: String| RegistryError::Unexpected {
            url: shown.clone(),
            expected: "a token",
            why,
        };
        let answer: Answer =
            serde_json::from_slice(&body).map_err(|error| unexpected(error.to_string()))?;
        answer
            .token
            .or(answer.access_token)
            // A header can't carry line breaks; what does is no token.
            .filter(|token| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()))
            .ok_or_else(|| unexpected("it holds no `token`".to_owned()))
    }
}

struct TokenRequest<'a> {
    to: &'a Endpoint,
    realm: String,
    service: Option<String>,
    scope: String,
}

impl TokenRequest<'_> {
    /// The body that exchanges a refresh token (distribution's token specification, "OAuth2").
    fn form(&self, refresh_token: &str) -> String {
        let mut form = vec![
            ("grant_type", "refresh_token"),
            ("client_id", "bp"),
            ("scope", self.scope.as_str()),
            ("refresh_token", refresh_token),
        ];
        form.extend(self.service.as_deref().map(|it| ("service", it)));
        // A form is written as a query is.
        reqwest::Url::parse_with_params("http://form", form)
            .ok()
            .and_then(|url| url.query().map(str::to_owned))
            .unwrap_or_default()
    }

    /// The token server's URL. A registry reached by TLS must not send our password anywhere without it.
    fn url(&self) -> Result<reqwest::Url, RegistryError> {
        let refuse = |why: &str| RegistryError::Unexpected {
            url: redacted(&self.realm),
            expected: "a token server",
            why: why.to_owned(),
        };
        let url =
            reqwest::Url::parse(&self.realm).map_err(|_| refuse("the registry named no URL"))?;
        match url.scheme() {
            "https" => Ok(url),
            "http" if self.to.is_plain() => Ok(url),
            _ => Err(refuse("the registry named a server without TLS")),
        }
    }
}

fn basic(user: &str, password: &str) -> String {
    use base64::Engine as _;
    let both = format!("{user}:{password}");
    format!(
        "Basic {}",
        base64::engine::general_purpose::STANDARD.encode(both)
    )
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

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

fn transport(url: &str, error: reqwest::Error, patience: Duration) -> RegistryError {
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

fn accepted(to: &Endpoint, url: &str, response: Response) -> Result<Response, RegistryError> {
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
fn refusal(response: Response) -> String {
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
