//! What can be wrong with a cache that others write, too. All of it is a warning: a build needs none.

use buildpack_core::diagnostic::{Diagnostic, Explain as _};

use super::artifact::NoCache;
use crate::registry::RegistryError;

/// What is told, once of each kind.
#[derive(Debug)]
pub(super) enum Problem {
    /// The registry did not give it.
    Unread(RegistryError),
    /// What stands there is no cache that can be read.
    NoCache(NoCache),
    /// An entry is not what it should be.
    Refused(String),
    /// The registry did not take it.
    Unwritten(RegistryError),
    /// An entry was not sent.
    Kept(String),
}

impl Problem {
    /// As it is told of the cache called `name`.
    pub(super) fn diagnostic(self, name: &str) -> Diagnostic {
        match self {
            Self::Unread(error) => Diagnostic::warning(
                "remote-cache-unread",
                format!("the remote cache `{name}` can't be read: {error}"),
            )
            .note("what it would have given is made here")
            .helped_by(&error),
            Self::NoCache(what) => not_one(name, what),
            Self::Refused(why) => Diagnostic::warning(
                "remote-cache-refused",
                format!("something in the remote cache `{name}` is not used: {why}"),
            )
            .note("it is made here, and replaced where this build may write")
            .help("if builders that you don't trust can write to it, give those that you do a common `BP_CACHE_SECRET`"),
            Self::Unwritten(error) => Diagnostic::warning(
                "remote-cache-unwritten",
                format!("the remote cache `{name}` could not be brought up to date: {error}"),
            )
            .note("the build itself is done; the next one tries again")
            .helped_by(&error),
            Self::Kept(why) => Diagnostic::warning(
                "remote-cache-kept-back",
                format!("something was not sent to the remote cache `{name}`: {why}"),
            )
            .help("other machines make it themselves; keep config vars out of what is fetched and compiled to have it sent"),
        }
    }
}

fn not_one(name: &str, what: NoCache) -> Diagnostic {
    let told = Diagnostic::warning(
        "remote-cache-foreign",
        format!("`{name}` is no remote cache that this `bp` knows"),
    );
    match what {
        NoCache::Foreign(kind) => told
            .note(format!("it is `{kind}`; it is neither used nor replaced"))
            .help("name a tag of its own for the cache, such as `registry.example/team/app:cache`"),
        NoCache::OtherFormat(kind) => told
            .note(format!("it is `{kind}`; it is neither used nor replaced"))
            .help("let all builders use the same version of `bp`, or give each version a tag"),
        NoCache::Broken(why) => told
            .note(format!("{why}; it is neither used nor replaced"))
            .help("remove the tag from the registry: the next build makes it anew"),
    }
}

/// Ways out that another error knows.
trait HelpedBy {
    fn helped_by(self, error: &RegistryError) -> Self;
}

impl HelpedBy for Diagnostic {
    fn helped_by(mut self, error: &RegistryError) -> Self {
        let inner = error.diagnostic();
        self.notes.extend(inner.notes);
        self.helps.extend(inner.helps);
        self
    }
}
