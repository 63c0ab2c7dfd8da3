//! A report as GitLab reads code quality: an array with an entry for each problem.

use buildpack_core::diagnostic::{Class, Diagnostic, Severity};
use serde_json::{Value, json};

use super::fingerprint::fingerprints;
use super::place::{in_repository, main_span, stand_in};
use crate::pipeline::Report;

pub(super) fn gitlab(report: &Report) -> Value {
    let entries = report.diagnostics.iter().zip(fingerprints(report));
    entries
        .map(|(problem, fingerprint)| {
            let span = main_span(problem);
            json!({
                "description": problem.message,
                "check_name": problem.code,
                "fingerprint": fingerprint,
                "severity": severity(problem),
                "location": {
                    "path": span.map_or_else(|| stand_in(report), |span| in_repository(report, span)),
                    "lines": { "begin": span.map_or(1, |span| span.line_column().0) },
                },
            })
        })
        .collect()
}

fn severity(problem: &Diagnostic) -> &'static str {
    match (problem.severity, problem.class) {
        (Severity::Note, _) => "info",
        (Severity::Warning, _) => "minor",
        (Severity::Error, Class::Surroundings) => "major",
        (Severity::Error, _) => "blocker",
    }
}
