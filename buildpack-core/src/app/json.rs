//! JSON with places: each text with the span between its quotes.

use std::collections::BTreeMap;
use std::sync::Arc;

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use crate::diagnostic::{Origin, Source, Sourced, Span};

/// What is allowed beyond JSON itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Nothing.
    Plain,
    /// Comments, and commas before a closing bracket.
    Commented,
}

/// The object that the file holds; else the place where it is none, and why.
pub(super) fn object(source: &Arc<Source>, dialect: Dialect) -> Result<Object<'_>, (Span, String)> {
    let commented = dialect == Dialect::Commented;
    let options = ParseOptions {
        allow_comments: commented,
        allow_trailing_commas: commented,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        ..ParseOptions::default()
    };
    let span = |start, end| Span {
        source: Arc::clone(source),
        start,
        end,
    };
    let parsed = parse_to_ast(&source.text, &CollectOptions::default(), &options)
        .map_err(|error| {
            let range = error.range();
            // The parser's sentence begins with a capital and ends with line and column.
            let kind = error.kind().to_string();
            let mut letters = kind.chars();
            let first = letters.next().map(|c| c.to_ascii_lowercase());
            (
                span(range.start, range.end),
                first.into_iter().chain(letters).collect::<String>(),
            )
        })?
        .value;
    match parsed {
        Some(Value::Object(object)) => Ok(object),
        Some(other) => Err((
            span(other.start(), other.end()),
            "expected an object".to_owned(),
        )),
        None => Err((span(0, 0), "it is empty".to_owned())),
    }
}

/// The members of an object by name; of equal names the last counts.
pub(super) fn members<'v>(
    object: &'v Object<'v>,
) -> impl Iterator<Item = (&'v str, &'v Value<'v>)> {
    object
        .properties
        .iter()
        .map(|member: &ObjectProp<'_>| (member.name.as_str(), &member.value))
}

/// A member by name; of equal names the last counts.
pub(super) fn member<'v>(object: &'v Object<'v>, name: &str) -> Option<&'v Value<'v>> {
    members(object)
        .filter(|(other, _)| *other == name)
        .last()
        .map(|(_, value)| value)
}

/// A member that is an object.
pub(super) fn child<'v>(object: &'v Object<'v>, name: &str) -> Option<&'v Object<'v>> {
    match member(object, name)? {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

/// A text with its place.
pub(super) fn text(source: &Arc<Source>, value: &Value<'_>) -> Option<Sourced<String>> {
    let Value::StringLit(text) = value else {
        return None;
    };
    let span = Span {
        source: Arc::clone(source),
        start: text.range.start + 1,
        end: text.range.end.saturating_sub(1),
    };
    Some(Sourced::new(text.value.to_string(), Origin::File(span)))
}

/// A member that is a text.
pub(super) fn text_of(
    source: &Arc<Source>,
    object: &Object<'_>,
    name: &str,
) -> Option<Sourced<String>> {
    text(source, member(object, name)?)
}

/// The members that are texts.
pub(super) fn texts(
    source: &Arc<Source>,
    object: Option<&Object<'_>>,
) -> BTreeMap<String, Sourced<String>> {
    object
        .into_iter()
        .flat_map(members)
        .filter_map(|(name, value)| Some((name.to_owned(), text(source, value)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn source(text: &str) -> Arc<Source> {
        Arc::new(Source {
            path: "x.json".into(),
            text: text.to_owned(),
        })
    }

    #[test]
    fn texts_have_the_place_between_their_quotes() {
        let source = source(r#"{"a": {"é": "1", "b": "x\"y", "b": "2"}, "n": 1}"#);
        let object = object(&source, Dialect::Plain).unwrap();
        let found = texts(&source, child(&object, "a"));
        assert_eq!(found["b"].value, "2");
        let Origin::File(span) = &found["é"].origin else {
            panic!("no place");
        };
        assert_eq!(&source.text[span.start..span.end], "1");
    }

    #[test]
    fn comments_and_last_commas_are_for_those_who_allow_them() {
        let source = source("{ // \"é\"\n \"a\": \"//x, }\", /* , */ \"b\": [1, 2,], }");
        assert!(object(&source, Dialect::Plain).is_err());
        let object = object(&source, Dialect::Commented).unwrap();
        assert_eq!(text_of(&source, &object, "a").unwrap().value, "//x, }");
    }

    #[test]
    fn what_is_no_object_says_where() {
        for text in [
            "",
            " ",
            "[]",
            "{",
            "{\"a\" 1}",
            "{a: 1}",
            "{'a': 1}",
            "\u{0}",
            "{\"a\":1}}",
        ] {
            let source = source(text);
            let (span, why) = object(&source, Dialect::Commented).unwrap_err();
            assert!(span.end <= text.len() && !why.is_empty(), "{text}: {why}");
        }
        let deep = source(&"[".repeat(100_000));
        assert!(object(&deep, Dialect::Plain).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(\\PC|[\"/*,:{}\\\\\n\\[]){0,60}") {
            let source = source(&text);
            if let Err((span, _)) = object(&source, Dialect::Commented) {
                prop_assert!(text.get(span.start..span.end).is_some());
            }
        }
    }
}
