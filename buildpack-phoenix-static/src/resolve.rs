//! From what the app's files ask for to one Node.

use buildpack_core::app::ConfigValue;
use buildpack_core::check::{ToolCheck, Verdict, conflict, dynamic};
use buildpack_core::diagnostic::{Diagnostic, Origin, Severity, Sourced};
use buildpack_core::lists::NodeRelease;
use buildpack_core::version::{NodeRequest, Tool, VersionError};

use crate::asked::{Asked, Place};
use crate::config::text;
use crate::offer::Offer;
use crate::rules::{node_engines, node_malformed, node_not_published, node_unknown};

/// The Node that is taken, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// The release.
    pub(crate) release: NodeRelease,
    /// What asked for it: of several places that agree, the one that left no other.
    pub(crate) asked: Sourced<String>,
    /// The place of that.
    pub(crate) place: Option<Place>,
}

/// What came of it.
#[derive(Debug, Clone)]
pub(crate) struct Resolution {
    /// For the report.
    pub(crate) check: ToolCheck,
    /// The Node that is taken; none where there is an error, or where only bash knows.
    pub(crate) chosen: Option<Chosen>,
    /// What was found on the way.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// The Node that the `places` ask for: the newest release that the first of them means and that all others that do not
/// contradict it mean, too. Where nobody asks, the newest release with long-term support.
pub(crate) fn resolve(places: &[Asked], offer: &Offer) -> Resolution {
    let Some((first, others)) = places.split_first() else {
        return by_default(offer);
    };
    let written = first.written();
    let mut resolution = Resolution {
        check: ToolCheck {
            tool: Tool::Node,
            requested: Some(written.clone()),
            resolved: None,
            rule: String::new(),
            verdict: Verdict::Unknown,
        },
        chosen: None,
        diagnostics: Vec::new(),
    };
    let request = match first.request() {
        Ok(request) => request,
        Err(Refusal::Malformed(error)) => {
            resolution.check.verdict = Verdict::Malformed;
            let problem = node_malformed::problem(&written.origin, &error, offer);
            resolution.diagnostics.push(problem);
            return resolution;
        }
        Err(Refusal::Dynamic(why)) => {
            let problem = dynamic(Tool::Node, &why, &written.origin, false);
            resolution.diagnostics.push(problem);
            return resolution;
        }
    };
    let mut candidates = offer.allowed(&request);
    if candidates.is_empty() {
        let unknown = offer.may_be_newer(&request);
        resolution.check.verdict = if unknown {
            Verdict::Unknown
        } else {
            Verdict::NotBuilt
        };
        let problem = match (unknown, first.place) {
            (true, _) => node_unknown::problem(&written, &request, offer),
            (false, Place::Engines) => node_engines::satisfied_by_none(&written, offer),
            (false, _) => node_not_published::problem(&written, &request, offer),
        };
        resolution.diagnostics.push(problem);
        return resolution;
    }
    let mut said = vec![format!("`{request}`")];
    let mut deciding = (written.clone(), first.place);
    let mut contradicting = Vec::new();
    for other in others {
        let written = other.written();
        match other.request() {
            Err(Refusal::Dynamic(_)) => {}
            Err(Refusal::Malformed(error)) => {
                // It does not count, so the build can go on.
                let mut problem = node_malformed::problem(&written.origin, &error, offer);
                problem.severity = Severity::Warning;
                resolution.diagnostics.push(problem);
            }
            Ok(request) => {
                let allowed = offer.allowed(&request);
                let both: Vec<_> = candidates
                    .iter()
                    .copied()
                    .filter(|release| allowed.contains(release))
                    .collect();
                if both.is_empty() {
                    // What `engines` demand is held against the choice by a rule of its own.
                    contradicting.extend((other.place != Place::Engines).then_some(written));
                } else if both.len() < candidates.len() {
                    said.push(format!("`{request}`"));
                    candidates = both;
                    deciding = (written, other.place);
                }
            }
        }
    }
    let release = candidates[0].clone();
    let version = release.version.to_string();
    resolution.check.rule = rule(&request, &said);
    resolution.check.verdict = Verdict::Available;
    resolution.check.resolved = Some(version.clone());
    if !contradicting.is_empty() {
        let others: Vec<_> = contradicting.iter().collect();
        let problem = conflict(Tool::Node, &written, &others, &version);
        resolution.diagnostics.push(problem);
    }
    resolution.chosen = Some(Chosen {
        release,
        asked: deciding.0,
        place: Some(deciding.1),
    });
    resolution
}

fn by_default(offer: &Offer) -> Resolution {
    let release = offer.newest_lts();
    let rule = "the newest with long-term support, for no file says which";
    let origin = Origin::Default(rule.to_owned());
    Resolution {
        check: ToolCheck {
            tool: Tool::Node,
            requested: None,
            resolved: release.map(|release| release.version.to_string()),
            rule: rule.to_owned(),
            verdict: release.map_or(Verdict::Unknown, |_| Verdict::Available),
        },
        chosen: release.map(|release| Chosen {
            release: release.clone(),
            asked: Sourced::new(release.version.to_string(), origin),
            place: None,
        }),
        diagnostics: Vec::new(),
    }
}

/// Why there is no request.
enum Refusal {
    Malformed(VersionError),
    Dynamic(String),
}

impl Asked {
    fn request(&self) -> Result<NodeRequest, Refusal> {
        match (text(&self.value), &self.value.value) {
            (_, ConfigValue::Dynamic(why)) => Err(Refusal::Dynamic(why.clone())),
            (text, _) => text.unwrap_or_default().parse().map_err(Refusal::Malformed),
        }
    }
}

/// Why this version: nothing where it is what was asked for.
fn rule(request: &NodeRequest, said: &[String]) -> String {
    match request {
        NodeRequest::Exact(_) => String::new(),
        NodeRequest::Latest if said.len() == 1 => "the newest of all".to_owned(),
        NodeRequest::Lts if said.len() == 1 => "the newest with long-term support".to_owned(),
        _ if said.len() == 1 => format!("the newest that {} allows", said[0]),
        _ => format!("the newest that {} allow", said.join(" and ")),
    }
}

#[cfg(test)]
mod tests;
