//! When a failed download is tried again.

use std::time::Duration;

use super::FetchError;

/// How often and after what waits a failed download is tried again. The wait doubles each time.
pub struct RetryPolicy<'a> {
    /// Tries in a row that bring nothing, at least one. A try that brings the file forward starts the count anew.
    pub attempts: u32,
    /// The first wait.
    pub first_wait: Duration,
    /// No wait is longer, whatever the server asks for.
    pub longest_wait: Duration,
    /// How long the network is waited for.
    pub limits: super::TimeLimits,
    /// Waits.
    pub sleep: &'a (dyn Fn(Duration) + Sync),
}

impl<'a> RetryPolicy<'a> {
    /// Five tries, waiting one, two, four and eight seconds; at most a minute if the server asks for it.
    pub fn new(sleep: &'a (dyn Fn(Duration) + Sync)) -> Self {
        Self {
            attempts: 5,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_mins(1),
            limits: super::TimeLimits::default(),
            sleep,
        }
    }

    /// The wait after the `failures`-th failure in a row; absent if it was the last try, or another cannot help.
    pub fn wait_after(&self, failures: u32, error: &FetchError) -> Option<Duration> {
        if failures >= self.attempts || !error.retryable() {
            return None;
        }
        let doubled = 2u32.saturating_pow(failures.saturating_sub(1));
        let own = self.first_wait.saturating_mul(doubled);
        Some(
            error
                .retry_after()
                .map_or(own, |asked| asked.max(own))
                .min(self.longest_wait),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toolchain::Cause;

    fn failure(status: u16, retry_after: Option<u64>) -> FetchError {
        let retry_after = retry_after.map(Duration::from_secs);
        FetchError::new(
            "http://h",
            Cause::Status {
                status,
                retry_after,
            },
        )
    }

    #[test]
    fn waits_double_up_to_the_last_try() {
        let policy = RetryPolicy::new(&|_| ());
        let waits: Vec<_> = (1..=5)
            .map(|n| policy.wait_after(n, &failure(500, None)))
            .collect();
        let seconds = |n| Some(Duration::from_secs(n));
        assert_eq!(
            waits,
            [seconds(1), seconds(2), seconds(4), seconds(8), None]
        );
    }

    #[test]
    fn the_server_may_ask_for_more_but_not_for_an_hour() {
        let policy = RetryPolicy::new(&|_| ());
        let wait = |asked| {
            policy
                .wait_after(1, &failure(429, Some(asked)))
                .unwrap()
                .as_secs()
        };
        assert_eq!((wait(0), wait(7), wait(3600)), (1, 7, 60));
        assert_eq!(policy.wait_after(1, &failure(404, None)), None);
    }
}
