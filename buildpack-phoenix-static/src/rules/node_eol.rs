//! `node-eol`: a Node line that nobody mends any more.

use buildpack_core::diagnostic::Diagnostic;
use buildpack_core::lists::end_of_life;
use buildpack_core::version::Tool;

use crate::asked::Place;
use crate::offer::{Offer, line};
use crate::resolve::Chosen;
use buildpack_core::check::replace;

/// The warning about the line of the Node that is taken.
pub(crate) fn check(chosen: &Chosen, offer: &Offer) -> Option<Diagnostic> {
    let line = line(&chosen.release.version);
    let end = end_of_life(Tool::Node, &line).filter(|end| offer.today > end.day)?;
    let problem = Diagnostic::warning(
        "node-eol",
        format!("Node {line} has had no support since {}", end.day),
    )
    .from(&chosen.asked.origin, "asked for here")
    .note(format!("as the project announced: {}", end.source));
    let newest = offer
        .newest_lts()
        .filter(|release| offer.is_supported(&release.version));
    Some(match newest {
        None => problem.help("move to a line that is supported"),
        Some(release) => {
            let version = release.version.to_string();
            let text = format!("take {version}, the newest with long-term support");
            let new_text = match chosen.place {
                Some(Place::Engines) => format!("^{}", release.version.0.major),
                _ => version.clone(),
            };
            replace(problem, &chosen.asked.origin, text, &new_text, false)
                .alternatives(vec![version])
        }
    })
}
