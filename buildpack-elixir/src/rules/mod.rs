//! Rules about an Elixir app, each in a file of its own.

pub mod config_deprecated_key;
pub mod elixir_eol;
pub mod elixir_otp_mismatch;
pub mod elixir_requirement;
pub mod otp_eol;
pub mod otp_known_bad;
pub mod secret_at_compile_time;

use buildpack_core::diagnostic::Diagnostic;
use buildpack_core::lists::EndOfLife;
use buildpack_core::version::{ElixirRequest, ElixirVersion, OtpVersion};

use crate::resolve::{Found, Offer};

/// What rules about versions go by.
pub struct Facts<'a> {
    /// The OTP that was chosen.
    pub otp: Option<&'a Found<OtpVersion>>,
    /// The Elixir that was chosen.
    pub elixir: Option<&'a Found<ElixirVersion>>,
    /// The OTP that is meant, chosen or not.
    pub otp_major: Option<u32>,
    /// The Elixir that is asked for.
    pub elixir_request: Option<&'a ElixirRequest>,
    /// What could be chosen.
    pub offer: &'a Offer<'a>,
}

/// What is wrong with versions that can be had.
pub fn of_versions(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    found.extend(otp_known_bad::check(facts));
    found.extend(elixir_otp_mismatch::check(facts));
    found.extend(elixir_requirement::check(facts));
    found.extend(otp_eol::check(facts));
    found.extend(elixir_eol::check(facts));
    found
}

/// Where the day of a line's end is from.
fn source_of(end: &EndOfLife) -> String {
    let how = if end.inferred {
        "as follows from the project's policy"
    } else {
        "as the project announced"
    };
    format!("{how}: {}", end.source)
}

#[cfg(test)]
mod tests;
