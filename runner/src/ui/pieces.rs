//! What programs print, line by line; long lines come in pieces.

use std::collections::HashMap;
use std::sync::PoisonError;

use buildpack_core::event::{Event, Stream};

use super::{Style, Ui, clean};

/// Longer lines of output come in pieces of this many bytes, without a word that more follows.
pub(super) const PIECE: usize = 64 << 10;

/// Ends of lines that came in pieces, by what printed them: a secret may stand across two.
pub(super) type Pieces = HashMap<(String, Of), String>;

/// What printed a line, besides its step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Of {
    /// A program of the build: its lines are drawn as a part of the log.
    Build(Option<Stream>),
    /// Tests: their lines are shown as they are.
    Tests(Option<Stream>),
}

impl Of {
    /// The event's name, and the stream.
    pub(super) fn parts(self) -> (&'static str, Option<Stream>) {
        match self {
            Self::Build(stream) => ("output", stream),
            Self::Tests(stream) => ("test-output", stream),
        }
    }
}

impl Ui {
    /// A program's line. Of one that came in pieces the end waits for the next: a secret may stand across both.
    pub(super) fn output(&self, of: Of, step: &str, line: &str) {
        // Control sequences may stand within a value: it is looked for in the bare text.
        let bare = clean::line(line, false);
        let mut pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        if line.len() < PIECE && pieces.is_empty() {
            drop(pieces);
            let raw = (self.style == Style::Json).then(|| self.raw(line, &bare));
            return self.draw_line(of, step, &bare, raw.flatten());
        }
        let by = (step.to_owned(), of);
        let mut whole = pieces.remove(&by).unwrap_or_default();
        whole.push_str(&bare);
        if line.len() >= PIECE {
            let end = whole.split_off(self.redactor.safe_length(&whole));
            pieces.insert(by, end);
        }
        drop(pieces);
        self.draw_line(of, step, &whole, None);
    }

    /// A line of tests. Its colours stay where they are shown, unless they stand within what is not.
    pub(super) fn test_output(&self, stream: Option<Stream>, step: &str, line: &str) {
        let of = Of::Tests(stream);
        let coloured = clean::line(line, self.colours());
        let bare = clean::line(line, false);
        let whole = line.len() < PIECE && !self.has_pieces();
        if whole && coloured != bare && !self.redactor.finds_in(&bare) {
            self.draw_line(of, step, &coloured, None);
        } else {
            self.output(of, step, line);
        }
    }

    fn has_pieces(&self) -> bool {
        let pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        !pieces.is_empty()
    }

    /// Draws the ends of lines that came in pieces.
    pub(super) fn finish_pieces(&self) {
        let mut pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = std::mem::take(&mut *pieces);
        drop(pieces);
        let mut ends: Vec<_> = (ends.into_iter())
            .filter(|(_, end)| !end.is_empty())
            .collect();
        ends.sort();
        for ((step, of), line) in ends {
            self.draw_line(of, &step, &line, None);
        }
    }

    fn draw_line(&self, of: Of, step: &str, line: &str, raw: Option<&str>) {
        match (self.style, of) {
            (Style::Json, _) => self.output_event(of, step, line, raw),
            (Style::Text, Of::Build(_)) => self.output_line(line),
            (Style::Text, Of::Tests(_)) => {
                self.write_soon(&[&self.redactor.redact(line), "\n"]);
            }
        }
    }

    /// The lines of an event, where it is one of output.
    pub(super) fn printed(&self, event: &Event) {
        match event {
            Event::Output { step, stream, line } => self.output(Of::Build(*stream), step, line),
            Event::TestOutput { step, stream, line } => self.test_output(*stream, step, line),
            _ => {}
        }
    }
}
