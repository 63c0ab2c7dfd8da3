//! Lines that wait for the next one, as a value may stand across both; and a writer that holds them so.

use std::io::{self, Write};
use std::ops::Range;

use super::Redactor;

/// A line longer than this is passed on in pieces.
const LONGEST_LINE: usize = 64 << 10;

/// Lines that were not given out yet, as they are.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// All of them, without line ends.
    text: String,
    /// Where lines end.
    ends: Vec<usize>,
}

impl Held {
    /// Takes a line, or a piece of one whose rest is to come, and gives the lines that can be shown by now, without secret
    /// values. The last may be a piece, too.
    pub(super) fn take(&mut self, redactor: &Redactor, piece: &str, ends: bool) -> Vec<String> {
        self.text.push_str(piece);
        let settled = if ends {
            self.ends.push(self.text.len());
            match self.begins_at(redactor) {
                Some(at) => self.start_of_line(at),
                None => self.text.len(),
            }
        } else {
            redactor.safe_length(&self.text)
        };
        self.give(redactor, settled, !ends)
    }

    /// All that is left, as nothing more comes.
    pub(super) fn rest(&mut self, redactor: &Redactor) -> Vec<String> {
        if self.ends.last() != Some(&self.text.len()) && !self.text.is_empty() {
            self.ends.push(self.text.len());
        }
        self.give(redactor, self.text.len(), false)
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty() && self.ends.is_empty()
    }

    /// Where a value begins that is cut. What ends a whole one begins none.
    fn begins_at(&self, redactor: &Redactor) -> Option<usize> {
        let at = redactor.begins_at(&self.text)?;
        let places = redactor.places(&self.text);
        let within = |(place, _): &(Range<usize>, &str)| place.start < at && at < place.end;
        (!places.iter().any(within)).then_some(at)
    }

    fn start_of_line(&self, at: usize) -> usize {
        let before = self.ends.iter().rev().find(|end| **end <= at);
        before.copied().unwrap_or(0)
    }

    /// Gives out what stands before `settled`; a value is never cut. With `pieces`, a line may be given out in part.
    fn give(&mut self, redactor: &Redactor, settled: usize, pieces: bool) -> Vec<String> {
        let places = redactor.places(&self.text);
        let cut = places.iter().find(|(place, _)| place.end > settled);
        let settled = cut.map_or(settled, |(place, _)| place.start.min(settled));
        let settled = if pieces {
            settled
        } else {
            self.start_of_line(settled)
        };
        let mut lines = Vec::new();
        let mut start = 0;
        let ended = self.ends.iter().copied().take_while(|end| *end <= settled);
        let ended: Vec<usize> = ended.collect();
        let count = ended.len();
        let last = pieces && ended.last().copied().unwrap_or(0) < settled;
        for end in ended.into_iter().chain(last.then_some(settled)) {
            let mut line = String::with_capacity(end - start);
            let mut at = start;
            for (place, mask) in &places {
                if place.end <= start || place.start >= end {
                    continue;
                }
                if place.start >= at {
                    line.push_str(&self.text[at..place.start]);
                    line.push_str(mask);
                }
                at = place.end.min(end);
            }
            line.push_str(&self.text[at..end]);
            lines.push(line);
            start = end;
        }
        self.text.drain(..start);
        self.ends.drain(..count);
        for end in &mut self.ends {
            *end -= start;
        }
        lines
    }
}

impl Redactor {
    /// A writer in front of `to` that passes whole lines on, redacted.
    pub fn writer<W: Write>(&self, to: W) -> RedactingWriter<'_, W> {
        RedactingWriter {
            redactor: self,
            pending: Vec::new(),
            held: Held::default(),
            to,
        }
    }
}

/// Passes lines on without secret values, however they were split over writes and lines. What stands without a line end is
/// passed on by [`finish`](Self::finish) or when it is dropped. Invalid UTF-8 is replaced.
pub struct RedactingWriter<'r, W: Write> {
    redactor: &'r Redactor,
    pending: Vec<u8>,
    held: Held,
    to: W,
}

impl<W: Write> RedactingWriter<'_, W> {
    /// Passes on what stands without a line end.
    pub fn finish(&mut self) -> io::Result<()> {
        let rest = std::mem::take(&mut self.pending);
        let rest = String::from_utf8_lossy(&rest);
        let mut lines = Vec::new();
        if !rest.is_empty() {
            lines.extend(self.held.take(self.redactor, &rest, true));
        }
        lines.extend(self.held.rest(self.redactor));
        let text = lines.join("\n");
        let end = if rest.is_empty() && !text.is_empty() {
            "\n"
        } else {
            ""
        };
        self.to.write_all(self.redactor.redact(&text).as_bytes())?;
        self.to.write_all(end.as_bytes())?;
        self.to.flush()
    }

    fn line(&mut self, bytes: &[u8], ends: bool) -> io::Result<()> {
        let line = String::from_utf8_lossy(bytes);
        let lines = self.held.take(self.redactor, &line, ends);
        let end = if ends { "\n" } else { "" };
        lines.iter().try_for_each(|line| {
            let line = self.redactor.redact(line);
            self.to.write_all(format!("{line}{end}").as_bytes())
        })
    }
}

