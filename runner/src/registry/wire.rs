//! Requests to a registry: sent with what identifies us, and read for what an answer means.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::blocking::{RequestBuilder, Response};
use reqwest::{StatusCode, Url, header};

use super::access::Scope;
use super::clients::Clients;
use super::credentials::Found;
use super::endpoint::{Endpoint, redacted};
use super::patience::Patience;
use super::refusal::{accepted, transport};
use super::request::{Body, Request};
use super::{RegistryError, RegistrySettings};

/// How often one request may be sent on elsewhere.
const REDIRECTS: usize = 4;

/// Clients, credentials and tokens: one for all requests of a process.
pub(super) struct Wire {
    settings: RegistrySettings,
    pub(super) clients: Clients,
    /// `Authorization` values that worked, by origin, repository and what they are good for; for all where that is none.
    known: Mutex<HashMap<Key, String>>,
    /// What credential files and helpers said, by host and repository.
    pub(super) found: Mutex<HashMap<(String, String), Arc<Found>>>,
}

type Key = (String, String, Option<Scope>);

impl Wire {
    pub(super) fn new(settings: RegistrySettings) -> Self {
        Self {
            settings,
            clients: Clients::default(),
            known: Mutex::default(),
            found: Mutex::default(),
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
        let mut patience = Patience::new(&self.settings);
        loop {
            match attempt() {
                Err(error) if patience.allows(&error) => {}
                done => return done,
            }
        }
    }

    /// Sends one request, identifying ourselves where we are asked to. Any status but success is an error.
    pub(super) fn send(
        &self,
        to: &Endpoint,
        request: &Request<'_>,
    ) -> Result<Response, RegistryError> {
        let url = request.url(to)?;
        // Whoever else an upload is sent to learns nothing of who we are.
        if !to.is_origin_of(&url) {
            let response = self.once(to, &url, request, None)?;
            return accepted(to, request, false, response);
        }
        let scope = Scope::new(to, request.access, request.mount);
        let known = self.known(to, &scope);
        let response = self.once(to, &url, request, known.as_deref())?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return accepted(to, request, known.is_some(), response);
        }
        // A token that worked may have run out meanwhile, so a known one is no reason to give up.
        self.forget(to, &scope);
        let login = self.log_in(to, &scope, request.access, response)?;
        let response = self.once(to, &url, request, Some(&login.authorization))?;
        if matches!(response.status().as_u16(), 401 | 403) {
            return Err(login.denied(response));
        }
        self.remember(to, login.scope.clone(), &login.authorization);
        accepted(to, request, login.had_credentials(), response)
    }

    /// Sends it, and again where an answer to what writes leads elsewhere.
    fn once(
        &self,
        to: &Endpoint,
        url: &Url,
        request: &Request<'_>,
        authorization: Option<&str>,
    ) -> Result<Response, RegistryError> {
        let mut url = url.clone();
        for _ in 0..REDIRECTS {
            let authorization = authorization.filter(|_| to.is_origin_of(&url));
            let response = self.execute(&url, request, authorization)?;
            if !request.writes() || !response.status().is_redirection() {
                return Ok(response);
            }
            let keeps_method = matches!(response.status().as_u16(), 307 | 308);
            let next = location(to, &response)?;
            if !keeps_method {
                return Err(RegistryError::Unexpected {
                    url: redacted(url.as_str()),
                    expected: "a registry's",
                    why: format!("it leads to `{}`", redacted(next.as_str())),
                });
            }
            url = next;
        }
        Err(RegistryError::Unexpected {
            url: redacted(url.as_str()),
            expected: "final",
            why: "it leads on and on".to_owned(),
        })
    }

