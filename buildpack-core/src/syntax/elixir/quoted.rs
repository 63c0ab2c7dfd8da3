//! Texts, charlists, heredocs, quoted atoms and sigils.

use std::borrow::Cow;

use super::lexer::{Lexer, Mode};
use super::{Bracket, Content, Kind};

/// A text or sigil that has been opened.
pub(super) struct Quoted<'a> {
    /// First byte, with all that stands before the quotes.
    start: usize,
    /// First byte of the content.
    content: usize,
    /// What ends it.
    close: &'a str,
    /// Whether it ends only where a line begins with `close`.
    heredoc: bool,
    what: What,
    /// Whether escapes and `#{…}` mean something.
    live: bool,
    /// Whether there was an interpolation.
    dynamic: bool,
    /// The content so far, once it differs from the source; the rest begins at the number.
    resolved: Option<(String, usize)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Text,
    Atom,
    Sigil { text: bool },
}

impl<'a> Lexer<'a> {
    /// Opens the text whose quotes stand at `quotes`; it began at `start`, with a colon if it is an atom.
    pub(super) fn open_text(&mut self, start: usize, quotes: usize) {
        let what = if start == quotes {
            What::Text
        } else {
            What::Atom
        };
        let rest = &self.text[quotes..];
        let heredoc = what == What::Text && (rest.starts_with("\"\"\"") || rest.starts_with("'''"));
        let close = &rest[..if heredoc { 3 } else { 1 }];
        self.open(start, quotes + close.len(), close, what, true);
    }

    /// Opens a sigil if one stands here.
    pub(super) fn open_sigil(&mut self) -> bool {
        let (start, rest) = (self.at, self.rest());
        let name = &rest[1..];
        let length = match name.as_bytes().first() {
            Some(b'a'..=b'z') => 1,
            Some(b'A'..=b'Z') => name
                .find(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit())
                .unwrap_or(name.len()),
            _ => return false,
        };
        let (name, rest) = name.split_at(length);
        let close = match rest.as_bytes().first() {
            Some(b'"' | b'\'') if rest.starts_with("\"\"\"") || rest.starts_with("'''") => {
                &rest[..3]
            }
            Some(b'/' | b'|' | b'"' | b'\'') => &rest[..1],
            Some(b'(') => ")",
            Some(b'[') => "]",
            Some(b'{') => "}",
            Some(b'<') => ">",
            _ => return false,
        };
        let text = matches!(name, "s" | "S" | "c" | "C");
        let live = name.starts_with(|c: char| c.is_ascii_lowercase());
        let content = start + 1 + length + close.len();
        self.open(start, content, close, What::Sigil { text }, live);
        true
    }

    fn open(&mut self, start: usize, content: usize, close: &'a str, what: What, live: bool) {
        self.at = content;
        self.modes.push(Mode::Quoted(Quoted {
            start,
            content,
            close,
            heredoc: close.len() == 3,
            what,
            live,
            dynamic: false,
            resolved: None,
        }));
    }

    /// Goes on in the innermost text: to its end, or into the code of an interpolation.
    pub(super) fn quoted(&mut self) {
        let Some(Mode::Quoted(mut quoted)) = self.modes.pop() else {
            return;
        };
        let first = quoted.close.as_bytes()[0];
        // A line of a heredoc may begin with its end.
        let mut at_line = false;
        loop {
            let bytes = self.text.as_bytes();
            let Some(&byte) = bytes.get(self.at) else {
                self.unclosed.get_or_insert(quoted.start);
                return self.close(quoted, self.at);
            };
            if at_line && self.rest().starts_with(quoted.close) {
                let end = self.at;
                self.at += quoted.close.len();
                return self.close(quoted, end);
            }
            at_line =
                quoted.heredoc && (byte == b'\n' || (at_line && matches!(byte, b' ' | b'\t')));
            if byte == first && !quoted.heredoc {
                let end = self.at;
                self.at += 1;
                return self.close(quoted, end);
            }
            if byte == b'\\' {
                self.escape(&mut quoted);
                at_line = quoted.heredoc && self.text[..self.at].ends_with('\n');
            } else if quoted.live && byte == b'#' && bytes.get(self.at + 1) == Some(&b'{') {
                self.at += 2;
                if !quoted.dynamic {
                    quoted.dynamic = true;
                    self.push(Kind::Open(Bracket::Text), quoted.start);
                }
                self.modes.push(Mode::Quoted(quoted));
                self.modes.push(Mode::Interpolation(0));
                return;
            } else {
                self.at += 1;
            }
        }
    }

