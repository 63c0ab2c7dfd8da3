//! Everything that draws: deploy-log lines, JSON events, progress on a terminal, diagnostics.
//!
//! The text of a build goes to standard output, as in a deploy log; problems and progress go to standard error.

mod clean;
mod diagnostic;
mod logins;
mod progress;
mod redact;
pub mod report;
mod size;
mod summary;
mod versions;

use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use buildpack_core::diagnostic::{Diagnostic, Severity};
use buildpack_core::event::{Event, EventSink, StepState};

pub use redact::{RedactingWriter, Redactor};
pub use size::{bytes, duration, parse_bytes};
pub use summary::summary;
pub use versions::{explanation, listing, updates};

use progress::Progress;

/// Longer lines of output come in pieces of this many bytes, without a word that more follows.
const PIECE: usize = 64 << 10;

/// How output is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Lines for people, as in a deploy log.
    Text,
    /// One JSON event a line.
    Json,
}

/// Where output goes, and what the places are.
pub struct Screen {
    /// The log.
    pub out: Box<dyn Write + Send>,
    /// Problems.
    pub err: Box<dyn Write + Send>,
    /// Whether `err` is a terminal, on which progress can be drawn.
    pub terminal: bool,
    /// Whether problems may be coloured.
    pub colour: bool,
    /// Whether `out` may be coloured.
    pub colour_out: bool,
}

impl Screen {
    /// Standard output and standard error, coloured as the terminal and `NO_COLOR` allow.
    pub fn standard() -> Self {
        let never = anstream::ColorChoice::Never;
        Self {
            out: Box::new(io::stdout()),
            err: Box::new(io::stderr()),
            terminal: io::stderr().is_terminal(),
            colour: anstream::AutoStream::choice(&io::stderr()) != never,
            colour_out: anstream::AutoStream::choice(&io::stdout()) != never,
        }
    }
}

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
    screen: Arc<Mutex<Screen>>,
    /// Why a part of the log could not be written, if one could not.
    unwritten: Arc<Mutex<Option<io::Error>>>,
    /// Ends of lines that came in pieces, by step: a secret may stand across two.
    pieces: Arc<Mutex<HashMap<String, (LineEvent, String)>>>,
}

/// Where the text of the log goes.
#[derive(Debug, Clone, Copy)]
enum LogStream {
    Out,
    /// Beside the answer, which has standard output to itself.
    Err,
}

/// Makes the event of a line that a step's program printed.
type LineEvent = fn(String, String) -> Event;

fn log_line(step: String, line: String) -> Event {
    Event::Output { step, line }
}

