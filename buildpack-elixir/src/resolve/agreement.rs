//! Whether the places that ask for a tool agree.

use buildpack_core::check::conflict;
use buildpack_core::diagnostic::{Diagnostic, Sourced};
use buildpack_core::version::{
    ElixirRequest, ElixirVersion, ElixirWanted, OtpRequest, OtpVersion, Tool,
};

use super::Found;
use crate::asked::Asked;
use crate::request;

/// The warning that places ask for different Erlang/OTPs; `found` is what the first of them led to.
pub(super) fn otp(places: &[Asked], found: Option<&Found<OtpVersion>>) -> Option<Diagnostic> {
    let (counting, others) = places.split_first()?;
    let first = text(counting);
    let disagree = |other: &Asked| otps_differ(&first.value, &text(other).value) == Some(true);
    let others: Vec<_> = others
        .iter()
        .filter(|other| disagree(other))
        .map(text)
        .collect();
    let agreed = match found {
        Some(found) => found.version.to_string(),
        None => first.value.clone(),
    };
    said(Tool::Erlang, &first, &others, &agreed)
}

/// The warning that places ask for different Elixirs.
pub(super) fn elixir(
    places: &[Asked],
    found: Option<&Found<ElixirVersion>>,
    otp: Option<u32>,
) -> Option<Diagnostic> {
    let (counting, others) = places.split_first()?;
    let wanted = request::elixir(counting).ok()?;
    let disagree =
        |other: &&Asked| request::elixir(other).is_ok_and(|other| !elixirs_agree(&wanted, &other));
    let others: Vec<_> = others.iter().filter(disagree).map(text).collect();
    let version = match found {
        Some(found) => found.version.to_string(),
        None => wanted.wanted.to_string(),
    };
    // asdf wants to know the OTP, too.
    let suffixed = others.iter().any(|other| other.value.contains("-otp-"));
    let agreed = match otp {
        Some(otp) if suffixed => format!("{version}-otp-{otp}"),
        _ => version,
    };
    said(Tool::Elixir, &text(counting), &others, &agreed)
}

fn text(asked: &Asked) -> Sourced<String> {
    asked.text()
}

fn said(
    tool: Tool,
    counting: &Sourced<String>,
    others: &[Sourced<String>],
    agreed: &str,
) -> Option<Diagnostic> {
    let others: Vec<&Sourced<String>> = others.iter().collect();
    (!others.is_empty()).then(|| conflict(tool, counting, &others, agreed))
}

/// Whether no release would do for both; none where one of them is no version.
fn otps_differ(one: &str, two: &str) -> Option<bool> {
    let allows = |line: &str, other: &str| {
        let line = OtpRequest::newest(line).ok()?;
        Some(match OtpRequest::exact(other).ok()? {
            OtpRequest::Release(version) => line.allows(&version),
            _ => true,
        })
    };
    Some(!(allows(one, two)? || allows(two, one)?))
}

fn elixirs_agree(one: &ElixirRequest, two: &ElixirRequest) -> bool {
    match (&one.wanted, &two.wanted) {
        (ElixirWanted::Version(one), two) => two.allows(one),
        (one, ElixirWanted::Version(two)) => one.allows(two),
        (ElixirWanted::Latest, _) | (_, ElixirWanted::Latest) => true,
        (one, two) => one == two,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_and_a_release_of_it_agree() {
        for (one, two, differ) in [
            ("27", "27.3.4", Some(false)),
            ("27.3.4", "27", Some(false)),
            ("OTP-27.2", "27.2", Some(false)),
            ("27.2", "27.3.4", Some(true)),
            ("26", "27", Some(true)),
            ("latest", "26", Some(false)),
            ("system", "27", None),
        ] {
            assert_eq!(otps_differ(one, two), differ, "{one} {two}");
        }
        let agree =
            |one: &str, two: &str| elixirs_agree(&one.parse().unwrap(), &two.parse().unwrap());
        assert!(agree("1.18.3", "1.18.3-otp-27"));
        assert!(agree("1.18", "1.18.3"));
        assert!(agree("latest", "1.18"));
        assert!(!agree("1.18", "1.17"));
        assert!(!agree("1.18.3", "1.18.4"));
        assert!(!agree("main", "1.18"));
    }
}
