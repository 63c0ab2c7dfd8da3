//! A report for people: the versions as a table, where they were looked up, each problem with its line, one last line
//! that sums it up.

use buildpack_core::check::{ToolCheck, Verdict};
use buildpack_core::diagnostic::{Applicability, Diagnostic, Origin, Severity};
use buildpack_core::lists::{ListInfo, ListOrigin};
use buildpack_core::version::Tool;

use super::super::clean;
use super::super::diagnostic::render;
use super::super::redact::Redactor;
use crate::pipeline::{Report, folder_name};

/// A line without words among those that tell of problems.
const EMPTY: &str = " !\n";

/// Characters of a cell.
const WIDEST: usize = 100;

pub(super) fn text(report: &Report, redactor: &Redactor, colour: bool) -> String {
    let target = &report.target;
    let stack = target
        .stack
        .map_or(target.name.value.as_str(), |stack| stack.name);
    let mut head = vec![format!(
        "-----> Checking {} for {stack} on {}",
        folder_name(&report.app),
        target.arch
    )];
    let rows = report.tools.iter().map(|tool| row(tool, stack));
    // Before they are cut: half of a secret value would not be found.
    let rows = rows.map(|row| row.map(|cell| cut(&redactor.redact(&clean::line(&cell, false)))));
    let rows: Vec<_> = rows.collect();
    head.extend(table(&rows).iter().map(|line| format!("       {line}")));
    if !report.lists.is_empty() {
        let lists: Vec<_> = report.lists.iter().map(list).collect();
        head.push(format!("       Lists: {}", lists.join(", ")));
    }
    let plain = |line: &str| redactor.redact(&clean::line(line, false)).into_owned() + "\n";
    let mut text: String = head.iter().map(|line| plain(line)).collect();
    for problem in &report.diagnostics {
        let drawn = render(problem, redactor, colour);
        // One empty line between two.
        let doubled = text.ends_with(EMPTY) && drawn.starts_with(EMPTY);
        text.push_str(if doubled {
            &drawn[EMPTY.len()..]
        } else {
            &drawn
        });
    }
    text + &plain(&format!("       {}", last_line(report)))
}

/// Tool, version, where it is asked for, verdict.
fn row(tool: &ToolCheck, stack: &str) -> [String; 4] {
    let asked = tool.requested.as_ref().map(|asked| asked.value.as_str());
    let version = match (asked, tool.resolved.as_deref()) {
        (Some(asked), Some(taken)) if asked == taken => asked.to_owned(),
        (Some(asked), Some(taken)) => format!("{asked} → {taken}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "not named".to_owned(),
    };
    let place = match tool.requested.as_ref().map(|asked| &asked.origin) {
        Some(Origin::Default(_)) | None => String::new(),
        Some(origin) => origin.to_string(),
    };
    let verdict = match tool.verdict {
        Verdict::Available => "available".to_owned(),
        Verdict::NotBuilt => match tool.tool {
            Tool::Erlang => format!("not built for {stack}"),
            // All stacks have the same builds of these.
            Tool::Elixir => "not built".to_owned(),
            Tool::Node => "not published".to_owned(),
        },
        Verdict::Malformed => "not a version".to_owned(),
        Verdict::Unknown => "unknown".to_owned(),
    };
    let verdict = match tool.rule.as_str() {
        "" => verdict,
        rule => format!("{verdict} ({rule})"),
    };
    [tool.tool.to_string(), version, place, verdict]
}

/// A cell that leaves room for others, whatever somebody wrote where a version belongs.
fn cut(cell: &str) -> String {
    match cell.char_indices().nth(WIDEST) {
        Some((end, _)) => format!("{}…", &cell[..end]),
        None => cell.to_owned(),
    }
}

/// Rows with their columns below each other.
fn table(rows: &[[String; 4]]) -> Vec<String> {
    let mut widths = [0; 4];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    rows.iter()
        .map(|row| {
            let cells = row.iter().zip(widths).filter(|(_, width)| *width > 0);
            let cells: Vec<_> = cells
                .map(|(cell, width)| format!("{cell:<width$}"))
                .collect();
            cells.join("  ").trim_end().to_owned()
        })
        .collect()
}

fn list(list: &ListInfo) -> String {
    let how = match list.origin {
        ListOrigin::Live => "",
        ListOrigin::Kept => " (kept)",
        ListOrigin::Snapshot => " (built in)",
    };
    format!("{} of {}{how}", list.tool, list.dated)
}

/// How many there are, and what can be done about them.
fn last_line(report: &Report) -> String {
    let problems = &report.diagnostics;
    let count = |severity, one: &str| {
        let count = problems.iter().filter(|p| p.severity == severity).count();
        match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            many => Some(format!("{many} {one}s")),
        }
    };
    let counts = [
        (Severity::Error, "error"),
        (Severity::Warning, "warning"),
        (Severity::Note, "note"),
    ];
    let counts: Vec<_> = counts
        .into_iter()
        .filter_map(|(severity, one)| count(severity, one))
        .collect();
    let mut parts = Vec::new();
    if report.is_ok() && report.all_available() && !report.tools.is_empty() {
        parts.push("All versions can be had".to_owned());
    }
    if !counts.is_empty() {
        parts.push(counts.join(", "));
    }
    let mendable = problems
        .iter()
        .filter(|problem| is_mendable(problem))
        .count();
    if mendable > 0 {
        let app = report.app.to_string_lossy();
        let app = if app == "." {
            String::new()
        } else {
            format!(" {app}")
        };
        parts.push(format!(
            "{mendable} can be mended: bp check-versions{app} --fix"
        ));
    } else {
        match parts.last_mut() {
            Some(last) => last.push('.'),
            None => parts.push("Nothing is wrong.".to_owned()),
        }
    }
    parts.join("; ")
}

/// Whether `--fix` mends it.
fn is_mendable(problem: &Diagnostic) -> bool {
    (problem.helps.iter())
        .any(|help| help.applicability == Applicability::Certain && !help.edits.is_empty())
}
