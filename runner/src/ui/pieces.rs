//! What programs print, line by line; long lines come in pieces.

use std::collections::HashMap;
use std::sync::PoisonError;

use buildpack_core::event::{Event, Stream};

use super::held::Held;
use super::{Style, Ui, clean};

/// Longer lines of output come in pieces of this many bytes, without a word that more follows.
pub(super) const PIECE: usize = 64 << 10;

/// Lines that wait for the next, by what printed them: a secret may stand across two.
pub(super) type Pieces = HashMap<(String, Of), Held>;

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
    /// A program's line. Of one that came in pieces the end waits for the next, and so does a line whose end may be the
    /// beginning of a secret: it may stand across both.
    pub(super) fn program_line(&self, of: Of, step: &str, line: &str) {
        // Control sequences may stand within a value: it is looked for in the bare text.
        let bare = clean::line(line, false);
        let mut pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        let may_end = line.len() < PIECE && self.redactor.begins_at(&bare).is_none();
        if may_end && pieces.is_empty() {
            drop(pieces);
            let raw = (self.style == Style::Json).then(|| self.raw(line, &bare));
            return self.draw_line(of, step, &bare, raw.flatten());
        }
        let by = (step.to_owned(), of);
        let mut held = pieces.remove(&by).unwrap_or_default();
        let lines = held.take(&self.redactor, &bare, line.len() < PIECE);
        if !held.is_empty() {
            pieces.insert(by, held);
        }
        drop(pieces);
        for line in lines {
            self.draw_line(of, step, &line, None);
        }
    }

    /// A line of tests. Its colours stay where they are shown, unless they stand within what is not.
    pub(super) fn test_output(&self, stream: Option<Stream>, step: &str, line: &str) {
        let of = Of::Tests(stream);
        let coloured = clean::line(line, self.colours());
        let bare = clean::line(line, false);
        let whole = line.len() < PIECE && !self.has_pieces();
        let secret = || self.redactor.finds_in(&bare) || self.redactor.begins_at(&bare).is_some();
        if whole && coloured != bare && !secret() {
            self.draw_line(of, step, &coloured, None);
        } else {
            self.program_line(of, step, line);
        }
    }

    pub(super) fn has_pieces(&self) -> bool {
        let pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        !pieces.is_empty()
    }

    /// Draws the lines that waited.
    pub(super) fn finish_pieces(&self) {
        let mut pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = std::mem::take(&mut *pieces);
        drop(pieces);
        let mut ends: Vec<_> = ends.into_iter().collect();
        ends.sort_by(|(one, _), (other, _)| one.cmp(other));
        for ((step, of), mut held) in ends {
            for line in held.rest(&self.redactor) {
                self.draw_line(of, &step, &line, None);
            }
        }
    }

    fn draw_line(&self, of: Of, step: &str, line: &str, raw: Option<&str>) {
        match (self.style, of) {
            (Style::Json, _) => self.output_event(of, step, line, raw),
            (Style::Text, Of::Build(_)) => self.output_line(line),
            (Style::Text, Of::Tests(_)) => {
                self.write_soon(&(self.redactor.redact(line).into_owned() + "\n"));
            }
        }
    }

    /// The lines of an event, where it is one of output.
    pub(super) fn printed(&self, event: &Event) {
        match event {
            Event::Output { step, stream, line } => {
                self.program_line(Of::Build(*stream), step, line);
            }
            Event::TestOutput { step, stream, line } => self.test_output(*stream, step, line),
            _ => {}
        }
    }
}
