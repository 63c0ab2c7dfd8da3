//! What scripts of packs print: what is meant for us stands behind marks, the rest is for people.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::compile::TAIL;
use crate::causes::Finder;
use crate::clean::Lines;
use crate::event::{EventSink, Stream};

/// What was printed behind a mark, as base64 in lines.
#[derive(Debug)]
pub(super) struct Marked {
    mark: &'static str,
    word: String,
}

/// Most of it that is kept; no environment that a program can be started with is as large.
const MOST: usize = 4 << 20;

impl Marked {
    /// Nothing yet.
    pub(super) fn new(mark: &'static str) -> Self {
        Self {
            mark,
            word: String::new(),
        }
    }

    /// Takes what is behind the mark of a line. What is left is what else was printed: none where that is nothing.
    pub(super) fn take<'l>(&mut self, line: &'l str) -> Option<&'l str> {
        let Some(at) = line.find(self.mark) else {
            return Some(line);
        };
        if self.word.len() < MOST {
            self.word.push_str(line[at + self.mark.len()..].trim());
        }
        Some(&line[..at]).filter(|before| !before.is_empty())
    }

    /// The bytes; none where nothing had the mark, or it was no base64.
    pub(super) fn bytes(&self) -> Option<Vec<u8>> {
        let word = Some(&self.word).filter(|word| !word.is_empty());
        word.and_then(|word| STANDARD.decode(word).ok())
    }
}

/// The last lines that were printed.
#[derive(Debug, Default)]
pub(super) struct Said(VecDeque<String>);

impl Said {
    /// Adds a line.
    pub(super) fn line(&mut self, line: &str) {
        let tail = &mut self.0;
        let oldest = (tail.len() == TAIL).then(|| tail.pop_front()).flatten();
        let mut kept = oldest.unwrap_or_default();
        kept.clear();
        // One that was long is no reason to hold much memory for ever.
        kept.shrink_to(line.len().max(1024));
        kept.push_str(line);
        tail.push_back(kept);
    }

    /// Adds lines.
    pub(super) fn lines(&mut self, lines: &str) {
        let last = lines.rmatch_indices('\n').nth(TAIL - 1);
        let last = &lines[last.map_or(0, |(end, _)| end + 1)..];
        last.split('\n').for_each(|line| self.line(line));
    }

    /// Whether nothing was printed.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The lines.
    pub(super) fn all(self) -> Vec<String> {
        self.0.into()
    }
}

/// What is kept of a program that is at work, of which all is told.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// The last lines.
    pub(super) tail: Said,
    /// What they may mean.
    pub(super) finder: Finder,
    lines: u64,
}

impl Heard {
    /// Takes lines of this step's program in, and tells of them.
    pub(super) fn lines(
        &mut self,
        events: &dyn EventSink,
        step: &str,
        stream: Option<Stream>,
        text: &str,
    ) {
        let lines = Lines::new(text);
        self.tail.lines(text);
        let before = events.lines().unwrap_or(self.lines);
        self.finder.lines(before + 1, &lines);
        self.lines += u64::try_from(lines.count()).unwrap_or(u64::MAX);
        events.output(step, stream, &lines);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_marked_is_told_from_what_stands_before_it() {
        let mut marked = Marked::new("mark ");
        assert_eq!(marked.take("words"), Some("words"));
        assert_eq!(marked.bytes(), None);
        assert_eq!(marked.take("no line end mark YWJj"), Some("no line end "));
        assert_eq!(marked.take("mark ZGVm"), None);
        assert_eq!(marked.bytes().as_deref(), Some(&b"abcdef"[..]));
    }

    #[test]
    fn the_last_lines_are_kept_however_many_come_together() {
        for together in [1, 7, TAIL, TAIL + 1, 3 * TAIL] {
            let all: Vec<String> = (0..2 * TAIL).map(|number| number.to_string()).collect();
            let mut said = Said::default();
            for some in all.chunks(together) {
                said.lines(&some.join("\n"));
            }
            assert_eq!(said.all(), all[TAIL..]);
        }
    }

    #[test]
    fn output_without_end_is_kept_in_part() {
        let (mut marked, mut said) = (Marked::new("mark "), Said::default());
        let line = "mark ".to_owned() + &"A".repeat(60_000);
        for number in 0..1000 {
            marked.take(&line);
            said.line(&number.to_string());
        }
        assert!(marked.word.len() < MOST + line.len());
        let lines = said.all();
        assert_eq!((lines.len(), lines[TAIL - 1].as_str()), (TAIL, "999"));
    }
}
