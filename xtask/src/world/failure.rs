//! What went wrong in the making or serving of the world, as a sentence.

use std::fmt;

/// A failure: what was being done, and the cause when there is one.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    /// Names the operation and its cause.
    pub(crate) fn new(doing: impl fmt::Display, cause: impl fmt::Display) -> Self {
        Self(format!("{doing}: {cause}"))
    }

    /// A failure that is its own cause.
    pub(crate) fn say(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

/// Errors of `fs_err` name the path themselves.
impl From<std::io::Error> for Failure {
    fn from(cause: std::io::Error) -> Self {
        Self(cause.to_string())
    }
}
