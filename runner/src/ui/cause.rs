//! The one block that a failed build ends with.

use buildpack_core::causes::Cause;
use buildpack_core::diagnostic::Diagnostic;
use buildpack_core::event::{Event, EventSink as _};

use super::diagnostic::{Fact, render_with};
use super::{Style, Ui};
use crate::pipeline::Failure;

impl Ui {
    /// How a command failed: what else was wrong, then the problem that ended it, of a build with all that is known of its
    /// cause.
    pub fn failed(&self, failure: &Failure) {
        let Some((cause, problem)) = failure.cause().zip(failure.first()) else {
            failure
                .diagnostics
                .iter()
                .for_each(|one| self.diagnostic(one));
            return;
        };
        let others = failure.diagnostics.iter();
        for other in others.filter(|other| !std::ptr::eq(*other, problem)) {
            self.diagnostic(other);
        }
        self.cause(&cause, problem);
    }

    /// A cause, and the problem that it explains.
    fn cause(&self, cause: &Cause, problem: &Diagnostic) {
        self.finish_pieces();
        match self.style {
            Style::Json => self.cause_events(cause, problem),
            Style::Text => self.write_err(&self.block(cause, problem, self.colour)),
        }
    }

    /// A cause as a command's answer.
    pub fn explained(&self, cause: &Cause, problem: &Diagnostic) {
        match self.style {
            Style::Json => self.cause_events(cause, problem),
            Style::Text => self.write_out(&self.block(cause, problem, self.colour_out)),
        }
    }

    fn cause_events(&self, cause: &Cause, problem: &Diagnostic) {
        self.diagnostic(problem);
        self.emit(Event::Cause {
            cause: Box::new(cause.clone()),
        });
    }

    fn block(&self, cause: &Cause, problem: &Diagnostic, colour: bool) -> String {
        let problem = match &cause.reproduce {
            Some(command) => problem.clone().help(again(cause, command)),
            None => problem.clone(),
        };
        render_with(&problem, &facts(cause), &self.redactor, colour)
    }
}

fn again(cause: &Cause, command: &str) -> String {
    match cause.step {
        Some(_) => format!("to look around where it failed: {command}"),
        None => format!("to see it again: {command}"),
    }
}

/// What stands between the problem and the ways out.
fn facts(cause: &Cause) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(place) = place(cause) {
        facts.push(("where".to_owned(), place));
    }
    if let Some(quote) = &cause.quote {
        facts.push((format!("log line {}", quote.line), quote.text.clone()));
    }
    facts
}

fn place(cause: &Cause) -> Option<String> {
    let stage = cause.stage.as_ref();
    let ended = match (cause.exit_code, cause.signal) {
        (Some(code), _) => format!(" ended with exit code {code}"),
        (_, Some(signal)) => format!(" ended with signal {signal}"),
        _ => String::new(),
    };
    // The problem's own words for a step of which nothing else is known.
    let is_said = ["step-failed", "tests-failed"].contains(&cause.code.as_str());
    match (&cause.step, &cause.command) {
        (Some(step), Some(command)) if !is_said => {
            let stage = stage.map(|stage| format!(", in stage `{stage}`"));
            let stage = stage.unwrap_or_default();
            Some(format!("step `{step}` failed: `{command}`{ended}{stage}"))
        }
        _ => stage.map(|stage| format!("stage `{stage}`")),
    }
}
