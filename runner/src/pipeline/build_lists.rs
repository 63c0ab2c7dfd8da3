//! Hosts of lists, asked over the network; what they sent is kept in the store with its date.

mod answer;
mod npm;
mod signature;
mod sums;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use buildpack_core::diagnostic::{Class, Diagnostic, Explain};
use buildpack_core::lists::{Answer, FetchList, KeptText, ListError, ListHost, ListHosts};
use buildpack_core::store::{Bucket, Record};
use buildpack_core::toolchain::{Cause, FetchError};
use serde::{Deserialize, Serialize};

use super::services::Services;
use answer::text;

pub use answer::Patience;
pub use npm::Npm;
pub use sums::Sums;

/// The hosts of lists, and what is kept of them. Lists under `installs/` are signed, and refused if the signature is not
/// right.
pub struct BuildLists<'a> {
    services: &'a Services,
    max_age: Duration,
    patience: Patience,
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

/// What a host says at `url`, asked as patiently as for a download.
fn ask(services: &Services, url: &str, patience: Patience) -> Result<Answer, FetchError> {
    if services.offline {
        return Err(FetchError::new(url, Cause::Offline));
    }
    let policy = Services::retries();
    let mut failures = 0;
    loop {
        match text(&*services.fetch, url, None, patience) {
            Ok(answer) => return Ok(answer),
            Err(error) => {
                failures += 1;
                match policy.wait_after(failures, &error) {
                    Some(wait) => (policy.sleep)(wait),
                    None => return Err(error),
                }
            }
        }
    }
}

impl<'a> BuildLists<'a> {
    /// Hosts that are waited for so long; install lists are asked for again once they are older than `max_age`.
    pub fn new(services: &'a Services, max_age: Duration, patience: Patience) -> Self {
        Self {
            services,
            max_age,
            patience,
        }
    }

    fn url(&self, host: ListHost, path: &str) -> String {
        let upstreams = &self.services.upstreams;
        let base = match host {
            ListHost::HexBuilds => &upstreams.hex_builds,
            ListHost::NodeDist => &upstreams.node_dist,
        };
        format!("{base}/{path}")
    }

    fn record(&self, url: &str) -> Record<Kept> {
        self.services.store.record::<Kept>(Bucket::Lists, url)
    }

    /// What the store has of `url`.
    fn kept_at(&self, url: &str) -> Option<Kept> {
        self.record(url).get().filter(|kept| kept.url == url)
    }

    fn fetch(&self, url: &str, etag: Option<&str>) -> Result<Answer, FetchError> {
        if self.services.offline {
            return Err(FetchError::new(url, Cause::Offline));
        }
        text(&*self.services.fetch, url, etag, self.patience)
    }

    fn check_signature(&self, url: &str, text: &str) -> Result<(), Error> {
        let signed = format!("{url}.signed");
        let signature = match self.fetch(&signed, None)? {
            Answer::Text { text, .. } => text,
            Answer::Nonsense(why) => return Err(not_a_list(&signed, &why)),
            Answer::Missing => return Err(not_a_list(&signed, "it does not exist")),
            Answer::Unchanged => return Err(not_a_list(&signed, "it is empty")),
        };
        let signature = STANDARD
            .decode(signature.split_whitespace().collect::<String>())
            .map_err(|_| not_a_list(&signed, "it is not base64"))?;
        match signature::check(&self.services.hex_builds_key, text, &signature) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error::Signature {
                url: url.to_owned(),
            }),
            Err(why) => Err(Error::Key {
                url: url.to_owned(),
                why,
            }),
        }
    }
}

impl FetchList for BuildLists<'_> {
    fn get(&self, path: &str) -> Result<Option<String>, Box<dyn ListError>> {
        let url = self.url(ListHost::HexBuilds, path);
        let kept = self.kept_at(&url);
        if let Some(kept) = &kept {
            let age = self.services.now.duration_since(kept.fetched);
            let fresh = age.unsigned_abs() <= self.max_age;
            if fresh || self.services.offline {
                return Ok(Some(kept.text.clone()));
            }
        }
        let etag = kept.as_ref().and_then(|kept| kept.etag.as_deref());
        let (text, etag) = match (self.fetch(&url, etag).map_err(boxed)?, kept) {
            (Answer::Missing, _) => return Ok(None),
            (Answer::Text { text, etag }, _) => (text, etag),
            (Answer::Unchanged, Some(kept)) => (kept.text, kept.etag),
            (Answer::Unchanged, None) => {
                return Err(boxed(not_a_list(&url, "the answer has no body")));
            }
            (Answer::Nonsense(why), _) => return Err(boxed(not_a_list(&url, &why))),
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
        let _ = self.record(&now.url).write(&now);
        Ok(Some(now.text))
    }
}

impl ListHosts for BuildLists<'_> {
    fn name(&self, host: ListHost) -> String {
        let url = self.url(host, "");
        let bare = url.split_once("://").map_or(url.as_str(), |(_, bare)| bare);
        let host = bare.split(['/', '?', '#']).next().unwrap_or_default();
        // Without user and password.
        host.rsplit('@').next().unwrap_or_default().to_owned()
    }

    fn ask(
        &self,
        host: ListHost,
        path: &str,
        etag: Option<&str>,
    ) -> Result<Answer, Box<dyn ListError>> {
        self.fetch(&self.url(host, path), etag).map_err(boxed)
    }

    fn kept(&self, host: ListHost, path: &str) -> Option<KeptText> {
        let kept = self.kept_at(&self.url(host, path))?;
        Some(KeptText {
            text: kept.text,
            etag: kept.etag,
            fetched: kept.fetched,
        })
    }

    fn keep(&self, host: ListHost, path: &str, text: &KeptText) {
        let url = self.url(host, path);
        let kept = Kept {
            url: url.clone(),
            text: text.text.clone(),
            etag: text.etag.clone(),
            fetched: text.fetched,
        };
        let _ = self.record(&url).write(&kept);
    }
}

fn boxed(error: impl Into<Error>) -> Box<dyn ListError> {
    Box::new(error.into())
}

fn not_a_list(url: &str, why: &str) -> Error {
    Error::NotAList {
        url: url.to_owned(),
        why: why.to_owned(),
    }
}
