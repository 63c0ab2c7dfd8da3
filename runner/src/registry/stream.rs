//! A blob as a stream: taken up again where it broke, and vouched for by its digest.

use std::io::{self, Read};
use std::sync::Arc;

use buildpack_core::digest::{Digest, Hasher};
use reqwest::StatusCode;
use reqwest::blocking::Response;
use reqwest::header::{CONTENT_RANGE, RANGE};

use super::endpoint::{Endpoint, redacted};
use super::patience::Patience;
use super::refusal::broken;
use super::repository::refuse_page;
use super::request::Request;
use super::wire::Wire;
use super::{Access, RegistryError};

/// The bytes of a blob in a registry.
///
/// A connection that breaks is made anew, and what came before is not fetched twice where the registry gives parts.
/// The last bytes come only when all of them have the blob's digest: who read to the end has the blob.
/// Failures are [`io::Error`]s that hold a [`RegistryError`]: see [`RegistryError::of_read`].
pub struct BlobReader {
    wire: Arc<Wire>,
    from: Endpoint,
    digest: Digest,
    size: u64,
    response: Option<Response>,
    hasher: Hasher,
    patience: Patience,
    resumed: bool,
    finished: bool,
}

impl BlobReader {
    pub(super) fn new(wire: &Arc<Wire>, from: &Endpoint, digest: &Digest, size: u64) -> Self {
        Self {
            wire: Arc::clone(wire),
            from: from.clone(),
            digest: *digest,
            size,
            response: None,
            hasher: Hasher::new(),
            patience: Patience::new(wire.settings()),
            resumed: false,
            finished: false,
        }
    }

    /// Whether the bytes came in more than one answer: two halves of two answers may not fit each other.
    pub(super) fn was_resumed(&self) -> bool {
        self.resumed
    }

    fn part(&self) -> String {
        format!("blobs/{}", self.digest)
    }

    fn url(&self) -> String {
        redacted(&self.from.url(&self.part()))
    }

    /// An answer whose next byte is the next one wanted.
    fn open(&self) -> Result<Response, RegistryError> {
        let (part, from) = (self.part(), self.hasher.length());
        let ask = |from: u64| {
            let mut request = Request::get(&part, Access::Pull);
            if from > 0 {
                request = request.with(RANGE, format!("bytes={from}-"));
            }
            self.wire.send(&self.from, &request)
        };
        let mut response = match ask(from) {
            Err(RegistryError::Status { status: 416, .. }) if from > 0 => ask(0)?,
            other => other?,
        };
        refuse_page(&self.url(), &response, "a layer")?;
        let continues = continues(&response, from);
        let left = if continues {
            self.size - from
        } else {
            self.size
        };
        if response
            .content_length()
            .is_some_and(|length| length > left)
        {
            return Err(self.too_long());
        }
        if !continues {
            let patience = self.wire.settings().patience;
            io::copy(&mut (&mut response).take(from), &mut io::sink())
                .map_err(|error| broken(&self.url(), &error, patience))?;
        }
        Ok(response)
    }

    fn attempt(&mut self, buffer: &mut [u8]) -> Result<usize, RegistryError> {
        if self.response.is_none() {
            self.response = Some(self.open()?);
        }
        let (url, patience) = (self.url(), self.wire.settings().patience);
        let Some(response) = &mut self.response else {
            return Ok(0);
        };
        let read = response
            .read(buffer)
            .map_err(|error| broken(&url, &error, patience))?;
        let length = self.hasher.length() + read as u64;
        if length > self.size {
            return Err(self.too_long());
        }
        if read == 0 && length < self.size {
            return Err(RegistryError::Broken {
                url,
                why: format!("it ended after {length} of {} bytes", self.size),
            });
        }
        self.hasher.update(&buffer[..read]);
        if length == self.size {
            self.finish()?;
        }
        Ok(read)
    }

    /// Holds the whole against the digest.
    fn finish(&mut self) -> Result<(), RegistryError> {
        self.finished = true;
        if let Some(mut rest) = self.response.take()
            && rest.read(&mut [0]).is_ok_and(|more| more > 0)
        {
            return Err(self.too_long());
        }
        let found = self.hasher.clone().finish();
        if found == self.digest {
            return Ok(());
        }
        Err(RegistryError::WrongDigest {
            url: self.url(),
            expected: self.digest,
            found,
        })
    }

    fn too_long(&self) -> RegistryError {
        RegistryError::Unexpected {
            url: self.url(),
            expected: "as long as its manifest says",
            why: format!("it is longer than {} bytes", self.size),
        }
    }
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.finished || buffer.is_empty() {
            return Ok(0);
        }
        loop {
            match self.attempt(buffer) {
                Ok(read) => return Ok(read),
                Err(error) if self.patience.allows(&error) => {
                    self.resumed |= self.hasher.length() > 0;
                    self.response = None;
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
    }
}

/// Whether an answer goes on at byte `from`: servers may answer a range with the whole.
fn continues(response: &Response, from: u64) -> bool {
    if from == 0 {
        return true;
    }
    let start = response
        .headers()
        .get(CONTENT_RANGE)
        .and_then(|value| value.to_str().ok()?.strip_prefix("bytes ")?.split_once('-'))
        .and_then(|(start, _)| start.trim().parse().ok());
    response.status() == StatusCode::PARTIAL_CONTENT && start == Some(from)
}
