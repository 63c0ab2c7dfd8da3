//! Requests to a registry: clients, tokens, retries, and what a refusal means.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::header;

use super::challenge::{self, Challenge};
use super::credentials;
use super::endpoint::{Endpoint, is_loopback};
use super::refusal::{accepted, refusal, transport};
use super::token::{TokenRequest, basic};
use super::{Credentials, RegistryError, RegistrySettings};
use crate::tls::{self, Trust};

/// The longest `Retry-After` that is waited for.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Clients and tokens: one for all requests of a process.
pub(super) struct Wire {
    settings: RegistrySettings,
    clients: Mutex<HashMap<Kind, Client>>,
    /// `Authorization` values that worked, by origin and repository.
    known: Mutex<HashMap<(String, String), String>>,
}

/// What sets one client apart from another.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Kind {
    /// Whether it trusts anybody; one that does not is for plain HTTP where no authorities are known.
    trusting: bool,
    /// Whether it passes by the system's proxy.
    direct: bool,
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
            clients: Mutex::default(),
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

    pub(super) fn execute(
        &self,
        request: RequestBuilder,
        url: &str,
    ) -> Result<Response, RegistryError> {
        request
            .send()
            .map_err(|error| transport(url, error, self.settings.patience))
    }

    pub(super) fn client(&self, url: &str) -> Result<Client, RegistryError> {
        let plain = url.starts_with("http:");
        // A proxy can't reach our loopback.
        let direct =
            reqwest::Url::parse(url).is_ok_and(|url| url.host_str().is_some_and(is_loopback));
        let mut clients = lock(&self.clients);
        let kinds = [true, false].map(|trusting| Kind { trusting, direct });
        if let Some(known) = kinds
            .iter()
            .filter(|kind| kind.trusting || plain)
            .find_map(|kind| clients.get(kind))
        {
            return Ok(known.clone());
        }
        let trust = match &self.settings.ca_file {
            Some(file) => Trust::File(file),
            None => Trust::System,
        };
        let [trusting, trustless] = kinds;
        let (kind, client) = match tls::client(self.builder(direct), trust) {
            // What is wrong with the authorities is told where they are needed.
            Err(_) if plain => (trustless, tls::client(self.builder(direct), Trust::Nobody)?),
            other => (trusting, other?),
        };
        clients.insert(kind, client.clone());
        Ok(client)
    }

    fn builder(&self, direct: bool) -> reqwest::blocking::ClientBuilder {
        // The blocking client's time limit is for each wait, not for a whole transfer.
        let builder = Client::builder()
            .user_agent(&self.settings.user_agent)
            .connect_timeout(self.settings.patience)
            .timeout(self.settings.patience);
        if direct { builder.no_proxy() } else { builder }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
