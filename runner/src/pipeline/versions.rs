//! What versions there are, what is known of one, and lists brought up to date.

mod explain;
mod listing;
mod update;

use buildpack_core::lists::{EndOfLife, ListError, end_of_life};
use buildpack_core::version::Tool;
use jiff::civil::Date;
use serde::Serialize;
use stacks::Target;

use super::failure::Failure;

pub use explain::{Archive, Built, Explanation, explain};
pub use listing::{Entry, Listing, listing};
pub use update::{Changed, Now, update};

/// Until when a line is supported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Support {
    /// The last day, or the day on which it ended.
    pub ends: Date,
    /// Whether that day is past.
    pub ended: bool,
    /// Whether it follows from the project's policy and was not announced.
    pub inferred: bool,
    /// Where the day or the policy stands.
    pub source: &'static str,
}

impl Support {
    /// Of a line of a tool, as of `today`.
    pub fn of(tool: Tool, line: &str, today: Date) -> Option<Self> {
        let EndOfLife {
            day,
            inferred,
            source,
        } = end_of_life(tool, line)?;
        Some(Self {
            ends: day,
            ended: day < today,
            inferred,
            source,
        })
    }
}

/// A stack on an architecture, by its names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TargetName {
    /// `heroku-24`.
    pub name: &'static str,
    /// `ubuntu-24.04`.
    pub os: String,
    /// `amd64`.
    pub arch: &'static str,
}

impl From<Target> for TargetName {
    fn from(target: Target) -> Self {
        Self {
            name: target.stack.name,
            os: format!("ubuntu-{}", target.stack.ubuntu),
            arch: target.arch.oci(),
        }
    }
}

/// All that is built for.
pub fn targets() -> Vec<Target> {
    let of = |stack: &'static stacks::Stack| {
        let targets = stack.architectures.iter();
        targets.filter_map(move |arch| Target::new(stack, *arch).ok())
    };
    stacks::all().iter().flat_map(of).collect()
}

/// A list, or the failure that its lack is.
fn had<T>(list: Result<T, Box<dyn ListError>>) -> Result<T, Failure> {
    list.map_err(|error| Failure::of(error.diagnostic()))
}
