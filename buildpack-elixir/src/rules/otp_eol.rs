//! `otp-eol`: an Erlang/OTP line that nobody mends any more.

use buildpack_core::check::replace;
use buildpack_core::diagnostic::Diagnostic;
use buildpack_core::lists::end_of_life;
use buildpack_core::version::Tool;
use jiff::civil::Date;

use super::Facts;
use super::otp_known_bad::known_bad;

/// Whether a line is still supported on `today`; yes, where that is not known.
pub fn supported(major: u32, today: Date) -> bool {
    end_of_life(Tool::Erlang, &major.to_string()).is_none_or(|end| today <= end.day)
}

pub(super) fn check(facts: &Facts<'_>) -> Option<Diagnostic> {
    let found = facts.otp?;
    let major = found.version.major();
    let today = facts.offer.context.today;
    let end = end_of_life(Tool::Erlang, &major.to_string()).filter(|end| today > end.day)?;
    let problem = Diagnostic::warning(
        "otp-eol",
        format!("Erlang/OTP {major} has had no support since {}", end.day),
    )
    .from(&found.build.version.origin, "asked for here")
    .note(super::source_of(&end));
    let newest = facts.offer.otp.as_ref().ok().and_then(|shelf| {
        shelf.releases().find(|version| {
            supported(version.major(), today)
                && known_bad(version).is_none()
                && facts.offer.fits(version.major(), facts.elixir_request)
        })
    });
    Some(match newest {
        None => {
            problem.help("move to a line that is supported, and to an Elixir that goes with it")
        }
        Some(newest) => {
            let text = format!(
                "take {newest}, the newest that is supported and that the app's Elixir was built for"
            );
            let newest = newest.to_string();
            replace(problem, &found.build.version.origin, text, &newest, false)
                .alternatives(vec![newest])
        }
    })
}
