//! Diagnostics with the line they are about, and the change that would mend it.

use annotate_snippets::{AnnotationKind, Group, Level, Patch, Renderer, Snippet};
use buildpack_core::diagnostic::{Diagnostic, Help, Severity, Span};

/// The diagnostic as text, its first line marked as Heroku marks problems.
pub(super) fn render(diagnostic: &Diagnostic, colour: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = level
        .primary_title(diagnostic.message.as_str())
        .id(diagnostic.code.0);
    let mut main = Group::with_title(title);
    for (at, label) in diagnostic.labels.iter().enumerate() {
        let kind = if at == 0 {
            AnnotationKind::Primary
        } else {
            AnnotationKind::Context
        };
        let annotation = kind.span(range(&label.span)).label(label.text.as_str());
        main = main.element(
            Snippet::source(label.span.source.text.as_str())
                .path(label.span.source.path.to_string_lossy())
                .annotation(annotation),
        );
    }
    for note in &diagnostic.notes {
        main = main.element(Level::NOTE.message(note.as_str()));
    }
    let mut groups = vec![main];
    for help in &diagnostic.helps {
        groups.push(group(help));
    }
    let renderer = if colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let text = renderer.render(&groups).to_string();
    let mut marked = String::from(" !\n");
    for line in text.lines() {
        marked.push_str(" !     ");
        marked.push_str(line);
        marked.push('\n');
    }
    marked.push_str(" !\n");
    marked
}

fn group(help: &Help) -> Group<'_> {
    let group = Group::with_title(Level::HELP.secondary_title(help.text.as_str()));
    match &help.edit {
        Some(edit) => group.element(
            Snippet::source(edit.span.source.text.as_str())
                .path(edit.span.source.path.to_string_lossy())
                .patch(Patch::new(range(&edit.span), edit.new_text.as_str())),
        ),
        None => group,
    }
}

/// The span's bytes, kept inside its source.
fn range(span: &Span) -> std::ops::Range<usize> {
    let length = span.source.text.len();
    let start = span.start.min(length);
    start..span.end.clamp(start, length)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use buildpack_core::diagnostic::{Class, Source};

    use super::*;

    fn span(text: &str, start: usize, end: usize) -> Span {
        Span {
            source: Arc::new(Source {
                path: "elixir_buildpack.config".into(),
                text: text.to_owned(),
            }),
            start,
            end,
        }
    }

    #[test]
    fn shows_the_line_and_the_change() {
        let text = "elixir_version=1.18.3\nerlang_version=27.2\n";
        let diagnostic = Diagnostic::error(
            "erlang-not-built",
            Class::Config,
            "Erlang 27.2 was never built for heroku-24",
        )
        .at(span(text, 37, 41), "asked for here")
        .suggest("take the nearest one", span(text, 37, 41), "27.2.1");
        insta::assert_snapshot!(render(&diagnostic, false), @"
         !
         !     error[erlang-not-built]: Erlang 27.2 was never built for heroku-24
         !      --> elixir_buildpack.config:2:16
         !       |
         !     2 | erlang_version=27.2
         !       |                ^^^^ asked for here
         !       |
         !     help: take the nearest one
         !       |
         !     2 | erlang_version=27.2.1
         !       |                    ++
         !
        ");
    }

    #[test]
    fn a_span_outside_its_source_is_no_panic() {
        let diagnostic = Diagnostic::warning("x", "y").at(span("ab", 5, 9), "");
        assert!(render(&diagnostic, false).contains("warning[x]: y"));
    }
}
