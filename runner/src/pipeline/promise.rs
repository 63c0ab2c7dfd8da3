//! A value that one thread makes and others wait for.

use std::sync::{Condvar, Mutex, PoisonError};

/// A value that is not there yet.
pub(super) struct Promise<T> {
    value: Mutex<Option<T>>,
    made: Condvar,
}

impl<T: Clone> Promise<T> {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        Self {
            value: Mutex::new(None),
            made: Condvar::new(),
        }
    }

    /// Gives the value to all who wait.
    pub(super) fn keep(&self, value: T) {
        *self.value.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
        self.made.notify_all();
    }

    /// Waits for the value.
    pub(super) fn wait(&self) -> T {
        let mut guard = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(value) = guard.as_ref() {
                return value.clone();
            }
            guard = self
                .made
                .wait(guard)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}
