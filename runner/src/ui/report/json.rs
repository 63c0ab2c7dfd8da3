//! A report as JSON of our own, for scripts: `schema` counts up when a field changes its meaning or goes away.

use buildpack_core::diagnostic::{Applicability, Diagnostic, Edit, Help, Origin};
use serde_json::{Map, Value, json};

use super::place::{Region, main_span};
use crate::pipeline::Report;

/// The number of this schema.
const SCHEMA: u32 = 1;

pub(super) fn json(report: &Report) -> Value {
    let target = &report.target;
    let name = target
        .stack
        .map_or(target.name.value.as_str(), |stack| stack.name);
    let os = target.stack.map(|stack| format!("ubuntu-{}", stack.ubuntu));
    let lists: Vec<_> = report
        .lists
        .iter()
        .map(|list| {
            json!({
                "tool": list.tool.id(),
                "provider": list.provider,
                "dated": list.dated,
                "origin": list.origin,
            })
        })
        .collect();
    json!({
        "schema": SCHEMA,
        "ok": report.is_ok(),
        "stack": { "name": name, "os": os, "arch": target.arch.oci() },
        "lists": lists,
        "versions": versions(report),
        "diagnostics": report.diagnostics.iter().map(diagnostic).collect::<Vec<_>>(),
    })
}

/// By tool, those alone that the app needs.
fn versions(report: &Report) -> Map<String, Value> {
    let version = |tool: &buildpack_core::check::ToolCheck| {
        let source = match tool.requested.as_ref().map(|asked| &asked.origin) {
            Some(Origin::File(span)) => {
                let (line, column) = span.line_column();
                json!({ "file": span.source.path, "line": line, "column": column })
            }
            _ => Value::Null,
        };
        json!({
            "requested": tool.requested.as_ref().map(|asked| &asked.value),
            "resolved": tool.resolved,
            "verdict": tool.verdict,
            "source": source,
        })
    };
    report
        .tools
        .iter()
        .map(|tool| (tool.tool.id().to_owned(), version(tool)))
        .collect()
}

fn diagnostic(problem: &Diagnostic) -> Value {
    let span = main_span(problem);
    let region = span.map(Region::of);
    let fix = (problem.helps.iter())
        .find(|help| help.applicability == Applicability::Certain && !help.edits.is_empty());
    let help = fix.or(problem.helps.first());
    json!({
        "code": problem.code,
        "severity": problem.severity,
        "message": problem.message,
        "file": span.map(|span| &span.source.path),
        "line": region.map(|region| region.line),
        "column": region.map(|region| region.column),
        // Of a place that goes on in another line, only the beginning can be given.
        "end_column": region.filter(|region| region.line == region.end_line).map(|region| region.end_column),
        "help": help.map(|help| &help.text),
        "alternatives": problem.alternatives,
        "other_stacks": problem.other_stacks,
        "fix": fix.map(|fix| mend(problem, fix)),
    })
}

/// `replace` is what belongs in the problem's own place, where that is all; `edits` always has all of it.
fn mend(problem: &Diagnostic, fix: &Help) -> Value {
    let replace = match fix.edits.as_slice() {
        [only] if main_span(problem) == Some(&only.span) => Some(&only.new_text),
        _ => None,
    };
    let edit = |edit: &Edit| {
        let region = Region::of(&edit.span);
        json!({
            "file": edit.span.source.path,
            "line": region.line,
            "column": region.column,
            "end_line": region.end_line,
            "end_column": region.end_column,
            "replace": edit.new_text,
        })
    };
    json!({ "replace": replace, "edits": fix.edits.iter().map(edit).collect::<Vec<_>>() })
}
