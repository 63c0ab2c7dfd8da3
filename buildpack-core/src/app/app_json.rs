//! `app.json`: what of it matters to a build. Dokku reads it with comments and last commas, so do we.

use std::sync::Arc;

use jsonc_parser::ast::{Object, Value};

use super::json::{self, Dialect};
use super::{AppJson, EnvEntry};
use crate::diagnostic::{Class, Diagnostic, Source};

/// The file's content; what cannot be read is an error with its place.
pub(super) fn parse(source: &Arc<Source>, diagnostics: &mut Vec<Diagnostic>) -> AppJson {
    let root = match json::object(source, Dialect::Commented) {
        Ok(root) => root,
        Err((at, why)) => {
            diagnostics.push(
                Diagnostic::error("app-json", Class::Config, "`app.json` is not JSON")
                    .at(at, why)
                    .help("correct the file, or remove it if nothing needs it"),
            );
            return AppJson::default();
        }
    };
    let root_scripts = json::child(&root, "scripts");
    let mut scripts = json::texts(source, root_scripts);
    let dokku = root_scripts.and_then(|scripts| json::child(scripts, "dokku"));
    for (name, script) in json::texts(source, dokku) {
        scripts.insert(format!("dokku.{name}"), script);
    }
    let objects = |name: &str| {
        json::child(&root, name)
            .into_iter()
            .flat_map(json::members)
            .filter_map(|(name, value)| match value {
                Value::Object(object) => Some((name.to_owned(), object)),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    AppJson {
        stack: json::text_of(source, &root, "stack"),
        scripts,
        environments: objects("environments")
            .into_iter()
            .map(|(name, environment)| {
                let scripts = json::child(environment, "scripts");
                (name, json::texts(source, scripts))
            })
            .collect(),
        buildpacks: match json::member(&root, "buildpacks") {
            Some(Value::Array(packs)) => packs
                .elements
                .iter()
                .filter_map(|pack| match pack {
                    Value::Object(pack) => json::text_of(source, pack, "url"),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        },
        env: json::child(&root, "env")
            .into_iter()
            .flat_map(json::members)
            .map(|(name, entry)| (name.to_owned(), env(source, entry)))
            .collect(),
    }
}

/// A config var: an object, or its value alone.
fn env(source: &Arc<Source>, entry: &Value<'_>) -> EnvEntry {
    let Value::Object(entry) = entry else {
        return EnvEntry {
            value: json::text(source, entry),
            required: true,
            generated: false,
        };
    };
    EnvEntry {
        value: json::text_of(source, entry, "value"),
        required: flag(entry, "required").unwrap_or(true),
        generated: json::text_of(source, entry, "generator")
            .is_some_and(|generator| generator.value == "secret"),
    }
}

fn flag(object: &Object<'_>, name: &str) -> Option<bool> {
    match json::member(object, name)? {
        Value::BooleanLit(literal) => Some(literal.value),
        _ => None,
    }
}
