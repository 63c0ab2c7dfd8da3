//! An Elixir module's attributes and functions without arguments, as far as they are literals.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::{Origin, Source, Sourced, Span};
use crate::syntax::elixir::{Bracket, Code, Content, Kind};

/// So often a name is followed to what it stands for on the way to one literal.
const DEEPEST: usize = 8;

/// So many lists are read that stand elsewhere, so that functions that call each other come to an end.
const LISTS: usize = 64;

/// A source with what its names stand for.
pub(super) struct Module<'a> {
    pub(super) code: Code<'a>,
    source: &'a Arc<Source>,
    /// Values of an attribute in order, each with the token that it begins with.
    attributes: BTreeMap<&'a str, Vec<usize>>,
    /// Bodies of functions without arguments.
    functions: BTreeMap<&'a str, Range<usize>>,
    lists_left: Cell<usize>,
}

/// An expression that is no literal, and what it is instead.
pub(super) type NotLiteral = (Range<usize>, &'static str);

impl<'a> Module<'a> {
    pub(super) fn read(source: &'a Arc<Source>) -> Self {
        let mut module = Self {
            code: Code::read(&source.text),
            source,
            attributes: BTreeMap::new(),
            functions: BTreeMap::new(),
            lists_left: Cell::new(LISTS),
        };
        for token in 0..module.code.tokens.len() {
            if let Some((name, value)) = module.attribute_at(token) {
                module.attributes.entry(name).or_default().push(value);
            } else if let Some((name, body)) = module.function_at(token) {
                module.functions.entry(name).or_insert(body);
            }
        }
        module
    }

    /// The body of the function `name`.
    pub(super) fn function(&self, name: &str) -> Option<Range<usize>> {
        self.functions.get(name).cloned()
    }

    /// `@name value` at `token`, if a value is set there.
    fn attribute_at(&self, token: usize) -> Option<(&'a str, usize)> {
        let code = &self.code;
        let statement = code.tokens[token].first || code.kind(token.checked_sub(1)?)?.is_word("do");
        if !statement || !code.kind(token)?.is_operator("@") {
            return None;
        }
        let Kind::Word(name) = code.kind(token + 1)? else {
            return None;
        };
        let value = code.tokens.get(token + 2)?;
        // `@name[:key]` asks for a value.
        let apart = value.span.start > code.tokens[token + 1].span.end && !value.first;
        let begins = match &value.kind {
            Kind::Operator(operator) => matches!(*operator, "@" | "%" | "&"),
            Kind::Word(word) => !matches!(*word, "and" | "or" | "in" | "when" | "do" | "end"),
            Kind::Close(_) => false,
            _ => true,
        };
        (apart && begins).then_some((*name, token + 2))
    }

    /// `def name do … end` or `def name, do: …` at `token`.
    fn function_at(&self, token: usize) -> Option<(&'a str, Range<usize>)> {
        let code = &self.code;
        let Kind::Word("def" | "defp") = code.kind(token)? else {
            return None;
        };
        let Kind::Word(name) = code.kind(token + 1)? else {
            return None;
        };
        let mut next = token + 2;
        if let Kind::Open(Bracket::Round) = code.kind(next)? {
            if code.end_of(next)? != next + 1 {
                return None;
            }
            next += 2;
        }
        match code.kind(next)? {
            Kind::Word("do") => Some((*name, next + 1..code.end_of(next)?)),
            Kind::Operator(",") => match code.kind(next + 1)? {
                Kind::Key(key) if key.value == "do" => {
                    Some((*name, next + 2..code.end_of_expression(next + 2)))
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// What an attribute or a function without arguments stands for, if that is all the expression is.
    fn follow(&self, expression: &Range<usize>) -> Option<Range<usize>> {
        let code = &self.code;
        let start = expression.start;
        match (code.kind(start)?, expression.len()) {
            (Kind::Open(Bracket::Round), _) if code.after(start) == expression.end => {
                Some(start + 1..expression.end - 1)
            }
            (Kind::Operator("@"), 2) => {
                let Kind::Word(name) = code.kind(start + 1)? else {
                    return None;
                };
                let values = self.attributes.get(name)?;
                // The value that was set last before it is asked for.
                let index = values
                    .partition_point(|value| *value < start)
                    .checked_sub(1)?;
                let value = values[index];
                Some(value..code.end_of_expression(value))
            }
            (Kind::Word(name), 1) => self.last_of(name),
            (Kind::Word(name), 3) if code.end_of(start + 1) == Some(start + 2) => {
                self.last_of(name)
            }
            _ => None,
        }
    }

    fn last_of(&self, function: &str) -> Option<Range<usize>> {
        let body = self.function(function)?;
        let spent = self.lists_left.get().checked_sub(1)?;
        self.lists_left.set(spent);
        Some(self.code.last_expression(body))
    }

    /// The text or atom that an expression comes to.
    pub(super) fn literal(&self, expression: Range<usize>) -> Result<Sourced<String>, NotLiteral> {
        let mut at = expression.clone();
        for _ in 0..DEEPEST {
            match (self.code.kind(at.start), at.len()) {
                (Some(Kind::Text(content) | Kind::Atom(content)), 1) => {
                    return Ok(self.sourced(content));
                }
                _ => match self.follow(&at) {
                    Some(next) => at = next,
                    None => break,
                },
            }
        }
        let why = self.instead(expression.clone());
        Err((expression, why))
    }

    /// The elements of the list that an expression comes to, also of several joined by `++`.
    pub(super) fn list(&self, expression: Range<usize>) -> (Vec<Range<usize>>, Vec<NotLiteral>) {
        let mut found = (Vec::new(), Vec::new());
        self.collect(expression, DEEPEST, &mut found);
        found
    }

    fn collect(
        &self,
        expression: Range<usize>,
        depth: usize,
        found: &mut (Vec<Range<usize>>, Vec<NotLiteral>),
    ) {
        let code = &self.code;
        let pieces: Vec<_> = code.split(expression, "++").collect();
        for piece in pieces {
            let whole = code.after(piece.start) == piece.end;
            if whole && matches!(code.kind(piece.start), Some(Kind::Open(Bracket::Square))) {
                let inner = piece.start + 1..piece.end - 1;
                found.0.extend(code.split(inner, ","));
                continue;
            }
            let left = self.lists_left.get();
            match self.follow(&piece) {
                Some(next) if depth > 0 && left > 0 => {
                    self.lists_left.set(left - 1);
                    self.collect(next, depth - 1, found);
                }
                _ => {
                    let why = self.instead(piece.clone());
                    found.1.push((piece, why));
                }
            }
        }
    }

    /// `key: value` or `{:key, value, …}`: the key and where the rest stands.
    pub(super) fn pair(&self, element: Range<usize>) -> Option<(&Content<'a>, Range<usize>)> {
        let code = &self.code;
        let start = element.start;
        match code.kind(start)? {
            Kind::Key(key) => Some((key, start + 1..element.end)),
            Kind::Open(Bracket::Curly) if code.after(start) == element.end => {
                let Kind::Atom(key) = code.kind(start + 1)? else {
                    return None;
                };
                let comma = code.kind(start + 2)?.is_operator(",");
                let rest = start + 2 + usize::from(comma);
                Some((key, rest..element.end - 1))
            }
            _ => None,
        }
    }

    /// What an expression is that is no literal; its beginning tells.
    fn instead(&self, expression: Range<usize>) -> &'static str {
        let end = expression.end.min(expression.start + 32);
        let tokens = self.code.tokens.get(expression.start..end);
        let kinds = || tokens.into_iter().flatten().map(|token| &token.kind);
        match kinds().next() {
            None => "nothing",
            Some(Kind::Open(Bracket::Text)) => "a text with interpolation",
            Some(Kind::Word("if" | "unless" | "case" | "cond")) => "a condition",
            Some(Kind::Operator("@")) if kinds().count() == 2 => "an attribute that is no literal",
            Some(Kind::Word(_)) if kinds().count() == 1 => "a variable or call",
            _ if kinds().any(|kind| matches!(kind, Kind::Open(Bracket::Round))) => "a call",
            _ => "no literal",
        }
    }

    pub(super) fn sourced(&self, content: &Content<'_>) -> Sourced<String> {
        let origin = Origin::File(self.span(content.span.clone()));
        Sourced::new(content.value.clone().into_owned(), origin)
    }

    /// The place of some bytes.
    pub(super) fn span(&self, bytes: Range<usize>) -> Span {
        Span {
            source: Arc::clone(self.source),
            start: bytes.start,
            end: bytes.end,
        }
    }
}
