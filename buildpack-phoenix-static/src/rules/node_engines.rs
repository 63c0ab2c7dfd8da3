//! `node-engines`: `package.json` does not allow the Node that is taken.

use buildpack_core::app::PackageJson;
use buildpack_core::diagnostic::{Class, Diagnostic, Sourced};
use buildpack_core::version::NodeRange;

use crate::asked::Place;
use crate::offer::Offer;
use crate::resolve::Chosen;
use buildpack_core::check::replace;

/// Warnings about each `package.json` that wants another Node than the one that is taken.
pub(crate) fn check(packages: &[PackageJson], chosen: &Chosen, offer: &Offer) -> Vec<Diagnostic> {
    packages
        .iter()
        .filter_map(|package| {
            let engines = package.engines.get("node")?;
            let range: NodeRange = engines.value.parse().ok()?;
            let version = &chosen.release.version;
            (!range.contains(version))
                .then(|| disagreement(package, engines, &range, chosen, offer))
        })
        .collect()
}

fn disagreement(
    package: &PackageJson,
    engines: &Sourced<String>,
    range: &NodeRange,
    chosen: &Chosen,
    offer: &Offer,
) -> Diagnostic {
    let version = &chosen.release.version;
    let problem = Diagnostic::warning(
        "node-engines",
        format!(
            "`{}` wants Node `{range}`, and {version} is taken",
            package.path
        ),
    )
    .from(&chosen.asked.origin, format!("this leads to {version}"))
    .from(&engines.origin, "npm warns of another, yarn stops");
    let fitting = offer
        .releases()
        .find(|release| range.contains(&release.version));
    match fitting {
        // Of two `package.json` neither goes by itself.
        Some(release) if chosen.place != Some(Place::Engines) => {
            let best = release.version.to_string();
            let text = format!("take {best}, the newest that `{range}` allows, or widen the range");
            replace(problem, &chosen.asked.origin, text, &best, false).alternatives(vec![best])
        }
        _ => problem.help(format!("let `engines.node` of `{}` allow it", package.path)),
    }
}

/// The error that no release lies in the `engines` that decide.
pub(crate) fn satisfied_by_none(engines: &Sourced<String>, offer: &Offer) -> Diagnostic {
    let problem = Diagnostic::error(
        "node-engines",
        Class::Config,
        format!(
            "no published Node satisfies `engines.node`, `{}`",
            engines.value
        ),
    )
    .from(
        &engines.origin,
        "this decides, for nothing else names a Node",
    );
    match offer.newest_lts() {
        None => problem.help("`bp versions list node` shows what there is"),
        Some(release) => {
            let range = format!("^{}", release.version.0.major);
            let text = format!("allow the newest line with long-term support, `{range}`");
            let version = release.version.to_string();
            replace(problem, &engines.origin, text, &range, false).alternatives(vec![version])
        }
    }
}
