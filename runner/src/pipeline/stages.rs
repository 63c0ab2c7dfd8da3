//! How long each stage took, and each step of the compile.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use buildpack_core::event::{Event, EventSink, StepState};

/// Times of stages, in the order in which they ended.
pub(super) struct Stages<'a> {
    events: &'a dyn EventSink,
    done: Mutex<Vec<(&'static str, Duration)>>,
    steps: Mutex<Vec<(String, Duration)>>,
}

/// Passes events on, and takes the time of steps.
pub(super) struct StepClock<'a> {
    stages: &'a Stages<'a>,
    begin: Mutex<Option<Instant>>,
}

impl EventSink for StepClock<'_> {
    fn emit(&self, event: Event) {
        if let Event::Step { step, state, .. } = &event {
            let mut begin = self.begin.lock().unwrap_or_else(PoisonError::into_inner);
            match state {
                StepState::Started => *begin = Some(Instant::now()),
                StepState::Finished => {
                    let took = begin.take().map(|begin| begin.elapsed());
                    let mut steps = self.stages.steps();
                    steps.extend(took.map(|took| (step.clone(), took)));
                }
                StepState::Skipped | StepState::Due => {}
            }
        }
        self.stages.events.emit(event);
    }
}

impl<'a> Stages<'a> {
    /// None yet.
    pub(super) fn new(events: &'a dyn EventSink) -> Self {
        Self {
            events,
            done: Mutex::default(),
            steps: Mutex::default(),
        }
    }

    /// A sink for the events of a compile.
    pub(super) fn clock(&self) -> StepClock<'_> {
        StepClock {
            stages: self,
            begin: Mutex::default(),
        }
    }

    /// The steps that ended well.
    pub(super) fn step_times(&self) -> Vec<(String, Duration)> {
        self.steps().clone()
    }

    fn steps(&self) -> MutexGuard<'_, Vec<(String, Duration)>> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
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
