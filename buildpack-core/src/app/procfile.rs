//! `Procfile`: one `type: command` a line, as Heroku reads it (compatibility facts 1.5).

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;
use std::sync::Arc;

use super::lines::{lines, sourced};
use super::text;
use super::{Procfile, Repeated};
use crate::diagnostic::{Diagnostic, Origin, Outcome, Source, Sourced};

/// What git leaves at the beginning of lines that it could not merge.
const MARKERS: [&str; 4] = ["<<<<<<<", "=======", ">>>>>>>", "|||||||"];

/// Complaints beyond this count say nothing new.
const MOST: usize = 20;

impl Procfile {
    /// Reads the `Procfile` of the app at `root` and nothing else of it; none where there is no such file.
    pub fn read(root: &Path, repeated: Repeated) -> Outcome<Option<Self>> {
        let mut diagnostics = Vec::new();
        let source = text::read(root, "Procfile", &mut diagnostics);
        let procfile = source.map(|source| parse(&source, repeated, &mut diagnostics));
        Outcome::with(procfile, diagnostics)
    }
}

/// The process types; lines that are none are said and left out.
pub(super) fn parse(
    source: &Arc<Source>,
    repeated: Repeated,
    diagnostics: &mut Vec<Diagnostic>,
) -> Procfile {
    let mut processes: BTreeMap<String, Sourced<String>> = BTreeMap::new();
    let mut markers = Vec::new();
    let mut complaints = Vec::new();
    let mut complain = |complaint: Diagnostic| {
        if complaints.len() < MOST {
            complaints.push(complaint);
        }
    };
    for (start, line) in lines(source) {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let whole = sourced(source, start, line);
        if MARKERS.iter().any(|marker| line.starts_with(marker)) {
            if markers.len() < MOST {
                markers.push(whole.origin);
            }
            continue;
        }
        let Some((name, command)) = trimmed.split_once(':') else {
            complain(no_colon(source, start, line));
            continue;
        };
        let (name, command) = (name.trim_end(), command.trim());
        if !is_type(name) {
            complain(
                complaint(format!(
                    "`{name}` is no process type, so the line is ignored"
                ))
                .from(&whole.origin, "letters, digits, `_` and `-`, at most 63"),
            );
            continue;
        }
        if command.is_empty() {
            complain(
                complaint(format!("process type `{name}` has no command"))
                    .from(&whole.origin, "ignored"),
            );
            continue;
        }
        let offset = command.as_ptr() as usize - line.as_ptr() as usize;
        let value = sourced(source, start + offset, command);
        match processes.entry(name.to_owned()) {
            Entry::Vacant(free) => {
                free.insert(value);
            }
            Entry::Occupied(mut taken) => {
                let (which, here, there) = match repeated {
                    Repeated::Last => ("last", "this one counts", "this one does not"),
                    Repeated::First => ("first", "this one does not count", "this one does"),
                };
                complain(
                    complaint(format!(
                        "process type `{name}` stands twice; the {which} line counts"
                    ))
                    .from(&whole.origin, here)
                    .from(&taken.get().origin, there),
                );
                if repeated == Repeated::Last {
                    taken.insert(value);
                }
            }
        }
    }
    if !markers.is_empty() {
        complaints.push(conflict(&markers));
    }
    diagnostics.extend(complaints);
    Procfile { processes }
}

fn complaint(message: impl Into<String>) -> Diagnostic {
    Diagnostic::warning("procfile-syntax", message)
}

fn is_type(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    !name.is_empty() && name.len() <= 63 && name.bytes().all(plain)
}

fn no_colon(source: &Arc<Source>, start: usize, line: &str) -> Diagnostic {
    let whole = sourced(source, start, line).origin;
    let problem =
        complaint("this line of the Procfile is ignored").from(&whole, "expected `type: command`");
    let indent = line.len() - line.trim_start().len();
    let words = line.trim().split_once(char::is_whitespace);
    match words.filter(|(name, _)| is_type(name)) {
        Some((name, _)) => {
            let Origin::File(mut place) = whole else {
                return problem;
            };
            place.start = start + indent + name.len();
            place.end = place.start;
            problem.suggest(format!("put a colon behind `{name}`"), place, ":")
        }
        None => problem,
    }
}

/// All lines of a conflict, said once. What stands between them is read like the rest.
fn conflict(markers: &[Origin]) -> Diagnostic {
    markers
        .iter()
        .fold(
            complaint("the Procfile holds a merge conflict"),
            |problem, marker| problem.from(marker, "ignored"),
        )
        .help("keep the lines of one side, and remove the marks")
}
