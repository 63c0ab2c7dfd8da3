//! `elixir-requirement`: the Elixir that is taken is not one that `mix.exs` allows.

use buildpack_core::app::App;
use buildpack_core::diagnostic::{Class, Diagnostic, Sourced};
use buildpack_core::version::{ElixirRequirement, VersionError};
use semver::Version;

use super::Facts;
use crate::edit;

/// What `mix.exs` demands.
#[derive(Debug, Clone)]
pub struct Requirement {
    written: Sourced<String>,
    read: Result<ElixirRequirement, VersionError>,
}

impl Requirement {
    /// The `elixir:` of the app's project, where it is a literal.
    pub fn of(app: &App) -> Option<Self> {
        let written = app.mix_exs.as_ref()?.elixir.clone()?;
        let read = written.value.parse();
        Some(Self { written, read })
    }

    /// Whether a version will do; any, where the requirement is none.
    pub fn allows(&self, version: &Version) -> bool {
        self.read
            .as_ref()
            .map_or(true, |requirement| requirement.matches(version))
    }
}

pub(super) fn check(facts: &Facts<'_>) -> Option<Diagnostic> {
    let requirement = facts.offer.requirement.as_ref()?;
    let written = &requirement.written;
    if let Err(error) = &requirement.read {
        return Some(
            Diagnostic::error("elixir-requirement", Class::Config, error.to_string())
                .from(&written.origin, "Mix refuses the project for this")
                .help("write it as in `~> 1.15`"),
        );
    }
    let found = facts.elixir?;
    let release = found.version.release()?;
    if requirement.allows(release) {
        return None;
    }
    let place = &found.build.version.origin;
    let problem = Diagnostic::error(
        "elixir-requirement",
        Class::Config,
        format!(
            "`mix.exs` wants Elixir `{}`, and {release} is taken",
            written.value
        ),
    )
    .from(place, format!("this leads to {release}"))
    .from(&written.origin, "Mix refuses to run on another");
    let near = facts
        .offer
        .elixirs_near(found.version.line(), facts.otp_major);
    let goes_with = facts
        .otp_major
        .map(|otp| format!(" and that was built for OTP {otp}"))
        .unwrap_or_default();
    let problem = match near.first() {
        None => problem.help(format!(
            "change one of the two: no Elixir is published that `mix.exs` allows{goes_with}"
        )),
        Some(best) => edit::replace_elixir(
            problem,
            place,
            format!("take {best}, the nearest that `mix.exs` allows{goes_with}"),
            &best.to_string(),
            facts.otp_major,
            false,
        ),
    };
    Some(problem.alternatives(near.iter().map(ToString::to_string).collect()))
}
