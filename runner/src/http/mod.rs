//! The network as the engine asks for it: one request at a time, by reqwest.
//!
//! Clients are built when they are first needed, and plain HTTP never needs certificates: in a container without any,
//! a mirror without TLS still works.

mod body;
mod failure;
mod glance;
pub mod proxy;
mod upload;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use buildpack_core::diagnostic::Explain as _;
use buildpack_core::toolchain::{
    Cause, Fetch, FetchError, Request, Response, TimeLimits, redact_url,
};
use reqwest::StatusCode;
use reqwest::blocking::Client;
use reqwest::header::{self, HeaderMap, HeaderName};
use reqwest::{Url, redirect};

use crate::tls::{self, Trust};

pub(crate) use failure::retry_after;
pub use proxy::{Proxies, credentials, passwords};

/// How many redirects are followed.
const REDIRECTS: usize = 10;

/// Gets files from web servers, through the proxy that `HTTPS_PROXY` and its relatives name.
#[derive(Default)]
pub struct HttpFetch {
    authorities: Option<PathBuf>,
    proxies: Proxies,
    clients: Mutex<HashMap<(bool, TimeLimitsKey), Client>>,
}

type TimeLimitsKey = (std::time::Duration, std::time::Duration);

impl HttpFetch {
    /// Trusts the authorities in this PEM file (what `SSL_CERT_FILE` names), or the system's.
    pub fn new(authorities: Option<PathBuf>) -> Self {
        Self {
            authorities,
            proxies: Proxies::default(),
            clients: Mutex::default(),
        }
    }

    /// Knows by name the proxies that the environment makes it use, so that messages can tell of them.
    pub fn behind(mut self, proxies: Proxies) -> Self {
        self.proxies = proxies;
        self
    }

    fn client(&self, url: &Url, limits: TimeLimits) -> Result<Client, Cause> {
        let secure = url.scheme() == "https";
        let key = (secure, (limits.connect, limits.stall));
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&key) {
            return Ok(client.clone());
        }
        let settings = Client::builder()
            .user_agent(concat!("bp/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(limits.connect)
            // In the blocking client this is the limit of each single read, not of the whole.
            .timeout(limits.stall);
        let client =
            tls::client(settings, self.trust(url)).map_err(|error| Cause::Tls(tls_text(&error)))?;
        clients.insert(key, client.clone());
        Ok(client)
    }

    fn trust(&self, url: &Url) -> Trust<'_> {
        match &self.authorities {
            _ if url.scheme() != "https" => Trust::Nobody,
            Some(file) => Trust::File(file),
            None => Trust::System,
        }
    }

    fn follow(&self, request: &Request) -> Result<(Url, reqwest::blocking::Response), Cause> {
        let mut url = Url::parse(&request.url)
            .map_err(|error| Cause::Invalid(format!("this is no address: {error}")))?;
        for _ in 0..=REDIRECTS {
            if !matches!(url.scheme(), "http" | "https") {
                let scheme = url.scheme();
                return Err(Cause::Invalid(format!(
                    "`{scheme}:` addresses are not fetched"
                )));
            }
            let response = self
                .client(&url, request.limits)?
                .get(url.clone())
                .headers(headers(request)?)
                .send()
                .map_err(|error| {
                    failure::sort(error, request.limits, self.proxies.of(url.as_str()))
                })?;
            let status = response.status();
            if !status.is_redirection() || status == StatusCode::NOT_MODIFIED {
                return Ok((url, response));
            }
            url = next(&url, &response)?;
        }
        Err(Cause::Invalid(format!("more than {REDIRECTS} redirects")))
    }
}

impl Fetch for HttpFetch {
    fn get(&self, request: &Request) -> Result<Response, FetchError> {
        let fail = |cause| FetchError::new(&request.url, cause);
        let (url, response) = self.follow(request).map_err(fail)?;
        let status = response.status();
        if !(status.is_success() || status == StatusCode::NOT_MODIFIED) {
            return Err(fail(Cause::Status {
                status: status.as_u16(),
                retry_after: failure::retry_after(response.headers()),
            }));
        }
        let headers = response.headers();
        Ok(Response {
            status: status.as_u16(),
            length: response.content_length(),
            range: text(headers, header::CONTENT_RANGE).and_then(content_range),
            etag: text(headers, header::ETAG).map(str::to_owned),
            content_type: text(headers, header::CONTENT_TYPE).map(str::to_owned),
            final_url: redact_url(url.as_str()),
            body: Box::new(body::Body::new(response)),
        })
    }
}

/// What is wrong, with the facts that its diagnostic adds.
fn tls_text(error: &tls::TlsError) -> String {
    let diagnostic = error.diagnostic();
    let notes = diagnostic.notes.iter().map(|note| format!(": {note}"));
    format!("{}{}", diagnostic.message, notes.collect::<String>())
}

fn headers(request: &Request) -> Result<HeaderMap, Cause> {
    let mut headers = HeaderMap::new();
    let bad = |_| Cause::Invalid("the server's ETag cannot be sent back".to_owned());
    if let Some(from) = request.range_from {
        let range = format!("bytes={from}-").parse().map_err(bad)?;
        headers.insert(header::RANGE, range);
    }
    if let Some(etag) = &request.etag {
        let name = match request.range_from {
            Some(_) => header::IF_RANGE,
            None => header::IF_NONE_MATCH,
        };
        headers.insert(name, etag.parse().map_err(bad)?);
    }
    // A compressed transfer would have another length and another digest than the published file.
    headers.insert(
        header::ACCEPT_ENCODING,
        header::HeaderValue::from_static("identity"),
    );
    Ok(headers)
}

/// Where a redirect leads. From TLS it never leads to plain HTTP.
fn next(url: &Url, response: &reqwest::blocking::Response) -> Result<Url, Cause> {
    let to = text(response.headers(), header::LOCATION)
        .and_then(|location| url.join(location).ok())
        .ok_or_else(|| Cause::Invalid("a redirect leads nowhere".to_owned()))?;
    if url.scheme() == "https" && to.scheme() != "https" {
        let to = redact_url(to.as_str());
        return Err(Cause::Invalid(format!("a redirect leaves TLS for `{to}`")));
    }
    Ok(to)
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// First byte and size of the whole of `bytes 5-9/10` (RFC 9110, 14.4).
fn content_range(value: &str) -> Option<(u64, Option<u64>)> {
    let (range, size) = value.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    let size = match size {
        "*" => None,
        size => Some(size.parse().ok()?),
    };
    (first <= last && size.is_none_or(|size| last < size)).then_some((first, size))
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tls_tests;
