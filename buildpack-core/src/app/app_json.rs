//! `app.json`: what of it matters to a build. Dokku reads it with comments and last commas, so do we.

use std::collections::BTreeMap;
use std::sync::Arc;

use jsonc_parser::ast::{Object, Value};
use jsonc_parser::common::Ranged;

use super::json::{self, Dialect};
use super::{AppJson, EnvEntry, Environment};
use crate::diagnostic::{Class, Diagnostic, Source, Sourced, Span};

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
    AppJson {
        stack: json::text_of(source, &root, "stack"),
        scripts,
        environments: json::child(&root, "environments")
            .into_iter()
            .flat_map(json::members)
            .filter_map(|(name, value)| match value {
                Value::Object(object) => Some((name.to_owned(), environment(source, object))),
                _ => None,
            })
            .collect(),
        buildpacks: buildpacks(source, &root).unwrap_or_default(),
        env: env(source, &root),
    }
}

fn environment(source: &Arc<Source>, object: &Object<'_>) -> Environment {
    let scripts = json::child(object, "scripts");
    Environment {
        scripts: scripts.map(|scripts| json::texts(source, Some(scripts))),
        buildpacks: buildpacks(source, object),
        env: env(source, object),
    }
}

/// The addresses of `buildpacks`; none where there is no such list.
fn buildpacks(source: &Arc<Source>, object: &Object<'_>) -> Option<Vec<Sourced<String>>> {
    let Value::Array(packs) = json::member(object, "buildpacks")? else {
        return None;
    };
    let url = |pack: &Value<'_>| match pack {
        Value::Object(pack) => json::text_of(source, pack, "url"),
        _ => None,
    };
    Some(packs.elements.iter().filter_map(url).collect())
}

/// The config vars of `env`.
fn env(source: &Arc<Source>, object: &Object<'_>) -> BTreeMap<String, EnvEntry> {
    let entries = json::child(object, "env").into_iter();
    entries
        .flat_map(json::members)
        .map(|(name, entry)| (name.to_owned(), env_entry(source, entry)))
        .collect()
}

/// A config var: an object, or its value alone.
fn env_entry(source: &Arc<Source>, entry: &Value<'_>) -> EnvEntry {
    let at = Some(Span {
        source: Arc::clone(source),
        start: entry.start(),
        end: entry.end(),
    });
    let Value::Object(entry) = entry else {
        return EnvEntry {
            value: json::text(source, entry),
            required: true,
            generated: false,
            at,
        };
    };
    EnvEntry {
        value: json::text_of(source, entry, "value"),
        required: flag(entry, "required").unwrap_or(true),
        generated: json::text_of(source, entry, "generator")
            .is_some_and(|generator| generator.value == "secret"),
        at,
    }
}

fn flag(object: &Object<'_>, name: &str) -> Option<bool> {
    match json::member(object, name)? {
        Value::BooleanLit(literal) => Some(literal.value),
        _ => None,
    }
}
