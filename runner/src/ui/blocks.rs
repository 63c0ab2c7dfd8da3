//! Lines of programs that came together, drawn together where nothing in them is to be hidden.

use buildpack_core::clean::Lines;
use buildpack_core::event::Stream;
use memchr::memchr3;
use serde::Serialize;

use super::lines::tame;
use super::pieces::{Of, PIECE};
use super::{Style, Ui};

/// How an event of output begins.
#[derive(Serialize)]
struct Head<'a> {
    event: &'static str,
    step: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<Stream>,
}

impl Ui {
    /// Lines that a step's program printed. Where one hides something, or may have to wait, each goes its way alone.
    pub(super) fn output_lines(&self, step: &str, stream: Option<Stream>, lines: &Lines<'_>) {
        let of = Of::Build(stream);
        let text = match self.style {
            _ if !self.all_at_once(lines) => None,
            Style::Json => self.events(of, step, lines),
            Style::Text => Some(self.log_lines(lines)),
        };
        match text {
            Some(text) => self.write_lines(&text),
            None => (lines.raw().split('\n')).for_each(|line| self.program_line(of, step, line)),
        }
    }

    /// Whether each of the lines is whole, nothing waits for it, and all of it can be shown as it reads.
    fn all_at_once(&self, lines: &Lines<'_>) -> bool {
        let whole = lines.raw().len() < PIECE && !self.has_pieces();
        whole && self.redactor.passes(lines.bare())
    }

    fn log_lines(&self, lines: &Lines<'_>) -> String {
        let bare = lines.bare();
        let mut text = String::with_capacity(bare.len() + bare.len() / 2);
        each(bare).for_each(|line| self.push_line(&mut text, line, line));
        text
    }

    /// The lines as events; none if one cannot be.
    fn events(&self, of: Of, step: &str, lines: &Lines<'_>) -> Option<String> {
        let (event, stream) = of.parts();
        let head = Head {
            event,
            step,
            stream,
        };
        let head = tame(serde_json::to_string(&head).ok()?);
        let head = format!("{},\"line\":\"", head.strip_suffix('}')?);
        let mut text = String::with_capacity(2 * lines.raw().len() + 2 * head.len());
        let mut all = each(lines.raw());
        for line in each(lines.bare()) {
            text.push_str(&head);
            push_escaped(&mut text, line);
            if let Some(raw) = all.next().and_then(|raw| self.raw(raw, line)) {
                text.push_str("\",\"raw\":");
                text.push_str(&tame(serde_json::to_string(raw).ok()?));
                text.push_str("}\n");
            } else {
                text.push_str("\"}\n");
            }
        }
        Some(text)
    }
}

/// Text without control characters but tabs as the inside of a string in JSON.
fn push_escaped(to: &mut String, bare: &str) {
    let mut rest = bare;
    while let Some(at) = memchr3(b'"', b'\\', b'\t', rest.as_bytes()) {
        to.push_str(&rest[..at]);
        to.push_str(match rest.as_bytes()[at] {
            b'"' => "\\\"",
            b'\t' => "\\t",
            _ => "\\\\",
        });
        rest = &rest[at + 1..];
    }
    to.push_str(rest);
}

/// The lines of a text.
pub(super) fn each(text: &str) -> impl Iterator<Item = &str> {
    let ends = memchr::memchr_iter(b'\n', text.as_bytes()).chain([text.len()]);
    let mut start = 0;
    ends.map(move |end| {
        let line = &text[start..end];
        start = end + 1;
        line
    })
}

#[cfg(test)]
mod tests {
    use buildpack_core::event::{Event, EventSink as _};
    use proptest::prelude::*;
    use testdata::paper::Paper;

    use super::super::{Redactor, Screen};
    use super::*;

    /// What is written of lines, so many at once; of none, each as an event of its own.
    fn written(style: Style, lines: &[&str], together: &[usize]) -> String {
        let (out, err) = (Paper::default(), Paper::default());
        let screen = Screen {
            out: Box::new(out.clone()),
            err: Box::new(err),
            terminal: false,
            colour: false,
            colour_out: false,
        };
        let secrets = [
            ("TOKEN", "hunter2-hunter2"),
            ("KEY", "-----BEGIN-----\nMIIEpAIBAAKCAQEA"),
        ];
        let ui = Ui::new(style, false, screen, Redactor::new(secrets));
        let stream = Some(Stream::Stdout);
        let mut rest = lines;
        for count in together.iter().cycle().take(lines.len()) {
            let (some, others) = rest.split_at(rest.len().min(*count));
            rest = others;
            if !some.is_empty() {
                ui.output("a \"step\"", stream, &Lines::new(&some.join("\n")));
            }
        }
        if together.is_empty() {
            for line in lines {
                let (step, line) = ("a \"step\"".to_owned(), (*line).to_owned());
                ui.emit(Event::Output { step, stream, line });
            }
        }
        assert!(ui.unwritten().is_none());
        let text = out.take();
        assert_eq!(ui.lines(), Some(text.matches('\n').count() as u64));
        text
    }

    const LINES: [&str; 16] = [
        "",
        "plain",
        "  \t\"quoted\\\" \u{9b}",
        "-----> heading ",
        "       ",
        "\u{1b}[32mgreen\u{1b}[0m é 字\u{c2a0}",
        "hunter2-hunter2",
        "\u{1b}[1mhunter2\u{1b}[0m-hunter2",
        "ends in hunter2",
        "-hunter2 begins",
        "\u{1b}[31mhunter2",
        "https://me:pw@host/x",
        "https://host/x",
        "10%\r\u{1b}[1m20%",
        "hunter2-hunter2\rgone",
        "MIIEpAIBAAKCAQEA",
    ];

    proptest! {
        #[test]
        fn lines_are_drawn_the_same_however_many_come_together(
            lines in prop::collection::vec((0..LINES.len(), "[a\"\\\\\\t\\PC]{0,6}"), 1..20),
            together in prop::collection::vec(1_usize..8, 1..4),
            json in any::<bool>(),
        ) {
            let style = if json { Style::Json } else { Style::Text };
            let lines: Vec<String> = (lines.into_iter())
                .map(|(at, more)| if more.len() > 3 { more } else { LINES[at].to_owned() })
                .collect();
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let alone = written(style, &lines, &[]);
            prop_assert_eq!(written(style, &lines, &together), &*alone);
            prop_assert!(!alone.contains("hunter2-hunter2"));
        }
    }
}
