//! Published builds: lists of hosts, kept ones, and those of known days that are compiled in.
//!
//! [`Provider`] decides which of them answers; who asks learns with each list whether what it lacks was not published
//! ([`BuildList::is_current`]) or may have been since. Support dates and OTP's own releases are data beside them.

mod build_list;
mod choice;
mod node_list;
mod note;
mod npm;
mod once;
mod provider;
mod releases;
mod snapshot;
mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use stacks::Target;

use crate::diagnostic::{Diagnostic, Explain};
use crate::digest::Digest;
use crate::version::{NodeVersion, Tool};

pub use build_list::{BuildList, Publication};
pub use choice::Policy;
pub use node_list::{NodeList, NodeRelease, read_sums};
pub use npm::{NPM_REGISTRY, NpmError, NpmPackage, NpmRegistry, npm_path, read_npm_package};
pub use provider::{Provider, Wanted};
pub use releases::{is_otp_release, otp_releases};
pub use support::{EndOfLife, end_of_life};

/// Where a list was had from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ListOrigin {
    /// Its host gave it, or said that the kept one is what it has, in this run.
    Live,
    /// An earlier run kept it.
    Kept,
    /// It is compiled in.
    Snapshot,
}

/// Which list it is, where from and from when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListInfo {
    /// Whose versions it lists.
    pub tool: Tool,
    /// The host, as shown to people: `builds.hex.pm`.
    pub provider: String,
    /// Its path below the host's address, such as `builds/otp/amd64/ubuntu-24.04/builds.txt`.
    pub path: String,
    /// The day on which the host had it so: for a live list the day of this run.
    pub dated: Date,
    /// Where it was had from.
    pub origin: ListOrigin,
    /// Whether what it lacks is not published: it is live, or was kept less than a day ago.
    pub current: bool,
}

/// Where build lists come from. Several threads may ask at once.
pub trait ListSource: Send + Sync {
    /// The Erlang/OTP builds for `target`.
    fn otp(&self, target: &Target) -> Result<Arc<BuildList>, Box<dyn ListError>>;
    /// The Elixir builds, which fit every stack and architecture.
    fn elixir(&self) -> Result<Arc<BuildList>, Box<dyn ListError>>;
    /// The Node releases.
    fn node(&self) -> Result<Arc<NodeList>, Box<dyn ListError>>;
    /// SHA-256 by file name of a Node release, such as `node-v22.1.0-linux-x64.tar.xz` (its `SHASUMS256.txt`).
    fn node_sums(
        &self,
        version: &NodeVersion,
    ) -> Result<Arc<BTreeMap<String, Digest>>, Box<dyn ListError>>;

    /// The lists that were looked at for the own target, by tool. Lists of other stacks are not among them.
    fn used(&self) -> Vec<ListInfo> {
        Vec::new()
    }

    /// What is to be said about these lists, such as that one is old and why: once each, in a stable order.
    fn complaints(&self) -> Vec<Diagnostic> {
        Vec::new()
    }
}

/// Why a list could not be had.
pub trait ListError: Explain + Send + Sync {}

/// Gets other lists of the Hex builds host, such as `installs/hex.csv`, their signatures checked; the runner's part.
pub trait FetchList: Send + Sync {
    /// The text at `path` below the host; none if the host says that there is nothing.
    fn get(&self, path: &str) -> Result<Option<String>, Box<dyn ListError>>;
}

/// Tells of the digests that a release publishes beside its files; the runner's part.
pub trait ReleaseSums: Send + Sync {
    /// SHA-256 by file name, from the file at this address, in `sha256sum`'s form; none where there is no such file. What a
    /// release publishes never changes, so that it may be kept.
    fn sums(&self, url: &str) -> Result<Option<BTreeMap<String, Digest>>, Box<dyn ListError>>;
}

/// A host that has lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ListHost {
    /// Builds of Erlang/OTP and Elixir: `builds.hex.pm` or its mirror.
    HexBuilds,
    /// Node's releases: `nodejs.org/dist` or its mirror.
    NodeDist,
}

/// A list's text as it is kept between runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptText {
    /// The text as the host gave it.
    pub text: String,
    /// The host's name for this state of it.
    pub etag: Option<String>,
    /// When the host last had it so.
    pub fetched: Timestamp,
}

/// What a host says to the question for a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It has no such list.
    Missing,
    /// The list is the one whose `ETag` was sent along.
    Unchanged,
    /// A list.
    Text {
        /// What it sent.
        text: String,
        /// Its name for this state of it.
        etag: Option<String>,
    },
    /// Something that can be no list, and why: not text, too large.
    Nonsense(String),
}

/// Hosts of lists, and what is kept of them on this machine; the runner's part.
pub trait ListHosts: Send + Sync {
    /// The host as shown to people: `builds.hex.pm`.
    fn name(&self, host: ListHost) -> String;
    /// Asks for what is at `path`; with `etag`, only if it is no longer that.
    fn ask(
        &self,
        host: ListHost,
        path: &str,
        etag: Option<&str>,
    ) -> Result<Answer, Box<dyn ListError>>;
    /// What was last kept of `path`.
    fn kept(&self, host: ListHost, path: &str) -> Option<KeptText>;
    /// Keeps it. A list that can't be kept is still a list.
    fn keep(&self, host: ListHost, path: &str, text: &KeptText);
}