    /// Steps over a backslash and what it stands before; resolves it where it means something.
    fn escape(&mut self, quoted: &mut Quoted<'a>) {
        let start = self.at;
        self.at += 1;
        let Some(next) = self.rest().chars().next() else {
            return;
        };
        self.at += next.len_utf8();
        let plain = quoted.heredoc || matches!(quoted.what, What::Sigil { .. });
        if plain || quoted.dynamic {
            return;
        }
        let meant = match next {
            '\n' => String::new(),
            '\r' if self.rest().starts_with('\n') => {
                self.at += 1;
                String::new()
            }
            'x' => self.code_point(2),
            'u' => self.code_point(4),
            _ => unescape(next).to_string(),
        };
        let (resolved, rest) = quoted
            .resolved
            .get_or_insert((String::new(), quoted.content));
        resolved.push_str(&self.text[*rest..start]);
        resolved.push_str(&meant);
        *rest = self.at;
    }

    /// The character of `{1F600}` or of so many digits.
    fn code_point(&mut self, digits: usize) -> String {
        let rest = self.rest();
        let hex = |text: &'a str| text.bytes().take_while(u8::is_ascii_hexdigit).count();
        let (number, length) = if let Some(inner) = rest.strip_prefix('{') {
            let end = hex(&inner[..inner.floor_char_boundary(6)]);
            (
                &inner[..end],
                end + 1 + usize::from(inner[end..].starts_with('}')),
            )
        } else {
            let end = hex(&rest[..rest.floor_char_boundary(digits)]);
            (&rest[..end], end)
        };
        self.at += length;
        let character = u32::from_str_radix(number, 16)
            .ok()
            .and_then(char::from_u32);
        character.map_or_else(String::new, String::from)
    }

    /// The token of a text that ends here; its content ends at `end`.
    fn close(&mut self, quoted: Quoted<'a>, end: usize) {
        let start = quoted.start;
        if let What::Sigil { .. } = quoted.what {
            let modifiers = self.rest().bytes().take_while(u8::is_ascii_alphanumeric);
            self.at += modifiers.count();
        }
        if quoted.dynamic {
            // The group began at the quotes; this ends it.
            let close = end.min(self.at);
            return self.push(Kind::Close(Bracket::Text), close);
        }
        let value = match quoted.resolved {
            Some((resolved, rest)) => Cow::Owned(resolved + &self.text[rest..end]),
            None => Cow::Borrowed(&self.text[quoted.content..end]),
        };
        let content = Content {
            value,
            span: quoted.content..end,
        };
        let kind = match quoted.what {
            What::Atom => Kind::Atom(content),
            What::Text if !quoted.heredoc && self.eat_key_colon() => Kind::Key(content),
            What::Text | What::Sigil { text: true } => Kind::Text(content),
            What::Sigil { text: false } => Kind::Sigil,
        };
        self.push(kind, start);
    }
}

/// What a character means after a backslash.
fn unescape(c: char) -> char {
    match c {
        '0' => '\0',
        'a' => '\x07',
        'b' => '\x08',
        'd' => '\x7f',
        'e' => '\x1b',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        's' => ' ',
        't' => '\t',
        'v' => '\x0b',
        other => other,
    }
}
