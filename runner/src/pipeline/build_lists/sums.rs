//! Digests that releases publish beside their files, asked for over the network. What is published is kept for ever; that
//! nothing is, for a day: it may not be published yet.

use std::collections::BTreeMap;

use buildpack_core::diagnostic::{Class, Diagnostic, Explain};
use buildpack_core::digest::Digest;
use buildpack_core::lists::{Answer, ListError, ReleaseSums, read_sums};
use buildpack_core::store::{Bucket, Record};
use buildpack_core::toolchain::redact_url;
use serde::{Deserialize, Serialize};

use super::{Patience, ask, boxed};
use crate::pipeline::services::Services;

/// How long it counts that a release publishes no digests.
const DAY: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// The hosts of releases, and what is kept of them.
pub struct Sums<'a> {
    services: &'a Services,
    patience: Patience,
}

/// What a release published.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Where, without credentials.
    url: String,
    /// The digests, if there were any.
    sums: Option<BTreeMap<String, Digest>>,
    /// When that was asked.
    asked: jiff::Timestamp,
}

/// What came is no list of digests.
#[derive(Debug, thiserror::Error)]
#[error("`{url}` is no list of digests: {why}")]
struct NoSums {
    url: String,
    why: String,
}

impl Explain for NoSums {
    fn diagnostic(&self) -> Diagnostic {
        Diagnostic::error("release-sums", Class::Surroundings, self.to_string())
            .help("look at the address in a browser: a proxy, a login page or an outage may answer in its place")
    }
}

impl ListError for NoSums {}

impl<'a> Sums<'a> {
    /// The hosts, waited for so long.
    pub fn new(services: &'a Services, patience: Patience) -> Self {
        Self { services, patience }
    }
}

impl ReleaseSums for Sums<'_> {
    fn sums(&self, url: &str) -> Result<Option<BTreeMap<String, Digest>>, Box<dyn ListError>> {
        let shown = redact_url(url);
        let record: Record<Kept> = self.services.store.record(Bucket::Lists, &shown);
        let now = self.services.now;
        let kept = record.get().filter(|kept| kept.url == shown);
        let holds = |kept: &Kept| {
            let is_recent = now.duration_since(kept.asked) < DAY;
            kept.sums.is_some() || is_recent || self.services.offline
        };
        if let Some(kept) = kept.filter(holds) {
            return Ok(kept.sums);
        }
        let none = |why: String| -> Box<dyn ListError> {
            let url = shown.clone();
            Box::new(NoSums { url, why })
        };
        let sums = match ask(self.services, url, self.patience).map_err(boxed)? {
            Answer::Text { text, .. } => Some(read_sums(&text).map_err(none)?),
            Answer::Missing => None,
            Answer::Nonsense(why) => return Err(none(why)),
            Answer::Unchanged => return Err(none("the answer has no body".to_owned())),
        };
        let kept = Kept {
            url: shown.clone(),
            sums,
            asked: now,
        };
        // What can't be kept can still be used.
        let _ = record.write(&kept);
        Ok(kept.sums)
    }
}
