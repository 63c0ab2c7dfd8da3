//! Values that are made once, by name; who asks for one that is being made waits for that one alone.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::ListError;
use crate::diagnostic::{Diagnostic, Explain};

type Made<T> = Result<T, Shared>;

/// The values made so far.
pub(super) struct Once<T>(Mutex<BTreeMap<String, Arc<OnceLock<Made<T>>>>>);

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Once<T> {
    /// The value of this name; `make` is called if nobody asked before.
    pub(super) fn get(
        &self,
        name: &str,
        make: impl FnOnce() -> Result<T, Box<dyn ListError>>,
    ) -> Result<T, Box<dyn ListError>> {
        let slot = {
            let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(slots.entry(name.to_owned()).or_default())
        };
        match slot.get_or_init(|| make().map_err(|error| Shared(error.into()))) {
            Ok(value) => Ok(value.clone()),
            Err(error) => Err(Box::new(error.clone())),
        }
    }
}

/// An error that several are told of.
#[derive(Clone)]
struct Shared(Arc<dyn ListError>);

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for Shared {}

impl Explain for Shared {
    fn diagnostic(&self) -> Diagnostic {
        self.0.diagnostic()
    }
}

impl ListError for Shared {}
