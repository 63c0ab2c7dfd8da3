//! A step that failed, with what it was about.

use std::io;
use std::os::unix::net::UnixStream;

use crate::sandbox::Step;
use crate::sandbox::wire::{self, Report};

/// Why the room could not be built.
pub(super) enum Trouble {
    /// The system refused a step.
    Step {
        step: Step,
        object: String,
        error: io::Error,
    },
    /// It can't be done in place.
    Refused { object: String, reason: String },
}

impl Trouble {
    /// Tells the other side.
    pub(super) fn report(self, control: &UnixStream) {
        let report = match self {
            Self::Step {
                step,
                object,
                error,
            } => Report::Failed {
                step,
                object,
                errno: error
                    .raw_os_error()
                    .unwrap_or(rustix::io::Errno::INVAL.raw_os_error()),
            },
            Self::Refused { object, reason } => Report::Refused { object, reason },
        };
        let _ = wire::send(control, &report, &[]);
    }
}

/// Adds step and object to a system error.
pub(super) trait During<T> {
    fn during(self, step: Step, object: impl std::fmt::Display) -> Result<T, Trouble>;
}

impl<T, E: Into<io::Error>> During<T> for Result<T, E> {
    fn during(self, step: Step, object: impl std::fmt::Display) -> Result<T, Trouble> {
        self.map_err(|error| Trouble::Step {
            step,
            object: object.to_string(),
            error: error.into(),
        })
    }
}
