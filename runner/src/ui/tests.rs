use std::io::{self, Write};

use testdata::paper::Paper;

use super::pieces::PIECE;
use super::*;

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
    (out.take(), err.take())
}

fn output(line: &str) -> Event {
    Event::Output {
        step: "compile".to_owned(),
        stream: None,
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
            let stream = None;
            ui.emit(Event::TestOutput { step, stream, line });
        }
        ui.emit(output("Compiling"));
        drop(ui);
        (out.take(), err.take())
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
        out.contains(r#"{"event":"test-output","step":"test","line":"not ok 2","raw":"#),
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
        let text = out.take();
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

#[test]
fn control_sequences_are_data_in_json() {
    let (json, _) = drawn(Style::Json, output("\u{1b}[31mred\u{9b}2J\r10%"));
    assert_eq!(
        json,
        concat!(
            r#"{"event":"output","step":"compile","line":"10%","#,
            r#""raw":"\u001b[31mred\u009b2J\r10%"}"#,
            "\n"
        )
    );
    assert!(!drawn(Style::Json, output("plain")).0.contains("raw"));
}

#[test]
fn a_secret_is_in_no_raw_line() {
    for hidden in [
        "hunter2\u{1b}[0m-hunter2",
        "hunter2-\u{9b}mhunter2\rover it",
        "\u{1b}[31mhunter2-hunter2",
        "https://me:pw\u{1b}[m@host",
    ] {
        let (json, _) = drawn(Style::Json, output(hidden));
        assert!(!json.contains("raw") && !json.contains("hunter2"), "{json}");
        assert!(!json.contains("me:pw"), "{json}");
    }
}
