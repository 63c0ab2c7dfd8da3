//! What is wanted of the store, and when what it knows is too old for that.

use std::time::Duration;

use buildpack_core::digest::Digest;

use super::StackImage;
use crate::registry::Reference;

/// What to pull, and how fresh it has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// The image.
    pub reference: Reference,
    /// The manifest that it has to be for this architecture, whatever the name stands for today.
    pub digest: Option<Digest>,
    /// `amd64` or `arm64`.
    pub architecture: String,
    /// How long a tag that was resolved once is believed; zero asks the registry now. A name with a digest is
    /// believed for ever, and so is an import while this is not zero.
    pub max_age: Duration,
    /// Whether no registry may be asked.
    pub offline: bool,
    /// Whether to unpack it: only what a sandbox is to run in has to be.
    pub unpack: bool,
    /// The time.
    pub now: jiff::Timestamp,
}

impl PullRequest {
    /// The name that it is asked for and remembered by.
    pub(super) fn name(&self) -> Reference {
        match self.digest {
            Some(digest) => self.reference.at(digest),
            None => self.reference.clone(),
        }
    }

    /// Why what is known is not fresh enough.
    pub(super) fn stale(&self, image: &StackImage) -> Option<String> {
        if self.digest.is_some() || self.reference.digest().is_some() {
            return None;
        }
        if self.max_age.is_zero() {
            return Some("the registry is to be asked each time".to_owned());
        }
        if !image.from_registry {
            return None;
        }
        // A clock that was set back makes no image fresh for ever.
        let age = Duration::try_from(self.now.duration_since(image.resolved)).ok();
        match age {
            Some(age) if age < self.max_age => None,
            _ => Some(format!("it was resolved at {}", image.resolved)),
        }
    }
}
