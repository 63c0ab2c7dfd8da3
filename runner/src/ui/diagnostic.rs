//! A diagnostic as text: code, message, place with its source line, ways out as patches, facts.

use std::sync::Arc;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Patch, Renderer, Snippet};
use buildpack_core::diagnostic::{Class, Diagnostic, Edit, Label, Severity, Source, Span};

use super::clean;
use super::redact::Redactor;

/// Said under every bug of ours.
const BUG: &str = concat!(
    "this is a bug in bp ",
    env!("CARGO_PKG_VERSION"),
    "; please report it at ",
    env!("CARGO_PKG_REPOSITORY"),
    "/issues"
);

/// No line is cut where a secret stands in the text: half of a value would not be found.
const UNCUT: usize = usize::MAX / 4;

/// `diagnostic` as text, its lines marked as Heroku marks problems, secrets taken out.
pub(super) fn render(diagnostic: &Diagnostic, redactor: &Redactor, colour: bool) -> String {
    render_with(diagnostic, &[], redactor, colour)
}

/// What else stands in a block, by what it is called there: `log line 41`.
pub(super) type Fact = (String, String);

/// As [`render`], with `facts` between the place and the notes.
pub(super) fn render_with(
    diagnostic: &Diagnostic,
    facts: &[Fact],
    redactor: &Redactor,
    colour: bool,
) -> String {
    let text = if is_sensitive(diagnostic, facts, redactor) {
        // Without colours, so that no colour sequence stands within a value.
        let text = draw(diagnostic, facts, &Renderer::plain().term_width(UNCUT));
        redactor.redact(&text).into_owned()
    } else if colour {
        draw(diagnostic, facts, &Renderer::styled())
    } else {
        draw(diagnostic, facts, &Renderer::plain())
    };
    let mut marked = String::from(" !\n");
    for line in text.lines() {
        marked.push_str(format!(" !     {line}").trim_end());
        marked.push('\n');
    }
    marked.push_str(" !\n");
    marked
}

fn is_sensitive(diagnostic: &Diagnostic, facts: &[Fact], redactor: &Redactor) -> bool {
    let edits = diagnostic.helps.iter().flat_map(|help| &help.edits);
    let sources = (diagnostic.labels.iter().map(|label| &label.span))
        .chain(edits.clone().map(|edit| &edit.span))
        .map(|span| span.source.text.as_str());
    (sources.chain([diagnostic.message.as_str()]))
        .chain(diagnostic.labels.iter().map(|label| label.text.as_str()))
        .chain(edits.map(|edit| edit.new_text.as_str()))
        .chain(diagnostic.helps.iter().map(|help| help.text.as_str()))
        .chain(diagnostic.notes.iter().map(String::as_str))
        .chain(facts.iter().map(|(_, text)| text.as_str()))
        .any(|text| redactor.finds_in(text))
}

fn draw(diagnostic: &Diagnostic, facts: &[Fact], renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mut main = Group::with_title(
        level
            .primary_title(clean::block(&diagnostic.message))
            .id(diagnostic.code.0),
    );
    for (source, labels) in by_source(&diagnostic.labels) {
        let first = diagnostic.labels.first();
        main = main.element(
            Snippet::source(source.text.as_str())
                .path(source.path.to_string_lossy())
                .annotations(labels.into_iter().map(|label| {
                    let main = first.is_some_and(|first| std::ptr::eq(first, label));
                    annotation(label, main)
                })),
        );
    }
    for (name, text) in facts {
        let level = Level::NOTE.with_name(Some(name.as_str()));
        main = main.element(level.message(clean::block(text)));
    }
    for note in &diagnostic.notes {
        main = main.element(Level::NOTE.message(clean::block(note)));
    }
    let (edits, words): (Vec<_>, Vec<_>) = diagnostic
        .helps
        .iter()
        .partition(|help| help.edits.iter().any(is_visible));
    for help in words {
        main = main.element(Level::HELP.message(clean::block(&help.text)));
    }
    if diagnostic.class == Class::Bug && diagnostic.is_error() {
        main = main.element(Level::HELP.message(BUG));
    }
    let mut report = vec![main];
    for help in edits {
        report.push(patch(&help.text, &help.edits));
    }
    renderer.render(&report)
}

fn annotation(label: &Label, main: bool) -> Annotation<'_> {
    let kind = if main {
        AnnotationKind::Primary
    } else {
        AnnotationKind::Context
    };
    let annotation = kind.span(within(&label.span));
    if label.text.is_empty() {
        annotation
    } else {
        annotation.label(clean::line(&label.text, false))
    }
}

/// Whether an edit can be drawn: the one of a line end or of a file's encoding shows nothing.
fn is_visible(edit: &Edit) -> bool {
    let old = edit.span.source.text.get(within(&edit.span));
    let blank = |text: &str| text.chars().all(|c| c == '\r');
    !(blank(&edit.new_text) && old.is_none_or(blank))
}

fn patch<'d>(text: &'d str, edits: &'d [Edit]) -> Group<'d> {
    let mut group = Level::HELP
        .secondary_title(clean::block(text))
        .elements(None::<Snippet<'d, Patch<'d>>>);
    for edits in edits.chunk_by(|one, next| one.span.source == next.span.source) {
        let source = &edits[0].span.source;
        group = group.element(
            Snippet::source(source.text.as_str())
                .path(source.path.to_string_lossy())
                .patches(edits.iter().map(patch_of)),
        );
    }
    group
}

