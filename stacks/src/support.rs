//! Whether Heroku still looks after a stack on a given day.

use jiff::civil::Date;

use crate::catalog::Stack;

/// How a stack stands on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// It gets updates.
    Supported,
    /// It gets updates, but Heroku advises to leave it.
    Deprecated {
        /// Last day of updates.
        until: Date,
    },
    /// It gets no updates any more.
    Ended {
        /// Last day on which it did.
        since: Date,
    },
}

impl Stack {
    /// How the stack stands on `today`; the caller has the clock.
    pub fn support(&self, today: Date) -> Support {
        if today > self.end_of_life {
            Support::Ended {
                since: self.end_of_life,
            }
        } else if self.deprecated.is_some_and(|day| day <= today) {
            Support::Deprecated {
                until: self.end_of_life,
            }
        } else {
            Support::Supported
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::find;

    #[test]
    fn the_last_day_still_counts() {
        let stack = find("22").unwrap();
        let until = date(2027, 4, 30);
        assert_eq!(stack.support(date(2026, 4, 30)), Support::Supported);
        assert_eq!(
            stack.support(date(2026, 5, 1)),
            Support::Deprecated { until }
        );
        assert_eq!(stack.support(until), Support::Deprecated { until });
        assert_eq!(
            stack.support(date(2027, 5, 1)),
            Support::Ended { since: until }
        );
    }
}
