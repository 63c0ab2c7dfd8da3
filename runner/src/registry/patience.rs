//! Trying again, with growing pauses or those that a registry asks for.

use std::time::Duration;

use super::{RegistryError, RegistrySettings};

/// The longest pause, whoever asks for it.
const LONGEST: Duration = Duration::from_mins(1);

/// How often one thing may still be tried.
pub(super) struct Patience {
    left: u32,
    pause: Duration,
}

impl Patience {
    pub(super) fn new(settings: &RegistrySettings) -> Self {
        Self {
            left: settings.attempts.max(1) - 1,
            pause: settings.pause,
        }
    }

    /// After `error`: waits, and says whether to try again.
    pub(super) fn allows(&mut self, error: &RegistryError) -> bool {
        error.is_worth_a_retry() && self.once_more(error)
    }

    /// As [`Self::allows`], of an error that is worth it to the caller.
    pub(super) fn once_more(&mut self, error: &RegistryError) -> bool {
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        let asked = error.retry_after().unwrap_or(self.pause);
        std::thread::sleep(asked.min(LONGEST));
        self.pause = (self.pause * 2).min(LONGEST);
        true
    }
}
