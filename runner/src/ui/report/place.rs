//! Places as reports give them: lines and columns from 1, columns in characters, ends exclusive; paths from the
//! repository's root.

use buildpack_core::diagnostic::{Diagnostic, Span};

use crate::pipeline::Report;

/// A stretch of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Region {
    pub line: usize,
    pub column: usize,
    pub end_line: usize,
    /// One past the last character.
    pub end_column: usize,
}

impl Region {
    pub(super) fn of(span: &Span) -> Self {
        let (line, column) = span.line_column();
        let end = Span {
            source: span.source.clone(),
            start: span.end.max(span.start),
            end: span.end,
        };
        let (end_line, end_column) = end.line_column();
        Self {
            line,
            column,
            end_line,
            end_column,
        }
    }
}

/// The span of a problem's main place.
pub(super) fn main_span(problem: &Diagnostic) -> Option<&Span> {
    problem.labels.first().map(|label| &label.span)
}

/// A path of the app as the repository knows it, with slashes.
pub(super) fn in_repository(report: &Report, span: &Span) -> String {
    let path = report.place.join(&span.source.path);
    path.to_string_lossy().into_owned()
}

/// The file that stands for the app where a problem has no place of its own: formats want one.
pub(super) fn stand_in(report: &Report) -> String {
    report.place.join("mix.exs").to_string_lossy().into_owned()
}

/// The source line that `span` begins in, without blanks around it.
pub(super) fn line_text(span: &Span) -> &str {
    let (line, _) = span.line_column();
    let lines = span.source.text.lines();
    lines.map(str::trim).nth(line - 1).unwrap_or_default()
}
