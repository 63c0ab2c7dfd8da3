//! Holds the lines of a log against what is known.

use memchr::{memchr, memchr_iter, memrchr};
use regex::Regex;

use super::cause::Quote;
use super::facts::Facts;
use super::plain::plain;
use super::signature::Signature;
use super::signatures::npm::is_beside_the_point;
use super::table::{Means, TABLE, compiled};
use crate::clean::Lines;
use crate::diagnostic::{Class, Diagnostic};

/// Bytes of a line that are quoted.
const LONGEST_QUOTE: usize = 400;

/// A line that sums up may stand just above the error: the compiler's message is the next.
const NEXT: u64 = 3;

/// How many lines after a match tell more of it.
const FOLLOWING: u64 = 40;

/// Looks for the cause in lines that come one by one. It keeps a few of them, however many there are.
#[derive(Debug, Default)]
pub struct Finder {
    best: Option<Found>,
    /// What is still looked for in the lines after the best match, and the last line for that.
    wanted: Vec<Regex>,
    wanted_until: u64,
    /// The first line that looks like an error.
    error: Option<Quote>,
    /// How much that line says.
    says: Says,
    /// The line of npm behind the best match that says most, where that match itself is beside the point.
    point: Option<(Says, Quote)>,
    symptom: Option<Quote>,
    facts: Facts,
    last: Option<Quote>,
}

/// How much a line tells of an error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Says {
    /// Nothing, or that npm failed.
    #[default]
    Little,
    /// What npm says of it.
    Much,
    /// The error of a program.
    All,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// What it is.
    pub signature: &'static Signature,
    /// The line.
    pub quote: Quote,
    /// What the line and those after it name.
    pub facts: Facts,
}

/// What a log tells of its failure, in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// The code of what was found; none where nothing was.
    pub code: Option<&'static str>,
    /// What happened.
    pub message: String,
    /// Ways out.
    pub helps: Vec<String>,
    /// The line that says so; where nothing was found, the first that looks like an error, else the last.
    pub quote: Option<Quote>,
}

impl Finder {
    /// One that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks at a line, without its end.
    pub fn line(&mut self, number: u64, text: &str) {
        self.lines(number, &Lines::new(text));
    }

    /// Looks at lines that came together, of which the first has this number.
    pub fn lines(&mut self, first: u64, lines: &Lines<'_>) {
        let text = lines.bare();
        self.remember(first, text);
        let bytes = text.as_bytes();
        let mut places = TABLE.places(text);
        let (mut number, mut begin) = (first, 0);
        loop {
            // What a match makes worth knowing may stand in any of the lines after it.
            let next = match &mut places {
                Some(places) if self.wanted.is_empty() => places.next(begin),
                _ => Some(begin),
            };
            let Some(at) = next else { break };
            let start = memrchr(b'\n', &bytes[begin..at]).map_or(begin, |end| begin + end + 1);
            let end = memchr(b'\n', &bytes[at..]).map_or(text.len(), |end| at + end);
            number += ends(&bytes[begin..start]);
            self.look(number, &text[start..end]);
            if end == text.len() {
                break;
            }
            (number, begin) = (number + 1, end + 1);
        }
    }

    fn look(&mut self, number: u64, bare: &str) {
        if !self.wanted.is_empty() {
            self.follow(number, bare);
        }
        let (mut error, mut wrapped) = (false, false);
        for entry in TABLE.of(bare) {
            match entry.means {
                Means::Known(signature) => {
                    let better = |best: &Found| signature.rank < best.signature.rank;
                    if self.best.as_ref().is_none_or(better) {
                        self.take(signature, entry.regex(), number, bare);
                    }
                }
                Means::Error => error = true,
                Means::Wrapped => wrapped = true,
                Means::Symptom => {
                    self.symptom.get_or_insert_with(|| quote(number, bare));
                }
                Means::Fact => add_groups(&mut self.facts, entry.regex(), bare),
            }
        }
        if error || wrapped {
            self.mark(number, bare, error, wrapped);
        }
    }

    /// Keeps a line that looks like an error if it is the first. What npm tells is one error of many lines, of which one that
    /// says more is better.
    fn mark(&mut self, number: u64, bare: &str, error: bool, wrapped: bool) {
        let says = match (error, wrapped && is_beside_the_point(bare)) {
            (true, _) => Says::All,
            (false, true) => Says::Little,
            (false, false) => Says::Much,
        };
        let near = |line: u64| number <= line + FOLLOWING;
        let better = |than: &Quote| wrapped && says > self.says && near(than.line);
        if self.error.as_ref().is_none_or(better) {
            self.error = Some(quote(number, bare));
            self.says = says;
        }
        let behind = (self.best.as_ref())
            .is_some_and(|best| number > best.quote.line && wrapped && near(best.quote.line));
        if behind && self.point.as_ref().is_none_or(|(most, _)| says > *most) {
            self.point = Some((says, quote(number, bare)));
        }
    }

