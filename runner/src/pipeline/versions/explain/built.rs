//! Whether there is a build, as a list says it.

use buildpack_core::check::Verdict;
use buildpack_core::lists::{BuildList, ListError, ListInfo, Publication};
use serde::Serialize;

use super::About;
use crate::pipeline::versions::TargetName;
use crate::pipeline::versions::listing::day;

/// Whether a version was built for something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Built {
    /// For which stack and architecture; none where one build fits all.
    pub stack: Option<TargetName>,
    /// For which OTP, of Elixir.
    pub otp: Option<u32>,
    /// Whether it can be had.
    pub verdict: Verdict,
    /// Why nobody can tell, if so.
    pub why: Option<String>,
    /// The day it was built.
    pub date: Option<String>,
    /// What is downloaded.
    pub archive: Option<Archive>,
}

/// An archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Archive {
    /// Where it is.
    pub url: String,
    /// Its SHA-256; none where nobody publishes one, or it could not be had.
    pub sha256: Option<String>,
}

impl About<'_> {
    /// The build of this name in a list; its archive is of this kind.
    pub(super) fn built(&self, list: &BuildList, reference: &str, kind: &str) -> Built {
        let Some(build) = list.find(reference) else {
            return absent(&list.info);
        };
        let Publication { date, sha256, .. } = build;
        Built {
            stack: None,
            otp: None,
            verdict: Verdict::Available,
            why: None,
            date: day(date),
            archive: Some(Archive {
                url: format!(
                    "{}/{}/{reference}.{kind}",
                    self.upstreams.hex_builds,
                    list.folder()
                ),
                sha256: sha256.map(|sum| sum.hex()),
            }),
        }
    }
}

/// Not in the list, which may be older than the version.
pub(super) fn absent(list: &ListInfo) -> Built {
    let (verdict, why) = if list.current {
        (Verdict::NotBuilt, None)
    } else {
        let why = format!("not in the list of {}", list.dated);
        (Verdict::Unknown, Some(why))
    };
    Built {
        stack: None,
        otp: None,
        verdict,
        why,
        date: None,
        archive: None,
    }
}

pub(super) fn unknown(error: &dyn ListError) -> Built {
    Built {
        stack: None,
        otp: None,
        verdict: Verdict::Unknown,
        why: Some(error.diagnostic().message),
        date: None,
        archive: None,
    }
}
