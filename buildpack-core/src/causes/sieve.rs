//! Which lines of many a pattern may fit, found out faster than any pattern is tried.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use memchr::memmem::Finder;
use regex_syntax::hir::{Hir, HirKind};

use crate::secret::Search;

/// Words as long as this are looked for all at once, which is the faster the longer the shortest of them is.
const LONG: usize = 6;

/// Words of which a line has one at least where any of the patterns fits.
pub(super) struct Sieve {
    long: Option<Search>,
    /// The few others, each by itself.
    short: Vec<Finder<'static>>,
}

impl Sieve {
    /// One for these patterns; none if one of them needs no word, or cannot be read.
    pub(super) fn new<'p>(patterns: impl IntoIterator<Item = &'p str>) -> Option<Self> {
        let mut words = BTreeSet::new();
        for pattern in patterns {
            words.extend(needed(&regex_syntax::parse(pattern).ok()?)?);
        }
        let (long, short): (Vec<_>, Vec<_>) = words.into_iter().partition(|it| it.len() >= LONG);
        Some(Self {
            long: Search::new(long.into_iter().map(|word| (word, 0))),
            short: (short.iter())
                .map(|word| Finder::new(word).into_owned())
                .collect(),
        })
    }

    /// How many words are looked for one by one.
    #[cfg(test)]
    pub(super) fn short(&self) -> usize {
        self.short.len()
    }

    /// The places of `text` where such words stand.
    pub(super) fn places<'s>(&'s self, text: &'s [u8]) -> Places<'s> {
        let long = self.long.as_ref();
        Places {
            text,
            long: long.map(|long| (Next::Unknown, long)),
            short: (self.short.iter())
                .map(|word| (Next::Unknown, word))
                .collect(),
        }
    }
}

/// Where words stand in a text.
pub(super) struct Places<'s> {
    text: &'s [u8],
    long: Option<(Next, &'s Search)>,
    short: Vec<(Next, &'s Finder<'static>)>,
}

/// Where a word stands next.
#[derive(Clone, Copy)]
enum Next {
    /// It was not looked for yet.
    Unknown,
    At(usize),
    Nowhere,
}

impl Next {
    /// The first place from `begin`. What was found before is not looked for again.
    fn from(&mut self, begin: usize, find: impl FnOnce(usize) -> Option<usize>) -> Option<usize> {
        match *self {
            Self::At(at) if at >= begin => {}
            Self::Nowhere => {}
            Self::At(_) | Self::Unknown => *self = find(begin).map_or(Self::Nowhere, Self::At),
        }
        match *self {
            Self::At(at) => Some(at),
            Self::Unknown | Self::Nowhere => None,
        }
    }
}

impl Places<'_> {
    /// A place in the first line that has a word, from the start of a line at `begin`. Who asks again asks for more.
    pub(super) fn next(&mut self, begin: usize) -> Option<usize> {
        let text = self.text;
        let long = self.long.as_mut().and_then(|(next, search)| {
            next.from(begin, |begin| {
                let mut first = None;
                // Hits come in the order of their lines.
                search.each(&text[begin..], |hit| {
                    first = Some(begin + hit.place.start);
                    ControlFlow::Break(())
                });
                first
            })
        });
        let short = self.short.iter_mut().filter_map(|(next, word)| {
            next.from(begin, |begin| Some(begin + word.find(&text[begin..])?))
        });
        short.chain(long).min()
    }
}

/// Words of which one stands wherever `pattern` fits: the longest that it cannot do without.
fn needed(pattern: &Hir) -> Option<Vec<Vec<u8>>> {
    match pattern.kind() {
        HirKind::Literal(word) => Some(vec![word.0.to_vec()]),
        HirKind::Capture(group) => needed(&group.sub),
        HirKind::Repetition(some) if some.min > 0 => needed(&some.sub),
        HirKind::Concat(parts) => {
            let shortest = |words: &Vec<Vec<u8>>| words.iter().map(Vec::len).min();
            parts.iter().filter_map(needed).max_by_key(shortest)
        }
        HirKind::Alternation(parts) => {
            let all: Option<Vec<_>> = parts.iter().map(needed).collect();
            all.map(|all| all.concat())
        }
        HirKind::Repetition(_) | HirKind::Empty | HirKind::Class(_) | HirKind::Look(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(pattern: &str) -> Option<Vec<String>> {
        let words = needed(&regex_syntax::parse(pattern).unwrap())?;
        let text = |word| String::from_utf8(word).unwrap();
        Some(words.into_iter().map(text).collect())
    }

    #[test]
    fn a_pattern_needs_its_longest_word() {
        for (pattern, needs) in [
            (
                "You.re trying (?<x>[a-z]+) on",
                Some(&["re trying "] as &[_]),
            ),
            (
                "(?<tool>mix|npm): command not found",
                Some(&[": command not found"]),
            ),
            ("(?:ab|cde)[0-9]", Some(&["ab", "cde"])),
            ("a(?:long)?", Some(&["a"])),
            ("(?:long){2}", Some(&["long"])),
            ("[a-z]+|word", None),
            ("^$", None),
        ] {
            let needs = needs.map(|words| words.iter().map(|word| (*word).to_owned()).collect());
            assert_eq!(words(pattern), needs, "{pattern}");
        }
    }

    #[test]
    fn places_come_in_the_order_of_lines() {
        let sieve = Sieve::new(["short", "longer word", "another"]).unwrap();
        let text = b"a\nlonger word\nshort, another\nshort\n\nanother";
        let mut places = sieve.places(text);
        let (mut begin, mut lines) = (0, Vec::new());
        while let Some(at) = places.next(begin) {
            let line = &text[at..];
            let end = memchr::memchr(b'\n', line).unwrap_or(line.len());
            lines.push(String::from_utf8(line[..end].to_vec()).unwrap());
            begin = (at + end + 1).min(text.len());
        }
        assert_eq!(lines, ["longer word", "short, another", "short", "another"]);
    }
}
