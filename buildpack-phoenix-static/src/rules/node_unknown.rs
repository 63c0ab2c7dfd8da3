//! `node-unknown`: nobody can tell whether there is such a Node.

use buildpack_core::diagnostic::{Class, Diagnostic, Sourced};
use buildpack_core::version::NodeRequest;

use crate::offer::Offer;

/// The error about `request`, which the list does not have and a newer list might.
pub(crate) fn problem(asked: &Sourced<String>, request: &NodeRequest, offer: &Offer) -> Diagnostic {
    let what = match request {
        NodeRequest::Exact(version) => format!("Node {version} was published"),
        other => format!("there is a Node `{other}`"),
    };
    let problem = Diagnostic::error(
        "node-unknown",
        Class::Surroundings,
        format!(
            "cannot tell whether {what}: the list of {} lacks it",
            offer.list.info.dated
        ),
    )
    .from(&asked.origin, "asked for here")
    .help(format!(
        "run it again where `{}` can be reached, or fetch the lists with `bp versions update`",
        offer.list.info.provider
    ));
    match offer.releases().next() {
        Some(newest) => problem.note(format!(
            "the newest that the list has is {}",
            newest.version
        )),
        None => problem,
    }
}