fn test_line(step: String, line: String) -> Event {
    Event::TestOutput { step, line }
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
            screen: Arc::new(Mutex::new(screen)),
            unwritten: Arc::default(),
            pieces: Arc::default(),
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

    /// The first error of writing the log since this was last asked. A reader that has gone away is none: nobody is
    /// left to be told.
    pub fn unwritten(&self) -> Option<io::Error> {
        let mut unwritten = self
            .unwritten
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        unwritten.take()
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
        self.write_out(&format!("{value}\n"));
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

    fn write_out(&self, text: &str) {
        self.progress.aside(|| {
            let mut screen = self.screen.lock().unwrap_or_else(PoisonError::into_inner);
            let out = &mut screen.out;
            if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush())
                && error.kind() != io::ErrorKind::BrokenPipe
            {
                self.unwritten
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get_or_insert(error);
            }
        });
    }

    /// Writes text of the log.
    fn write_log(&self, text: &str) {
        match self.log {
            LogStream::Out => self.write_out(text),
            LogStream::Err => self.write_err(text),
        }
    }

    fn write_err(&self, text: &str) {
        self.progress.aside(|| {
            let mut screen = self.screen.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = screen.out.flush();
            let _ = screen.err.write_all(text.as_bytes());
            let _ = screen.err.flush();
        });
    }

    fn text(&self, event: &Event) {
        match event {
            Event::Heading { text } => {
                let text = clean::line(text, false);
                let text = self.redactor.redact(&text);
                self.write_log(&format!("{}-----> {text}\n", self.margin));
            }
            Event::Detail { text } => text.split('\n').for_each(|line| self.detail_line(line)),
            Event::Output { line, .. } => self.output_line(line),
            Event::TestOutput { line, .. } => {
                self.write_out(&format!("{}\n", self.redactor.redact(line)));
            }
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
            Event::StageStarted { .. }
            | Event::StageFinished { .. }
            | Event::Step { .. }
            | Event::Cache { .. }
            | Event::Layer { .. }
            | Event::Image { .. } => {}
        }
    }

    fn detail_line(&self, text: &str) {
        let text = clean::line(text, false);
        let text = self.redactor.redact(&text);
        self.write_log(&format!("{}       {}\n", self.margin, text.trim_end()));
    }

    /// A program's line below a headline; as it is where it has a deploy log's form already, as scripts of packs print it.
    fn output_line(&self, text: &str) {
        let bare = clean::line(text, false);
        if FORMS.iter().any(|form| bare.starts_with(form)) {
            let bare = self.redactor.redact(&bare);
            self.write_log(&format!("{}\n", bare.trim_end()));
        } else {
            self.detail_line(text);
        }
    }

    fn event_line(&self, event: &Event) {
        if matches!(
            event,
            Event::Progress {
                finished: false,
                ..
            }
        ) {
            return;
        }
        if let Ok(value) = serde_json::to_value(event) {
            self.json(&value);
        }
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

    /// A program's line. Of one that came in pieces the end waits for the next: a secret may stand across both.
    fn output(&self, step: String, line: &str, event: LineEvent) {
        // Control sequences may stand within a value: it is looked for in the bare text.
        let bare = clean::line(line, false);
        let mut pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        let before = pieces.remove(&step).map(|(_, before)| before);
        let mut whole = before.unwrap_or_default();
        whole.push_str(&bare);
        if line.len() >= PIECE {
            let end = whole.split_off(self.redactor.safe_length(&whole));
            pieces.insert(step.clone(), (event, end));
        }
        drop(pieces);
        self.draw(&event(step, whole));
    }

    /// A line of tests. Its colours stay where they are shown, unless they stand within what is not.
    fn test_output(&self, step: String, line: &str) {
        let coloured = clean::line(line, self.colours());
        let bare = clean::line(line, false);
        let whole = line.len() < PIECE && !self.has_piece(&step);
        if whole && coloured != bare && !self.redactor.finds_in(&bare) {
            self.draw(&test_line(step, coloured.into_owned()));
        } else {
            self.output(step, line, test_line);
        }
    }

    fn has_piece(&self, step: &str) -> bool {
        let pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        pieces.contains_key(step)
    }

    /// Draws the ends of lines that came in pieces.
    fn finish_pieces(&self) {
        let mut pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ends: Vec<_> = (pieces.drain())
            .filter(|(_, (_, end))| !end.is_empty())
            .collect();
        drop(pieces);
        ends.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (step, (event, line)) in ends {
            self.draw(&event(step, line));
        }
    }
}

impl EventSink for Ui {
    fn emit(&self, event: Event) {
        match event {
            Event::Output { step, line } => self.output(step, &line, log_line),
            Event::TestOutput { step, line } => self.test_output(step, &line),
            Event::Progress { .. } => self.draw(&event),
            _ => {
                self.finish_pieces();
                self.draw(&event);
            }
        }
    }
}

/// How lines of a deploy log begin: headlines, details, problems, packs of a chain (Heroku's buildpack API, `style`).
const FORMS: [&str; 4] = ["-----> ", "       ", " !     ", "=====> "];

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn drawn(style: Style, event: Event) -> (String, String) {
        let (out, err) = (Paper::default(), Paper::default());
        let screen = Screen {
            out: Box::new(out.clone()),
            err: Box::new(err.clone()),
            terminal: false,
            colour: false,
            colour_out: false,
        };
        let redactor = Redactor::new([("TOKEN", "hunter2-hunter2")]);
        Ui::new(style, true, screen, redactor).emit(event);
        let text = |paper: Paper| String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
        (text(out), text(err))
    }

    fn output(line: &str) -> Event {
        Event::Output {
            step: "compile".to_owned(),
            line: line.to_owned(),
        }
    }

    #[test]
    fn what_a_pack_printed_for_a_deploy_log_is_drawn_as_it_is() {
        for line in [
            "-----> Installing",
            "       ok",
            " !     no",
            "=====> Downloading",
        ] {
            assert_eq!(drawn(Style::Text, output(line)).0, format!("{line}\n"));
        }
    }

    #[test]
    fn lines_look_as_in_a_deploy_log() {
        let heading = Event::Heading {
            text: "Compiling".to_owned(),
        };
        assert_eq!(drawn(Style::Text, heading).0, "-----> Compiling\n");
        assert_eq!(
            drawn(Style::Text, output("\u{1b}[32m==> jason\u{1b}[0m")).0,
            "       ==> jason\n"
        );
        assert_eq!(drawn(Style::Text, output("10%\r100%")).0, "       100%\n");
    }

    #[test]
    fn lines_of_tests_are_drawn_as_they_are_and_the_log_beside_them() {
        let draw = |colour_out: bool, style: Style| {
            let (out, err) = (Paper::default(), Paper::default());
            let screen = Screen {
                out: Box::new(out.clone()),
                err: Box::new(err.clone()),
                terminal: false,
                colour: false,
                colour_out,
            };
            let redactor = Redactor::new([("TOKEN", "hunter2-hunter2")]);
            let ui = Ui::new(style, false, screen, redactor).log_aside();
            ui.heading("Running the tests");
            for line in [
                "1..2",
                "  ok 1  ",
                "",
                "\u{1b}[31mnot ok 2\u{1b}[0m\u{1b}[2J",
                "\u{1b}[1mhunter2\u{1b}[0m-hunter2",
            ] {
                let (step, line) = ("test".to_owned(), line.to_owned());
                ui.emit(Event::TestOutput { step, line });
            }
            ui.emit(output("Compiling"));
            let text = |paper: Paper| String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
            (text(out), text(err))
        };
        let (out, err) = draw(false, Style::Text);
        assert_eq!(out, "1..2\n  ok 1  \n\nnot ok 2\n[TOKEN]\n");
        assert_eq!(err, "-----> Running the tests\n       Compiling\n");
        let (out, _) = draw(true, Style::Text);
        assert_eq!(
            out,
            "1..2\n  ok 1  \n\n\u{1b}[31mnot ok 2\u{1b}[0m\n[TOKEN]\n"
        );
        let (out, err) = draw(true, Style::Json);
        assert!(
            out.contains(r#"{"event":"test-output","step":"test","line":"not ok 2"}"#),
            "{out}"
        );
        assert_eq!((out.matches("[TOKEN]").count(), err.as_str()), (1, ""));
    }

    #[test]
    fn a_secret_is_drawn_by_its_name_alone() {
        let event = output("token is hunter2-hunter2!");
        assert_eq!(
            drawn(Style::Text, event.clone()).0,
            "       token is [TOKEN]!\n"
        );
        let line = drawn(Style::Json, event).0;
        let json: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(json["line"], "token is [TOKEN]!");
        assert_eq!(json["event"], "output");
    }

    #[test]
    fn a_full_disk_is_remembered_and_a_reader_that_left_is_not() {
        struct Broken(io::ErrorKind);
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(self.0.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let after = |kind| {
            let screen = Screen {
                out: Box::new(Broken(kind)),
                err: Box::new(io::sink()),
                terminal: false,
                colour: false,
                colour_out: false,
            };
            let ui = Ui::new(Style::Text, false, screen, Redactor::default());
            ui.line("an answer");
            ui.unwritten().map(|error| error.kind())
        };
        let full = io::ErrorKind::StorageFull;
        assert_eq!(after(full), Some(full));
        assert_eq!(after(io::ErrorKind::BrokenPipe), None);
    }

    #[test]
    fn progress_is_for_terminals() {
        let event = Event::Progress {
            what: "Erlang".to_owned(),
            done: 1,
            total: Some(2),
            finished: false,
        };
        assert_eq!(drawn(Style::Text, event.clone()), Default::default());
        assert_eq!(drawn(Style::Json, event), Default::default());
    }

    #[test]
    fn a_secret_across_two_pieces_of_a_line_is_not_drawn() {
        for style in [Style::Text, Style::Json] {
            let out = Paper::default();
            let screen = Screen {
                out: Box::new(out.clone()),
                err: Box::new(io::sink()),
                terminal: false,
                colour: false,
                colour_out: false,
            };
            let ui = Ui::new(
                style,
                false,
                screen,
                Redactor::new([("TOKEN", "hunter2-hunter2")]),
            );
            ui.emit(output(&format!("{}hunter2-", "x".repeat(PIECE))));
            ui.emit(output("hunter2 and more"));
            ui.emit(output(&"y".repeat(PIECE)));
            ui.heading("the end waits no longer");
            let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
            assert!(text.contains("[TOKEN] and more") && !text.contains("hunter2"));
            assert_eq!(text.matches('y').count(), PIECE);
        }
    }

    #[test]
    fn colour_sequences_hide_no_secret_and_every_line_is_indented() {
        let event = output("hunter2\u{1b}[31m-hunter2\u{1b}[2J");
        assert_eq!(drawn(Style::Text, event.clone()).0, "       [TOKEN]\n");
        assert!(drawn(Style::Json, event).0.contains(r#""line":"[TOKEN]""#));
        let detail = Event::Detail {
            text: "one\ntwo".to_owned(),
        };
        assert_eq!(drawn(Style::Text, detail).0, "       one\n       two\n");
    }
}
