//! Events as JSON are what `docs/events.md` and its schema say.

#![allow(clippy::unwrap_used, reason = "a test's failure is its message")]

use std::io;
use std::process::Command;

use buildpack_core::causes::{Cause, Place, Quote};
use buildpack_core::diagnostic::{Class, Code, Diagnostic};
use buildpack_core::digest::Digest;
use buildpack_core::event::{Event, EventSink as _, SCHEMA, StepState, Stream};
use runner::ui::{Redactor, Screen, Style, Ui};
use testdata::paper::Paper;
use testdata::schema::Schema;

/// The event after `event` in a round that has each kind once; `None` begins it. A new kind has to find its place here.
#[expect(clippy::too_many_lines, reason = "one arm for each kind")]
fn next(event: Option<&Event>) -> Option<Event> {
    let text = "text".to_owned();
    let (step, line) = ("compile".to_owned(), "\u{1b}[1mbold\u{1b}[m".to_owned());
    let digest = Digest::of(b"");
    Some(match event {
        None => Event::Begin {
            schema: SCHEMA,
            bp: "0.1.0".to_owned(),
            command: "build",
        },
        Some(Event::Begin { .. }) => Event::StageStarted { stage: "plan" },
        Some(Event::StageStarted { .. }) => Event::StageFinished {
            stage: "plan",
            millis: 1,
        },
        Some(Event::StageFinished { .. }) => Event::Step {
            step,
            state: StepState::Failed,
            reason: Some(text),
            millis: Some(1),
            exit: Some(1),
            signal: Some(9),
        },
        Some(Event::Step { .. }) => Event::Heading { text },
        Some(Event::Heading { .. }) => Event::Detail { text },
        Some(Event::Detail { .. }) => Event::Output {
            step,
            stream: Some(Stream::Stderr),
            line,
        },
        Some(Event::Output { .. }) => Event::TestOutput {
            step,
            stream: Some(Stream::Stdout),
            line,
        },
        Some(Event::TestOutput { .. }) => Event::Diagnostic {
            diagnostic: Diagnostic::error("disk", Class::Surroundings, text)
                .help("help")
                .note("note")
                .alternatives(vec!["27.2".to_owned()])
                .other_stacks(vec!["heroku-22".to_owned()]),
        },
        Some(Event::Diagnostic { .. }) => Event::Cause {
            cause: Box::new(Cause {
                code: "script-missing".to_owned(),
                message: text.clone(),
                stage: Some("compile".to_owned()),
                step: Some(step),
                command: Some(text.clone()),
                exit_code: Some(1),
                signal: Some(9),
                quote: Some(Quote {
                    line: 41,
                    text: text.clone(),
                }),
                place: Some(Place {
                    file: text.clone(),
                    line: 1,
                    column: 1,
                }),
                notes: vec![text.clone()],
                helps: vec![text.clone()],
                reproduce: Some(text),
            }),
        },
        Some(Event::Cause { .. }) => Event::Progress {
            what: text,
            done: 1,
            total: None,
            finished: true,
        },
        Some(Event::Progress { .. }) => Event::Cache {
            what: text.clone(),
            hit: false,
            reason: Some(text),
        },
        Some(Event::Cache { .. }) => Event::Layer {
            purpose: text,
            digest,
            diff_id: digest,
            size: 1,
            reused: true,
        },
        Some(Event::Layer { .. }) => Event::Image {
            name: text,
            digest,
            size: 1,
        },
        Some(Event::Image { .. }) => Event::Pushed {
            reference: text,
            digest,
            uploaded: 1,
            mounted: 1,
            there: 1,
            bytes: 1,
        },
        Some(Event::Pushed { .. }) => Event::RemoteCache {
            reference: text,
            taken: 1,
            taken_bytes: 1,
            sent: 1,
            sent_bytes: 1,
        },
        Some(Event::RemoteCache { .. }) => Event::Result {
            exit: 4,
            code: Some(Code("disk")),
            class: Some(Class::Surroundings),
            millis: 1,
        },
        Some(Event::Result { .. }) => return None,
    })
}

#[test]
fn each_kind_of_event_is_in_the_schema() {
    let paper = Paper::default();
    let screen = Screen {
        out: Box::new(paper.clone()),
        err: Box::new(io::sink()),
        terminal: false,
        colour: false,
        colour_out: false,
    };
    let ui = Ui::new(Style::Json, true, screen, Redactor::default());
    let mut last = None;
    let mut kinds = 0;
    while let Some(event) = next(last.as_ref()) {
        ui.emit(event.clone());
        kinds += 1;
        last = Some(event);
    }
    let text = paper.take();
    let schema = Schema::of_events();
    let lines = schema.lines(&text);
    assert_eq!(lines.len(), kinds);
    assert_eq!(lines[0]["schema"], SCHEMA);
    for mut line in lines {
        let name = line["event"].as_str().unwrap().to_owned();
        let page = include_str!("../../docs/events.md");
        assert!(
            page.contains(&format!("`{name}`")),
            "docs/events.md lacks {name}"
        );
        line["unheard-of"] = true.into();
        assert!(schema.complaint(&line).is_some(), "{line}");
    }
}

#[test]
fn a_build_that_fails_at_once_has_its_first_and_its_last_event() {
    let folder = tempfile::tempdir().unwrap();
    let bp = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_bp"))
            .args(arguments)
            .args(["--format", "json", "--offline"])
            .current_dir(folder.path())
            .env_clear()
            .env("HOME", folder.path())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), text)
    };
    let schema = Schema::of_events();
    for (arguments, code) in [
        (&["build", "nowhere"][..], "app-folder"),
        (&["build", ".", "--env", "1=x"], "config-var-name"),
        (&["push", "nothing", "localhost/a"], "image-not-kept"),
    ] {
        let (exit, text) = bp(arguments);
        let lines = schema.lines(&text);
        let (first, last) = (&lines[0], lines.last().unwrap());
        assert_eq!(first["event"], "begin", "{text}");
        assert_eq!(first["command"], arguments[0]);
        assert_eq!(last["event"], "result", "{text}");
        assert_eq!(last["exit"], exit.unwrap());
        assert_eq!(last["code"], code, "{text}");
    }
    bp(&["build", "nowhere", "--record", "record.json"]);
    let text = fs_err::read_to_string(folder.path().join("record.json")).unwrap();
    let record = Schema::of_records().read(&text);
    assert_eq!(
        (&record["outcome"], &record["exit"]),
        (&"failed".into(), &2.into())
    );
    assert_eq!(record["diagnostics"][0]["code"], "app-folder");
    let (exit, text) = bp(&["build", "nowhere", "--record", "none/record.json"]);
    assert!(
        exit == Some(4) && text.contains("record-unwritable"),
        "{text}"
    );
    // Where the output is an answer, no event comes into it.
    assert_eq!(bp(&["inspect"]).1, "");
}
