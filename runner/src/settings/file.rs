//! bp.toml as values with places.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use buildpack_core::diagnostic::{Class, Diagnostic, Origin, Source, Sourced, Span};
use toml::de::{DeTable, DeValue};

use super::keys::KEYS;

/// What a place says of a setting: one value, or several.
pub(super) type Said = Sourced<Vec<String>>;

/// Reads the text of bp.toml. What is wrong with it is added to `wrong`.
pub(super) fn read(
    path: &Path,
    text: String,
    wrong: &mut Vec<Diagnostic>,
) -> HashMap<&'static str, Said> {
    let source = Arc::new(Source {
        path: path.to_owned(),
        text,
    });
    let span = |range: Range<usize>| Span {
        source: Arc::clone(&source),
        start: range.start,
        end: range.end,
    };
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    wrong.extend(errors.iter().map(|error| {
        Diagnostic::error("settings-syntax", Class::Usage, "bp.toml is not valid TOML")
            .at(span(error.span().unwrap_or_default()), error.message())
            .help("docs/settings.md shows each setting")
    }));
    let mut said = HashMap::new();
    if !errors.is_empty() {
        // What can be guessed of a broken file only hides what is broken.
        return said;
    }
    for (name, value) in table.get_ref() {
        let Some(key) = KEYS.iter().find(|key| key.name == name.get_ref()) else {
            wrong.push(unknown(name.get_ref(), span(name.span())));
            continue;
        };
        let values = match value.get_ref() {
            DeValue::Array(items) if key.list => {
                items.iter().map(|item| scalar(item.get_ref())).collect()
            }
            value => scalar(value).map(|value| vec![value]),
        };
        match values {
            Some(values) => {
                said.insert(
                    key.name,
                    Sourced::new(values, Origin::File(span(value.span()))),
                );
            }
            None => wrong.push(
                Diagnostic::error(
                    "settings-type",
                    Class::Usage,
                    format!("`{}` of bp.toml has the wrong type", key.name),
                )
                .at(
                    span(value.span()),
                    if key.list {
                        "expected a list of strings"
                    } else {
                        "expected one value"
                    },
                )
                .help(key.doc),
            ),
        }
    }
    said
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.clone().into_owned()),
        DeValue::Boolean(value) => Some(value.to_string()),
        DeValue::Integer(number) => Some(number.as_str().to_owned()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

fn unknown(name: &str, span: Span) -> Diagnostic {
    let problem = Diagnostic::error(
        "settings-unknown",
        Class::Usage,
        format!("bp.toml knows no setting `{name}`"),
    );
    let nearest = KEYS
        .iter()
        .map(|key| (strsim::damerau_levenshtein(key.name, name), key.name))
        .min()
        .filter(|(distance, _)| *distance <= 3);
    match nearest {
        Some((_, nearest)) => problem.at(span.clone(), "").suggest(
            format!("did you mean `{nearest}`?"),
            span,
            nearest,
        ),
        None => problem
            .at(span, "")
            .help(format!("known are {}", KEYS.map(|key| key.name).join(", "))),
    }
}
