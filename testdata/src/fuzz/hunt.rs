//! A search for inputs that make a reader panic, without help of the compiler.

use std::cell::RefCell;
use std::panic::{catch_unwind, set_hook, take_hook};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use super::mutate::Mutator;

/// No reader takes a hundredth of this for an input of the size that is tried.
const LONGEST: Duration = Duration::from_secs(10);

/// A reader that goes over its input once takes a tenth of this for the largest.
const SLOW: Duration = Duration::from_millis(250);

/// A search.
#[derive(Debug, Clone, Copy)]
pub struct Hunt {
    /// The reader.
    pub run: fn(&[u8]),
    /// How long to search.
    pub time: Duration,
    /// What the inputs follow from, besides the seeds.
    pub number: u64,
}

/// What came of a search.
#[derive(Debug)]
pub struct Hunted {
    /// Inputs tried.
    pub runs: u64,
    /// The longest that an input took, and its size.
    pub slowest: (Duration, usize),
    /// What failed.
    pub crash: Option<Crash>,
}

/// An input that a reader does wrong with.
#[derive(Debug)]
pub struct Crash {
    /// What the panic says, and where; or that it took long, or had no end.
    pub message: String,
    /// The input, as small as it could be made.
    pub input: Vec<u8>,
}

/// What the searching thread is at.
#[derive(Default)]
struct Progress {
    runs: AtomicU64,
    input: Mutex<Vec<u8>>,
}

impl Hunt {
    /// Tries the seeds, then what can be made of them, until time is up or one fails.
    pub fn search(self, seeds: Vec<Vec<u8>>) -> Hunted {
        let progress = Arc::new(Progress::default());
        let (done, end) = channel();
        let searching = Arc::clone(&progress);
        // A reader without an end cannot be stopped: its thread is left alone.
        std::thread::spawn(move || done.send(self.work(seeds, &searching)));
        let mut seen = 0;
        loop {
            match end.recv_timeout(LONGEST) {
                Ok(hunted) => return hunted,
                Err(RecvTimeoutError::Timeout) if seen != progress.runs.load(Ordering::Relaxed) => {
                    seen = progress.runs.load(Ordering::Relaxed);
                }
                Err(reason) => return progress.stuck(reason),
            }
        }
    }

    fn work(self, seeds: Vec<Vec<u8>>, progress: &Progress) -> Hunted {
        let start = Instant::now();
        let mut mutator = Mutator::new(seeds.clone(), self.number);
        let mut first = seeds.into_iter();
        let mut slowest = (Duration::ZERO, 0);
        let mut crash = None;
        while crash.is_none() && start.elapsed() < self.time {
            let input = first.next().unwrap_or_else(|| mutator.next());
            let size = input.len();
            let begun = Instant::now();
            let panicked = self.attempt(&input, progress);
            let took = begun.elapsed();
            slowest = slowest.max((took, size));
            crash = match panicked {
                Some(message) => Some(self.smallest(input, message, progress)),
                None if took > SLOW => self.slow(input, progress),
                None => None,
            };
        }
        Hunted {
            runs: progress.runs.load(Ordering::Relaxed),
            slowest,
            crash,
        }
    }

    /// What the reader panics with, if it does.
    fn attempt(self, input: &[u8], progress: &Progress) -> Option<String> {
        progress.begin(input);
        record_panics();
        SAID.with_borrow_mut(|said| *said = Some(String::new()));
        let panicked = catch_unwind(|| (self.run)(input)).is_err();
        let said = SAID.take().unwrap_or_default();
        panicked.then_some(said)
    }

    /// The input that took long, if it does so whenever it is tried: else another program was to blame.
    fn slow(self, input: Vec<u8>, progress: &Progress) -> Option<Crash> {
        let mut least = Duration::MAX;
        for _ in 0..8 {
            let begun = Instant::now();
            self.attempt(&input, progress);
            least = least.min(begun.elapsed());
            if least <= SLOW {
                return None;
            }
        }
        let message = format!("{} ms for {} bytes", least.as_millis(), input.len());
        Some(Crash { message, input })
    }

    /// The crash with all taken away that it does not need.
    fn smallest(self, mut input: Vec<u8>, mut message: String, progress: &Progress) -> Crash {
        let mut piece = input.len().next_power_of_two();
        while piece > 0 {
            let mut at = 0;
            while at < input.len() {
                let mut less = input.clone();
                less.drain(at..(at + piece).min(input.len()));
                match self.attempt(&less, progress) {
                    // Another panic at the same place is as good: messages hold numbers that change.
                    Some(said) if place(&said) == place(&message) => {
                        input = less;
                        message = said;
                    }
                    _ => at += piece,
                }
            }
            piece /= 2;
        }
        Crash { message, input }
    }
}

impl Progress {
    fn begin(&self, input: &[u8]) {
        let mut current = self.input.lock().unwrap_or_else(PoisonError::into_inner);
        current.clear();
        current.extend_from_slice(input);
        self.runs.fetch_add(1, Ordering::Relaxed);
    }

    fn stuck(&self, reason: RecvTimeoutError) -> Hunted {
        let input = self.input.lock().unwrap_or_else(PoisonError::into_inner);
        let message = match reason {
            RecvTimeoutError::Timeout => format!("no end after {} s", LONGEST.as_secs()),
            RecvTimeoutError::Disconnected => "the search itself failed".to_owned(),
        };
        Hunted {
            runs: self.runs.load(Ordering::Relaxed),
            slowest: (LONGEST, input.len()),
            crash: Some(Crash {
                message,
                input: input.clone(),
            }),
        }
    }
}

thread_local! {
    /// What the last panic of this thread said; none where no reader is being tried.
    static SAID: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Has the panics of readers that are tried kept instead of printed.
fn record_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |info| {
            let kept = SAID.try_with(|said| {
                let mut said = said.borrow_mut();
                said.as_mut().map(|said| *said = info.to_string()).is_some()
            });
            if !kept.unwrap_or_default() {
                usual(info);
            }
        }));
    });
}

/// The line of a panic's text that names file, line and column.
fn place(message: &str) -> &str {
    message.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(run: fn(&[u8]), seeds: &[&str]) -> Hunted {
        let seeds = seeds.iter().map(|seed| seed.as_bytes().to_vec()).collect();
        let time = Duration::from_secs(20);
        Hunt {
            run,
            time,
            number: 1,
        }
        .search(seeds)
    }

    #[test]
    fn finds_what_fails_and_makes_it_small() {
        let run: fn(&[u8]) = |bytes| {
            let text = String::from_utf8_lossy(bytes);
            assert!(text.matches("b c").count() < 2, "{} twice", text.len());
        };
        let crash = search(run, &["a b c d", "e f"]).crash.unwrap();
        assert_eq!(crash.input, b"b cb c");
        assert!(crash.message.contains("hunt.rs") && crash.message.contains("6 twice"));
    }

    #[test]
    fn says_what_takes_long() {
        let run: fn(&[u8]) = |bytes| {
            if bytes.starts_with(b"slow") {
                std::thread::sleep(SLOW + Duration::from_millis(10));
            }
        };
        let crash = search(run, &["quick", "slow"]).crash.unwrap();
        assert_eq!(crash.input, b"slow");
        assert!(crash.message.contains("ms for 4 bytes"));
    }

    #[test]
    fn ends_when_time_is_up() {
        let hunt = Hunt {
            run: |_| {},
            time: Duration::from_millis(50),
            number: 1,
        };
        let hunted = hunt.search(vec![b"x".to_vec()]);
        assert!(hunted.runs > 10 && hunted.crash.is_none());
    }
}
