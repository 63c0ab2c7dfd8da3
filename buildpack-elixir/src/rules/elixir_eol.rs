//! `elixir-eol`: a line of Elixir that gets no security patches any more.

use buildpack_core::diagnostic::Diagnostic;
use buildpack_core::lists::end_of_life;
use buildpack_core::version::Tool;
use jiff::civil::Date;

use super::Facts;
use crate::edit;

/// Whether a line is still supported on `today`; yes, where that is not known.
pub fn supported(line: (u64, u64), today: Date) -> bool {
    end(line).is_none_or(|end| today <= end.day)
}

fn end((major, minor): (u64, u64)) -> Option<buildpack_core::lists::EndOfLife> {
    end_of_life(Tool::Elixir, &format!("{major}.{minor}"))
}

pub(super) fn check(facts: &Facts<'_>) -> Option<Diagnostic> {
    let found = facts.elixir?;
    let line = found.version.line()?;
    let today = facts.offer.context.today;
    let end = end(line).filter(|end| today > end.day)?;
    let place = &found.build.version.origin;
    let problem = Diagnostic::warning(
        "elixir-eol",
        format!(
            "Elixir {}.{} has had no security patches since {}",
            line.0, line.1, end.day
        ),
    )
    .from(place, "asked for here")
    .note(super::source_of(&end));
    let newest = facts.offer.elixir.as_ref().ok().and_then(|shelf| {
        shelf.releases(facts.otp_major).find(|version| {
            supported((version.major, version.minor), today) && facts.offer.allows(version)
        })
    });
    Some(match newest {
        None => {
            problem.help("move to a line that is supported, and to an Erlang/OTP that goes with it")
        }
        Some(newest) => {
            let goes_with = facts
                .otp_major
                .map(|otp| format!(" and built for OTP {otp}"))
                .unwrap_or_default();
            let text = format!("take {newest}, the newest that is supported{goes_with}");
            let newest = newest.to_string();
            edit::replace_elixir(problem, place, text, &newest, facts.otp_major, false)
                .alternatives(vec![newest])
        }
    })
}