fn patch_of(edit: &Edit) -> Patch<'_> {
    let mut range = within(&edit.span);
    let mut new_text = clean::block(&edit.new_text);
    // A line behind the last one is drawn as such only if it begins before that one's end.
    if range.is_empty()
        && range.end == edit.span.source.text.len()
        && edit.span.source.text.ends_with('\n')
        && let Some(line) = new_text.strip_suffix('\n')
    {
        new_text = format!("\n{line}").into();
        range = range.start - 1..range.end - 1;
    }
    Patch::new(range, new_text)
}

/// Labels by the file they stand in, in the order of their first.
fn by_source(labels: &[Label]) -> Vec<(&Arc<Source>, Vec<&Label>)> {
    let mut groups: Vec<(&Arc<Source>, Vec<&Label>)> = Vec::new();
    for label in labels {
        let source = &label.span.source;
        match groups.iter_mut().find(|(other, _)| *other == source) {
            Some((_, group)) => group.push(label),
            None => groups.push((source, vec![label])),
        }
    }
    groups
}

/// The span's bytes, forced into the text and onto whole characters: a wrong span must not hide what is wrong.
fn within(span: &Span) -> std::ops::Range<usize> {
    let text = &span.source.text;
    let start = text.floor_char_boundary(span.start.min(text.len()));
    let end = text.ceil_char_boundary(span.end.clamp(start, text.len()));
    start..end
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn source(text: &str) -> Arc<Source> {
        Arc::new(Source {
            path: "elixir_buildpack.config".into(),
            text: text.to_owned(),
        })
    }

    fn span(source: &Arc<Source>, start: usize, end: usize) -> Span {
        Span {
            source: Arc::clone(source),
            start,
            end,
        }
    }

    fn versions() -> Diagnostic {
        let source = source("elixir_version=1.18.3\nerlang_version=24.3\n");
        Diagnostic::error(
            "elixir-needs-newer-otp",
            Class::Config,
            "Elixir 1.18.3 needs Erlang/OTP 25 or newer",
        )
        .at(span(&source, 37, 41), "OTP 24 is asked for here")
        .at(span(&source, 15, 21), "needs OTP 25 to 27")
        .note("the build list is of 2026-11-01")
        .help("run `bp check-versions` to see all of them")
        .suggest(
            "ask for the newest that fits",
            span(&source, 37, 41),
            "27.3.4.1",
        )
    }

    #[test]
    fn it_shows_the_place_the_reason_and_the_way_out() {
        insta::assert_snapshot!(render(&versions(), &Redactor::default(), false), @"
        !
        !     error[elixir-needs-newer-otp]: Elixir 1.18.3 needs Erlang/OTP 25 or newer
        !      --> elixir_buildpack.config:2:16
        !       |
        !     1 | elixir_version=1.18.3
        !       |                ------ needs OTP 25 to 27
        !     2 | erlang_version=24.3
        !       |                ^^^^ OTP 24 is asked for here
        !       |
        !       = note: the build list is of 2026-11-01
        !       = help: run `bp check-versions` to see all of them
        !     help: ask for the newest that fits
        !       |
        !     2 - erlang_version=24.3
        !     2 + erlang_version=27.3.4.1
        !       |
        !
        ");
    }

    #[test]
    fn with_colours_it_says_the_same() {
        let coloured = render(&versions(), &Redactor::default(), true);
        assert!(coloured.contains('\u{1b}'));
        let plain: String = coloured
            .lines()
            .map(|line| clean::line(line, false).into_owned() + "\n")
            .collect();
        assert_eq!(plain, render(&versions(), &Redactor::default(), false));
    }

    #[test]
    fn secrets_in_source_lines_labels_and_edits_are_masked() {
        let source = source("URL=ecto://hunter2@db\n");
        let diagnostic = Diagnostic::warning("w", "`hunter2` in a file")
            .at(span(&source, 4, 21), "hunter2 stands here")
            .note("hunter2\nhunter2")
            .suggest("drop hunter2", span(&source, 4, 4), "hunter2-");
        let redactor = Redactor::new([("PASSWORD", "hunter2")]);
        let text = render(&diagnostic, &redactor, true);
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("ecto://[PASSWORD]@db"), "{text}");
    }

    #[test]
    fn control_sequences_in_the_apps_files_do_nothing() {
        let source = source("A=\u{1b}[2Jx\r\n");
        let diagnostic = Diagnostic::warning("w", "bad \u{1b}[2J")
            .at(span(&source, 2, 7), "\u{1b}[1A")
            .note("\u{1b}]0;x\u{7}");
        let text = render(&diagnostic, &Redactor::default(), false);
        assert!(
            !text.contains('\u{1b}') && !text.contains('\u{7}'),
            "{text:?}"
        );
    }

    #[test]
    fn a_bug_says_where_to_report_it() {
        let text = render(
            &Diagnostic::error("b", Class::Bug, "oh"),
            &Redactor::default(),
            false,
        );
        assert!(text.contains("please report it"), "{text}");
    }

    proptest! {
        #[test]
        fn no_span_or_text_makes_it_panic(
            text in "(\\PC|[\\n\\r\\t\u{0}\u{feff}é]){0,30}", start in 0_usize..60, end in 0_usize..60,
            new_text in "(\\PC|\\n){0,6}",
        ) {
            let source = source(&text);
            let diagnostic = Diagnostic::warning("w", text.clone())
                .at(span(&source, start, end), "here")
                .at(span(&source, end, start), text)
                .suggest("do", span(&source, start, end), new_text);
            let text = render(&diagnostic, &Redactor::default(), false);
            prop_assert!(text.starts_with(" !\n !     warning[w]"));
        }
    }
}
