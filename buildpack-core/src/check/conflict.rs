//! Files of one app that ask for different versions of one tool.

use super::inside_quotes;
use crate::diagnostic::{Applicability, Diagnostic, Edit, Origin, Sourced};
use crate::version::Tool;

/// The warning that `others` ask for other versions of `tool` than `counting`, which is what counts.
///
/// The caller has left out those that agree. `agreed` is what the others would have to say, in words that mean the same
/// in every file: usually the version that is taken.
pub fn conflict(
    tool: Tool,
    counting: &Sourced<String>,
    others: &[&Sourced<String>],
    agreed: &str,
) -> Diagnostic {
    let asked = |value: &Sourced<String>| match &value.origin {
        Origin::File(span) => format!("`{}` in `{}`", value.value, span.source.path.display()),
        other => format!("`{}` ({other})", value.value),
    };
    let mut asking = vec![asked(counting)];
    asking.extend(others.iter().map(|value| asked(value)));
    let mut problem = Diagnostic::warning(
        "version-conflict",
        format!(
            "the app's files ask for different versions of {tool}: {}",
            asking.join(", ")
        ),
    )
    .from(&counting.origin, "this one counts");
    for other in others {
        problem = problem.from(&other.origin, "this one does not");
    }
    let edits: Vec<Edit> = others
        .iter()
        .filter_map(|value| match &value.origin {
            Origin::File(span) => Some(Edit {
                span: inside_quotes(span),
                new_text: agreed.to_owned(),
            }),
            _ => None,
        })
        .collect();
    problem.edits(
        "let them agree, so that other tools take the version that is deployed",
        edits,
        Applicability::Likely,
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::diagnostic::{Source, Span};

    fn value(path: &str, text: &str, asked: &str) -> Sourced<String> {
        let start = text.find(asked).unwrap();
        Sourced::new(
            asked.to_owned(),
            Origin::File(Span {
                source: Arc::new(Source {
                    path: path.into(),
                    text: text.to_owned(),
                }),
                start,
                end: start + asked.len(),
            }),
        )
    }

    #[test]
    fn names_every_file_and_lets_the_others_agree() {
        let counting = value("elixir_buildpack.config", "erlang_version=27.2", "27.2");
        let quoted = value("mise.toml", "erlang = \"26\"", "\"26\"");
        let problem = conflict(Tool::Erlang, &counting, &[&quoted], "27.2");
        assert_eq!(problem.labels.len(), 2);
        assert_eq!(problem.labels[1].span.to_string(), "mise.toml:1:10");
        let edit = &problem.helps[0].edits[0];
        assert_eq!((edit.span.start, edit.span.end), (10, 12));
        assert_eq!(edit.new_text, "27.2");
    }
}
