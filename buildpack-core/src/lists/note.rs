//! What is said about lists: that one is old, that a host's is not to be used, that there is none.

use super::{ListError, ListInfo, ListOrigin};
use crate::diagnostic::{Class, Diagnostic, Explain};

/// Where the way out begins when a host has no list, or sends something else.
const HELP: &str = "check `BP_HEX_BUILDS_URL` and `BP_NODE_DIST_URL`, and whether a proxy answers in the host's place";

/// Why the host's list is not the one that is used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Reason {
    /// The host could not be asked.
    #[error("{0}")]
    Unreachable(Box<dyn ListError>),
    /// It answered that there is nothing.
    #[error("it has none")]
    Missing,
    /// It sent something else.
    #[error("{0}")]
    NotAList(String),
    /// Much of what was there is gone.
    #[error("it has {now} entries where the kept one has {before}")]
    Shrunken {
        /// Entries of the kept list.
        before: usize,
        /// Entries of the host's.
        now: usize,
    },
}

/// No list, and nothing to stand in for it.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the list of {what} at `{provider}`: {reason}")]
pub(super) struct NoList {
    /// What it lists.
    pub what: String,
    /// The host's name.
    pub provider: String,
    /// The path below it.
    pub path: String,
    /// Why.
    pub reason: Reason,
}

impl NoList {
    /// That `info` is used instead.
    pub(super) fn instead(&self, info: &ListInfo) -> Diagnostic {
        let (what, provider, reason) = (&self.what, &self.provider, &self.reason);
        let source = match info.origin {
            ListOrigin::Snapshot => "built-in",
            ListOrigin::Kept | ListOrigin::Live => "kept",
        };
        let used = format!("the {source} list of {} is used", info.dated);
        let since = "what was published since is not in it";
        match reason {
            Reason::Unreachable(_) => Diagnostic::warning(
                "build-list-old",
                format!(
                    "the list of {what} is the {source} one of {}: {reason}",
                    info.dated
                ),
            )
            .note(since),
            Reason::Missing => Diagnostic::warning(
                "build-list-missing",
                format!("`{provider}` has no list of {what}"),
            )
            .note(format!("looked for `{}`; {used}", self.path))
            .help(HELP),
            Reason::NotAList(why) => Diagnostic::warning(
                "build-list-malformed",
                format!("what `{provider}` sent as the list of {what} is none: {why}"),
            )
            .note(format!("looked at `{}`; {used}", self.path))
            .help(HELP),
            Reason::Shrunken { .. } => Diagnostic::warning(
                "list-shrunken",
                format!("the list of {what} at `{provider}` lost too much: {reason}"),
            )
            .note(used)
            .help("if so much was withdrawn on purpose, take it with `bp versions update --force`"),
        }
    }
}

impl Explain for NoList {
    fn diagnostic(&self) -> Diagnostic {
        match &self.reason {
            // It says best itself what could not be reached and what helps.
            Reason::Unreachable(error) => error
                .diagnostic()
                .note(format!("no list of {} is kept or built in", self.what)),
            Reason::Missing => Diagnostic::error(
                "build-list-missing",
                Class::Surroundings,
                format!("`{}` has no list of {}", self.provider, self.what),
            )
            .note(format!("looked for `{}`", self.path))
            .help(HELP),
            Reason::NotAList(_) | Reason::Shrunken { .. } => Diagnostic::error(
                "build-list-malformed",
                Class::Surroundings,
                self.to_string(),
            )
            .note(format!("looked at `{}`", self.path))
            .help(HELP),
        }
    }
}

impl ListError for NoList {}
