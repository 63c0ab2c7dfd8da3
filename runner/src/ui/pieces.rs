//! What programs print, line by line; long lines come in pieces.

use std::sync::PoisonError;

use buildpack_core::event::Event;

use super::{Ui, clean};

/// Longer lines of output come in pieces of this many bytes, without a word that more follows.
pub(super) const PIECE: usize = 64 << 10;

/// Makes the event of a line that a step's program printed.
pub(super) type LineEvent = fn(String, String) -> Event;

pub(super) fn log_line(step: String, line: String) -> Event {
    Event::Output { step, line }
}

fn test_line(step: String, line: String) -> Event {
    Event::TestOutput { step, line }
}

impl Ui {
    /// A program's line. Of one that came in pieces the end waits for the next: a secret may stand across both.
    pub(super) fn output(&self, step: String, line: &str, event: LineEvent) {
        // Control sequences may stand within a value: it is looked for in the bare text.
        let bare = clean::line(line, false);
        let mut pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        let before = pieces.remove(&step).map(|(_, before)| before);
        let mut whole = before.unwrap_or_default();
        whole.push_str(&bare);
        if line.len() >= PIECE {
            let end = whole.split_off(self.redactor.safe_length(&whole));
            pieces.insert(step.clone(), (event, end));
        }
        drop(pieces);
        self.draw(&event(step, whole));
    }

    /// A line of tests. Its colours stay where they are shown, unless they stand within what is not.
    pub(super) fn test_output(&self, step: String, line: &str) {
        let coloured = clean::line(line, self.colours());
        let bare = clean::line(line, false);
        let whole = line.len() < PIECE && !self.has_piece(&step);
        if whole && coloured != bare && !self.redactor.finds_in(&bare) {
            self.draw(&test_line(step, coloured.into_owned()));
        } else {
            self.output(step, line, test_line);
        }
    }

    fn has_piece(&self, step: &str) -> bool {
        let pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        pieces.contains_key(step)
    }

    /// Draws the ends of lines that came in pieces.
    pub(super) fn finish_pieces(&self) {
        let mut pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ends: Vec<_> = (pieces.drain())
            .filter(|(_, (_, end))| !end.is_empty())
            .collect();
        drop(pieces);
        ends.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (step, (event, line)) in ends {
            self.draw(&event(step, line));
        }
    }
}
