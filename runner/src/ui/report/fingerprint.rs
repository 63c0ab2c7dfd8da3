//! What a problem is recognised by in the next report, when lines above it have come or gone.

use std::collections::HashMap;

use buildpack_core::diagnostic::Diagnostic;
use buildpack_core::digest::Digest;

use super::place::{in_repository, line_text, main_span};
use crate::pipeline::Report;

/// Fingerprints of a report's problems, in their order: made of code, file and the text of the line. Of problems that
/// share all three, the first keeps its fingerprint.
pub(super) fn fingerprints(report: &Report) -> Vec<String> {
    let mut seen: HashMap<String, u32> = HashMap::new();
    let of = |problem: &Diagnostic| {
        let (file, line) = match main_span(problem) {
            Some(span) => (in_repository(report, span), line_text(span)),
            None => (String::new(), ""),
        };
        format!("{}\0{file}\0{line}", problem.code)
    };
    report
        .diagnostics
        .iter()
        .map(|problem| {
            let what = of(problem);
            let count = seen.entry(what.clone()).or_default();
            *count += 1;
            Digest::of(format!("{what}\0{count}").as_bytes()).hex()[..32].to_owned()
        })
        .collect()
}
