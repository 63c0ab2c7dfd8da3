//! Lists of the Hex builds host, kept with their date and asked for again when they are old.

use std::io::Read;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use buildpack_core::diagnostic::{Class, Diagnostic, Explain};
use buildpack_core::lists::{FetchList, ListError};
use buildpack_core::store::Bucket;
use buildpack_core::toolchain::{Cause, FetchError, Request};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::services::Services;

/// More than this is no list: the largest has some hundred kilobytes.
const LARGEST: u64 = 16 << 20;

/// The lists of a builds host by path below it. Lists under `installs/` are signed, and refused if the signature is
/// not right.
pub(super) struct BuildLists<'a> {
    services: &'a Services,
    max_age: Duration,
}

/// A list as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    url: String,
    text: String,
    etag: Option<String>,
    fetched: jiff::Timestamp,
}

/// Why a list could not be had.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("`{url}` is not a list: {why}")]
    NotAList { url: String, why: String },
    #[error("the signature of `{url}` is not right")]
    Signature { url: String },
    #[error("the public key for `{url}` cannot be used: {why}")]
    Key { url: String, why: String },
}

impl Explain for Error {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Fetch(error) => error.diagnostic(),
            Self::NotAList { .. } => {
                Diagnostic::error("list-malformed", Class::Surroundings, self.to_string())
                    .help("check `BP_HEX_BUILDS_URL`, and whether a proxy answers in its place")
            }
            Self::Signature { .. } => {
                Diagnostic::error("list-signature", Class::Surroundings, self.to_string()).help(
                    "if the builds host is a mirror with a key of its own, name its public key with `BP_HEX_BUILDS_KEY`",
                )
            }
            Self::Key { .. } => Diagnostic::error("list-key", Class::Usage, self.to_string())
                .help("`BP_HEX_BUILDS_KEY` must name a PEM file with an RSA public key"),
        }
    }
}

impl ListError for Error {}

impl<'a> BuildLists<'a> {
    /// Lists that are asked for again once they are older than `max_age`.
    pub(super) fn new(services: &'a Services, max_age: Duration) -> Self {
        Self { services, max_age }
    }

    fn fetch(
        &self,
        url: &str,
        etag: Option<String>,
    ) -> Result<Option<(String, Option<String>)>, Error> {
        let mut request = Request::get(url);
        request.etag = etag;
        let response = self.services.fetch.get(&request)?;
        if response.status == 304 {
            return Ok(None);
        }
        let limits = request.limits;
        let mut text = String::new();
        response
            .body
            .take(LARGEST + 1)
            .read_to_string(&mut text)
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::InvalidData => not_a_list(url, "it is not text"),
                _ => FetchError::body(url, &error, limits).into(),
            })?;
        if text.len() as u64 > LARGEST {
            return Err(not_a_list(url, "it is larger than 16 MiB"));
        }
        if text.trim_start().starts_with('<') {
            return Err(not_a_list(url, "it is a web page"));
        }
        Ok(Some((text, response.etag)))
    }

    fn check_signature(&self, url: &str, text: &str) -> Result<(), Error> {
        let signed = format!("{url}.signed");
        let (signature, _) = self
            .fetch(&signed, None)?
            .ok_or_else(|| not_a_list(&signed, "it is empty"))?;
        let signature = STANDARD
            .decode(signature.split_whitespace().collect::<String>())
            .map_err(|_| not_a_list(&signed, "it is not base64"))?;
        let key = rsa_key(&self.services.hex_builds_key).map_err(|why| Error::Key {
            url: url.to_owned(),
            why,
        })?;
        ring::signature::UnparsedPublicKey::new(&ring::signature::RSA_PKCS1_2048_8192_SHA512, key)
            .verify(text.as_bytes(), &signature)
            .map_err(|_| Error::Signature {
                url: url.to_owned(),
            })
    }
}

