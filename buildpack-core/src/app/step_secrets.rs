//! The app's `bp.toml`: which secrets its steps are to see, by their names.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Class, Diagnostic, Origin, Source, Sourced, Span};

/// The app's own settings, in its folder.
pub(super) const FILE: &str = "bp.toml";

/// The only thing that it holds.
const TABLE: &str = "secrets";

/// Names of secrets by the step that is to see them; what is wrong with the file is an error with its place.
pub(super) fn parse(
    source: &Arc<Source>,
    diagnostics: &mut Vec<Diagnostic>,
) -> BTreeMap<String, Sourced<Vec<String>>> {
    let mut reader = Reader {
        source,
        diagnostics,
    };
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    for error in &errors {
        let what = "the app's `bp.toml` is not valid TOML";
        reader.wrong(what, error.span().unwrap_or_default(), error.message());
    }
    let mut steps = BTreeMap::new();
    if !errors.is_empty() {
        return steps;
    }
    for (name, value) in table.get_ref() {
        match (name.get_ref().as_ref(), value.get_ref()) {
            (TABLE, DeValue::Table(table)) => {
                for (step, names) in table {
                    if let Some(names) = reader.names(names.get_ref(), names.span()) {
                        steps.insert(step.get_ref().clone().into_owned(), names);
                    }
                }
            }
            (TABLE, _) => {
                let expected = "expected a table: a step, and the names that it is to see";
                reader.wrong(
                    "`secrets` of the app's `bp.toml` is no table",
                    value.span(),
                    expected,
                );
            }
            (other, _) => {
                let what = format!("the app's `bp.toml` knows nothing of `{other}`");
                reader.wrong(&what, name.span(), "only `[secrets]` is known");
            }
        }
    }
    steps
}

struct Reader<'r> {
    source: &'r Arc<Source>,
    diagnostics: &'r mut Vec<Diagnostic>,
}

impl Reader<'_> {
    /// A list of names, or one name.
    fn names(&mut self, value: &DeValue<'_>, at: Range<usize>) -> Option<Sourced<Vec<String>>> {
        let name = |value: &DeValue<'_>| match value {
            DeValue::String(name) if is_name(name) => Some(name.clone().into_owned()),
            _ => None,
        };
        let names: Option<Vec<String>> = match value {
            DeValue::Array(names) => names.iter().map(|value| name(value.get_ref())).collect(),
            value => name(value).map(|name| vec![name]),
        };
        if names.is_none() {
            let what = "a step of `[secrets]` needs names of variables";
            self.wrong(
                what,
                at.clone(),
                "expected a list such as `[\"NPM_TOKEN\"]`",
            );
        }
        Some(Sourced::new(names?, Origin::File(self.span(at))))
    }

    fn span(&self, at: Range<usize>) -> Span {
        Span {
            source: Arc::clone(self.source),
            start: at.start,
            end: at.end,
        }
    }

    fn wrong(&mut self, what: &str, at: Range<usize>, label: &str) {
        let problem = Diagnostic::error("app-settings", Class::Config, what);
        self.diagnostics.push(
            problem
                .at(self.span(at), label)
                .help("docs/secrets.md shows how a step names its secrets"),
        );
    }
}

fn is_name(name: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty() && name.bytes().all(letters) && !name.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, usize) {
        let source = Arc::new(Source {
            path: FILE.into(),
            text: text.to_owned(),
        });
        let mut diagnostics = Vec::new();
        let steps = parse(&source, &mut diagnostics);
        let shown = steps.iter();
        let shown = shown.map(|(step, names)| format!("{step}: {}", names.value.join(" ")));
        assert!(diagnostics.iter().all(|problem| !problem.labels.is_empty()));
        (shown.collect(), diagnostics.len())
    }

    #[test]
    fn steps_name_secrets() {
        let text = "[secrets]\ndeps = [\"HEX_KEY\", \"B\"]\nhook_pre_compile = \"SENTRY\"\n";
        assert_eq!(
            read(text).0,
            ["deps: HEX_KEY B", "hook_pre_compile: SENTRY"]
        );
        assert_eq!(read(""), (Vec::new(), 0));
    }

    #[test]
    fn what_is_none_of_it_is_told_with_its_place() {
        for text in [
            "[secrets",
            "secrets = 1",
            "stack = \"heroku-24\"",
            "[secrets]\ndeps = 1",
            "[secrets]\ndeps = [\"A B\"]",
            "[secrets]\ndeps = [\"1A\"]",
            "[secrets]\ndeps = \"\"",
        ] {
            assert_eq!(read(text), (Vec::new(), 1), "{text}");
        }
    }
}
