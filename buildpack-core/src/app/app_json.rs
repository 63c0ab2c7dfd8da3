//! `app.json`: what of it matters to a build.

use std::sync::Arc;

use serde_json::Value;

use super::lines::lines;
use super::{AppJson, EnvEntry};
use crate::diagnostic::{Class, Diagnostic, Origin, Source, Sourced, Span};

/// The file's content; what cannot be read is an error with its place.
pub(super) fn parse(source: &Arc<Source>, diagnostics: &mut Vec<Diagnostic>) -> AppJson {
    let json: Value = match serde_json::from_str(&plain(&source.text)) {
        Ok(json) => json,
        Err(error) => {
            let at = place(source, error.line(), error.column());
            let text = error.to_string();
            let what = text.split(" at line").next().unwrap_or(&text).to_owned();
            diagnostics.push(
                Diagnostic::error("app-json", Class::Config, "`app.json` is not JSON")
                    .at(at, what)
                    .help("correct the file, or remove it if nothing needs it"),
            );
            return AppJson::default();
        }
    };
    let texts = |value: &Value| {
        value
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| {
                Some((name.clone(), sourced(source, name, value.as_str()?)))
            })
            .collect::<std::collections::BTreeMap<_, _>>()
    };
    let mut scripts = texts(&json["scripts"]);
    for (name, script) in texts(&json["scripts"]["dokku"]) {
        scripts.insert(format!("dokku.{name}"), script);
    }
    AppJson {
        stack: json["stack"]
            .as_str()
            .map(|stack| sourced(source, "stack", stack)),
        scripts,
        environments: json["environments"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, environment)| (name.clone(), texts(&environment["scripts"])))
            .collect(),
        buildpacks: json["buildpacks"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|pack| Some(sourced(source, "url", pack["url"].as_str()?)))
            .collect(),
        env: json["env"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, entry)| (name.clone(), env(source, name, entry)))
            .collect(),
    }
}

fn env(source: &Arc<Source>, name: &str, entry: &Value) -> EnvEntry {
    let value = entry.as_str().or_else(|| entry["value"].as_str());
    EnvEntry {
        value: value.map(|value| sourced(source, name, value)),
        required: entry["required"].as_bool().unwrap_or(true),
        generated: entry["generator"] == "secret",
    }
}

/// The text with comments and commas before a closing bracket as blanks, all else where it was: Dokku reads the file
/// as JSONC.
fn plain(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut at = 0;
    let mut comma = None;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let length = if rest.starts_with(b"//") {
            rest.iter()
                .position(|byte| *byte == b'\n')
                .unwrap_or(rest.len())
        } else if rest.starts_with(b"/*") {
            let end = rest[2..].windows(2).position(|pair| pair == b"*/");
            end.map_or(rest.len(), |end| end + 4)
        } else {
            match rest[0] {
                b'"' => {
                    comma = None;
                    at = end_of_string(&bytes, at);
                    continue;
                }
                b',' => comma = Some(at),
                b'}' | b']' => {
                    if let Some(comma) = comma.take() {
                        bytes[comma] = b' ';
                    }
                }
                byte if byte.is_ascii_whitespace() => {}
                _ => comma = None,
            }
            at += 1;
            continue;
        };
        for byte in &mut bytes[at..at + length] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at += length;
    }
    // Whole comments and single ASCII bytes were replaced, so this is still text.
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// One past the closing quote of the string that opens at `start`.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        at += match byte {
            b'\\' => 2,
            b'"' => return at + 1,
            _ => 1,
        };
    }
    bytes.len()
}

/// The value with the place where it stands behind its key, as far as a search can tell.
fn sourced(source: &Arc<Source>, key: &str, value: &str) -> Sourced<String> {
    let written = Value::from(value).to_string();
    let key = Value::from(key).to_string();
    let found = source
        .text
        .match_indices(&written)
        .find(|(at, _)| {
            let before = source.text[..*at].trim_end();
            before
                .strip_suffix(':')
                .is_some_and(|before| before.trim_end().ends_with(&key))
        })
        .map_or((0, 0), |(at, _)| (at + 1, at + written.len() - 1));
    Sourced::new(
        value.to_owned(),
        Origin::File(Span {
            source: Arc::clone(source),
            start: found.0,
            end: found.1,
        }),
    )
}

/// The byte at a line and column, both from 1, the column in bytes.
fn place(source: &Arc<Source>, line: usize, column: usize) -> Span {
    let start = lines(source)
        .nth(line.saturating_sub(1))
        .map_or(source.text.len(), |(start, text)| {
            start + column.saturating_sub(1).min(text.len())
        });
    let start = (0..=start)
        .rev()
        .find(|at| source.text.is_char_boundary(*at))
        .unwrap_or(0);
    Span {
        source: Arc::clone(source),
        start,
        end: start,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn comments_and_last_commas_are_no_mistakes() {
        let text = "{ // \"é\"\n \"a\": \"//x, }\", /* , */ \"b\": [1, 2,], \"c\\\"\": 1, /*]*/ }";
        let json: Value = serde_json::from_str(&plain(text)).unwrap();
        assert_eq!(json["a"], "//x, }");
        assert_eq!(json["b"][1], 2);
        assert_eq!(plain(text).len(), text.len());
        assert!(serde_json::from_str::<Value>(&plain("{\"a\" 1}")).is_err());
    }

    proptest! {
        #[test]
        fn plain_json_stays_as_it_is(key in "\\PC{0,8}", value in "\\PC{0,8}") {
            let text = serde_json::json!({ key: [value, 1, { "x": null }] }).to_string();
            prop_assert_eq!(plain(&text), text);
        }

        #[test]
        fn no_text_makes_it_panic(text in "(\\PC|[\"/*,}\\\\\n\\[]){0,60}") {
            let _ = plain(&text);
        }
    }
}
