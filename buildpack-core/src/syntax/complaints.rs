//! Mistakes that a config file may hold, each with its place and, where there is one, the change that mends it.

use std::sync::Arc;

use super::cursor::{is_false_blank, is_invisible};
use super::statements::Reader;
use super::words::{Place, Unbalanced};
use super::{Assignment, Value};
use crate::diagnostic::{Applicability, Class, Diagnostic, Edit, Origin, Source, Sourced, Span};

/// A mistake that keeps a config file from being read as it was meant.
pub(crate) fn mistake(message: impl Into<String>) -> Diagnostic {
    Diagnostic::error("config-syntax", Class::Config, message)
}

/// A file that is none of a pack's.
pub(super) fn too_large(source: &Arc<Source>) -> Diagnostic {
    let span = Span {
        source: Arc::clone(source),
        start: 0,
        end: 0,
    };
    mistake(format!("`{}` is larger than 64 KiB", source.path.display()))
        .at(span, "")
        .help("check that it is the file it should be")
}

/// Characters that do not mean what they look like.
pub(crate) fn odd_encoding(message: impl Into<String>) -> Diagnostic {
    Diagnostic::warning("config-encoding", message)
}

/// Complaints beyond this count say nothing new.
const MOST_COMPLAINTS: usize = 20;

/// Longer lines are not looked at: the rest of an endless one would be, again and again.
const LONGEST_PLAIN: usize = 1024;

impl Reader<'_> {
    /// `name = value` and `name= value`, the commonest mistakes: bash takes a part for a command. Steps over it.
    pub(super) fn space_around_equals(
        &mut self,
        start: usize,
        read: &[Assignment],
    ) -> Result<bool, Unbalanced> {
        self.cursor.at = start;
        let (name, gap_start, sign) = match read {
            [] => {
                let Some(name) = self.cursor.name() else {
                    return Ok(false);
                };
                self.cursor.at += name.len();
                let name = Sourced::new(name.to_owned(), Origin::File(self.cursor.span(start)));
                (name, self.cursor.at, "=")
            }
            // The sign is a part of what was read.
            [only] if only.value_span.start == only.value_span.end => {
                (only.name.clone(), only.span.end, "")
            }
            _ => return Ok(false),
        };
        self.cursor.at = gap_start;
        self.cursor.skip_blanks();
        let before = self.cursor.at > gap_start;
        if read.is_empty()
            && (!before || !self.cursor.eat("=") || self.cursor.rest().starts_with('='))
        {
            return Ok(false);
        }
        self.cursor.skip_blanks();
        let value_start = self.cursor.at;
        let gap = Span {
            start: gap_start,
            ..self.cursor.span(start)
        };
        let value = self.value(Place::Value)?;
        let value_span = self.cursor.span(value_start);
        let span = self.cursor.span(start);
        if value_span.end == value_start || !self.end_of_statement() {
            return Ok(false);
        }
        self.complain(
            mistake(format!(
                "`{}` is not set: bash allows no space around `=`",
                name.value
            ))
            .at(span.clone(), "bash takes this for a command")
            .fix("remove the space", gap, sign),
        );
        // What was meant is kept, so that what follows judges it and does not call it missing.
        self.set(Assignment {
            name,
            value,
            exported: false,
            value_span,
            span,
        });
        Ok(true)
    }

    /// `key=two words`: bash runs what stands behind the first word. Steps over it where the rest of the line is plain.
    pub(super) fn unquoted(&mut self, read: &[Assignment]) -> bool {
        let [only] = read else {
            return false;
        };
        let name = only.name.value.as_str();
        let start = only.value_span.start;
        let rest = &self.cursor.source.text[start..];
        let end = match rest
            .bytes()
            .take(LONGEST_PLAIN)
            .position(|byte| byte == b'\n')
        {
            Some(end) => end,
            None if rest.len() <= LONGEST_PLAIN => rest.len(),
            None => return false,
        };
        let line = &rest[..end];
        let value = line.split(" #").next().unwrap_or(line).trim_end();
        let plain = !value.contains(['"', '\'', '\\', '$', '`', '#', ';', '&', '|', '(', ')']);
        if !self.keys.contains(&name) || !plain || value.contains(is_invisible) {
            return false;
        }
        self.cursor.at = start + value.len();
        let value_span = self.cursor.span(start);
        let span = self.cursor.span(only.span.start);
        self.cursor.skip_line();
        self.complain(
            mistake(format!(
                "`{name}` is not set: what holds a space must stand in quotes"
            ))
            .at(span.clone(), "bash takes this for a command")
            .suggest(
                "put it in quotes",
                value_span.clone(),
                format!("\"{value}\""),
            ),
        );
        // What was meant is kept, as above.
        self.set(Assignment {
            value: Value::Text(value.to_owned()),
            value_span,
            span,
            ..only.clone()
        });
        true
    }

    /// Says where something is open, and steps over the line where a statement did not end.
    pub(super) fn unbalanced(&mut self, statement: usize, unbalanced: &Unbalanced) {
        let Unbalanced { at, open } = *unbalanced;
        self.broken = true;
        if self.diagnostics.len() >= MOST_COMPLAINTS {
            // Each may have been searched for up to the end of the file.
            self.cursor.at = self.cursor.source.text.len();
            return;
        }
        let span = Span {
            source: Arc::clone(self.cursor.source),
            start: at,
            end: at + open.len(),
        };
        self.complain(
            mistake(format!("`{open}` is never closed ({span})"))
                .at(span, "opened here")
                .help("close it, or put a backslash before it if it is meant as it stands"),
        );
        // Most often the line's end was meant, so the next lines are read as usual.
        self.cursor.at = at.max(statement);
        self.cursor.skip_line();
    }

    fn complain(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() < MOST_COMPLAINTS {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Names characters that nobody sees, outside comments.
    pub(super) fn odd_characters(&mut self) {
        let text = &self.cursor.source.text;
        let line_ends: Vec<Edit> = text
            .match_indices("\r\n")
            .map(|(start, _)| Edit {
                span: Span {
                    source: Arc::clone(self.cursor.source),
                    start,
                    end: start + 1,
                },
                new_text: String::new(),
            })
            .collect();
        if !line_ends.is_empty() {
            self.diagnostics.push(
                odd_encoding(format!(
                    "`{}` has Windows line ends (CRLF)",
                    self.cursor.source.path.display()
                ))
                .note("bash takes the CR for a part of the value")
                .edits(
                    "save it with LF line ends",
                    line_ends,
                    Applicability::Certain,
                ),
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
                odd_encoding(format!(
                    "`{}` contains U+{:04X}, a {what}",
                    assignment.name.value,
                    u32::from(c)
                ))
                .at(span.clone(), format!("U+{:04X}", u32::from(c)))
                .fix("replace it", span, replacement),
            );
        }
    }
}