impl FetchList for BuildLists<'_> {
    fn get(&self, path: &str) -> Result<Option<String>, Box<dyn ListError>> {
        let url = format!("{}/{path}", self.services.upstreams.hex_builds);
        let record = self.services.store.record::<Kept>(Bucket::Lists, &url);
        let kept = record.get().filter(|kept| kept.url == url);
        if let Some(kept) = &kept {
            let age = self.services.now.duration_since(kept.fetched);
            let fresh = age.unsigned_abs() <= self.max_age;
            if fresh || self.services.offline {
                return Ok(Some(kept.text.clone()));
            }
        }
        let etag = kept.as_ref().and_then(|kept| kept.etag.clone());
        let new = match self.fetch(&url, etag) {
            Err(Error::Fetch(FetchError {
                cause: Cause::Status {
                    status: 404 | 410, ..
                },
                ..
            })) => return Ok(None),
            other => other.map_err(boxed)?,
        };
        let (text, etag) = match (new, kept) {
            (Some(new), _) => new,
            (None, Some(kept)) => (kept.text, kept.etag),
            (None, None) => return Err(boxed(not_a_list(&url, "the answer has no body"))),
        };
        if path.starts_with("installs/") {
            self.check_signature(&url, &text).map_err(boxed)?;
        }
        let now = Kept {
            url,
            text,
            etag,
            fetched: self.services.now,
        };
        // A list that can't be kept is still a list.
        let _ = record.write(&now);
        Ok(Some(now.text))
    }

    fn kept(&self, path: &str) -> Option<(String, Date)> {
        let url = format!("{}/{path}", self.services.upstreams.hex_builds);
        let kept = self
            .services
            .store
            .record::<Kept>(Bucket::Lists, &url)
            .get()
            .filter(|kept| kept.url == url)?;
        let date = kept.fetched.to_zoned(jiff::tz::TimeZone::UTC).date();
        Some((kept.text, date))
    }
}

fn boxed(error: Error) -> Box<dyn ListError> {
    Box::new(error)
}

fn not_a_list(url: &str, why: &str) -> Error {
    Error::NotAList {
        url: url.to_owned(),
        why: why.to_owned(),
    }
}

/// The RSA public key (PKCS#1, as ring wants it) of a PEM `PUBLIC KEY` (`SubjectPublicKeyInfo`, RFC 5280).
fn rsa_key(pem: &str) -> Result<Vec<u8>, String> {
    let body: String = pem
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("-----"))
        .collect();
    let der = STANDARD
        .decode(body)
        .map_err(|_| "it is not PEM".to_owned())?;
    // SEQUENCE { SEQUENCE { algorithm }, BIT STRING { 0, key } }
    let (outer, _) = element(&der, 0x30)?;
    let (_, rest) = element(outer, 0x30)?;
    let (bits, _) = element(rest, 0x03)?;
    match bits.split_first() {
        Some((0, key)) => Ok(key.to_vec()),
        _ => Err("it holds no RSA public key".to_owned()),
    }
}

/// The content of a DER element with this tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Result<(&[u8], &[u8]), String> {
    let bad = || "it holds no RSA public key".to_owned();
    let (&[found, first], rest) = der.split_first_chunk::<2>().ok_or_else(bad)?;
    if found != tag {
        return Err(bad());
    }
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        if count > 4 || rest.len() < count {
            return Err(bad());
        }
        let length = rest[..count]
            .iter()
            .fold(0, |length, &byte| length << 8 | usize::from(byte));
        (length, &rest[count..])
    };
    rest.split_at_checked(length).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_hex_key_and_refuses_what_is_none() {
        assert!(rsa_key(buildpack_elixir::hex_installs::HEX_BUILDS_KEY).is_ok());
        for text in ["", "-----BEGIN PUBLIC KEY-----\nMIIB\n", "é", "MAMCAQE="] {
            assert!(rsa_key(text).is_err(), "{text}");
        }
    }
}
