//! A step that came to one of its limits.

use crate::diagnostic::{Class, Diagnostic};
use crate::sandbox::{Exit, Limits, amount, span};

/// What is wrong where `what` was ended at one of `limits`.
pub(super) fn reached(what: &str, exit: Exit, limits: Limits) -> Option<Diagnostic> {
    match exit {
        Exit::OutOfMemory { peak } => {
            let limit = limits.memory.unwrap_or_default();
            let problem = Diagnostic::error(
                "memory-limit",
                Class::Build,
                format!(
                    "{what} ran out of memory: it was ended at its limit of {}",
                    amount(limit)
                ),
            );
            let problem = match peak {
                Some(peak) => problem.note(format!(
                    "at its peak it used {} of {}, what it read from files included",
                    amount(peak.get()),
                    amount(limit)
                )),
                None => problem,
            };
            let more = amount(limit.saturating_mul(2)).replace(' ', "");
            Some(problem.help(format!(
                "give it more, `--memory {more}`, or let it do less at once, `--cpus 1`"
            )))
        }
        Exit::OutOfTime => {
            let allowed = limits.deadline.map(|deadline| span(deadline.allowed));
            let problem = Diagnostic::error(
                "time-limit",
                Class::Build,
                format!(
                    "{what} took too long: it was ended, as {} for all steps were over",
                    allowed.unwrap_or_default()
                ),
            );
            Some(
                problem
                    .note("what the steps before it made is kept: the next build goes on from there")
                    .help(
                        "if it hangs, its last lines say where; if it is only slow, give it more: `--timeout`, `BP_TIMEOUT`",
                    ),
            )
        }
        Exit::Code(_) | Exit::Signal(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::sandbox::Deadline;

    fn limits() -> Limits {
        Limits {
            memory: Some(512 << 20),
            cpus: None,
            deadline: Deadline::after(Instant::now(), Duration::from_mins(15)),
        }
    }

    #[test]
    fn a_limit_is_told_with_what_was_used() {
        let peak = NonZeroU64::new(511 << 20);
        let exit = Exit::OutOfMemory { peak };
        let shown = reached("step `assets`", exit, limits()).unwrap();
        assert_eq!(shown.code.0, "memory-limit");
        assert!(shown.message.contains("`assets`") && shown.message.contains("512 MiB"));
        assert!(shown.notes[0].contains("511 MiB of 512 MiB"));
        assert!(shown.helps[0].text.contains("--memory 1GiB"));
    }

    #[test]
    fn a_time_is_told_with_the_step() {
        let shown = reached("the tests", Exit::OutOfTime, limits()).unwrap();
        assert_eq!(shown.code.0, "time-limit");
        assert!((shown.message).contains("as 15 min for all"));
        assert!(reached("x", Exit::Signal(9), limits()).is_none());
    }
}
