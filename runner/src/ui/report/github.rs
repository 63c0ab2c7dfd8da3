//! A report as workflow commands of GitHub Actions: a line for each problem, which becomes an annotation.
//!
//! `::error file=…,line=…,col=…,endColumn=…,title=…::message`; what would end a part of it is escaped as the runner's
//! documentation and toolkit have it.

use std::fmt::Write as _;

use buildpack_core::diagnostic::{Diagnostic, Severity};

use super::super::clean;
use super::super::redact::Redactor;
use super::place::{Region, in_repository, main_span};
use crate::pipeline::Report;

pub(super) fn github(report: &Report, redactor: &Redactor) -> String {
    report
        .diagnostics
        .iter()
        .map(|problem| command(report, problem, redactor))
        .collect()
}

fn command(report: &Report, problem: &Diagnostic, redactor: &Redactor) -> String {
    let command = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let mut line = format!("::{command} ");
    // Writing to a string cannot fail.
    if let Some(span) = main_span(problem) {
        let region = Region::of(span);
        let file = property(&redactor.redact(&in_repository(report, span)));
        let _ = write!(line, "file={file},line={}", region.line);
        if region.line == region.end_line {
            let _ = write!(
                line,
                ",col={},endColumn={}",
                region.column, region.end_column
            );
        } else {
            // Columns are refused beside an end in another line.
            let _ = write!(line, ",endLine={}", region.end_line);
        }
        line.push(',');
    }
    let mut message = problem.message.clone();
    for note in &problem.notes {
        let _ = write!(message, "\nnote: {note}");
    }
    for help in &problem.helps {
        let _ = write!(message, "\nhelp: {}", help.text);
        if let [edit] = help.edits.as_slice()
            && !edit.new_text.trim().is_empty()
        {
            let _ = write!(message, ": `{}`", edit.new_text.trim());
        }
    }
    let message = data(&redactor.redact(&clean::block(&message)));
    let _ = writeln!(line, "title={}::{message}", property(problem.code.0));
    line
}

/// A message.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// The value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
