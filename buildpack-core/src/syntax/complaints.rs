//! Mistakes that a config file may hold, each with its place and, where there is one, the change that mends it.

use std::sync::Arc;

use super::cursor::{is_false_blank, is_invisible};
use super::statements::Reader;
use super::words::Unbalanced;
use super::{Assignment, Value};
use crate::diagnostic::{Class, Diagnostic, Origin, Sourced, Span};

/// Complaints of one kind beyond this count say nothing new.
const MOST_COMPLAINTS: usize = 20;

impl Reader<'_> {
    /// `name = value` and `name= value`, the commonest mistakes: bash takes a part for a command.
    pub(super) fn space_around_equals(&mut self, start: usize, read: &[Assignment]) -> bool {
        let (name, gap_start) = match read {
            [] => {
                let Some(name) = self.cursor.name() else {
                    return false;
                };
                (name.to_owned(), start + name.len())
            }
            [only] if only.value_span.start == only.value_span.end => {
                (only.name.value.clone(), only.span.end)
            }
            _ => return false,
        };
        self.cursor.at = gap_start;
        self.cursor.skip_blanks();
        let before = self.cursor.at > gap_start;
        if read.is_empty()
            && (!before || !self.cursor.eat("=") || self.cursor.rest().starts_with('='))
        {
            return false;
        }
        self.cursor.skip_blanks();
        let value_start = self.cursor.at;
        let line = self.cursor.take_while(|c| c != '\n');
        let value = line.split(" #").next().unwrap_or_default().trim_end();
        let single = !value.is_empty() && !value.contains([' ', '\t', ';', '&', '|', '<', '>']);
        let quoted = value.starts_with(['"', '\'', '(']);
        if !single && !quoted {
            return false;
        }
        let mut span = self.cursor.span(start);
        span.end = value_start + value.len();
        self.diagnostics.push(
            Diagnostic::error(
                "config-space-around-equals",
                Class::Config,
                format!("`{name}` is not set: bash allows no space around `=`"),
            )
            .at(span.clone(), "bash takes this for a command")
            .suggest("remove the space", span.clone(), format!("{name}={value}")),
        );
        // What was meant is kept, so that what follows judges it and does not call it missing.
        self.set(Assignment {
            name: Sourced::new(name, Origin::File(span.clone())),
            value: Value::Text(value.trim_matches(['"', '\'']).to_owned()),
            exported: false,
            value_span: Span {
                start: value_start,
                ..span.clone()
            },
            span,
        });
        true
    }

    pub(super) fn unbalanced(&mut self, unbalanced: &Unbalanced) {
        let Unbalanced { at, open } = *unbalanced;
        self.broken = true;
        if self.diagnostics.len() >= MOST_COMPLAINTS {
            return;
        }
        let span = Span {
            source: Arc::clone(self.cursor.source),
            start: at,
            end: at + open.len(),
        };
        self.diagnostics.push(
            Diagnostic::error(
                "config-unbalanced",
                Class::Config,
                format!("`{open}` is never closed ({span})"),
            )
            .at(span, "opened here")
            .help("close it, or put a backslash before it if it is meant as it stands"),
        );
    }

    /// Names characters that nobody sees, outside comments.
    pub(super) fn odd_characters(&mut self) {
        let text = &self.cursor.source.text;
        let carriage_returns = text.contains("\r\n");
        if carriage_returns {
            self.diagnostics.push(
                Diagnostic::warning(
                    "config-crlf",
                    format!(
                        "`{}` has Windows line ends (CRLF)",
                        self.cursor.source.path.display()
                    ),
                )
                .help("save it with LF line ends: bash takes the CR for a part of the value"),
            );
        }
        let odd = self.assignments.iter().flat_map(|assignment| {
            let Span { start, end, .. } = assignment.span;
            text[start..end]
                .char_indices()
                .filter(|(_, c)| {
                    is_invisible(*c) || "\u{2018}\u{2019}\u{201c}\u{201d}".contains(*c)
                })
                .map(move |(at, c)| (assignment, start + at, c))
        });
        let odd: Vec<_> = odd.take(MOST_COMPLAINTS).collect();
        for (assignment, at, c) in odd {
            let span = Span {
                source: Arc::clone(self.cursor.source),
                start: at,
                end: at + c.len_utf8(),
            };
            let (what, replacement) = match c {
                '\u{2018}' | '\u{2019}' => (
                    "typographic quote, which bash does not take for a quote",
                    "'",
                ),
                '\u{201c}' | '\u{201d}' => (
                    "typographic quote, which bash does not take for a quote",
                    "\"",
                ),
                c if is_false_blank(c) => ("space that bash does not take for a blank", " "),
                _ => ("character that cannot be seen", ""),
            };
            self.diagnostics.push(
                Diagnostic::warning(
                    "config-invisible-character",
                    format!(
                        "`{}` contains U+{:04X}, a {what}",
                        assignment.name.value,
                        u32::from(c)
                    ),
                )
                .at(span.clone(), format!("U+{:04X}", u32::from(c)))
                .suggest("replace it", span, replacement),
            );
        }
    }
}
