//! New inputs out of known ones.

use std::collections::BTreeSet;

use proptest::prelude::RngExt as _;
use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

/// Larger inputs say nothing that smaller ones don't, and take longer.
const LARGEST: usize = 64 << 10;

/// What readers stumble over, whatever their language.
const WORDS: [&str; 24] = [
    "\n",
    "\r\n",
    "\r",
    "\u{feff}",
    "\0",
    "\"",
    "'",
    "\"\"\"",
    "\\",
    "#",
    "#{",
    "}",
    "$(",
    "${",
    "\u{e9}",
    "\u{1f600}",
    "\u{a0}",
    "0",
    "-1",
    "18446744073709551616",
    "99999999999999999999999999",
    "1.2.3.4.5.6",
    "~>",
    "<<<<<<< ",
];

/// Makes inputs from seeds; the same ones again from the same number.
pub(super) struct Mutator {
    runner: TestRunner,
    seeds: Vec<Vec<u8>>,
    /// Words of the seeds, and some of our own.
    words: Vec<Vec<u8>>,
}

impl Mutator {
    pub(super) fn new(seeds: Vec<Vec<u8>>, number: u64) -> Self {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&number.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let of_seeds = seeds.iter().flat_map(|seed| words(seed));
        let words: BTreeSet<Vec<u8>> = of_seeds
            .chain(WORDS.iter().map(|word| word.as_bytes().to_vec()))
            .collect();
        Self {
            runner: TestRunner::new_with_rng(proptest::test_runner::Config::default(), rng),
            seeds,
            words: words.into_iter().collect(),
        }
    }

    /// The next input.
    pub(super) fn next(&mut self) -> Vec<u8> {
        if self.seeds.is_empty() || self.below(50) == 0 {
            return self.invent();
        }
        let mut input = self.seed();
        for _ in 0..=self.below(6) {
            self.change(&mut input);
            input.truncate(LARGEST);
        }
        input
    }

    /// A number less than `end`; 0 for 0.
    fn below(&mut self, end: usize) -> usize {
        match end {
            0 => 0,
            _ => self.runner.rng().random_range(0..end),
        }
    }

    fn seed(&mut self) -> Vec<u8> {
        let index = self.below(self.seeds.len());
        self.seeds[index].clone()
    }

    fn word(&mut self) -> Vec<u8> {
        let index = self.below(self.words.len());
        self.words[index].clone()
    }

    /// Any text, or words in any order.
    fn invent(&mut self) -> Vec<u8> {
        if self.below(2) == 0 {
            let text = "(?s:.){0,200}".new_tree(&mut self.runner);
            return text.map_or_else(|_| Vec::new(), |text| text.current().into_bytes());
        }
        let count = self.below(60);
        (0..count).flat_map(|_| self.word()).collect()
    }

    /// Some bytes of an input, mostly few.
    fn stretch(&mut self, input: &[u8]) -> std::ops::Range<usize> {
        let start = self.below(input.len() + 1);
        let most = (input.len() - start).min(if self.below(4) == 0 { LARGEST } else { 12 });
        start..start + self.below(most + 1)
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let stretch = self.stretch(input);
        match self.below(10) {
            0 => {
                if let Some(byte) = input.get_mut(stretch.start) {
                    *byte ^= 1 << self.below(8);
                }
            }
            1 => {
                let byte = self.below(256);
                input.insert(stretch.start, byte.to_le_bytes()[0]);
            }
            2 => input.truncate(stretch.start),
            3 => drop(input.drain(stretch)),
            4 | 5 => {
                let word = self.word();
                let end = if self.below(2) == 0 {
                    stretch.start
                } else {
                    stretch.end
                };
                input.splice(stretch.start..end, word);
            }
            6 => {
                // The rest of another input.
                let other = self.seed();
                let from = self.below(other.len() + 1);
                input.truncate(stretch.start);
                input.extend_from_slice(&other[from..]);
            }
            7 => {
                let piece = input[stretch.clone()].to_vec();
                let to = self.below(input.len() + 1);
                input.splice(to..to, piece);
            }
            8 => {
                let most = if self.below(100) == 0 { 4096 } else { 16 };
                let piece = input[stretch.clone()].repeat(self.below(most));
                input.splice(stretch.end..stretch.end, piece);
            }
            _ => {
                let rest = input.split_off(stretch.end);
                let middle = input.split_off(stretch.start);
                input.extend(rest);
                input.extend(middle);
            }
        }
    }
}

/// The words and signs of a text.
fn words(text: &[u8]) -> Vec<Vec<u8>> {
    let kind = |byte: &u8| {
        (
            byte.is_ascii_alphanumeric() || b"_-.".contains(byte),
            byte.is_ascii_whitespace(),
        )
    };
    text.chunk_by(|one, two| kind(one) == kind(two))
        .filter(|word| word.len() <= 24)
        .map(<[u8]>::to_vec)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_number_makes_the_same_inputs() {
        let inputs = |number| {
            let mut mutator = Mutator::new(vec![b"erlang 27.2\nelixir 1.18\n".to_vec()], number);
            (0..200).map(|_| mutator.next()).collect::<Vec<_>>()
        };
        assert_eq!(inputs(1), inputs(1));
        assert_ne!(inputs(1), inputs(2));
        let different: BTreeSet<_> = inputs(1).into_iter().collect();
        assert!(different.len() > 150, "{}", different.len());
    }

    #[test]
    fn nothing_to_begin_with_is_enough() {
        let mut mutator = Mutator::new(Vec::new(), 3);
        assert!((0..50).any(|_| !mutator.next().is_empty()));
        let mut mutator = Mutator::new(vec![Vec::new()], 3);
        assert!((0..50).any(|_| !mutator.next().is_empty()));
    }
}
