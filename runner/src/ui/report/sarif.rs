//! A report as SARIF 2.1.0 (OASIS, 2020), which code hosts and editors read.

use std::fmt::Write as _;

use buildpack_core::diagnostic::{Diagnostic, Edit, Help, Label, Severity, Span};
use buildpack_core::rules::{RULES, Rule, rule};
use serde_json::{Value, json};

use super::fingerprint::fingerprints;
use super::place::{Region, in_repository, main_span, stand_in};
use crate::pipeline::Report;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// What paths are relative to; the reader knows where that is.
const ROOT: &str = "SRCROOT";

pub(super) fn sarif(report: &Report) -> Value {
    let mut rules: Vec<Value> = RULES.iter().map(descriptor).collect();
    let mut codes: Vec<&str> = RULES.iter().map(|rule| rule.code).collect();
    for problem in &report.diagnostics {
        if rule(problem.code.0).is_none() && !codes.contains(&problem.code.0) {
            codes.push(problem.code.0);
            rules.push(json!({ "id": problem.code, "helpUri": page("docs/errors.md") }));
        }
    }
    let problems = report.diagnostics.iter().zip(fingerprints(report));
    let results: Vec<_> = problems
        .map(|(problem, fingerprint)| {
            let index = codes.iter().position(|code| *code == problem.code.0);
            result(report, problem, index, &fingerprint)
        })
        .collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "bp",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": { ROOT: { "description": { "text": "the root of the repository" } } },
            "results": results,
        }],
    })
}

fn page(path: &str) -> String {
    format!("{}/blob/main/{path}", env!("CARGO_PKG_REPOSITORY"))
}

fn descriptor(rule: &Rule) -> Value {
    json!({
        "id": rule.code,
        "shortDescription": { "text": format!("{}.", rule.summary) },
        "helpUri": page(&rule.page()),
        "defaultConfiguration": { "level": level(rule.severity) },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn result(report: &Report, problem: &Diagnostic, index: Option<usize>, fingerprint: &str) -> Value {
    let mut text = format!("{}.", problem.message);
    for more in (problem.notes.iter()).chain(problem.helps.iter().map(|help| &help.text)) {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n{more}.");
    }
    let location = match main_span(problem) {
        Some(span) => physical(report, span),
        None => json!({ "artifactLocation": artifact(&stand_in(report)) }),
    };
    let mut result = json!({
        "ruleId": problem.code,
        "ruleIndex": index,
        "level": level(problem.severity),
        "message": { "text": text },
        "locations": [{ "physicalLocation": location }],
        "partialFingerprints": { "line/v1": fingerprint },
    });
    let related = problem.labels.iter().skip(1);
    let related: Vec<_> = related.map(|label| place(report, label)).collect();
    if !related.is_empty() {
        result["relatedLocations"] = related.into();
    }
    let fixes = problem.helps.iter().filter(|help| !help.edits.is_empty());
    let fixes: Vec<_> = fixes.map(|help| fix(report, help)).collect();
    if !fixes.is_empty() {
        result["fixes"] = fixes.into();
    }
    result
}

fn place(report: &Report, label: &Label) -> Value {
    let mut place = json!({ "physicalLocation": physical(report, &label.span) });
    if !label.text.is_empty() {
        place["message"] = json!({ "text": label.text });
    }
    place
}

fn physical(report: &Report, span: &Span) -> Value {
    json!({
        "artifactLocation": artifact(&in_repository(report, span)),
        "region": region(span),
    })
}

fn artifact(path: &str) -> Value {
    json!({ "uri": uri(path), "uriBaseId": ROOT })
}

fn region(span: &Span) -> Value {
    let region = Region::of(span);
    json!({
        "startLine": region.line,
        "startColumn": region.column,
        "endLine": region.end_line,
        "endColumn": region.end_column,
    })
}

fn fix(report: &Report, help: &Help) -> Value {
    let same_file = |one: &Edit, next: &Edit| one.span.source == next.span.source;
    let changes: Vec<_> = help
        .edits
        .chunk_by(same_file)
        .map(|edits| {
            let replacements: Vec<_> = edits
                .iter()
                .map(|edit| {
                    json!({
                        "deletedRegion": region(&edit.span),
                        "insertedContent": { "text": edit.new_text },
                    })
                })
                .collect();
            json!({
                "artifactLocation": artifact(&in_repository(report, &edits[0].span)),
                "replacements": replacements,
            })
        })
        .collect();
    json!({ "description": { "text": help.text }, "artifactChanges": changes })
}

/// A relative reference: what is no letter, digit or sign that may stand there is written as `%XX`.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}
