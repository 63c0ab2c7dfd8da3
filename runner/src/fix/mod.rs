//! Writes into the app's files what diagnostics say is sure to be right.
//!
//! A round makes the changes that don't touch each other and checks the changed files in memory: a change may bring the
//! next mistake to light, or mend several. Nothing is written before the last round.

mod changes;
mod mended;
mod write;

use std::fmt;

use buildpack_core::diagnostic::Code;

use crate::pipeline::{CheckRequest, Failure, Report, Services, check};

pub use mended::Mended;

/// A change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The problem's code.
    pub code: Code,
    /// Where it was: `file:line:column`.
    pub place: String,
    /// What became of what.
    pub what: String,
}

impl fmt::Display for Done {
    /// `elixir_buildpack.config:1:16: 27.2 → 27.2.4 (otp-not-built)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.place, self.what, self.code)
    }
}

/// Mends an app and checks it again: what is left, and what was done.
pub fn fix(request: &CheckRequest, services: &Services) -> Result<(Report, Vec<Done>), Failure> {
    let mended = Mended::of(request, services)?;
    write::write(&request.app, &mended.files)?;
    Ok((check(request, services)?, mended.done))
}
