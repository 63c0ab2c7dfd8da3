//! The literals of a `mix.exs`, found.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use super::{Alias, MixDep, MixExs, Unread};
use crate::app::elixir_module::{Module, NotLiteral};
use crate::diagnostic::{Origin, Source, Sourced};
use crate::syntax::elixir::{Bracket, Kind};

/// Reads a `mix.exs`; any text gives an answer.
pub(in crate::app) fn parse(source: &Arc<Source>) -> MixExs {
    let module = Module::read(source);
    let mut reader = Reader {
        module: &module,
        found: MixExs::default(),
    };
    match module.function("project") {
        Some(body) => reader.project(module.code.last_expression(body)),
        None => reader.found.unread.push(Unread {
            what: "project",
            span: module.span(0..0),
            why: "no `def project do`",
        }),
    }
    reader.found
}

struct Reader<'a> {
    module: &'a Module<'a>,
    found: MixExs,
}

impl Reader<'_> {
    fn project(&mut self, expression: Range<usize>) {
        let mut seen = BTreeSet::new();
        for (key, value) in self.pairs("project", expression) {
            // Of a key that stands twice, the first counts.
            if !seen.insert(key.value.clone()) {
                continue;
            }
            match key.value.as_str() {
                "app" => self.found.app = self.literal("app", value),
                "elixir" => self.found.elixir = self.literal("elixir", value),
                "apps_path" => {
                    self.found.umbrella = true;
                    self.found.apps_path = self.literal("apps_path", value);
                }
                "apps" => self.found.apps = self.words(value),
                "releases" => {
                    let names = self.pairs("releases", value);
                    self.found.releases = names.into_iter().map(|(name, _)| name).collect();
                }
                "aliases" => {
                    for (key, value) in self.pairs("aliases", value) {
                        if let Origin::File(name) = key.origin {
                            let value = self.module.span(self.module.code.bytes(value));
                            let alias = Alias { name, value };
                            self.found.aliases.entry(key.value).or_insert(alias);
                        }
                    }
                }
                "deps" => {
                    for (name, rest) in self.pairs("deps", value) {
                        let only = self.only(rest.clone());
                        let options = self.written_options(rest.clone());
                        let requirement = self.requirement(rest);
                        self.found.deps.push(MixDep {
                            name,
                            requirement,
                            only,
                            options,
                        });
                    }
                }
                _ => {}
            }
        }
    }

    /// The literals of a list, or one that stands for itself; none where there are others.
    fn words(&self, expression: Range<usize>) -> Option<Vec<String>> {
        let literal = |one| Some(self.module.literal(one).ok()?.value);
        if let Some(one) = literal(expression.clone()) {
            return Some(vec![one]);
        }
        let (elements, unread) = self.module.list(expression);
        let elements = elements.into_iter().filter(|element| !element.is_empty());
        if unread.is_empty() {
            elements.map(literal).collect()
        } else {
            None
        }
    }

    /// The environments that `only:` of a dependency names.
    fn only(&self, rest: Range<usize>) -> Option<Vec<String>> {
        let code = &self.module.code;
        self.arguments(rest)
            .into_iter()
            .find_map(|option| match code.kind(option.start) {
                Some(Kind::Key(key)) if key.value == "only" => {
                    self.words(option.start + 1..option.end)
                }
                _ => None,
            })
    }

    /// What follows a dependency's name, options that stand in a list one by one.
    fn arguments(&self, rest: Range<usize>) -> Vec<Range<usize>> {
        let code = &self.module.code;
        let arguments: Vec<_> = code.split(rest, ",").collect();
        let each = arguments.into_iter().flat_map(|argument| {
            let bracket = matches!(code.kind(argument.start), Some(Kind::Open(Bracket::Square)));
            if bracket && code.after(argument.start) == argument.end {
                code.split(argument.start + 1..argument.end - 1, ",")
                    .collect()
            } else {
                vec![argument]
            }
        });
        each.collect()
    }

    /// The options of a dependency as they are written; a requirement may stand before them.
    fn written_options(&self, rest: Range<usize>) -> Option<BTreeMap<String, String>> {
        let code = &self.module.code;
        let mut options = BTreeMap::new();
        for argument in self.arguments(rest.clone()) {
            match code.kind(argument.start) {
                Some(Kind::Key(key)) => {
                    let span = self
                        .module
                        .span(code.bytes(argument.start + 1..argument.end));
                    let value = span.source.text.get(span.start..span.end)?;
                    options.insert(key.value.clone().into_owned(), value.to_owned());
                }
                None => {}
                Some(Kind::Text(_)) if argument.start == rest.start => {}
                Some(_) => return None,
            }
        }
        Some(options)
    }

    /// The keys of a keyword list, with what stands beside them.
    fn pairs(
        &mut self,
        what: &'static str,
        expression: Range<usize>,
    ) -> Vec<(Sourced<String>, Range<usize>)> {
        let (elements, unread) = self.module.list(expression);
        for not_literal in unread {
            self.unread(what, not_literal);
        }
        let mut pairs = Vec::new();
        for element in elements {
            match self.module.pair(element.clone()) {
                Some((key, rest)) => pairs.push((self.module.sourced(key), rest)),
                None if element.is_empty() => {}
                None => self.unread(what, (element, "no pair of a name and a value")),
            }
        }
        pairs
    }

    /// The first of what follows a dependency's name, unless that is an option.
    fn requirement(&mut self, rest: Range<usize>) -> Option<Sourced<String>> {
        let code = &self.module.code;
        let first = code.split(rest, ",").next()?;
        match code.kind(first.start) {
            Some(Kind::Key(_) | Kind::Open(Bracket::Square)) => None,
            _ => self.literal("deps", first),
        }
    }

    fn literal(&mut self, what: &'static str, expression: Range<usize>) -> Option<Sourced<String>> {
        match self.module.literal(expression) {
            Ok(value) => Some(value),
            Err(not_literal) => {
                self.unread(what, not_literal);
                None
            }
        }
    }

    fn unread(&mut self, what: &'static str, (tokens, why): NotLiteral) {
        let span = self.module.span(self.module.code.bytes(tokens));
        self.found.unread.push(Unread { what, span, why });
    }
}
