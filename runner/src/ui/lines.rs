//! Events as lines of JSON: docs/events.md.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use buildpack_core::event::{Event, Stream};
use memchr::memchr2;
use serde::Serialize;

use super::pieces::Of;
use super::{Ui, clean};

/// How often at most it is told how far something has come.
const OFTEN: Duration = Duration::from_secs(1);

/// When it was last told how far each thing has come.
#[derive(Default)]
pub(super) struct Told(Mutex<HashMap<String, Instant>>);

impl Told {
    /// Whether a word on `what` is due: not before it has taken a while.
    fn is_due(&self, what: &str, finished: bool) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if finished {
            told.remove(what);
            return true;
        }
        let now = Instant::now();
        match told.get_mut(what) {
            None => {
                told.insert(what.to_owned(), now);
                false
            }
            Some(last) if now.duration_since(*last) < OFTEN => false,
            Some(last) => {
                *last = now;
                true
            }
        }
    }
}

/// What a program printed.
#[derive(Serialize)]
struct OutputLine<'a> {
    event: &'static str,
    step: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<Stream>,
    line: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<&'a str>,
}

impl Ui {
    pub(super) fn event_line(&self, event: &Event) {
        if let Event::Progress { what, finished, .. } = event
            && !self.told.is_due(what, *finished)
        {
            return;
        }
        if let Ok(value) = serde_json::to_value(event) {
            self.json(&value);
        }
    }

    /// A line of a program: `line` has no control sequences; `raw` has them, where there were any and they hide nothing.
    pub(super) fn output_event(&self, of: Of, step: &str, line: &str, raw: Option<&str>) {
        let (event, stream) = of.parts();
        let line = OutputLine {
            event,
            step,
            stream,
            line: &self.redactor.redact(line),
            raw,
        };
        if let Ok(text) = serde_json::to_string(&line) {
            self.write_soon(&(tame(text) + "\n"));
        }
    }

    /// A line as it was printed, where that says more than its bare text and tells no secret: with control sequences in
    /// between, or a carriage return behind it, a value is not found in the line itself.
    pub(super) fn raw<'l>(&self, line: &'l str, bare: &str) -> Option<&'l str> {
        if line == bare {
            return None;
        }
        let tells = |part: &str| self.redactor.finds_in(&clean::line(part, false));
        let overwritten = || line.contains('\r') && line.split('\r').any(tells);
        let told = [bare, line]
            .into_iter()
            .any(|it| self.redactor.finds_in(it))
            || overwritten();
        (!told).then_some(line)
    }
}

/// JSON in which no character moves a terminal's cursor: those that JSON lets stand are escaped, too.
pub(super) fn tame(json: String) -> String {
    let wild = |c: char| ('\u{7f}'..='\u{9f}').contains(&c);
    // Each of them has one of these bytes, which are found sooner.
    if memchr2(0x7f, 0xc2, json.as_bytes()).is_none() {
        return json;
    }
    json.chars().fold(String::new(), |mut tame, c| {
        if wild(c) {
            // Writing to a string cannot fail.
            let _ = write!(tame, "\\u{:04x}", u32::from(c));
        } else {
            tame.push(c);
        }
        tame
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_json_lets_stand_is_escaped_and_stays_the_same() {
        let text = "a\u{9b}2J\u{7f}é\u{1b}[m";
        let json = tame(serde_json::to_string(text).unwrap());
        assert_eq!(json, r#""a\u009b2J\u007fé\u001b[m""#);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }

    #[test]
    fn progress_is_told_now_and_then_and_at_its_end() {
        let told = Told::default();
        assert!(!told.is_due("a", false));
        assert!(!told.is_due("a", false));
        assert!(told.is_due("a", true));
        assert!(told.is_due("b", true));
    }
}
