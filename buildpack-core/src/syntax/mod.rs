//! The bash of `*_buildpack.config` files, as far as it can be read without running it.

use std::sync::Arc;

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

/// Reads the assignments of `source` in order; a name may occur more than once, the last one counts.
///
/// What is no assignment (`if`, a command) makes every name that is set in or after it [`Value::Dynamic`].
/// Unbalanced quotes are an error with line and column.
pub fn parse(source: &Arc<Source>) -> Outcome<Vec<Assignment>> {
    let _ = source;
    unimplemented!()
}
