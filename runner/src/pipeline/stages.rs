//! How long each stage took.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use buildpack_core::event::{Event, EventSink};

/// Times of stages, in the order in which they ended.
pub(super) struct Stages<'a> {
    events: &'a dyn EventSink,
    done: Mutex<Vec<(&'static str, Duration)>>,
}

impl<'a> Stages<'a> {
    /// None yet.
    pub(super) fn new(events: &'a dyn EventSink) -> Self {
        Self {
            events,
            done: Mutex::default(),
        }
    }

    /// Runs `work` as the stage called `stage`.
    pub(super) fn run<T>(&self, stage: &'static str, work: impl FnOnce() -> T) -> T {
        self.events.emit(Event::StageStarted { stage });
        let begin = Instant::now();
        let value = work();
        let took = begin.elapsed();
        self.events.emit(Event::StageFinished {
            stage,
            millis: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        });
        self.done
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((stage, took));
        value
    }

    /// The stages that ended.
    pub(super) fn times(self) -> Vec<(&'static str, Duration)> {
        self.done
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
