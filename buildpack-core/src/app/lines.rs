//! Files of one entry a line: `.tool-versions`, `.buildpacks`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostic::{Origin, Source, Sourced, Span};

/// The first version of each tool; a later line for the same tool wins, as in asdf's readers.
pub(super) fn tools(source: &Arc<Source>) -> BTreeMap<String, Sourced<String>> {
    lines(source)
        .filter_map(|(start, line)| {
            let mut words = words(line);
            let (_, tool) = words.next()?;
            let (offset, version) = words.next()?;
            Some((tool.to_owned(), sourced(source, start + offset, version)))
        })
        .collect()
}

/// The lines that are neither empty nor comments.
pub(super) fn entries(source: &Arc<Source>) -> Vec<Sourced<String>> {
    lines(source)
        .filter(|(_, line)| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
        .map(|(start, line)| {
            let indent = line.len() - line.trim_start().len();
            sourced(source, start + indent, line.trim())
        })
        .collect()
}

/// Lines with the place of their first byte, without line ends.
pub(super) fn lines(source: &Source) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    source.text.split_inclusive('\n').map(move |line| {
        let start = at;
        at += line.len();
        (start, line.trim_end_matches(['\n', '\r']))
    })
}

/// Words before a comment, with their places in the line.
fn words(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let line = line.split('#').next().unwrap_or_default();
    line.split_ascii_whitespace()
        .map(move |word| (word.as_ptr() as usize - line.as_ptr() as usize, word))
}

/// A value that stands at `start`.
pub(super) fn sourced(source: &Arc<Source>, start: usize, value: &str) -> Sourced<String> {
    Sourced::new(
        value.to_owned(),
        Origin::File(Span {
            source: Arc::clone(source),
            start,
            end: start + value.len(),
        }),
    )
}
