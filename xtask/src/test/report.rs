//! What the lines of test binaries add up to.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Begins a line of a test that cannot run here; what follows is the reason.
const SKIPPED: &str = "skipped: ";

/// Results so far.
#[derive(Default)]
pub(super) struct Report {
    passed: u64,
    failed: u64,
    ignored: u64,
    /// Tests by the reason why they were skipped.
    skipped: BTreeMap<String, BTreeSet<String>>,
    failures: Vec<String>,
    /// The test whose output is being read.
    test: String,
    /// Whether these are the outputs of tests that passed.
    hidden: bool,
}

impl Report {
    /// Takes in a line; whether to show it.
    pub(super) fn take(&mut self, line: &str) -> bool {
        if let Some(counts) = line.strip_prefix("test result: ") {
            self.hidden = false;
            self.count(counts);
        } else if line == "successes:" {
            self.hidden = true;
            return false;
        } else if line == "failures:" {
            self.hidden = false;
        } else if let Some(name) = line
            .strip_prefix("---- ")
            .and_then(|line| line.strip_suffix(" stdout ----"))
        {
            name.clone_into(&mut self.test);
        } else if let Some(reason) = line.strip_prefix(SKIPPED) {
            let test = self.test.clone();
            self.skip(reason, &test);
        } else if let Some(name) = line
            .strip_prefix("test ")
            .and_then(|line| line.strip_suffix(" ... FAILED"))
        {
            self.failures.push(name.to_owned());
        } else if let Some((name, reason)) = line
            .strip_prefix("test ")
            .and_then(|line| line.split_once(" ... ignored"))
        {
            let reason = reason.trim_start_matches(", ");
            let reason = if reason.is_empty() { "ignored" } else { reason };
            self.skip(reason, name);
        }
        !self.hidden
    }

    /// Says of something that it did not run.
    pub(super) fn left_out(&mut self, what: &str) {
        self.skipped.entry(what.to_owned()).or_default();
    }

    fn skip(&mut self, reason: &str, test: &str) {
        self.skipped
            .entry(reason.to_owned())
            .or_default()
            .insert(test.to_owned());
    }

    /// `ok. 8 passed; 0 failed; 1 ignored; …`
    fn count(&mut self, counts: &str) {
        for part in counts.split([';', '.']) {
            let mut words = part.split_whitespace();
            let Some(Ok(number)) = words.next().map(str::parse::<u64>) else {
                continue;
            };
            match words.next() {
                Some("passed") => self.passed += number,
                Some("failed") => self.failed += number,
                Some("ignored") => self.ignored += number,
                _ => {}
            }
        }
    }

    /// Prints the summary.
    pub(super) fn print(&self, took: Duration) {
        println!(
            "\n== {} passed, {} failed, {} ignored, in {:.0} s",
            self.passed,
            self.failed,
            self.ignored,
            took.as_secs_f64()
        );
        for name in &self.failures {
            println!("   failed: {name}");
        }
        if self.skipped.is_empty() {
            println!("   nothing was skipped");
        }
        for (reason, tests) in &self.skipped {
            println!("   skipped: {reason}");
            for test in tests {
                println!("      {test}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Report;

    #[test]
    fn results_are_added_up_and_skipped_tests_are_named() {
        let lines = "\
running 4 tests
test a ... ok
test b ... FAILED
test c ... ignored, needs a reason
test d ... ok

successes:

---- a stdout ----
much to say
skipped: [\"umoci\"] not installed

successes:
    a

failures:

---- b stdout ----
panicked

test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.10s
test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        let mut report = Report::default();
        let shown: Vec<_> = lines.lines().filter(|line| report.take(line)).collect();
        assert!(!shown.contains(&"much to say"));
        assert!(shown.contains(&"panicked"));
        assert_eq!((report.passed, report.failed, report.ignored), (5, 1, 1));
        assert_eq!(report.failures, ["b"]);
        let skipped = |reason: &str| Vec::from_iter(&report.skipped[reason]);
        assert_eq!(skipped("[\"umoci\"] not installed"), ["a"]);
        assert_eq!(skipped("needs a reason"), ["c"]);
    }
}
