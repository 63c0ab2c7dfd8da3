//! Progress on a terminal: what moves, bytes, speed, time.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Bars by what moves; none where there is no terminal.
pub(super) struct Progress {
    bars: Option<(MultiProgress, Mutex<BTreeMap<String, ProgressBar>>)>,
}

impl Progress {
    pub(super) fn new(terminal: bool) -> Self {
        Self {
            bars: terminal.then(|| {
                let target = ProgressDrawTarget::stderr_with_hz(8);
                (MultiProgress::with_draw_target(target), Mutex::default())
            }),
        }
    }

    pub(super) fn show(&self, what: &str, done: u64, total: Option<u64>, finished: bool) {
        let Some((screen, bars)) = &self.bars else {
            return;
        };
        let mut bars = bars.lock().unwrap_or_else(PoisonError::into_inner);
        if finished {
            if let Some(bar) = bars.remove(what) {
                bar.finish_and_clear();
            }
            return;
        }
        let bar = bars
            .entry(what.to_owned())
            .or_insert_with(|| screen.add(bar(what, total)));
        if let Some(total) = total {
            bar.set_length(total);
        }
        bar.set_position(done);
    }

    /// Writes lines while the bars are out of the way.
    pub(super) fn aside(&self, write: impl FnOnce()) {
        match &self.bars {
            Some((screen, _)) => screen.suspend(write),
            None => write(),
        }
    }
}

fn bar(what: &str, total: Option<u64>) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => (
            ProgressBar::new(total),
            "       {msg:24!} {bar:24} {bytes:>10} of {total_bytes:10} {bytes_per_sec:>12} {eta:>4}",
        ),
        None => (
            ProgressBar::new_spinner(),
            "       {msg:24!} {spinner} {bytes:>10} {bytes_per_sec:>12} {elapsed:>4}",
        ),
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}
