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

    /// Whether there is a terminal on which bars are drawn.
    pub(super) fn is_drawn(&self) -> bool {
        self.bars.is_some()
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
            .or_insert_with(|| bar(screen, what, total));
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

/// A new bar on `screen`; the line is made for 80 columns.
fn bar(screen: &MultiProgress, what: &str, total: Option<u64>) -> ProgressBar {
    let template = match total {
        Some(_) => {
            "       {msg:22!} {bar:8} {bytes:>10} / {total_bytes:10} {bytes_per_sec:>11} {eta:>3}"
        }
        None => "       {msg:22!} {spinner} {bytes:>10} {bytes_per_sec:>12} {elapsed:>4}",
    };
    // Nothing is drawn before the bar has its place among the others: it would stay there for good.
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    // What stands for Docker's own registry says nothing and takes ten columns.
    bar.set_message(what.replace("docker.io/", ""));
    let bar = screen.add(bar);
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}
