//! The Erlang/OTP build that is meant, or why there is none.

use buildpack_core::check::{Verdict, replace};
use buildpack_core::diagnostic::{Class, Diagnostic};
use buildpack_core::lists::is_otp_release;
use buildpack_core::version::{ElixirRequest, OtpRequest, OtpVersion};
use stacks::Target;

use super::offer::Offer;
use super::shelf::OtpShelf;
use super::{ASK_AGAIN, Failure, Found, ResolvedBuild};
use crate::asked::Asked;
use crate::request;
use crate::rules::otp_known_bad::known_bad;

/// Chooses the build for `request`, which `asked` says; `elixir` bounds what is proposed in its place.
pub(super) fn choose(
    asked: &Asked,
    request: &OtpRequest,
    elixir: Option<&ElixirRequest>,
    offer: &Offer<'_>,
) -> Result<Found<OtpVersion>, Failure> {
    let shelf = offer
        .otp
        .as_ref()
        .map_err(|error| Failure::new(Verdict::Unknown, error.diagnostic()))?;
    let stack = offer.stack();
    let (wanted, rule) = match request {
        OtpRequest::Release(version) => (
            version.clone(),
            request::rule(&asked.text().value, &version.to_string()),
        ),
        OtpRequest::Newest(numbers) => match newest(shelf, numbers) {
            Some(version) if version.numbers() == numbers => (version.clone(), String::new()),
            Some(version) => (
                version.clone(),
                format!("newest {} built for {stack}", dotted(numbers)),
            ),
            None => (OtpVersion::of(numbers), String::new()),
        },
        OtpRequest::Latest => {
            let Some(version) = shelf.releases().next() else {
                let problem = unknown(asked, "any Erlang/OTP", "has none", offer, shelf);
                return Err(Failure::new(Verdict::Unknown, problem));
            };
            (version.clone(), format!("newest release built for {stack}"))
        }
    };
    match shelf.build(&wanted) {
        Some(build) => Ok(Found {
            build: ResolvedBuild {
                version: asked.value.clone().map(|_| wanted.to_string()),
                path: format!("{}/{}.tar.gz", shelf.list.folder(), build.reference),
                sha256: build.sha256,
                rule,
            },
            version: wanted,
        }),
        None => Err(lacking(asked, request, &wanted, elixir, offer, shelf)),
    }
}

/// The release of just these numbers, else the newest that begins with them. One number is always the newest.
fn newest<'a>(shelf: &'a OtpShelf, numbers: &[u32]) -> Option<&'a OtpVersion> {
    let exact = |version: &&OtpVersion| numbers.len() > 1 && version.numbers() == numbers;
    let exact = shelf.releases().find(exact);
    exact.or_else(|| {
        shelf
            .releases()
            .find(|version| version.begins_with(numbers))
    })
}

fn dotted(numbers: &[u32]) -> String {
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    numbers.join(".")
}

fn on(offer: &Offer<'_>) -> String {
    format!("{} on {}", offer.stack(), offer.context.target.arch)
}

/// The failure where the list has not what was asked for.
fn lacking(
    asked: &Asked,
    request: &OtpRequest,
    version: &OtpVersion,
    elixir: Option<&ElixirRequest>,
    offer: &Offer<'_>,
    shelf: &OtpShelf,
) -> Failure {
    let name = match request {
        OtpRequest::Newest(numbers) => dotted(numbers),
        _ => version.to_string(),
    };
    let exists = is_otp_release(version);
    let near = offer.otps_near(version, elixir);
    let names: Vec<String> = near.iter().map(ToString::to_string).collect();
    if !shelf.list.is_current() && exists != Some(false) {
        let name = format!("Erlang/OTP {name}");
        let problem = unknown(asked, &name, "lacks it", offer, shelf).alternatives(names);
        return Failure::new(Verdict::Unknown, problem);
    }
    let mut message = format!("Erlang/OTP {name} was never built for {}", on(offer));
    if exists == Some(false) {
        message += ": there is no such release";
    }
    let mut problem = Diagnostic::error("otp-not-built", Class::Config, message)
        .from(&asked.value.origin, "asked for here");
    problem = match near.first() {
        None => problem.help("see `bp versions list erlang` for what was built"),
        Some(best) => {
            let sure = best.major() == version.major() && known_bad(best).is_none();
            let text = format!(
                "take {best}, the nearest that was built for {}",
                offer.stack()
            );
            replace(problem, &asked.value.origin, text, &best.to_string(), sure)
        }
    };
    if names.len() > 1 {
        problem = problem.note(format!("built for {}: {}", offer.stack(), names.join(", ")));
    }
    let elsewhere = other_stacks(version, offer);
    if !elsewhere.is_empty() {
        problem = problem.note(format!("{name} was built for {}", elsewhere.join(", ")));
    }
    let problem = problem.alternatives(names).other_stacks(elsewhere);
    Failure::new(Verdict::NotBuilt, problem)
}

fn unknown(
    asked: &Asked,
    what: &str,
    lacks: &str,
    offer: &Offer<'_>,
    shelf: &OtpShelf,
) -> Diagnostic {
    Diagnostic::error(
        "otp-unknown",
        Class::Surroundings,
        format!(
            "cannot tell whether {what} was built for {}: the list of {} {lacks}",
            on(offer),
            shelf.list.info.dated
        ),
    )
    .from(&asked.value.origin, "asked for here")
    .help(ASK_AGAIN)
}

/// Stacks other than the own that have this version on the same architecture, oldest first.
fn other_stacks(version: &OtpVersion, offer: &Offer<'_>) -> Vec<String> {
    let own = offer.context.target;
    let lists = offer.context.lists;
    let reference = version.reference();
    let others: Vec<Target> = stacks::all()
        .iter()
        .filter(|stack| stack.name != own.stack.name)
        .filter_map(|stack| Target::new(stack, own.arch).ok())
        .collect();
    // Each may have to be fetched, so all are asked for at once.
    std::thread::scope(|scope| {
        let asked: Vec<_> = others
            .iter()
            .map(|other| scope.spawn(|| lists.otp(other).ok()))
            .collect();
        let lists = asked.into_iter().map(|asked| asked.join().ok().flatten());
        others
            .iter()
            .zip(lists)
            .filter(|(_, list)| {
                list.as_ref()
                    .is_some_and(|list| list.find(&reference).is_some())
            })
            .map(|(other, _)| other.stack.name.to_owned())
            .collect()
    })
}
