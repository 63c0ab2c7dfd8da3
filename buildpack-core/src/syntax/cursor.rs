//! A place in a text, and small steps over it.

use std::sync::Arc;

use crate::diagnostic::{Source, Span};

/// Walks over a source character by character.
pub(super) struct Cursor<'a> {
    pub(super) source: &'a Arc<Source>,
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn rest(&self) -> &'a str {
        &self.source.text[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    /// Steps over `text` if it stands here.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        let here = self.rest().starts_with(text);
        if here {
            self.at += text.len();
        }
        here
    }

    /// Steps over a line end, `\n` or `\r\n`.
    pub(super) fn eat_newline(&mut self) -> bool {
        self.eat("\n") || self.eat("\r\n")
    }

    /// Steps over the longest run of characters that `fits`, and gives it.
    pub(super) fn take_while(&mut self, mut fits: impl FnMut(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !fits(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// Steps over blanks and continued lines, not over line ends. Spaces that only look like blanks count as blanks:
    /// nobody writes them on purpose.
    pub(super) fn skip_blanks(&mut self) {
        loop {
            self.take_while(|c| c == ' ' || c == '\t' || is_false_blank(c) || is_zero_width(c));
            if !(self.eat("\\\n") || self.eat("\\\r\n")) {
                return;
            }
        }
    }

    /// Steps to the end of the line, not over it.
    pub(super) fn skip_line(&mut self) {
        self.take_while(|c| c != '\n');
    }

    /// A variable's name, if one stands here; does not step.
    pub(super) fn name(&self) -> Option<&'a str> {
        let rest = self.rest();
        let word = |c: char| c == '_' || c.is_ascii_alphanumeric();
        let end = rest.find(|c| !word(c)).unwrap_or(rest.len());
        let starts_well = !rest.starts_with(|c: char| c.is_ascii_digit());
        (end > 0 && starts_well).then(|| &rest[..end])
    }

    pub(super) fn span(&self, start: usize) -> Span {
        Span {
            source: Arc::clone(self.source),
            start,
            end: self.at,
        }
    }
}

/// A space that is no blank to bash.
pub(super) fn is_false_blank(c: char) -> bool {
    c.is_whitespace() && !c.is_ascii()
}

/// A character without a width, which no value contains on purpose.
pub(super) fn is_zero_width(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Whether `c` cannot be seen, or looks like a blank and is none: never meant where a name or version stands.
pub(super) fn is_invisible(c: char) -> bool {
    is_zero_width(c) || is_false_blank(c) || (c.is_control() && !"\t\n\r".contains(c))
}
