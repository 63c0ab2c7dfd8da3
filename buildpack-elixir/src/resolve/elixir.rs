//! The Elixir build that is meant, or why there is none.

use buildpack_core::check::Verdict;
use buildpack_core::diagnostic::{Class, Diagnostic};
use buildpack_core::version::{ElixirRequest, ElixirVersion, ElixirWanted};

use super::offer::Offer;
use super::shelf::{ElixirShelf, Lack};
use super::{ASK_AGAIN, Failure, Found, ResolvedBuild};
use crate::asked::Asked;
use crate::edit;
use crate::request;
use crate::rules::elixir_otp_mismatch;

/// Chooses the build for `request`, which `asked` says, and for this OTP; for any, where it is not known.
pub(super) fn choose(
    asked: &Asked,
    request: &ElixirRequest,
    otp: Option<u32>,
    erlang: Option<&Asked>,
    offer: &Offer<'_>,
) -> Result<Found<ElixirVersion>, Failure> {
    let shelf = offer
        .elixir
        .as_ref()
        .map_err(|error| Failure::new(Verdict::Unknown, error.diagnostic()))?;
    match shelf.pick(&request.wanted, otp) {
        Ok((version, build)) => {
            let goes_with = otp.map(|otp| format!(" for OTP {otp}")).unwrap_or_default();
            let rule = match &request.wanted {
                ElixirWanted::Version(ElixirVersion::Branch(_)) => String::new(),
                ElixirWanted::Version(_) => {
                    request::rule(&asked.text().value, &version.to_string())
                }
                ElixirWanted::Line(major, minor) => {
                    format!("newest {major}.{minor} published{goes_with}")
                }
                ElixirWanted::Latest => format!("newest release published{goes_with}"),
            };
            Ok(Found {
                build: ResolvedBuild {
                    version: asked.value.clone().map(|_| version.to_string()),
                    path: format!("{}/{}.zip", shelf.list.folder(), build.reference),
                    sha256: build.sha256,
                    rule,
                },
                version,
            })
        }
        Err(Lack::OtherOtps(version, otps)) => {
            // Versions that the list knows rarely get builds for another OTP later, so an old list can tell, too.
            let problem = elixir_otp_mismatch::not_built(
                asked,
                &version,
                &otps,
                otp.unwrap_or_default(),
                erlang,
                offer,
            );
            Err(Failure::new(Verdict::NotBuilt, problem))
        }
        Err(Lack::Unpublished) => Err(unpublished(asked, request, otp, offer, shelf)),
    }
}

fn unpublished(
    asked: &Asked,
    request: &ElixirRequest,
    otp: Option<u32>,
    offer: &Offer<'_>,
    shelf: &ElixirShelf,
) -> Failure {
    let wanted = &request.wanted;
    let near = offer.elixirs_near(wanted.line(), otp);
    let names: Vec<String> = near.iter().map(ToString::to_string).collect();
    if !shelf.list.is_current() {
        let problem = Diagnostic::error(
            "elixir-unknown",
            Class::Surroundings,
            format!(
                "cannot tell whether Elixir {wanted} was published: the list of {} lacks it",
                shelf.list.info.dated
            ),
        )
        .from(&asked.value.origin, "asked for here")
        .help(ASK_AGAIN)
        .alternatives(names);
        return Failure::new(Verdict::Unknown, problem);
    }
    let mut problem = Diagnostic::error(
        "elixir-not-built",
        Class::Config,
        format!("Elixir {wanted} was never published"),
    )
    .from(&asked.value.origin, "asked for here");
    problem = match near.first() {
        None => problem.help("see `bp versions list elixir` for what was published"),
        Some(best) => {
            let sure = Some((best.major, best.minor)) == wanted.line();
            let goes_with = otp.map(|otp| format!(" for OTP {otp}")).unwrap_or_default();
            let text = format!("take {best}, the nearest that was published{goes_with}");
            let place = &asked.value.origin;
            edit::replace_elixir(problem, place, text, &best.to_string(), otp, sure)
        }
    };
    if names.len() > 1 {
        problem = problem.note(format!("published: {}", names.join(", ")));
    }
    Failure::new(Verdict::NotBuilt, problem.alternatives(names))
}
