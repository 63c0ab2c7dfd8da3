//! What a check found out, for people and for the programs that read such reports.
//!
//! Reports are answers: they go to standard output, whole.

mod fingerprint;
mod github;
mod gitlab;
mod json;
mod place;
mod sarif;
mod text;

use serde_json::Value;

use super::Ui;
use crate::pipeline::Report;

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text,
    /// One JSON document of our own (docs/check-versions.md).
    Json,
    /// SARIF 2.1.0, which code hosts and editors read.
    Sarif,
    /// Workflow commands of GitHub Actions, which become annotations.
    Github,
    /// GitLab's code quality report.
    Gitlab,
}

impl Ui {
    /// Writes a report.
    pub fn report(&self, report: &Report, form: Form) {
        let text = match form {
            Form::Text => text::text(report, &self.redactor, self.colour_out),
            Form::Json => self.json_text(json::json(report)),
            Form::Sarif => self.json_text(sarif::sarif(report)),
            Form::Gitlab => self.json_text(gitlab::gitlab(report)),
            Form::Github => github::github(report, &self.redactor),
        };
        self.write_out(&text);
    }

    /// A document without secret values, easy to read.
    fn json_text(&self, mut value: Value) -> String {
        self.redactor.redact_json(&mut value);
        format!("{value:#}\n")
    }
}
