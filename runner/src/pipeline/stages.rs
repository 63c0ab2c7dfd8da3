//! How long each stage took, and each step of the compile.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use buildpack_core::clean::Lines;
use buildpack_core::event::{Event, EventSink, StepState, Stream};

use super::failure::Failure;

/// Times of stages, in the order in which they ended.
pub(super) struct Stages<'a> {
    events: &'a dyn EventSink,
    done: Mutex<Vec<(&'static str, Duration)>>,
    steps: Mutex<Vec<StepEnd>>,
}

/// How a step of a compile ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepEnd {
    /// Its id.
    pub step: String,
    /// How: [`Skipped`](StepState::Skipped), [`Finished`](StepState::Finished) or [`Failed`](StepState::Failed).
    pub state: StepState,
    /// How long it took; none where it was left out.
    pub took: Option<Duration>,
    /// The exit code of its program, where it failed with one.
    pub exit: Option<u8>,
    /// The signal that ended its program, where one did.
    pub signal: Option<i32>,
}

/// Passes events on, and takes the time of steps.
pub(super) struct StepClock<'a> {
    stages: &'a Stages<'a>,
    begin: Mutex<Option<Instant>>,
}

impl EventSink for StepClock<'_> {
    fn emit(&self, mut event: Event) {
        if let Event::Step {
            step,
            state,
            millis,
            exit,
            signal,
            ..
        } = &mut event
        {
            let mut begin = self.begin.lock().unwrap_or_else(PoisonError::into_inner);
            match state {
                StepState::Started => *begin = Some(Instant::now()),
                StepState::Finished | StepState::Failed | StepState::Skipped => {
                    let ran = *state != StepState::Skipped;
                    let took = begin.take_if(|_| ran).map(|begin| begin.elapsed());
                    *millis = took.map(in_millis);
                    self.stages.steps().push(StepEnd {
                        step: step.clone(),
                        state: *state,
                        took,
                        exit: *exit,
                        signal: *signal,
                    });
                }
                StepState::Due => {}
            }
        }
        self.stages.events.emit(event);
    }

    fn output(&self, step: &str, stream: Option<Stream>, lines: &Lines<'_>) {
        self.stages.events.output(step, stream, lines);
    }

    fn lines(&self) -> Option<u64> {
        self.stages.events.lines()
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

    /// The steps that ended, in that order.
    pub(super) fn step_ends(&self) -> Vec<StepEnd> {
        self.steps().clone()
    }

    /// The steps that ended well.
    pub(super) fn step_times(&self) -> Vec<(String, Duration)> {
        let ends = self.step_ends().into_iter();
        ends.filter(|end| end.state == StepState::Finished)
            .filter_map(|end| Some((end.step, end.took?)))
            .collect()
    }

    fn steps(&self) -> MutexGuard<'_, Vec<StepEnd>> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` as the stage called `stage`; a failure knows then where it was.
    pub(super) fn run<T>(
        &self,
        stage: &'static str,
        work: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.events.emit(Event::StageStarted { stage });
        let begin = Instant::now();
        let value = work().map_err(|failure| failure.in_stage(stage));
        let took = begin.elapsed();
        self.events.emit(Event::StageFinished {
            stage,
            millis: in_millis(took),
        });
        self.done
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((stage, took));
        value
    }

    /// The stages that ended.
    pub(super) fn times(&self) -> Vec<(&'static str, Duration)> {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.clone()
    }
}

/// Whole milliseconds.
pub(super) fn in_millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
