//! `node-not-published`: no such Node can be had.

use buildpack_core::diagnostic::{Class, Diagnostic, Sourced};
use buildpack_core::lists::NodeRelease;
use buildpack_core::version::{NodeRequest, NodeVersion};

use crate::offer::{Offer, line};
use buildpack_core::check::replace;

/// The error about `request`, which means no release for the architecture.
pub(crate) fn problem(asked: &Sourced<String>, request: &NodeRequest, offer: &Offer) -> Diagnostic {
    let problem = Diagnostic::error("node-not-published", Class::Config, message(request, offer))
        .from(&asked.origin, "asked for here");
    let near = nearest(request, offer);
    let names: Vec<String> = near.iter().map(ToString::to_string).collect();
    let Some(best) = near.first() else {
        return problem.help("`bp versions list node` shows what there is");
    };
    let same_line = matches!(request, NodeRequest::Exact(version) if line(version) == line(best));
    let text = if same_line {
        format!("take {best}, the nearest of its line")
    } else {
        format!("take {best}, the newest with long-term support")
    };
    replace(problem, &asked.origin, text, &best.to_string(), same_line).alternatives(names)
}

fn message(request: &NodeRequest, offer: &Offer) -> String {
    match request {
        NodeRequest::Exact(version) if offer.list.find(version).is_some() => {
            format!("Node {version} was not published for {}", offer.arch)
        }
        NodeRequest::Exact(version) => format!("Node {version} was never published"),
        NodeRequest::Range(range) => format!("no published Node lies in `{range}`"),
        NodeRequest::LtsName(name) => {
            format!("no line of Node with long-term support is named `{name}`")
        }
        NodeRequest::Latest | NodeRequest::Lts | NodeRequest::LtsBefore(_) => format!(
            "`{request}` is no published Node: there are {} lines with long-term support",
            offer.lts_lines().len()
        ),
    }
}

/// What comes nearest, the best first: the newest of the same minor version, of the same line, with long-term support.
fn nearest(request: &NodeRequest, offer: &Offer) -> Vec<NodeVersion> {
    let mut near: Vec<NodeVersion> = Vec::new();
    let mut add = |release: Option<&NodeRelease>| {
        let version = release.map(|release| release.version.clone());
        near.extend(version.filter(|version| !near.contains(version)));
    };
    if let NodeRequest::Exact(version) = request {
        let of_minor = |release: &&NodeRelease| {
            let found = &release.version.0;
            (found.major, found.minor) == (version.0.major, version.0.minor)
        };
        let of_line = |release: &&NodeRelease| line(&release.version) == line(version);
        add(offer.releases().find(of_minor));
        add(offer.releases().find(of_line));
    }
    add(offer.newest_lts());
    near
}
