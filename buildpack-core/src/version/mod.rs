//! Versions of Erlang/OTP, Elixir and Node: how people write them, how they are published, how they compare.

mod elixir;
mod elixir_request;
mod elixir_requirement;
mod node;
mod node_range;
mod node_request;
mod otp;
mod otp_request;

pub use elixir::{ElixirBuild, ElixirVersion};
pub use elixir_request::{ElixirRequest, ElixirWanted};
pub use elixir_requirement::ElixirRequirement;
pub use node::NodeVersion;
pub use node_range::NodeRange;
pub use node_request::NodeRequest;
pub use otp::OtpVersion;
pub use otp_request::OtpRequest;

/// A tool whose versions an app may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tool {
    /// Erlang/OTP.
    Erlang,
    /// Elixir.
    Elixir,
    /// Node.
    Node,
}

impl Tool {
    /// Its name in lists and reports: `erlang`.
    pub fn id(self) -> &'static str {
        match self {
            Self::Erlang => "erlang",
            Self::Elixir => "elixir",
            Self::Node => "node",
        }
    }
}

impl std::fmt::Display for Tool {
    /// Its name as its makers write it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Erlang => "Erlang/OTP",
            Self::Elixir => "Elixir",
            Self::Node => "Node",
        })
    }
}

/// Why a text is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} is no {what} version: {why}", shown(.text))]
pub struct VersionError {
    /// `Erlang/OTP`, `Elixir` or `Node`.
    pub what: &'static str,
    /// What was written.
    pub text: String,
    /// What is wrong with it.
    pub why: &'static str,
}

fn shown(text: &str) -> String {
    match text {
        "" => "an empty text".to_owned(),
        text => format!("`{text}`"),
    }
}

/// Why `text` is none, where it is what asdf or mise take in place of a version.
fn words_of_version_managers(text: &str) -> Option<&'static str> {
    let text = text.trim();
    match text.split_once(':') {
        None if text == "system" => {
            Some("`system` means what the machine has, and a build has nothing installed")
        }
        Some(("path", _)) => Some("`path:` names a folder of one machine"),
        Some(("ref" | "tag" | "branch" | "rev", _)) => {
            Some("it names a commit to compile, and only what is published can be had")
        }
        Some(("prefix" | "latest", _)) => {
            Some("mise and asdf alone understand it; write the version")
        }
        None if text.starts_with("sub-") => {
            Some("mise and asdf alone understand it; write the version")
        }
        _ => None,
    }
}
