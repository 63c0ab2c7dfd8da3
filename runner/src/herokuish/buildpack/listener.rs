//! Hears which pack took the app.

use std::sync::{Arc, Mutex, PoisonError};

use buildpack_core::clean::Lines;
use buildpack_core::event::{Event, EventSink, Stream};

use crate::ui::Ui;

/// What stands behind a pack's name when it is said that it applies.
const DETECTED: &str = " app detected";

/// Passes events on, and remembers the pack that was detected last.
#[derive(Clone)]
pub(super) struct Listener {
    ui: Ui,
    name: Arc<Mutex<String>>,
}

impl Listener {
    pub(super) fn new(ui: Ui) -> Self {
        Self {
            ui,
            name: Arc::default(),
        }
    }

    /// The name of the last pack, empty before one was detected.
    pub(super) fn name(&self) -> String {
        let name = self.name.lock().unwrap_or_else(PoisonError::into_inner);
        name.clone()
    }
}

impl EventSink for Listener {
    fn emit(&self, event: Event) {
        if let Event::Heading { text } = &event
            && let Some(name) = text.strip_suffix(DETECTED)
        {
            name.clone_into(&mut self.name.lock().unwrap_or_else(PoisonError::into_inner));
        }
        self.ui.emit(event);
    }

    fn output(&self, step: &str, stream: Option<Stream>, lines: &Lines<'_>) {
        self.ui.output(step, stream, lines);
    }

    fn lines(&self) -> Option<u64> {
        self.ui.lines()
    }
}
