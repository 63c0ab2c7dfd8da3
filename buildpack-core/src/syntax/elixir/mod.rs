//! Elixir source as tokens, without running it: enough to find literals and to know which brackets hold them.
//!
//! Any text gives tokens, in one pass.

mod groups;
mod lexer;
mod quoted;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

pub use groups::Code;

/// One token. White space, line ends, semicolons and comments are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: Kind<'a>,
    /// Its bytes in the text.
    pub span: Range<usize>,
    /// Whether a line end or a semicolon stands before it, or nothing.
    pub first: bool,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind<'a> {
    /// A text or charlist without interpolation: `"…"`, `'…'`, a heredoc, `~s(…)`.
    Text(Content<'a>),
    /// `:name` or `:"any name"`.
    Atom(Content<'a>),
    /// `name:` or `"any name":` before a value.
    Key(Content<'a>),
    /// A variable, function or reserved word, with its `?` or `!`.
    Word(&'a str),
    /// One part of a module's name: `Mix` and `Project` of `Mix.Project`.
    Alias(&'a str),
    /// A number.
    Number,
    /// `?c`.
    Char,
    /// A sigil that is no text, such as `~r/…/`.
    Sigil,
    /// An operator, `,` or any character that is nothing else.
    Operator(&'a str),
    /// Begins a group.
    Open(Bracket),
    /// Ends a group.
    Close(Bracket),
}

/// A literal's value, and where it stands: between the quotes, without colons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content<'a> {
    /// The value, escapes resolved; of a heredoc or sigil, as it is written.
    pub value: Cow<'a, str>,
    /// Its bytes in the text.
    pub span: Range<usize>,
}

/// What encloses a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bracket {
    /// `(…)`
    Round,
    /// `[…]`
    Square,
    /// `{…}`, also of maps and structs.
    Curly,
    /// `<<…>>`
    Binary,
    /// A text with interpolation; its tokens are those of the interpolated code alone.
    Text,
}

impl Kind<'_> {
    /// Whether it is this operator.
    pub fn is_operator(&self, operator: &str) -> bool {
        matches!(self, Self::Operator(found) if *found == operator)
    }

    /// Whether it is this word.
    pub fn is_word(&self, word: &str) -> bool {
        matches!(self, Self::Word(found) if *found == word)
    }
}
