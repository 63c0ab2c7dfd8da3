//! One repository of a registry, blob by blob and manifest by manifest (OCI distribution specification, 1.1).

use std::io::Read;
use std::sync::Arc;

use buildpack_core::digest::Digest;
use buildpack_core::image::{DOCKER_INDEX, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST};
use reqwest::blocking::Response;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName};
use reqwest::{Method, header};

use super::checked::Meter;
use super::endpoint::{Endpoint, redacted};
use super::refusal::whole;
use super::request::{At, Body, Open, Request};
use super::stream::BlobReader;
use super::upload::{Put, Upload};
use super::wire::Wire;
use super::{Access, RegistryError};

/// The largest manifest or config: registries refuse manifests above it.
pub(super) const DOCUMENT: u64 = 4 << 20;

const DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// A repository, for what its access allows. Clones share tokens and connections.
#[derive(Clone)]
pub struct Repository {
    wire: Arc<Wire>,
    pub(super) to: Endpoint,
    access: Access,
}

/// A manifest or index as it came, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Digest of its bytes.
    pub digest: Digest,
    /// What the registry says that it is.
    pub media_type: String,
    /// Its bytes, JSON.
    pub bytes: Vec<u8>,
}

impl Repository {
    pub(super) fn new(wire: &Arc<Wire>, to: Endpoint, access: Access) -> Self {
        Self {
            wire: Arc::clone(wire),
            to,
            access,
        }
    }

    /// The registry's host, as errors name it.
    pub fn host(&self) -> &str {
        &self.to.host
    }

    /// The repository's name there.
    pub fn name(&self) -> &str {
        &self.to.repository
    }

    /// Whether another one is at the same registry, so that blobs can be mounted from it.
    pub fn is_beside(&self, other: &Self) -> bool {
        self.to.origin == other.to.origin
    }

    /// Whether the credentials at hand are good for anything, by the registry's word or its token server's; what they
    /// allow in this repository is known only when it is tried.
    pub fn try_login(&self) -> Result<(), RegistryError> {
        self.wire
            .patiently(|| self.wire.try_login(&self.to, self.access))
    }

    /// Whether the blob is there.
    pub fn has_blob(&self, digest: &Digest) -> Result<bool, RegistryError> {
        let part = format!("blobs/{digest}");
        let Some(told) = self.head(&Request::head(&part, self.access))? else {
            return Ok(false);
        };
        if told.is_page() {
            return Err(RegistryError::Unexpected {
                url: self.to.url(&part),
                expected: "about a blob",
                why: PAGE.to_owned(),
            });
        }
        Ok(true)
    }

    /// The bytes of a blob of `size` bytes. Nothing is asked before the first is read.
    pub fn get_blob(&self, digest: &Digest, size: u64) -> BlobReader {
        BlobReader::new(&self.wire, &self.to, digest, size)
    }

    /// Puts a blob of `size` bytes there, without asking whether it is there: mounted from one of the repositories
    /// `from` of the same registry where that works, else uploaded. `open` gives its bytes, from the first, each time
    /// that they are needed; they are checked on the way, and counted by `meter`.
    pub fn put_blob(
        &self,
        digest: &Digest,
        size: u64,
        open: &Open<'_>,
        from: &[String],
        meter: &Arc<Meter>,
    ) -> Result<Put, RegistryError> {
        Upload {
            wire: &self.wire,
            to: &self.to,
            digest,
            size,
            open,
            meter,
        }
        .run(from)
    }

    /// Puts a small blob there.
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<Digest, RegistryError> {
        let digest = Digest::of(bytes);
        let open = || Ok(Box::new(std::io::Cursor::new(bytes.to_vec())) as Box<dyn Read + Send>);
        let size = bytes.len() as u64;
        self.put_blob(&digest, size, &open, &[], &Arc::default())?;
        Ok(digest)
    }

    /// The digest of the manifest that a tag or digest names, if it is there. Some registries don't say it: then the
    /// manifest counts as not there.
    pub fn has_manifest(&self, name: &str) -> Result<Option<Digest>, RegistryError> {
        let part = format!("manifests/{name}");
        let request = Request::head(&part, self.access).with(ACCEPT, understood());
        Ok(self.head(&request)?.and_then(|told| told.digest))
    }

