//! Which tokens enclose which: brackets, and `do` or `fn` with their `end`.

use std::ops::Range;

use super::lexer::lex;
use super::{Bracket, Kind, Token};

/// The tokens of a source, and their groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code<'a> {
    /// In order.
    pub tokens: Vec<Token<'a>>,
    /// For a token that begins a group, the one that ends it.
    ends: Vec<Option<usize>>,
    /// For each token, the one before which the expression ends that goes on with it.
    expressions: Vec<usize>,
    /// The first bytes that don't fit: a text without an end, or a bracket without its partner.
    pub broken: Option<Range<usize>>,
}

/// What a group is enclosed by: a bracket, or a block's words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fence {
    Bracket(Bracket),
    Block,
}

impl Fence {
    const COUNT: usize = 6;

    fn index(self) -> usize {
        match self {
            Self::Bracket(bracket) => bracket as usize,
            Self::Block => Self::COUNT - 1,
        }
    }
}

impl<'a> Code<'a> {
    /// Reads a text; any text gives tokens.
    pub fn read(text: &'a str) -> Self {
        let (tokens, unclosed) = lex(text);
        let (ends, astray) = pair(&tokens);
        let unclosed = unclosed.map(|start| {
            let line = text[start..].find('\n').unwrap_or(text.len() - start);
            start..start + line
        });
        let astray = astray.map(|token| tokens[token].span.clone());
        Self {
            expressions: expressions(&tokens, &ends),
            tokens,
            ends,
            broken: unclosed.or(astray),
        }
    }

    /// What a token is; none beyond the end.
    pub fn kind(&self, token: usize) -> Option<&Kind<'a>> {
        self.tokens.get(token).map(|token| &token.kind)
    }

    /// The token that ends the group that `token` begins.
    pub fn end_of(&self, token: usize) -> Option<usize> {
        self.ends.get(token).copied().flatten()
    }

    /// The token after `token`, or after the group that it begins.
    pub fn after(&self, token: usize) -> usize {
        self.end_of(token).unwrap_or(token) + 1
    }

    /// The token before which the expression ends that `token` begins or goes on with: at a line end that does not
    /// split it, or at the end of what encloses it. Commas belong to it.
    pub fn end_of_expression(&self, token: usize) -> usize {
        self.expressions.get(token).copied().unwrap_or(token)
    }

    /// The last expression of a body.
    pub fn last_expression(&self, body: Range<usize>) -> Range<usize> {
        let mut start = body.start;
        loop {
            let end = self.end_of_expression(start);
            if end >= body.end || end <= start {
                return start..body.end;
            }
            start = end;
        }
    }

    /// The bytes of some tokens; empty at the end of the text for none.
    pub fn bytes(&self, tokens: Range<usize>) -> Range<usize> {
        match self.tokens.get(tokens.clone()) {
            Some([first, .., last]) => first.span.start..last.span.end,
            Some([only]) => only.span.clone(),
            _ => {
                let end = self.tokens.last().map_or(0, |token| token.span.end);
                end..end
            }
        }
    }

    /// What stands between the separators `operator` of some tokens, groups left whole.
    pub fn split<'s>(
        &'s self,
        tokens: Range<usize>,
        operator: &'s str,
    ) -> impl Iterator<Item = Range<usize>> + 's {
        let mut at = tokens.start;
        let mut done = tokens.is_empty();
        std::iter::from_fn(move || {
            if done {
                return None;
            }
            let start = at;
            while at < tokens.end {
                if self.tokens[at].kind.is_operator(operator) {
                    at += 1;
                    return Some(start..at - 1);
                }
                at = self.after(at);
            }
            done = true;
            (start < tokens.end).then_some(start..tokens.end)
        })
    }
}

/// The end of each group, and the first token that has no partner.
fn pair(tokens: &[Token<'_>]) -> (Vec<Option<usize>>, Option<usize>) {
    let mut ends = vec![None; tokens.len()];
    let mut open: Vec<(usize, Fence)> = Vec::new();
    // How many of each are open, so that a stray end need not look through all of them.
    let mut counts = [0_usize; Fence::COUNT];
    let mut astray: Option<usize> = None;
    let mut stray = |token: usize| astray = Some(astray.map_or(token, |first| first.min(token)));
    for (index, token) in tokens.iter().enumerate() {
        // `module.end` is a function.
        let named = index > 0 && tokens[index - 1].kind.is_operator(".");
        let (fence, begins) = match &token.kind {
            Kind::Open(bracket) => (Fence::Bracket(*bracket), true),
            Kind::Close(bracket) => (Fence::Bracket(*bracket), false),
            Kind::Word("do" | "fn") if !named => (Fence::Block, true),
            Kind::Word("end") if !named => (Fence::Block, false),
            _ => continue,
        };
        if begins {
            open.push((index, fence));
            counts[fence.index()] += 1;
            continue;
        }
        if counts[fence.index()] == 0 {
            stray(index);
            continue;
        }
        while let Some((start, other)) = open.pop() {
            counts[other.index()] -= 1;
            if other == fence {
                ends[start] = Some(index);
                break;
            }
            stray(start);
        }
    }
    if let Some((first, _)) = open.first() {
        stray(*first);
    }
    (ends, astray)
}

/// Where the expressions end that go on with each token, from the last token to the first.
fn expressions(tokens: &[Token<'_>], ends: &[Option<usize>]) -> Vec<usize> {
    let mut expressions = vec![0; tokens.len()];
    for index in (0..tokens.len()).rev() {
        let after = ends[index].unwrap_or(index) + 1;
        let ends_here = match tokens.get(after) {
            None => true,
            Some(next) => {
                matches!(next.kind, Kind::Close(_) | Kind::Word("end"))
                    || (next.first && !goes_on(&tokens[after - 1].kind) && !continues(&next.kind))
            }
        };
        expressions[index] = if ends_here { after } else { expressions[after] };
    }
    expressions
}

/// Whether an expression cannot end with this.
fn goes_on(kind: &Kind<'_>) -> bool {
    matches!(
        kind,
        Kind::Operator(_) | Kind::Key(_) | Kind::Word("and" | "or" | "in" | "not" | "when")
    )
}

/// Whether no expression can begin with this.
fn continues(kind: &Kind<'_>) -> bool {
    match kind {
        Kind::Word(word) => matches!(*word, "and" | "or" | "in" | "when"),
        Kind::Operator(operator) => !matches!(
            *operator,
            "@" | "&" | "+" | "-" | "!" | "^" | "%" | "..." | ".." | "~~~"
        ),
        _ => false,
    }
}
