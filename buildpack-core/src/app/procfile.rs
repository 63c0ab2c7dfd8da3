//! `Procfile`: one `type: command` a line, as Heroku reads it (compatibility facts 1.5).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Procfile;
use super::lines::{lines, sourced};
use crate::diagnostic::{Diagnostic, Source, Sourced};

/// The process types; lines that are none are said and left out.
pub(super) fn parse(source: &Arc<Source>, diagnostics: &mut Vec<Diagnostic>) -> Procfile {
    let mut processes: BTreeMap<String, Sourced<String>> = BTreeMap::new();
    for (start, line) in lines(source) {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let whole = sourced(source, start, line);
        let Some((name, command)) = trimmed.split_once(':') else {
            diagnostics.push(
                Diagnostic::warning("procfile-line", "this line of the Procfile is ignored")
                    .from(&whole.origin, "expected `type: command`"),
            );
            continue;
        };
        let (name, command) = (name.trim_end(), command.trim());
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        if name.is_empty() || name.len() > 63 || !name.bytes().all(plain) {
            diagnostics.push(
                Diagnostic::warning(
                    "procfile-type",
                    format!("`{name}` is no process type, so the line is ignored"),
                )
                .from(&whole.origin, "letters, digits, `_` and `-`, at most 63"),
            );
            continue;
        }
        if command.is_empty() {
            diagnostics.push(
                Diagnostic::warning(
                    "procfile-command",
                    format!("process type `{name}` has no command"),
                )
                .from(&whole.origin, "ignored"),
            );
            continue;
        }
        let offset = command.as_ptr() as usize - line.as_ptr() as usize;
        let value = sourced(source, start + offset, command);
        if let Some(first) = processes.insert(name.to_owned(), value) {
            diagnostics.push(
                Diagnostic::warning(
                    "procfile-twice",
                    format!("process type `{name}` stands twice; the last line counts"),
                )
                .from(&whole.origin, "this one counts")
                .from(&first.origin, "this one does not"),
            );
        }
    }
    Procfile { processes }
}
