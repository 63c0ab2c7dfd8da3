//! From diagnostics to new contents of files.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use buildpack_core::diagnostic::{Applicability, Diagnostic, Edit, Help, Source};

use super::Done;

/// Longer texts are cut where they are told.
const LONGEST: usize = 60;

/// A file and what is to be in it.
pub(super) struct FileChange {
    /// The text that was read.
    pub source: Arc<Source>,
    /// The text to be.
    pub text: String,
    /// What is done by this.
    pub done: Vec<Done>,
}

/// Edits of a file that can be made together.
struct Chosen {
    source: Arc<Source>,
    edits: Vec<Edit>,
    done: Vec<Done>,
}

/// The files as the certain changes of `problems` make them. Of changes that touch each other, the first counts; the
/// other problem is seen to in the next round, if it is still there.
pub(super) fn changes(problems: &[Diagnostic]) -> Vec<FileChange> {
    let mut files: BTreeMap<PathBuf, Chosen> = BTreeMap::new();
    for problem in problems {
        let Some(help) = certain(problem) else {
            continue;
        };
        let fits = help.edits.iter().enumerate().all(|(count, edit)| {
            let source = &edit.span.source;
            let known = files.get(&source.path);
            source.text.get(range(edit)).is_some()
                && !help.edits[..count]
                    .iter()
                    .any(|other| other.span.source.path == source.path && touch(edit, other))
                && known.is_none_or(|known| {
                    known.source == *source && known.edits.iter().all(|other| !touch(edit, other))
                })
        });
        if !fits {
            continue;
        }
        let done = done(problem, help);
        for (count, edit) in help.edits.iter().enumerate() {
            let source = &edit.span.source;
            let chosen = files.entry(source.path.clone()).or_insert_with(|| Chosen {
                source: Arc::clone(source),
                edits: Vec::new(),
                done: Vec::new(),
            });
            if !chosen.edits.contains(edit) {
                chosen.edits.push(edit.clone());
            }
            if count == 0 {
                chosen.done.push(done.clone());
            }
        }
    }
    files
        .into_values()
        .map(|chosen| FileChange {
            text: applied(&chosen.source.text, chosen.edits),
            source: chosen.source,
            done: chosen.done,
        })
        .collect()
}

/// The change that may be written without asking.
fn certain(problem: &Diagnostic) -> Option<&Help> {
    (problem.helps.iter())
        .find(|help| help.applicability == Applicability::Certain && !help.edits.is_empty())
}

fn range(edit: &Edit) -> Range<usize> {
    edit.span.start..edit.span.end
}

/// Whether two edits can't both be made. Edits that are the same are one.
fn touch(one: &Edit, other: &Edit) -> bool {
    let (a, b) = (range(one), range(other));
    if one == other || is_blank(one) || is_blank(other) {
        return false;
    }
    a.start == b.start || (a.start < b.end && b.start < a.end)
}

/// Whether it changes no text: the file is to be saved as it was decoded.
fn is_blank(edit: &Edit) -> bool {
    edit.span.start == edit.span.end && edit.new_text.is_empty()
}

fn applied(text: &str, mut edits: Vec<Edit>) -> String {
    edits.retain(|edit| !is_blank(edit));
    edits.sort_by_key(|edit| edit.span.start);
    let mut new = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        new.push_str(&text[at..edit.span.start]);
        new.push_str(&edit.new_text);
        at = edit.span.end;
    }
    new.push_str(&text[at..]);
    new
}

fn done(problem: &Diagnostic, help: &Help) -> Done {
    let first = &help.edits[0];
    let old = &first.span.source.text[range(first)];
    let what = match (help.edits.len(), old.trim(), first.new_text.trim()) {
        (1, old, new) if old == new => help.text.clone(),
        (1, "", new) => format!("{} added", cut(new)),
        (1, old, "") => format!("{} removed", cut(old)),
        (1, old, new) => format!("{} → {}", cut(old), cut(new)),
        (many, ..) => format!("{}: {many} changes", help.text),
    };
    Done {
        code: problem.code,
        place: first.span.to_string(),
        what,
    }
}

/// The beginning of a text, on one line.
fn cut(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let mut short: String = line.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use buildpack_core::diagnostic::Span;
    use proptest::prelude::*;

    use super::*;

    fn source(path: &str, text: &str) -> Arc<Source> {
        Arc::new(Source {
            path: path.into(),
            text: text.to_owned(),
        })
    }

    fn edit(source: &Arc<Source>, start: usize, end: usize, new_text: &str) -> Edit {
        Edit {
            span: Span {
                source: Arc::clone(source),
                start,
                end,
            },
            new_text: new_text.to_owned(),
        }
    }

    fn mends(edits: Vec<Edit>) -> Diagnostic {
        Diagnostic::warning("w", "w").edits("do it", edits, Applicability::Certain)
    }

    #[test]
    fn changes_of_several_problems_and_files_come_together() {
        let (one, two) = (source("a", "x=1\r\ny=2 # é\r\n"), source("b", "k: v\n"));
        let files = changes(&[
            mends(vec![edit(&one, 7, 8, "20"), edit(&two, 0, 1, "key")]),
            mends(vec![edit(&one, 2, 3, "10")]),
        ]);
        let texts: Vec<_> = files.iter().map(|file| file.text.as_str()).collect();
        assert_eq!(texts, ["x=10\r\ny=20 # é\r\n", "key: v\n"]);
        assert_eq!(files[0].done.len() + files[1].done.len(), 2);
        assert_eq!(files[0].done[1].what, "1 → 10");
    }

    #[test]
    fn what_touches_an_earlier_change_waits_and_what_is_the_same_does_not() {
        let one = source("a", "version=27.2\n");
        let files = changes(&[
            mends(vec![edit(&one, 8, 12, "27.2.4")]),
            mends(vec![edit(&one, 8, 12, "27.2.4")]),
            mends(vec![edit(&one, 0, 1, "v"), edit(&one, 10, 12, "3")]),
            mends(vec![edit(&one, 0, 0, "")]),
        ]);
        assert_eq!(files[0].text, "version=27.2.4\n");
        assert_eq!(files[0].done.len(), 3);
    }

    #[test]
    fn what_a_person_should_look_at_is_left_alone() {
        let one = source("a", "x");
        let problem = Diagnostic::warning("w", "w").suggest("do", edit(&one, 0, 1, "").span, "y");
        assert!(changes(&[problem]).is_empty());
    }

    proptest! {
        #[test]
        fn no_span_makes_it_panic_and_what_is_not_named_stays(
            text in "(\\PC|\n){0,20}", spans in prop::collection::vec((0_usize..30, 0_usize..30), 0..6),
        ) {
            let one = source("a", &text);
            let problems: Vec<_> = spans
                .into_iter()
                .map(|(start, end)| mends(vec![edit(&one, start, end, "")]))
                .collect();
            for file in changes(&problems) {
                prop_assert!(file.text.len() <= text.len());
            }
        }
    }
}
