//! Rules about an app that belong to no language, each in a file of its own, and the catalogue of all rules.

mod catalog;
pub mod pack_abandoned;
pub mod pack_order;
pub mod pack_unpinned;
pub mod procfile_shell;
pub mod stack;

use crate::app::App;
use crate::diagnostic::Diagnostic;

pub use catalog::{Group, RULES, Rule, rule};

/// What one rule says beyond this count is nothing new.
const MOST: usize = 20;

/// What these rules say of an app's files, rule by rule. What is said of its stack takes more than the app: [`stack`].
pub fn check_app(app: &App) -> Vec<Diagnostic> {
    [
        pack_abandoned::check,
        pack_order::check,
        pack_unpinned::check,
        procfile_shell::check,
    ]
    .iter()
    .flat_map(|check| check(app).into_iter().take(MOST))
    .collect()
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod testing {
    use std::path::Path;

    use super::*;

    /// The app that these files make.
    pub(super) fn app(files: &[(&str, &str)]) -> App {
        let files = files
            .iter()
            .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()));
        App::of_files(Path::new("/app"), files.collect())
            .value
            .unwrap()
    }

    /// The file after the edits of the first help that has some.
    pub(super) fn mended(problem: &Diagnostic) -> String {
        let help = problem.helps.iter().find(|help| !help.edits.is_empty());
        let mut edits = help.unwrap().edits.clone();
        edits.sort_by_key(|edit| edit.span.start);
        let mut text = edits[0].span.source.text.clone();
        for edit in edits.iter().rev() {
            text.replace_range(edit.span.start..edit.span.end, &edit.new_text);
        }
        text
    }
}