    /// The manifest or index that a tag or digest names, checked against the digest.
    pub fn get_manifest(&self, name: &str) -> Result<Manifest, RegistryError> {
        let part = format!("manifests/{name}");
        let request = Request::get(&part, self.access).with(ACCEPT, understood());
        let (told, bytes) = self.small(&request, &part, "a manifest")?;
        let digest = Digest::of(&bytes);
        let expected = name.parse().ok().or(told.digest);
        if let Some(expected) = expected.filter(|expected| *expected != digest) {
            return Err(RegistryError::WrongDigest {
                url: self.to.url(&part),
                expected,
                found: digest,
            });
        }
        Ok(Manifest {
            digest,
            media_type: told.kind,
            bytes,
        })
    }

    /// Puts a manifest or index there under a tag, or under its digest. What it names has to be there.
    pub fn put_manifest(
        &self,
        name: &str,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<Digest, RegistryError> {
        let part = format!("manifests/{name}");
        let digest = Digest::of(bytes);
        let response = self.wire.patiently(|| {
            let request = Request::new(Method::PUT, At::Part(&part), self.access)
                .with(CONTENT_TYPE, media_type)
                .body(Body::Bytes(bytes));
            self.wire.send(&self.to, &request)
        })?;
        refuse_page(&self.to.url(&part), &response, "about a manifest")?;
        match Told::of(&response).digest {
            Some(found) if found != digest => Err(RegistryError::WrongDigest {
                url: self.to.url(&part),
                expected: digest,
                found,
            }),
            _ => Ok(digest),
        }
    }

    /// A blob that is a document, whole and checked.
    pub(super) fn document(
        &self,
        digest: &Digest,
        expected: &'static str,
    ) -> Result<Vec<u8>, RegistryError> {
        let part = format!("blobs/{digest}");
        let (_, bytes) = self.small(&Request::get(&part, self.access), &part, expected)?;
        let found = Digest::of(&bytes);
        if found == *digest {
            return Ok(bytes);
        }
        Err(RegistryError::WrongDigest {
            url: self.to.url(&part),
            expected: *digest,
            found,
        })
    }

    fn small(
        &self,
        request: &Request<'_>,
        part: &str,
        expected: &'static str,
    ) -> Result<(Told, Vec<u8>), RegistryError> {
        let url = self.to.url(part);
        self.wire.patiently(|| {
            let response = self.wire.send(&self.to, request)?;
            refuse_page(&url, &response, expected)?;
            let told = Told::of(&response);
            let patience = self.wire.settings().patience;
            Ok((told, whole(&url, response, DOCUMENT, patience)?))
        })
    }

    /// The head of what is there.
    fn head(&self, request: &Request<'_>) -> Result<Option<Told>, RegistryError> {
        let answer = self.wire.patiently(|| self.wire.send(&self.to, request));
        match answer {
            Ok(response) => Ok(Some(Told::of(&response))),
            Err(
                RegistryError::NotFound { .. }
                // Who can't be asked has it, or not: what comes next will show.
                | RegistryError::Status { status: 405, .. },
            ) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// What the head of an answer says.
struct Told {
    digest: Option<Digest>,
    kind: String,
}

/// What it means that a page for people came.
const PAGE: &str = "it is a web page, as proxies and log-in pages send them";

/// Refuses a page for people where anything else was asked for.
pub(super) fn refuse_page(
    url: &str,
    response: &Response,
    expected: &'static str,
) -> Result<(), RegistryError> {
    if !Told::of(response).is_page() {
        return Ok(());
    }
    Err(RegistryError::Unexpected {
        url: redacted(url),
        expected,
        why: PAGE.to_owned(),
    })
}

impl Told {
    fn is_page(&self) -> bool {
        self.kind.to_ascii_lowercase().starts_with("text/html")
    }

    fn of(response: &Response) -> Self {
        let text = |name: &HeaderName| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some(value.trim().to_owned())
        };
        Self {
            digest: text(&DIGEST).and_then(|digest| digest.parse().ok()),
            kind: text(&header::CONTENT_TYPE).unwrap_or_default(),
        }
    }
}

/// The digest that an answer is said to be of.
pub(super) fn said_digest(response: &Response) -> Option<Digest> {
    Told::of(response).digest
}

fn understood() -> String {
    [OCI_INDEX, DOCKER_INDEX, OCI_MANIFEST, DOCKER_MANIFEST].join(", ")
}
