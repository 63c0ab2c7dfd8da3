//! Events as the lines of a deploy log.

use buildpack_core::event::{Event, StepState};

use super::{LogStream, Style, Ui, bytes, clean, diagnostic};

/// How lines of a deploy log begin: headlines, details, problems, packs of a chain (Heroku's buildpack API, `style`).
const FORMS: [&str; 4] = ["-----> ", "       ", " !     ", "=====> "];

/// What stands before a line below a headline.
const INDENT: &str = "       ";

impl Ui {
    pub(super) fn text(&self, event: &Event) {
        match event {
            Event::Heading { text } => {
                let text = clean::line(text, false);
                let text = self.redactor.redact(&text);
                self.write_log(&format!("{}-----> {text}\n", self.margin));
            }
            Event::Detail { text } => text.split('\n').for_each(|line| self.detail_line(line)),
            Event::Output { .. } | Event::TestOutput { .. } => self.printed(event),
            Event::Diagnostic { diagnostic } => {
                let text = diagnostic::render(diagnostic, &self.redactor, self.colour);
                self.write_err(&text);
            }
            Event::Progress {
                what,
                done,
                total,
                finished,
            } => {
                let what = self.redactor.redact(&clean::line(what, false)).into_owned();
                self.progress.show(&what, *done, *total, *finished);
            }
            Event::Cache { what, hit, reason } if self.verbose => {
                let said = match (hit, reason) {
                    (true, _) => format!("{what}: kept"),
                    (false, Some(reason)) => format!("{what}: made anew, {reason}"),
                    (false, None) => format!("{what}: made anew"),
                };
                self.detail_line(&said);
            }
            Event::Step {
                step,
                state,
                reason,
                ..
            } if self.verbose => {
                let said = match (state, reason) {
                    (StepState::Skipped, None) => format!("step {step}: left out, nothing changed"),
                    (StepState::Skipped, Some(reason)) => {
                        format!("step {step}: left out, {reason}")
                    }
                    (StepState::Due, Some(reason)) => format!("step {step}: runs, {reason}"),
                    _ => return,
                };
                self.detail_line(&said);
            }
            Event::Layer {
                purpose,
                digest,
                size,
                reused,
                ..
            } if self.verbose => {
                let made = if *reused { "kept" } else { "made" };
                self.detail_line(&format!(
                    "layer {purpose}: {} {made}, {}",
                    digest.short(),
                    bytes(*size)
                ));
            }
            Event::RemoteCache {
                reference,
                taken,
                taken_bytes,
                sent,
                sent_bytes,
            } => {
                self.about("Remote cache", reference);
                let (from, to) = (bytes(*taken_bytes), bytes(*sent_bytes));
                self.detail_line(&format!(
                    "Entries: {taken} taken ({from}), {sent} sent ({to})"
                ));
            }
            Event::Pushed {
                reference,
                digest,
                uploaded,
                mounted,
                there,
                bytes: sent,
            } => {
                self.about("Pushed", reference);
                self.detail_line(&digest.to_string());
                let counts = [
                    (*uploaded, "sent"),
                    (*mounted, "mounted"),
                    (*there, "there already"),
                ];
                let counts = counted(&counts);
                self.detail_line(&format!("Blobs: {counts}; {} sent", bytes(*sent)));
            }
            Event::Begin { .. }
            | Event::Result { .. }
            | Event::StageStarted { .. }
            | Event::StageFinished { .. }
            | Event::Step { .. }
            | Event::Cache { .. }
            | Event::Layer { .. }
            // It is drawn together with its problem.
            | Event::Cause { .. }
            | Event::Image { .. } => {}
        }
    }

    /// A headline about what an image or a cache is called.
    fn about(&self, what: &str, reference: &str) {
        let text = clean::line(reference, false);
        let text = self.redactor.redact(&text);
        self.write_log(&format!("{}-----> {what} {text}\n", self.margin));
    }

    fn detail_line(&self, text: &str) {
        let text = clean::line(text, false);
        let text = self.redactor.redact(&text);
        self.write_log(&format!("{}       {}\n", self.margin, text.trim_end()));
    }

    /// Writes lines of programs, which may come thick and fast.
    pub(super) fn write_lines(&self, text: &str) {
        match self.log {
            LogStream::Err if self.style == Style::Text => self.write_err(text),
            LogStream::Out | LogStream::Err => self.write_soon(text),
        }
    }

    /// A program's line, without control sequences, below a headline; as it is where it has a deploy log's form already,
    /// as scripts of packs print it.
    pub(super) fn output_line(&self, bare: &str) {
        let mut text = String::new();
        self.push_line(&mut text, bare, &self.redactor.redact(bare));
        self.write_lines(&text);
    }

    /// Adds such a line, which is to be shown as `shown`, to a text.
    pub(super) fn push_line(&self, text: &mut String, bare: &str, shown: &str) {
        if !FORMS.iter().any(|form| bare.starts_with(form)) {
            text.push_str(self.margin);
            text.push_str(INDENT);
        }
        text.push_str(shown.trim_end());
        text.push('\n');
    }
}

/// Those of which there are any: `2 sent, 5 there already`.
fn counted(counts: &[(usize, &str)]) -> String {
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let counts: Vec<_> = counts
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    counts.join(", ")
}
