//! From characters to tokens.

use std::borrow::Cow;
use std::ops::Range;

use super::quoted::Quoted;
use super::{Bracket, Content, Kind, Token};

/// Those of more than one character, a longer one before its beginning.
const OPERATORS: [&str; 35] = [
    "...", "<<<", ">>>", "<<~", "~>>", "<~>", "+++", "---", "===", "!==", "&&&", "|||", "^^^",
    "~~~", "..", "**", "::", "<-", "->", "=>", "==", "!=", "=~", "<=", ">=", "&&", "||", "<>",
    "++", "--", "|>", "~>", "<~", "//", "\\\\",
];

/// Atoms that would begin a group if they were no atoms.
const BRACKET_ATOMS: [&str; 3] = ["%{}", "{}", "<<>>"];

/// The tokens of `text`, and where a text or sigil begins that has no end.
pub(super) fn lex(text: &str) -> (Vec<Token<'_>>, Option<usize>) {
    let mut lexer = Lexer {
        text,
        at: 0,
        first: true,
        tokens: Vec::new(),
        modes: Vec::new(),
        unclosed: None,
    };
    while lexer.step() {}
    (lexer.tokens, lexer.unclosed)
}

/// What encloses the place where the lexer stands.
pub(super) enum Mode<'a> {
    /// A text or sigil.
    Quoted(Quoted<'a>),
    /// Code between `#{` and `}`, with so many `{` open in it.
    Interpolation(usize),
}

pub(super) struct Lexer<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    /// Whether the next token is the first of its line.
    first: bool,
    tokens: Vec<Token<'a>>,
    /// A stack of our own: no depth of nesting can exhaust the program's.
    pub(super) modes: Vec<Mode<'a>>,
    pub(super) unclosed: Option<usize>,
}

