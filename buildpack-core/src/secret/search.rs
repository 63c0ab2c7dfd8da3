//! Many byte strings looked for at once, faster than memory is filled.
//!
//! No string is shorter than some `n` bytes, so that wherever one stands, one of every `n - 3` places of the text has four
//! bytes of its beginning. Only these places are looked at, and nearly all are ruled out by one bit of a table that stays in
//! the processor's nearest cache. What is left is compared.

use std::collections::HashMap;
use std::ops::{ControlFlow, Range};

/// Bytes that are looked at in one place.
const GRAM: usize = 4;

/// Places are found again within the first bytes of a string; longer steps gain nothing.
const LONGEST_STEP: usize = 12;

/// The table has two to this power bits: 16 KiB.
const BITS: u32 = 17;

/// Where one of the strings stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Its bytes.
    pub place: Range<usize>,
    /// What it was given with.
    pub owner: usize,
}

/// A search for byte strings.
#[derive(Clone)]
pub struct Search {
    patterns: Vec<(Vec<u8>, usize)>,
    step: usize,
    table: Vec<u64>,
    /// By four bytes of a string's beginning: which string, and how far from its start they stand.
    grams: HashMap<u32, Vec<(usize, usize)>>,
    longest: usize,
}

impl Search {
    /// A search for these strings, each with a number of whoever it belongs to. Those of fewer than four bytes are left out;
    /// none where nothing is left.
    pub fn new(patterns: impl IntoIterator<Item = (Vec<u8>, usize)>) -> Option<Self> {
        let patterns: Vec<_> = (patterns.into_iter())
            .filter(|(pattern, _)| pattern.len() >= GRAM)
            .collect();
        let lengths = || patterns.iter().map(|(pattern, _)| pattern.len());
        let (shortest, longest) = (lengths().min()?, lengths().max()?);
        let step = (shortest - GRAM + 1).min(LONGEST_STEP);
        let mut table = vec![0; 1 << (BITS - 6)];
        let mut grams: HashMap<u32, Vec<(usize, usize)>> = HashMap::new();
        for (number, (pattern, _)) in patterns.iter().enumerate() {
            for (offset, bytes) in pattern.windows(GRAM).take(step).enumerate() {
                let gram = gram_of(bytes);
                let (word, bit) = slot(gram);
                table[word] |= bit;
                grams.entry(gram).or_default().push((number, offset));
            }
        }
        Some(Self {
            patterns,
            step,
            table,
            grams,
            longest,
        })
    }

    /// Bytes of the longest string.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// Whether any of the strings is in `text`.
    pub fn is_match(&self, text: &[u8]) -> bool {
        let mut found = false;
        self.each(text, |_| {
            found = true;
            ControlFlow::Break(())
        });
        found
    }

    /// Gives every place at which a string stands to `hit`, also where they overlap, roughly in order, until that says that it
    /// is enough.
    pub fn each(&self, text: &[u8], mut hit: impl FnMut(Hit) -> ControlFlow<()>) {
        let mut at = 0;
        while let Some(bytes) = text.get(at..at + GRAM) {
            let gram = gram_of(bytes);
            let (word, bit) = slot(gram);
            if self.table[word] & bit != 0
                && let Some(candidates) = self.grams.get(&gram)
            {
                for &(number, offset) in candidates {
                    let (pattern, owner) = &self.patterns[number];
                    let Some(start) = at.checked_sub(offset) else {
                        continue;
                    };
                    if !text[start..].starts_with(pattern) {
                        continue;
                    }
                    let place = start..start + pattern.len();
                    let owner = *owner;
                    if hit(Hit { place, owner }).is_break() {
                        return;
                    }
                }
            }
            at += self.step;
        }
    }
}

fn gram_of(bytes: &[u8]) -> u32 {
    bytes
        .first_chunk()
        .map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

/// The word of the table and the bit in it.
fn slot(gram: u32) -> (usize, u64) {
    let hash = gram.wrapping_mul(0x9e37_79b1) >> (32 - BITS);
    ((hash >> 6) as usize, 1 << (hash & 63))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(search: &Search, text: &[u8]) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        search.each(text, |hit| {
            found.push((hit.place.start, hit.owner));
            ControlFlow::Continue(())
        });
        found.sort_unstable();
        found
    }

    #[test]
    fn nothing_to_look_for_is_no_search() {
        assert!(Search::new([]).is_none());
        assert!(Search::new([(b"abc".to_vec(), 0)]).is_none());
    }

    proptest! {
        #[test]
        fn every_place_is_found_once_and_nothing_else(
            patterns in prop::collection::vec("[ab]{4,20}", 1..5),
            text in "[ab]{0,200}",
        ) {
            let given = patterns.iter().enumerate();
            let search = Search::new(given.map(|(at, pattern)| (pattern.clone().into_bytes(), at))).unwrap();
            let mut expected = Vec::new();
            for (owner, pattern) in patterns.iter().enumerate() {
                let starts = (0..text.len()).filter(|at| text[*at..].starts_with(pattern.as_str()));
                expected.extend(starts.map(|start| (start, owner)));
            }
            expected.sort_unstable();
            prop_assert_eq!(search.is_match(text.as_bytes()), !expected.is_empty());
            prop_assert_eq!(all(&search, text.as_bytes()), expected);
        }
    }
}