    fn take(
        &mut self,
        signature: &'static Signature,
        regex: Option<&Regex>,
        number: u64,
        bare: &str,
    ) {
        let mut facts = Facts::default();
        add_groups(&mut facts, regex, bare);
        self.point = None;
        self.best = Some(Found {
            signature,
            quote: quote(number, bare),
            facts,
        });
        let more = signature.more.iter();
        self.wanted = more.filter_map(|pattern| compiled(pattern)).collect();
        self.wanted_until = number + FOLLOWING;
        self.follow(number, bare);
    }

    /// Looks for what else is to be known of the best match.
    fn follow(&mut self, number: u64, bare: &str) {
        let Some(best) = &mut self.best else { return };
        if number > self.wanted_until {
            self.wanted.clear();
            return;
        }
        let bare = plain(bare);
        self.wanted.retain(|regex| {
            let found = regex.is_match(bare);
            if found {
                add_groups(&mut best.facts, Some(regex), bare);
            }
            !found
        });
    }

    /// Keeps the last line that is not empty.
    fn remember(&mut self, first: u64, text: &str) {
        let mut start = text.len();
        let mut lines = text.rsplit('\n').map(|line| {
            let end = start;
            start = end.saturating_sub(line.len() + 1);
            (end - line.len(), line)
        });
        let said = lines.find_map(|(start, line)| {
            let cut = &line[..line.floor_char_boundary(LONGEST_QUOTE)];
            (!cut.trim().is_empty()).then_some((start, cut))
        });
        let Some((start, cut)) = said else { return };
        let last = self.last.get_or_insert_with(|| Quote {
            line: 0,
            text: String::with_capacity(LONGEST_QUOTE),
        });
        last.line = first + ends(&text.as_bytes()[..start]);
        last.text.clear();
        last.text.push_str(cut);
    }

    /// What was found.
    pub fn found(&self) -> Option<&Found> {
        self.best.as_ref()
    }

    /// What the log says of what was built with.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The first line that looks like an error, of whatever kind.
    pub fn error(&self) -> Option<&Quote> {
        self.error.as_ref()
    }

    /// The first line that says that something failed, and no more.
    pub fn symptom(&self) -> Option<&Quote> {
        self.symptom.as_ref()
    }

    /// What it comes to, with what else is known of the build filled in.
    pub fn told(self, known: &Facts) -> Told {
        let Some(found) = self.best else {
            let last = self.last.map(|last| quote(last.line, &last.text));
            return Told {
                quote: self.error.or(last),
                ..Told::default()
            };
        };
        let facts = found.facts.and(known).and(&self.facts);
        let signature = found.signature;
        let summed = self
            .error
            .filter(|error| signature.sums_up && error.line < found.quote.line + NEXT);
        let point = self.point.map(|(_, quote)| quote);
        let point = point.filter(|_| is_beside_the_point(&found.quote.text));
        Told {
            code: Some(signature.code),
            message: facts.say(signature.message).unwrap_or_default(),
            helps: (signature.helps.iter())
                .filter_map(|words| facts.say(words))
                .collect(),
            quote: point.or(summed).or(Some(found.quote)),
        }
    }
}

impl Told {
    /// What was found as a problem, if anything was.
    pub fn problem(&self) -> Option<Diagnostic> {
        let code = self.code?;
        let problem = Diagnostic::error(code, Class::Build, &self.message);
        Some(self.helps.iter().fold(problem, Diagnostic::help))
    }
}

/// How many lines end in it.
fn ends(text: &[u8]) -> u64 {
    u64::try_from(memchr_iter(b'\n', text).count()).unwrap_or(u64::MAX)
}

fn quote(line: u64, bare: &str) -> Quote {
    let text = plain(bare);
    let cut = text.floor_char_boundary(LONGEST_QUOTE);
    let mut quoted = text[..cut].trim_end().to_owned();
    if cut < text.len() {
        quoted.push('…');
    }
    Quote { line, text: quoted }
}

fn add_groups(facts: &mut Facts, regex: Option<&Regex>, line: &str) {
    let Some(regex) = regex else { return };
    let Some(groups) = regex.captures(line) else {
        return;
    };
    for name in regex.capture_names().flatten() {
        if let Some(group) = groups.name(name) {
            facts.add(name, group.as_str().trim());
        }
    }
}
