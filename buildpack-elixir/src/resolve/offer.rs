//! What could be chosen: what is published, and what else the app demands.

use buildpack_core::app::App;
use buildpack_core::check::CheckContext;
use buildpack_core::lists::ListError;
use buildpack_core::version::{ElixirRequest, OtpVersion};
use semver::Version;

use super::nearest;
use super::shelf::{ElixirShelf, Lack, OtpShelf};
use crate::rules::elixir_requirement::Requirement;

/// What is published for the context's stack, and what bounds the choice.
pub struct Offer<'a> {
    /// Stack, day, and other stacks' lists.
    pub context: &'a CheckContext<'a>,
    /// Erlang/OTP, where its list could be had.
    pub otp: Result<OtpShelf, Box<dyn ListError>>,
    /// Elixir, where its list could be had.
    pub elixir: Result<ElixirShelf, Box<dyn ListError>>,
    /// What `mix.exs` demands of Elixir.
    pub requirement: Option<Requirement>,
}

impl<'a> Offer<'a> {
    /// What there is for `app`.
    pub fn new(app: &App, context: &'a CheckContext<'a>) -> Self {
        Self {
            context,
            otp: context.lists.otp(context.target).map(OtpShelf::new),
            elixir: context.lists.elixir().map(ElixirShelf::new),
            requirement: Requirement::of(app),
        }
    }

    /// The stack's name.
    pub fn stack(&self) -> &'static str {
        self.context.target.stack.name
    }

    /// Whether the wanted Elixir has a build for this OTP, or is nowhere to be had in any case.
    pub fn fits(&self, otp: u32, elixir: Option<&ElixirRequest>) -> bool {
        let (Ok(there), Some(request)) = (&self.elixir, elixir) else {
            return true;
        };
        match there.pick(&request.wanted, Some(otp)) {
            Ok(_) | Err(Lack::Unpublished) => true,
            Err(Lack::OtherOtps(..)) => false,
        }
    }

    /// Whether `mix.exs` allows a release of Elixir.
    pub fn allows(&self, elixir: &Version) -> bool {
        self.requirement
            .as_ref()
            .is_none_or(|requirement| requirement.allows(elixir))
    }

    /// OTP releases to take in place of `version`, the best first.
    pub fn otps_near(
        &self,
        version: &OtpVersion,
        elixir: Option<&ElixirRequest>,
    ) -> Vec<OtpVersion> {
        match &self.otp {
            Ok(there) => nearest::otps(version, there, |major| self.fits(major, elixir)),
            Err(_) => Vec::new(),
        }
    }

    /// Elixir releases for this OTP to take in place of one of `line`, the best first.
    pub fn elixirs_near(&self, line: Option<(u64, u64)>, otp: Option<u32>) -> Vec<Version> {
        match &self.elixir {
            Ok(there) => nearest::elixirs(line, there, otp, |version| self.allows(version)),
            Err(_) => Vec::new(),
        }
    }
}
