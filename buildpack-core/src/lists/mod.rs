//! Published builds, and a verdict for a version.

use std::sync::Arc;

use jiff::civil::Date;
use stacks::Target;

use crate::diagnostic::Explain;
use crate::digest::Digest;

/// One published build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// Its name, such as `OTP-27.3.4.1` or `v1.18.3-otp-27`.
    pub reference: String,
    /// The commit it was made from.
    pub commit: String,
    /// When it was made, as the list says it (ISO 8601).
    pub date: String,
    /// SHA-256 of the archive; older entries have none.
    pub sha256: Option<Digest>,
}

/// A list of builds, and where from and from when it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildList {
    /// Folder of the list and its archives below the builds host, such as `builds/otp/amd64/ubuntu-24.04`.
    pub folder: String,
    /// The day it was taken, where it is not from today.
    pub taken: Option<Date>,
    builds: Vec<Publication>,
}

/// What a list says about a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is there.
    Available {
        /// The build.
        build: Publication,
        /// Path of its archive below the builds host.
        path: String,
    },
    /// It was never built for this stack.
    NotBuilt {
        /// Stacks that have it.
        elsewhere: Vec<&'static str>,
        /// Versions close to it that are there, best first.
        nearest: Vec<String>,
    },
    /// It is no version.
    Malformed {
        /// What is wrong.
        why: String,
    },
    /// The list can't tell.
    Unknown {
        /// Why not.
        why: String,
        /// From when the list is.
        taken: Option<Date>,
    },
}

/// Where build lists come from.
pub trait ListSource: Send + Sync {
    /// The Erlang/OTP builds for `target`.
    fn otp(&self, target: &Target) -> Result<Arc<BuildList>, Box<dyn ListError>>;
    /// The Elixir builds, which fit every stack and architecture.
    fn elixir(&self) -> Result<Arc<BuildList>, Box<dyn ListError>>;
}

/// Why a list could not be had.
pub trait ListError: Explain + Send + Sync {}

/// Gets a list's text from the builds host; the runner's part.
pub trait FetchList: Send + Sync {
    /// The text at `path` below the builds host, such as `builds/otp/amd64/ubuntu-24.04/builds.txt`; none if the host
    /// says that there is nothing (404, 403).
    fn get(&self, path: &str) -> Result<Option<String>, Box<dyn ListError>>;

    /// The text last kept for `path` and the day it was fetched; for use while the host can't be reached.
    fn kept(&self, path: &str) -> Option<(String, Date)> {
        let _ = path;
        None
    }
}
