//! The bash of `*_buildpack.config` files, and of commands, as far as it can be read without running it.
//!
//! Quotes, escapes, arrays, comments and variables that the file itself sets are resolved here. All else (command
//! substitution, conditions, globs, the environment) is named and left to a real bash in the sandbox.

pub mod ansi_c;
mod commands;
mod complaints;
mod cursor;
pub mod elixir;
mod first_command;
mod known;
mod statements;
mod words;

use std::sync::Arc;

pub(crate) use complaints::{mistake, odd_encoding};
pub use first_command::{first_command, is_plain};

use crate::diagnostic::{Outcome, Source, Sourced, Span};

/// One `name=value` of a config file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The variable, from where it stands.
    pub name: Sourced<String>,
    /// What it is set to.
    pub value: Value,
    /// Whether `export` or `declare -x` stands before it.
    pub exported: bool,
    /// From the name to the end of the value.
    pub span: Span,
    /// The value alone: what an edit would replace.
    pub value_span: Span,
}

/// What a variable is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text, quotes and variables resolved.
    Text(String),
    /// An array, each word resolved.
    Array(Vec<String>),
    /// Something that only bash can evaluate; the text says what, such as `command substitution`.
    Dynamic(String),
}

/// The packs' own examples have ten lines; what is read here may look at each name once for every other.
const LARGEST: usize = 64 << 10;

/// Reads the assignments of `source` in order; a name may occur more than once, the last one counts.
///
/// A statement that is no assignment makes every name that is set in or after it [`Value::Dynamic`]; one that may set
/// anything does so to the names before it, too. Unbalanced quotes are an error with line and column, and leave no
/// value; a space around `=` is an error, too, but the value that was meant is given. A text of more than 64 KiB is no
/// config file.
pub fn parse(source: &Arc<Source>) -> Outcome<Vec<Assignment>> {
    parse_config(source, &[])
}

/// The same of a file that is there to set `keys`: that one is set for the command behind it alone (`key=two words`) was
/// not meant. It is an error, and the value that was meant is given.
pub fn parse_config(source: &Arc<Source>, keys: &[&str]) -> Outcome<Vec<Assignment>> {
    if source.text.len() > LARGEST {
        return Outcome::failed(vec![complaints::too_large(source)]);
    }
    statements::Reader::new(source, keys).read()
}

#[cfg(test)]
mod tests;
