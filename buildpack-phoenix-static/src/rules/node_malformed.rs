//! `node-malformed`: what stands where a version of Node belongs is none.

use buildpack_core::diagnostic::{Class, Diagnostic, Origin};
use buildpack_core::version::VersionError;

use crate::offer::Offer;
use buildpack_core::check::replace;

/// The error about the text at `origin`.
pub(crate) fn problem(origin: &Origin, error: &VersionError, offer: &Offer) -> Diagnostic {
    let problem = Diagnostic::error("node-malformed", Class::Config, error.to_string())
        .from(origin, "asked for here")
        .note(
            "a version, a line such as `22`, a range of npm, `lts`, `lts/jod` or `latest` will do",
        );
    match offer.newest_lts() {
        None => problem.help("write it as in `22.11.0`"),
        Some(release) => {
            let version = release.version.to_string();
            let text = format!("take {version}, the newest with long-term support");
            replace(problem, origin, text, &version, false).alternatives(vec![version])
        }
    }
}