impl<W: Write> Write for RedactingWriter<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        let pending = std::mem::take(&mut self.pending);
        let mut rest = &pending[..];
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.line(&rest[..end], true)?;
            rest = &rest[end + 1..];
        }
        if rest.len() > LONGEST_LINE {
            self.line(rest, false)?;
            rest = &[];
        }
        self.pending = rest.to_vec();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

impl<W: Write> Drop for RedactingWriter<'_, W> {
    fn drop(&mut self) {
        // Nobody is left to tell; `finish` is there for who wants to know.
        let _ = self.finish();
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    fn written(redactor: &Redactor, text: &[u8], sizes: &[usize]) -> String {
        let mut out = Vec::new();
        {
            let mut writer = redactor.writer(&mut out);
            let mut rest = text;
            for size in sizes.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, next) = rest.split_at(rest.len().min(*size));
                writer.write_all(piece).unwrap();
                writer.flush().unwrap();
                rest = next;
            }
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_waits_only_where_a_value_may_have_begun() {
        let redactor = Redactor::new([("TOKEN", "s3cr3t-value")]);
        let mut held = Held::default();
        assert_eq!(held.take(&redactor, "plain", true), ["plain"]);
        assert!(held.take(&redactor, "a s3cr3t", true).is_empty());
        assert!(!held.is_empty());
        assert_eq!(held.take(&redactor, "b", true), ["a s3cr3t", "b"]);
        assert!(held.take(&redactor, "a s3cr3t", true).is_empty());
        assert_eq!(held.rest(&redactor), ["a s3cr3t"]);
        assert!(held.is_empty());
    }

    #[test]
    fn nothing_but_values_is_changed() {
        let redactor = Redactor::new([("TOKEN", "s3cr3t-value")]);
        for text in ["", "\n", "a\n\nb\n", "s3cr3t\n", "s3cr", "a\ns3cr3t\n\n"] {
            assert_eq!(written(&redactor, text.as_bytes(), &[3]), text, "{text:?}");
        }
    }

    /// How a program may have written a value down.
    fn form(kind: usize, value: &str, before: &str) -> String {
        match kind {
            0 => value.to_owned(),
            1 => STANDARD.encode(format!("{before}{value}")),
            2 => serde_json::to_string(value).unwrap(),
            _ => reqwest::Url::parse_with_params("http://h/", [("v", value)])
                .unwrap()
                .to_string(),
        }
    }

    proptest! {
        #[test]
        fn no_chunking_of_any_output_shows_a_value(
            value in "[ -~]{12,40}",
            before in "[a-z]{0,7}",
            after in "[a-z\\n]{0,7}",
            kind in 0_usize..4,
            width in 8_usize..100,
            first in 1_usize..100,
            sizes in prop::collection::vec(1_usize..20, 1..5),
        ) {
            let value = value.trim().replace(' ', "-");
            prop_assume!(value.len() >= 12);
            let redactor = Redactor::new([("SECRET", value.as_str())]);
            let form = form(kind, &value, &before);
            // Folded at a width, as mail and terminals do it.
            let mut folded = before.clone();
            for (at, c) in form.chars().enumerate() {
                if at >= first && (at - first) % width == 0 {
                    folded.push('\n');
                }
                folded.push(c);
            }
            let text = format!("{folded}{after}");
            let shown = written(&redactor, text.as_bytes(), &sizes).replace('\n', "");
            let plain = form.replace(&value[..0], "");
            prop_assert!(!shown.contains(&value), "{shown}");
            prop_assert!(!shown.contains(&plain), "{shown}");
            prop_assert!(shown.contains("[SECRET]"), "{shown}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn endless_lines_pass_in_pieces_without_the_value(at in 65_000_usize..66_000) {
            let redactor = Redactor::new([("TOKEN", "s3cr3t-value")]);
            let text = format!("{}s3cr3t-value{}", "x".repeat(at), "y".repeat(70_000));
            let out = written(&redactor, text.as_bytes(), &[1000]);
            prop_assert!(out.contains("[TOKEN]") && !out.contains("s3cr3t"));
            prop_assert_eq!(out.len(), at + "[TOKEN]".len() + 70_000);
        }
    }
}
