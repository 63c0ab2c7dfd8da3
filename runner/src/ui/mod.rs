//! Everything that draws: deploy-log lines, JSON events, progress on a terminal, diagnostics.
//!
//! The text of a build goes to standard output, as in a deploy log; problems and progress go to standard error.

mod blocks;
mod cause;
mod diagnostic;
mod doctor;
mod held;
mod lines;
mod log;
mod logins;
mod pieces;
mod progress;
mod redact;
pub mod report;
mod screen;
mod sheet;
mod size;
mod summary;
mod versions;

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use buildpack_core::clean::{self, Lines};
use buildpack_core::diagnostic::{Diagnostic, Severity};
use buildpack_core::event::{Event, EventSink, Stream};

pub use doctor::findings;
pub use held::RedactingWriter;
pub use redact::Redactor;
pub use screen::{Screen, Style};
pub use size::{bytes, duration, parse_bytes};
pub use summary::summary;
pub use versions::{explanation, listing, updates};

use lines::{Told, tame};
use pieces::Pieces;
use progress::Progress;
use sheet::Sheet;

/// Draws events. Clones draw on the same screen.
#[derive(Clone)]
pub struct Ui {
    style: Style,
    verbose: bool,
    colour: bool,
    colour_out: bool,
    /// What stands before each line of the log.
    margin: &'static str,
    log: LogStream,
    redactor: Arc<Redactor>,
    progress: Arc<Progress>,
    sheet: Arc<Sheet>,
    pieces: Arc<Mutex<Pieces>>,
    told: Arc<Told>,
    /// Lines written so far, on both streams.
    lines: Arc<AtomicU64>,
}

/// Where the text of the log goes.
#[derive(Debug, Clone, Copy)]
enum LogStream {
    Out,
    /// Beside the answer, which has standard output to itself.
    Err,
}

impl Ui {
    /// Draws on `screen`; values that `redactor` knows are never drawn.
    pub fn new(style: Style, verbose: bool, screen: Screen, redactor: Redactor) -> Self {
        Self {
            style,
            verbose,
            colour: screen.colour,
            colour_out: screen.colour_out,
            margin: "",
            log: LogStream::Out,
            redactor: Arc::new(redactor),
            progress: Arc::new(Progress::new(style == Style::Text && screen.terminal)),
            sheet: Arc::new(Sheet::new(screen)),
            lines: Arc::default(),
            pieces: Arc::default(),
            told: Arc::default(),
        }
    }

    /// The same with `margin` before each line of the log.
    #[must_use]
    pub fn with_margin(mut self, margin: &'static str) -> Self {
        self.margin = margin;
        self
    }

    /// The same, with standard output left to the answer alone: the text of the log goes to standard error.
    #[must_use]
    pub fn log_aside(self) -> Self {
        Self {
            log: LogStream::Err,
            ..self
        }
    }

    /// Whether what programs print is shown in their colours.
    pub fn colours(&self) -> bool {
        self.style == Style::Text && self.colour_out
    }

    /// Draws what waits, and gives the first error of writing the log since this was last asked. A reader that has gone away is
    /// none: nobody is left to be told.
    pub fn unwritten(&self) -> Option<io::Error> {
        self.finish_pieces();
        self.sheet.unwritten()
    }

    /// How output is written.
    pub fn style(&self) -> Style {
        self.style
    }

    /// A line of a command's answer; an event as JSON, where the command has no better form for it.
    pub fn line(&self, text: &str) {
        if self.style == Style::Json {
            return self.detail(text);
        }
        self.write_out(&format!("{}\n", self.redactor.redact(&clean::block(text))));
    }

    /// A value as the answer, in JSON.
    pub fn json(&self, value: &serde_json::Value) {
        let mut value = value.clone();
        self.redactor.redact_json(&mut value);
        self.write_out(&(tame(value.to_string()) + "\n"));
    }

    /// A value without secret values.
    #[must_use]
    pub fn redacted(&self, mut value: serde_json::Value) -> serde_json::Value {
        self.redactor.redact_json(&mut value);
        value
    }

    /// A text of many lines that is the answer as it stands, secret values excepted.
    pub fn document(&self, text: &str) {
        self.write_out(&self.redactor.redact(text));
    }

    /// A line beside the answer, which a program may be reading.
    pub fn aside(&self, text: &str) {
        self.write_err(&format!("{}\n", self.redactor.redact(&clean::block(text))));
    }

    /// A problem.
    pub fn diagnostic(&self, diagnostic: &Diagnostic) {
        self.emit(Event::Diagnostic {
            diagnostic: diagnostic.clone(),
        });
    }

    fn count(&self, text: &str) {
        let ends = memchr::memchr_iter(b'\n', text.as_bytes()).count();
        self.lines
            .fetch_add(u64::try_from(ends).unwrap_or(0), Ordering::Relaxed);
    }

    fn write_out(&self, text: &str) {
        self.count(text);
        self.progress.aside(|| self.sheet.write_out(text));
    }

    /// Lines of standard output, of which many may come soon.
    fn write_soon(&self, text: &str) {
        if self.progress.is_drawn() {
            // Bars have to be out of the way of whatever is written.
            return self.write_out(text);
        }
        self.count(text);
        self.sheet.write_soon(text);
    }

    /// Writes text of the log.
    fn write_log(&self, text: &str) {
        match self.log {
            LogStream::Out => self.write_out(text),
            LogStream::Err => self.write_err(text),
        }
    }

    fn write_err(&self, text: &str) {
        self.count(text);
        self.progress.aside(|| self.sheet.write_err(text));
    }

    fn draw(&self, event: &Event) {
        let note = matches!(
            event,
            Event::Diagnostic { diagnostic } if diagnostic.severity == Severity::Note
        );
        match self.style {
            Style::Json => self.event_line(event),
            Style::Text if note && !self.verbose => {}
            Style::Text => self.text(event),
        }
    }
}

impl EventSink for Ui {
    fn emit(&self, event: Event) {
        match event {
            Event::Output { .. } | Event::TestOutput { .. } => self.printed(&event),
            // Of work beside the steps: it does not end what they print.
            Event::Progress { .. } | Event::Layer { .. } | Event::Cache { .. } => self.draw(&event),
            _ => {
                self.finish_pieces();
                // What is next may take long, or write to the same place by itself.
                self.sheet.flush();
                self.draw(&event);
            }
        }
    }

    fn output(&self, step: &str, stream: Option<Stream>, lines: &Lines<'_>) {
        self.output_lines(step, stream, lines);
    }

    fn lines(&self) -> Option<u64> {
        Some(self.lines.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests;
