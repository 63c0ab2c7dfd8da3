//! Which steps of a build ran, and how long each took.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::world::Failure;

/// Steps that packs do themselves in each build: they write files for later steps and start no program.
const PREPARE: [&str; 4] = [
    "assets-programs",
    "atom-order",
    "shared-packages",
    "shared-sources",
];

/// What a build did.
pub(super) struct Steps {
    /// From start to end of `bp`.
    pub(super) took: Duration,
    ran: Vec<(String, Duration)>,
    events: Vec<Value>,
}

impl Steps {
    /// Runs a build that has to succeed.
    pub(super) fn of(build: &mut Command) -> Result<Self, Failure> {
        let begin = Instant::now();
        let mut child = build
            .args(["--format", "json"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|cause| Failure::new("cannot start `bp build`", cause))?;
        let mut steps = Self {
            took: Duration::ZERO,
            ran: Vec::new(),
            events: Vec::new(),
        };
        // Packages are laid out for a step before it starts: that is part of its time.
        let mut due = begin;
        for line in child
            .stdout
            .take()
            .into_iter()
            .flat_map(|out| BufReader::new(out).lines())
        {
            let Ok(event) = serde_json::from_str::<Value>(&line?) else {
                continue;
            };
            if event["event"] == "step" {
                match event["state"].as_str() {
                    Some("due") => due = Instant::now(),
                    Some("finished") => {
                        let step = event["step"].as_str().unwrap_or_default();
                        steps.ran.push((step.to_owned(), due.elapsed()));
                    }
                    _ => {}
                }
            }
            steps.events.push(event);
        }
        let status = child.wait()?;
        steps.took = begin.elapsed();
        if status.success() {
            return Ok(steps);
        }
        Err(Failure::say(format!(
            "`bp build` failed ({status}):\n{}",
            steps.said()
        )))
    }

    /// The steps that ran besides these and those that prepare.
    pub(super) fn besides(&self, expected: &[&str]) -> Vec<&str> {
        let ran = self.ran.iter().map(|(step, _)| step.as_str());
        ran.filter(|step| !PREPARE.contains(step) && !expected.contains(step))
            .collect()
    }

    /// How long a step took that has to have run.
    pub(super) fn time_of(&self, step: &str) -> Result<Duration, Failure> {
        let found = self.ran.iter().find(|(name, _)| name == step);
        found
            .map(|(_, took)| *took)
            .ok_or_else(|| Failure::say(format!("step `{step}` did not run:\n{}", self.said())))
    }

    /// Whether something was kept from an earlier build, where the build says so.
    pub(super) fn found(&self, what: &str) -> Option<bool> {
        let cache = |event: &&Value| event["event"] == "cache" && event["what"] == what;
        self.events.iter().find(cache)?["hit"].as_bool()
    }

    /// What its programs printed.
    pub(super) fn said(&self) -> String {
        let lines = self.events.iter().filter_map(|event| {
            let line = event["line"].as_str().or(event["text"].as_str());
            line.map(|line| format!("{line}\n"))
        });
        lines.collect()
    }
}
