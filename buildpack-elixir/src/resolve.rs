//! From what the config asks for to the builds that will be fetched.

use buildpack_core::app::App;
use buildpack_core::diagnostic::{Outcome, Sourced};
use buildpack_core::digest::Digest;
use buildpack_core::lists::ListSource;
use stacks::Target;

use crate::config::ElixirConfig;

/// The two builds that an Elixir app needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedTools {
    /// Erlang/OTP.
    pub otp: ResolvedBuild,
    /// Elixir.
    pub elixir: ResolvedBuild,
}

/// A build that was chosen, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedBuild {
    /// The version, normalised, with the place that asked for it.
    pub version: Sourced<String>,
    /// Path of the archive below the builds host, such as `builds/otp/amd64/ubuntu-24.04/OTP-27.3.4.1.tar.gz`.
    pub path: String,
    /// SHA-256 of the archive, where the list gives one.
    pub sha256: Option<Digest>,
    /// Why this one, in a sentence.
    pub rule: String,
}

/// Chooses the builds for `config` on `target`; touches nothing but `lists`.
pub fn resolve(
    app: &App,
    config: &ElixirConfig,
    target: &Target,
    lists: &dyn ListSource,
) -> Outcome<ResolvedTools> {
    let _ = (app, config, target, lists);
    unimplemented!()
}
