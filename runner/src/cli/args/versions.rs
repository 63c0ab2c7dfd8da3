//! Commands about versions.

use std::path::PathBuf;

use buildpack_core::version::Tool;
use clap::{Args, Subcommand, ValueEnum};
use jiff::civil::Date;
use stacks::Arch;

use super::shared::Target;
use crate::cli::levels::LevelFlags;

#[derive(Debug, Args)]
pub(in crate::cli) struct CheckVersions {
    /// The app's folder
    #[arg(default_value = ".")]
    pub app: PathBuf,
    #[command(flatten)]
    pub target: Target,
    /// Architecture to check for: `amd64` or `arm64` [default: this machine's]
    #[arg(long, value_name = "ARCH")]
    pub arch: Option<Arch>,
    #[command(flatten)]
    pub levels: LevelFlags,
    /// Fail with 4 where a list that is needed cannot be had
    #[arg(long)]
    pub require_lists: bool,
    /// Write the changes that are sure to be right into the app's files, then check again
    #[arg(long)]
    pub fix: bool,
    /// With --fix: show the changes, write nothing
    #[arg(long, requires = "fix")]
    pub dry_run: bool,
    /// Day that support dates are held against, as in `2027-01-31`: what will be out of support by then? [default: today]
    #[arg(long, value_name = "DATE")]
    pub on: Option<Date>,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Versions {
    /// The newest version of each line, and until when the line is supported
    List(VersionsList),
    /// Ask for the lists of all stacks now
    Update {
        /// Also take lists that lost more than a tenth of what the kept ones have
        #[arg(long)]
        force: bool,
    },
    /// What is known of a version: what it was built for, what it goes with
    Explain(VersionsExplain),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct VersionsList {
    /// The tool
    #[arg(value_enum)]
    pub tool: ToolName,
    /// Stack that Erlang/OTP is to be built for [default: heroku-24]
    #[arg(short, long, value_name = "STACK")]
    pub stack: Option<String>,
    /// Architecture: `amd64` or `arm64` [default: this machine's]
    #[arg(long, value_name = "ARCH")]
    pub arch: Option<Arch>,
    /// All versions, not only the newest of each line
    #[arg(long)]
    pub all: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct VersionsExplain {
    /// The version, such as `27.2`, `1.18.4-otp-27` or `22.11.0`
    #[arg(value_name = "VERSION")]
    pub text: String,
    /// Whose version it is [default: each tool's that it may be]
    #[arg(long, value_enum, value_name = "TOOL")]
    pub tool: Option<ToolName>,
}

/// A tool by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ToolName {
    /// Erlang/OTP
    #[value(alias = "otp")]
    Erlang,
    /// Elixir
    Elixir,
    /// Node
    Node,
}

impl From<ToolName> for Tool {
    fn from(name: ToolName) -> Self {
        match name {
            ToolName::Erlang => Self::Erlang,
            ToolName::Elixir => Self::Elixir,
            ToolName::Node => Self::Node,
        }
    }
}
