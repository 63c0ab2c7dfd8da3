//! What is said where nothing asks for a tool: the lines to write, with versions that fit the stack and each other.

use buildpack_core::app::App;
use buildpack_core::diagnostic::{Applicability, Class, Diagnostic, Edit, Span};
use buildpack_core::version::OtpVersion;
use semver::Version;

use crate::config::FILE;
use crate::documented::documented;
use crate::rules::otp_known_bad::known_bad;
use crate::rules::{Facts, elixir_eol, otp_eol};

/// The error that nothing asks for Erlang/OTP, for Elixir, or for both.
pub(super) fn missing(app: &App, no_otp: bool, no_elixir: bool, facts: &Facts<'_>) -> Diagnostic {
    let what = match (no_otp, no_elixir) {
        (true, true) => "which Erlang/OTP and which Elixir",
        (true, false) => "which Erlang/OTP",
        _ => "which Elixir",
    };
    let message = if app.source(FILE).is_some() {
        format!("nothing says {what} to take: `{FILE}` does not, and no other file does")
    } else {
        format!("nothing says {what} to take: there is no `{FILE}`, and no other file says so")
    };
    let problem = Diagnostic::error("version-missing", Class::Config, message);
    let (otp, elixir) = proposed(no_otp, no_elixir, facts);
    let lines: Vec<(&str, String)> = [("erlang", otp), ("elixir", elixir)]
        .into_iter()
        .filter_map(|(tool, version)| Some((tool, version?)))
        .collect();
    if lines.is_empty() {
        return problem.help(format!(
            "write `erlang_version=…` and `elixir_version=…` into `{FILE}`"
        ));
    }
    let config = lines
        .iter()
        .map(|(tool, version)| format!("{tool}_version={version}"));
    let shown: Vec<String> = config.clone().map(|line| format!("`{line}`")).collect();
    let text = |file: &str| format!("write {} into `{file}`", shown.join(" and "));
    if let Some(end) = end_of(app, FILE) {
        let edit = append(end, config.collect());
        return problem.edits(text(FILE), vec![edit], Applicability::Likely);
    }
    let tools = ".tool-versions";
    if let Some(end) = end_of(app, tools) {
        let lines: Vec<String> = lines
            .iter()
            .map(|(tool, version)| format!("{tool} {version}"))
            .collect();
        let shown: Vec<String> = lines.iter().map(|line| format!("`{line}`")).collect();
        return problem.edits(
            format!("write {} into `{tools}`", shown.join(" and ")),
            vec![append(end, lines)],
            Applicability::Likely,
        );
    }
    problem.help(text(FILE))
}

/// The place behind the last byte of a file that was read.
fn end_of(app: &App, path: &str) -> Option<Span> {
    let source = app.source(path)?;
    let end = source.text.len();
    Some(Span {
        source,
        start: end,
        end,
    })
}

/// Adds lines, with the ends that the file's other lines have.
fn append(end: Span, lines: Vec<String>) -> Edit {
    let text = &end.source.text;
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut new_text = String::new();
    if !text.is_empty() && !text.ends_with('\n') {
        new_text += line_end;
    }
    for line in lines {
        new_text += &line;
        new_text += line_end;
    }
    Edit {
        span: end,
        new_text,
    }
}

/// The newest supported versions of what is missing that fit each other and what is there.
fn proposed(no_otp: bool, no_elixir: bool, facts: &Facts<'_>) -> (Option<String>, Option<String>) {
    let offer = facts.offer;
    let today = offer.context.today;
    let (Ok(otps), Ok(elixirs)) = (&offer.otp, &offer.elixir) else {
        return (None, None);
    };
    let good_otp = |version: &&OtpVersion| {
        otp_eol::supported(version.major(), today) && known_bad(version).is_none()
    };
    let good_elixir = |version: &&Version| {
        elixir_eol::supported((version.major, version.minor), today) && offer.allows(version)
    };
    let goes = |elixir: &buildpack_core::version::ElixirVersion, otp: &OtpVersion| {
        let documented = documented(elixir);
        elixirs.build(elixir, Some(otp.major())).is_some()
            && documented.is_none_or(|(oldest, newest)| (oldest..=newest).contains(&otp.major()))
    };
    if no_otp && no_elixir {
        let pair = elixirs
            .releases(None)
            .filter(good_elixir)
            .find_map(|elixir| {
                let version = buildpack_core::version::ElixirVersion::Release(elixir.clone());
                let otp = otps
                    .releases()
                    .filter(good_otp)
                    .find(|otp| goes(&version, otp))?;
                Some((otp.to_string(), elixir.to_string()))
            });
        return pair.map_or((None, None), |(otp, elixir)| (Some(otp), Some(elixir)));
    }
    if no_otp {
        let found = facts.elixir.and_then(|elixir| {
            let fitting = |otp: &&OtpVersion| goes(&elixir.version, otp);
            let all = || otps.releases().filter(fitting);
            all().find(good_otp).or_else(|| all().next())
        });
        return (found.map(ToString::to_string), None);
    }
    let all = || {
        elixirs
            .releases(facts.otp_major)
            .filter(|version| offer.allows(version))
    };
    let found = all().find(good_elixir).or_else(|| all().next());
    (None, found.map(ToString::to_string))
}
