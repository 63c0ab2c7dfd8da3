//! `elixir-otp-mismatch`: an Elixir that was not built, or is not documented, for the chosen Erlang/OTP.

use std::collections::BTreeSet;

use buildpack_core::check::replace;
use buildpack_core::diagnostic::{Class, Diagnostic, Origin};
use buildpack_core::version::ElixirVersion;

use super::Facts;
use super::otp_known_bad::known_bad;
use crate::asked::Asked;
use crate::config::FILE;
use crate::documented::documented;
use crate::edit;
use crate::resolve::Offer;

fn list(numbers: &BTreeSet<u32>) -> String {
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    numbers.join(", ")
}

/// The error that `version`, which `asked` led to, has builds for `otps` alone, not for `otp`, which `erlang` led to.
pub fn not_built(
    asked: &Asked,
    version: &ElixirVersion,
    otps: &BTreeSet<u32>,
    otp: u32,
    erlang: Option<&Asked>,
    offer: &Offer<'_>,
) -> Diagnostic {
    let mut problem = Diagnostic::error(
        "elixir-otp-mismatch",
        Class::Config,
        format!("Elixir {version} was never built for Erlang/OTP {otp}"),
    )
    .from(&asked.value.origin, "this Elixir")
    .note(format!("it was built for OTP {}", list(otps)));
    if let Some(erlang) = erlang {
        problem = problem.from(&erlang.value.origin, "this Erlang/OTP");
    }
    let elixirs = offer.elixirs_near(version.line(), Some(otp));
    if let Some(best) = elixirs.first() {
        let text = format!("take Elixir {best}, the nearest that was built for OTP {otp}");
        let place = &asked.value.origin;
        problem = edit::replace_elixir(problem, place, text, &best.to_string(), Some(otp), false);
    }
    if let Some(erlang) = erlang
        && let Some(best) = otp_for(otps, offer)
    {
        let text = format!("or take Erlang/OTP {best}, which Elixir {version} was built for");
        problem = replace(problem, &erlang.value.origin, text, &best, false);
    }
    if problem.helps.is_empty() {
        problem = problem.help("see `bp versions list elixir` for what goes with which OTP");
    }
    problem.alternatives(elixirs.iter().map(ToString::to_string).collect())
}

/// The newest OTP of the stack that is one of `otps`.
fn otp_for(otps: &BTreeSet<u32>, offer: &Offer<'_>) -> Option<String> {
    let shelf = offer.otp.as_ref().ok()?;
    let found = shelf
        .releases()
        .find(|version| otps.contains(&version.major()) && known_bad(version).is_none());
    found.map(ToString::to_string)
}

/// Whether a place is in the packs' own config, where the OTP stands in a line of its own.
fn in_config(origin: &Origin) -> bool {
    matches!(origin, Origin::File(span) if span.source.path.ends_with(FILE))
}

/// Warnings about a pair that is built: not documented, or `-otp-NN` says otherwise.
pub(super) fn check(facts: &Facts<'_>) -> Vec<Diagnostic> {
    let (Some(found), Some(major)) = (facts.elixir, facts.otp_major) else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    let elixir = &found.build.version.origin;
    let otp = facts.otp.map(|found| &found.build.version.origin);
    let with_otp = |problem: Diagnostic| match otp {
        Some(origin) => problem.from(origin, "this Erlang/OTP counts"),
        None => problem,
    };
    if let Some(written) = facts.elixir_request.and_then(|request| request.otp)
        && written != major
    {
        let problem = Diagnostic::warning(
            "elixir-otp-mismatch",
            format!("`-otp-{written}` has no effect: the app runs on Erlang/OTP {major}"),
        )
        .from(elixir, format!("this says OTP {written}"));
        let version = found.version.to_string();
        let problem = with_otp(problem);
        problems.push(if in_config(elixir) {
            replace(problem, elixir, "leave it out", &version, false)
        } else {
            let text = "write the OTP that counts, so that other tools take it, too";
            edit::replace_elixir(problem, elixir, text, &version, Some(major), false)
        });
    }
    if let Some((oldest, newest)) = documented(&found.version)
        && !(oldest..=newest).contains(&major)
    {
        let problem = Diagnostic::warning(
            "elixir-otp-mismatch",
            format!(
                "Elixir {} is built for Erlang/OTP {major}, but documented for {oldest} to {newest} alone",
                found.version
            ),
        )
        .from(elixir, "this Elixir");
        problems.push(
            with_otp(problem)
                .help("expect warnings of the compiler, or take a pair that Elixir's table of compatibility names"),
        );
    }
    problems
}