impl<'a> Lexer<'a> {
    /// Goes on by a token or so; false at the end.
    fn step(&mut self) -> bool {
        if let Some(Mode::Quoted(_)) = self.modes.last() {
            self.quoted();
            return true;
        }
        let Some(next) = self.peek() else {
            // Interpolated code without an end; the text around it has none either.
            return self.modes.pop().is_some();
        };
        let start = self.at;
        match next {
            '\n' | ';' => {
                self.at += 1;
                self.first = true;
            }
            '#' => self.at += self.rest().find('\n').unwrap_or(self.rest().len()),
            '\\' if self.rest().starts_with("\\\n") => self.at += 2,
            '\\' if self.rest().starts_with("\\\r\n") => self.at += 3,
            _ if next.is_whitespace() => self.at += next.len_utf8(),
            '"' | '\'' => self.open_text(start, self.at),
            '~' if self.open_sigil() => {}
            '?' if self.char_literal() => self.push(Kind::Char, start),
            ':' => self.colon(),
            '0'..='9' => self.number(),
            _ if next.is_alphabetic() || next == '_' => self.word(),
            _ => self.symbol(next),
        }
        true
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Steps over the run of characters that `fits`.
    fn take_while(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !fits(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// A token from `start` to here.
    pub(super) fn push(&mut self, kind: Kind<'a>, start: usize) {
        self.tokens.push(Token {
            kind,
            span: start..self.at,
            first: std::mem::take(&mut self.first),
        });
    }

    /// Whether a colon stands here that makes a key of what is before it; steps over it.
    pub(super) fn eat_key_colon(&mut self) -> bool {
        let mut rest = self.rest().chars();
        let key = rest.next() == Some(':') && rest.next().is_none_or(char::is_whitespace);
        if key {
            self.at += 1;
        }
        key
    }

    fn content(&self, span: Range<usize>) -> Content<'a> {
        Content {
            value: Cow::Borrowed(&self.text[span.clone()]),
            span,
        }
    }

    fn word(&mut self) {
        let start = self.at;
        let word = self.take_while(|c| c.is_alphanumeric() || c == '_' || c == '@');
        // `!=` after a word is an operator.
        let rest = self.rest();
        if rest.starts_with('?') || (rest.starts_with('!') && !rest.starts_with("!=")) {
            self.at += 1;
        }
        let span = start..self.at;
        if self.eat_key_colon() {
            self.push(Kind::Key(self.content(span)), start);
        } else if word.starts_with(char::is_uppercase) {
            self.push(Kind::Alias(&self.text[span]), start);
        } else {
            self.push(Kind::Word(&self.text[span]), start);
        }
    }

    fn number(&mut self) {
        let start = self.at;
        let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        self.take_while(part);
        let rest = self.rest().as_bytes();
        if rest.first() == Some(&b'.') && rest.get(1).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
            self.take_while(part);
        }
        self.push(Kind::Number, start);
    }

    /// Steps over `?c` or `?\c`; what follows `\x` is left as a number.
    fn char_literal(&mut self) -> bool {
        let mut rest = self.rest()[1..].chars();
        let length = match rest.next() {
            None | Some('\n' | '\r') => return false,
            Some('\\') => 1 + rest.next().map_or(0, char::len_utf8),
            Some(other) => other.len_utf8(),
        };
        self.at += 1 + length;
        true
    }

    /// An atom, `::`, or a colon that is nothing.
    fn colon(&mut self) {
        let start = self.at;
        let rest = &self.rest()[1..];
        match rest.chars().next() {
            Some('"' | '\'') => {
                self.at += 1;
                self.open_text(start, self.at);
            }
            Some(c) if c.is_alphabetic() || c == '_' => {
                self.at += 1;
                self.take_while(|c| c.is_alphanumeric() || c == '_' || c == '@');
                if self.rest().starts_with(['?', '!']) {
                    self.at += 1;
                }
                self.push(Kind::Atom(self.content(start + 1..self.at)), start);
            }
            Some(':') => {
                self.at += 2;
                self.push(Kind::Operator("::"), start);
            }
            _ => {
                let operator = BRACKET_ATOMS
                    .into_iter()
                    .chain(OPERATORS)
                    .find(|operator| rest.starts_with(operator));
                let single = rest.starts_with(|c| "+-*/<>=!&|^@.%".contains(c));
                let length = operator.map_or(usize::from(single), str::len);
                self.at += 1 + length;
                if length > 0 {
                    self.push(Kind::Atom(self.content(start + 1..self.at)), start);
                } else {
                    self.push(Kind::Operator(":"), start);
                }
            }
        }
    }

    fn symbol(&mut self, next: char) {
        let start = self.at;
        let rest = self.rest();
        if let Some(operator) = OPERATORS.into_iter().find(|name| rest.starts_with(name)) {
            self.at += operator.len();
            return self.push(Kind::Operator(operator), start);
        }
        if rest.starts_with("<<") || rest.starts_with(">>") {
            self.at += 2;
            return self.push(
                match next {
                    '<' => Kind::Open(Bracket::Binary),
                    _ => Kind::Close(Bracket::Binary),
                },
                start,
            );
        }
        self.at += next.len_utf8();
        let depth = match self.modes.last_mut() {
            Some(Mode::Interpolation(depth)) => Some(depth),
            _ => None,
        };
        let kind = match (next, depth) {
            ('}', Some(0)) => {
                self.modes.pop();
                return;
            }
            ('}', Some(depth)) => {
                *depth -= 1;
                Kind::Close(Bracket::Curly)
            }
            ('{', Some(depth)) => {
                *depth += 1;
                Kind::Open(Bracket::Curly)
            }
            ('(', _) => Kind::Open(Bracket::Round),
            (')', _) => Kind::Close(Bracket::Round),
            ('[', _) => Kind::Open(Bracket::Square),
            (']', _) => Kind::Close(Bracket::Square),
            ('{', None) => Kind::Open(Bracket::Curly),
            ('}', None) => Kind::Close(Bracket::Curly),
            _ => Kind::Operator(&self.text[start..self.at]),
        };
        self.push(kind, start);
    }
}
