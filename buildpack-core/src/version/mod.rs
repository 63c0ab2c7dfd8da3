//! Versions of Erlang/OTP, Elixir and Node: how people write them, how they are published, how they compare.

mod elixir;
mod node;
mod otp;

pub use elixir::{ElixirRequest, ElixirVersion};
pub use node::NodeVersion;
pub use otp::OtpVersion;

/// Why a text is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {what} version: {why}")]
pub struct VersionError {
    /// `Erlang/OTP`, `Elixir` or `Node`.
    pub what: &'static str,
    /// What was written.
    pub text: String,
    /// What is wrong with it.
    pub why: &'static str,
}
