//! All patterns as one machine, so that a line is looked at once.

use std::sync::{LazyLock, OnceLock};

use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::sieve::{Places, Sieve};
use super::signature::Signature;
use super::signatures::npm::WRAPPED;
use super::signatures::{ALL, ERRORS, SYMPTOMS};

/// What a pattern stands for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Means {
    /// Something that is known.
    Known(&'static Signature),
    /// An error of any kind.
    Error,
    /// A line of a failure that npm tells.
    Wrapped,
    /// That something failed.
    Symptom,
    /// What a builder says of itself.
    Fact,
}

/// Lines in which builders say what they build with: bp and the packs that it is made after, Heroku, and installers of
/// Node. npm says which package it is at before it says what is wrong.
const FACTS: [&str; 10] = [
    r"\* Stack (?<stack>[A-Za-z0-9.-]+)",
    r"Building on the (?<stack>[A-Za-z]+-[0-9]+) stack",
    r"\* Erlang (?<otp>[0-9][A-Za-z0-9.-]*)",
    r"\* Elixir v?(?<elixir>[0-9][A-Za-z0-9.-]*)",
    r"(?:Fetching|Installing) Erlang (?:OTP-)?(?<otp>[0-9][A-Za-z0-9.-]*)",
    r"(?:Fetching|Installing) Elixir v?(?<elixir>[0-9][A-Za-z0-9.-]*)",
    r"\* Node v?(?<node>[0-9][0-9.]*)",
    r"(?:Downloading|Installing|Using) [Nn]ode v?(?<node>[0-9][0-9.]*)",
    "npm (?:error|ERR!) path [^ ]*/node_modules/(?<package>(?:@[^/ ]+/)?[^/ ]+)$",
    "tarball data for (?<package>@?[^@ ]+)@",
];

/// The patterns, each with what it means.
pub(super) struct Table {
    /// Which lines are worth a look; none if all of them are.
    sieve: Option<Sieve>,
    set: RegexSet,
    entries: Vec<Entry>,
}

pub(super) struct Entry {
    pattern: &'static str,
    pub(super) means: Means,
    regex: OnceLock<Option<Regex>>,
}

/// The one table.
pub(super) static TABLE: LazyLock<Table> = LazyLock::new(Table::new);

/// Bytes that the machine may grow to while it runs.
const MACHINE: usize = 8 << 20;

impl Table {
    fn new() -> Self {
        let known = ALL.iter().copied().flatten().flat_map(|signature| {
            let patterns = signature.patterns.iter();
            patterns.map(move |pattern| (*pattern, Means::Known(signature)))
        });
        let others = (ERRORS.iter().map(|pattern| (*pattern, Means::Error)))
            .chain(WRAPPED.iter().map(|pattern| (*pattern, Means::Wrapped)))
            .chain(SYMPTOMS.iter().map(|pattern| (*pattern, Means::Symptom)))
            .chain(FACTS.iter().map(|pattern| (*pattern, Means::Fact)));
        let entries: Vec<Entry> = known
            .chain(others)
            .map(|(pattern, means)| Entry {
                pattern,
                means,
                regex: OnceLock::new(),
            })
            .collect();
        let patterns = entries.iter().map(|entry| entry.pattern);
        let sieve = Sieve::new(patterns.clone());
        let set = RegexSetBuilder::new(patterns)
            .dfa_size_limit(MACHINE)
            .build()
            // A test builds it: no pattern is wrong.
            .unwrap_or_else(|_| RegexSet::empty());
        Self {
            sieve,
            set,
            entries,
        }
    }

    /// The places of lines of `text` that may mean something; none if each line has to be asked about.
    pub(super) fn places<'t>(&'t self, text: &'t str) -> Option<Places<'t>> {
        let sieve = self.sieve.as_ref();
        sieve.map(|sieve| sieve.places(text.as_bytes()))
    }

    /// What a line means; most mean nothing, which is known soon.
    pub(super) fn of(&self, line: &str) -> Vec<&Entry> {
        if !self.set.is_match(line) {
            return Vec::new();
        }
        let found = self.set.matches(line);
        found.iter().filter_map(|at| self.entries.get(at)).collect()
    }

    /// Whether every pattern could be read, and nearly all of them need long words.
    #[cfg(test)]
    pub(super) fn is_whole(&self) -> bool {
        let quick = |sieve: &Sieve| sieve.short() < 3;
        self.sieve.as_ref().is_some_and(quick)
            && self.set.len() == self.entries.len()
            && self.entries.iter().all(|entry| entry.regex().is_some())
    }
}

impl Entry {
    /// The pattern alone, for its groups.
    pub(super) fn regex(&self) -> Option<&Regex> {
        let regex = self.regex.get_or_init(|| compiled(self.pattern));
        regex.as_ref()
    }
}

/// A regular expression; none where it is wrong, which a test looks for.
pub(super) fn compiled(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).build().ok()
}
