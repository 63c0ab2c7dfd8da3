//! Edits of Elixir versions where they stand.

use buildpack_core::check::replace;
use buildpack_core::diagnostic::{Diagnostic, Origin};

/// [`replace`] with an Elixir version, and with the OTP behind it where one stands there, as asdf wants it.
pub fn replace_elixir(
    problem: Diagnostic,
    origin: &Origin,
    text: impl Into<String>,
    version: &str,
    otp: Option<u32>,
    sure: bool,
) -> Diagnostic {
    let suffixed = match origin {
        Origin::File(span) => {
            let written = span.source.text.get(span.start..span.end);
            written.is_some_and(|written| written.contains("-otp-"))
        }
        _ => false,
    };
    match otp {
        Some(otp) if suffixed => {
            replace(problem, origin, text, &format!("{version}-otp-{otp}"), sure)
        }
        _ => replace(problem, origin, text, version, sure),
    }
}