    /// Sends it as it is.
    pub(super) fn execute(
        &self,
        url: &Url,
        request: &Request<'_>,
        authorization: Option<&str>,
    ) -> Result<Response, RegistryError> {
        let client = self.clients.of(url, !request.writes(), &self.settings)?;
        let mut builder = client.request(request.method.clone(), url.clone());
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if let Some(authorization) = authorization {
            builder = builder.header(header::AUTHORIZATION, authorization);
        }
        let trouble = Trouble::default();
        builder = match request.body {
            // Some servers insist on a length where one is possible.
            Body::Empty if request.writes() => builder.header(header::CONTENT_LENGTH, 0),
            Body::Empty => builder,
            Body::Bytes(bytes) => builder.body(bytes.to_vec()),
            Body::Stream(open, length) => {
                let stream = Tattler {
                    stream: open()?,
                    trouble: Arc::clone(&trouble),
                };
                builder.body(reqwest::blocking::Body::sized(stream, length))
            }
        };
        let patience = self.time_for(request.body.length());
        let sent = carry(builder.timeout(patience), url.as_str(), patience);
        // What was wrong with the stream says more than that the request was not finished.
        match lock(&trouble).take() {
            Some(trouble) if sent.is_err() => Err(RegistryError::of_read(trouble)),
            _ => sent,
        }
    }

    /// How long an answer may take to a request of so many bytes.
    fn time_for(&self, length: u64) -> Duration {
        let sending = length / self.settings.slowest.max(1);
        self.settings.patience + Duration::from_secs(sending)
    }

    fn known(&self, to: &Endpoint, scope: &Scope) -> Option<String> {
        let known = lock(&self.known);
        keys(to, scope).find_map(|key| known.get(&key).cloned())
    }

    fn forget(&self, to: &Endpoint, scope: &Scope) {
        let mut known = lock(&self.known);
        for key in keys(to, scope) {
            known.remove(&key);
        }
    }

    /// Remembers what worked; for all of the repository where it is bound to no scope.
    pub(super) fn remember(&self, to: &Endpoint, scope: Option<Scope>, authorization: &str) {
        let key = (to.origin.clone(), to.repository.clone(), scope);
        lock(&self.known).insert(key, authorization.to_owned());
    }
}

/// Under what there may be an `Authorization` for this scope.
fn keys(to: &Endpoint, scope: &Scope) -> impl Iterator<Item = Key> {
    let scopes = scope.served_by().into_iter().map(Some).chain([None]);
    let (origin, repository) = (to.origin.clone(), to.repository.clone());
    scopes.map(move |scope| (origin.clone(), repository.clone(), scope))
}

/// Sends a request that is made already.
pub(super) fn carry(
    request: RequestBuilder,
    url: &str,
    patience: Duration,
) -> Result<Response, RegistryError> {
    request
        .send()
        .map_err(|error| transport(url, error, patience))
}

/// Where an answer leads: the `Location` of a redirect or of an upload.
pub(super) fn location(to: &Endpoint, response: &Response) -> Result<Url, RegistryError> {
    let refuse = |why: &str| RegistryError::Unexpected {
        url: redacted(response.url().as_str()),
        expected: "where to go on",
        why: why.to_owned(),
    };
    let text = response
        .headers()
        .get(header::LOCATION)
        .and_then(|value| value.to_str().ok())
        .ok_or_else(|| refuse("it has no `Location`"))?;
    let mut next = response
        .url()
        .join(text)
        .map_err(|_| refuse("its `Location` is no address"))?;
    if !matches!(next.scheme(), "http" | "https") {
        return Err(refuse("its `Location` is no address of the web"));
    }
    if next.scheme() == "http" && !to.is_plain() {
        // A registry behind a proxy that ends TLS often does not know of it.
        let same = next.host_str() == response.url().host_str();
        if !same || next.port().is_some() && next.port() != response.url().port() {
            return Err(refuse("its `Location` is a place without TLS"));
        }
        let port = response.url().port();
        let _ = next.set_scheme("https");
        let _ = next.set_port(port);
    }
    Ok(next)
}

type Trouble = Arc<Mutex<Option<io::Error>>>;

/// A stream that remembers why it failed: the client tells only that it did.
struct Tattler<R> {
    stream: R,
    trouble: Trouble,
}

impl<R: Read> Read for Tattler<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer).map_err(|error| {
            let kind = error.kind();
            if kind != io::ErrorKind::Interrupted {
                *lock(&self.trouble) = Some(error);
            }
            kind.into()
        })
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
