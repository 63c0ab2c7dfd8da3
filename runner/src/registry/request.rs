//! One request to a registry: method, place, headers, body, and what it has to be allowed to do.

use std::io::Read;

use reqwest::header::HeaderName;
use reqwest::{Method, Url};

use super::endpoint::Endpoint;
use super::{Access, RegistryError};

/// What to ask of a repository.
pub(super) struct Request<'a> {
    pub(super) method: Method,
    pub(super) at: At<'a>,
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) body: Body<'a>,
    pub(super) access: Access,
    /// Another repository of the registry that has to be readable too.
    pub(super) mount: Option<&'a str>,
}

/// Where a request goes.
#[derive(Clone, Copy)]
pub(super) enum At<'a> {
    /// A part of the repository: `manifests/24`, `blobs/sha256:…`.
    Part(&'a str),
    /// Where the registry said that an upload goes on. It need not be the registry itself.
    Session(&'a Url),
}

/// What is sent along; made anew for each try.
#[derive(Clone, Copy)]
pub(super) enum Body<'a> {
    /// Nothing.
    Empty,
    /// These bytes.
    Bytes(&'a [u8]),
    /// So many bytes of a stream.
    Stream(&'a Open<'a>, u64),
}

/// Opens a stream at its first byte.
pub type Open<'a> = dyn Fn() -> Result<Box<dyn Read + Send>, RegistryError> + Sync + 'a;

impl<'a> Request<'a> {
    pub(super) fn new(method: Method, at: At<'a>, access: Access) -> Self {
        Self {
            method,
            at,
            headers: Vec::new(),
            body: Body::Empty,
            access,
            mount: None,
        }
    }

    pub(super) fn get(part: &'a str, access: Access) -> Self {
        Self::new(Method::GET, At::Part(part), access)
    }

    pub(super) fn head(part: &'a str, access: Access) -> Self {
        Self::new(Method::HEAD, At::Part(part), access)
    }

    #[must_use]
    pub(super) fn with(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    #[must_use]
    pub(super) fn body(mut self, body: Body<'a>) -> Self {
        self.body = body;
        self
    }

    /// Whether it changes anything there.
    pub(super) fn writes(&self) -> bool {
        !matches!(self.method, Method::GET | Method::HEAD)
    }

    /// Its address.
    pub(super) fn url(&self, to: &Endpoint) -> Result<Url, RegistryError> {
        match self.at {
            At::Session(url) => Ok(url.clone()),
            At::Part(part) => {
                let text = to.url(part);
                Url::parse(&text).map_err(|error| RegistryError::Unexpected {
                    url: text,
                    expected: "an address",
                    why: error.to_string(),
                })
            }
        }
    }
}

impl Body<'_> {
    pub(super) fn length(self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Stream(_, length) => length,
        }
    }
}
