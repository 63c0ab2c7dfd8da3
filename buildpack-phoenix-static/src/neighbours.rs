//! Which applications of an umbrella the assets of another one have nothing to do with, so that a change of theirs builds
//! nothing of it.
//!
//! Bundlers read what they are told to read, from wherever. What could tell them of a neighbour names its folder: files of
//! the application itself, files that all of them share, the umbrella's configuration. Where none does, the neighbour's
//! files do not count; where a pattern may mean any folder, all count.

use std::ffi::OsStr;
use std::path::Path;

use buildpack_core::app::App;
use walkdir::{DirEntry, WalkDir};

use crate::assets::AssetsApp;

/// Files that may tell a bundler where to read, by the ends of their names.
const TELLING: [&str; 20] = [
    ".js", ".cjs", ".mjs", ".jsx", ".ts", ".cts", ".mts", ".tsx", ".json", ".json5", ".css",
    ".scss", ".sass", ".less", ".styl", ".pcss", ".vue", ".svelte", ".elm", ".exs",
];

/// Folders that hold no source, or none that tells a bundler anything.
const PASSED_OVER: [&str; 7] = [
    "node_modules",
    "_build",
    "deps",
    ".git",
    "static",
    "test",
    "config",
];

/// Configuration that is compiled in.
const CONFIGS: [&str; 2] = ["config/config.exs", "config/prod.exs"];

/// Tells each of these applications of an umbrella which of the others do not count for its assets.
pub(crate) fn tell(app: &App, apps: &mut [AssetsApp<'_>]) {
    let children = app.children.iter().map(|child| child.path.as_str());
    let folders: Vec<String> = children
        .filter(|child| apps.iter().any(|one| one.phoenix_dir == *child))
        .map(str::to_owned)
        .collect();
    if folders.len() < 2 {
        return;
    }
    let mut shared = Words::default();
    for config in CONFIGS.iter().filter_map(|path| app.source(path)) {
        shared.of_config(&config.text, &folders);
    }
    shared.of_files(app.root(), "", &folders);
    for one in apps
        .iter_mut()
        .filter(|one| folders.contains(&one.phoenix_dir))
    {
        let mut words = shared.clone();
        words.of_files(app.root(), &one.phoenix_dir, &folders);
        let others = folders.iter().filter(|other| **other != one.phoenix_dir);
        one.unrelated = others.filter(|other| !words.name(other)).cloned().collect();
    }
}

/// What some files name.
#[derive(Debug, Clone, Default)]
struct Words {
    /// Whether they may mean any folder.
    any: bool,
    /// Folders of applications.
    named: Vec<String>,
}

impl Words {
    fn name(&self, folder: &String) -> bool {
        self.any || self.named.contains(folder)
    }

    /// A configuration names each of them where it says in which folder their bundlers run: `cd:`.
    fn of_config(&mut self, text: &str, folders: &[String]) {
        for line in text.lines() {
            let within = |folder: &&String| line.contains(&format!("/{}", last(folder)));
            let named: Vec<&String> = folders.iter().filter(within).collect();
            if line.contains("cd:") {
                self.any |= named.is_empty();
            } else {
                self.named.extend(named.into_iter().cloned());
            }
        }
    }

    /// What stands in files below `folder` of the app, but not in those of applications below it.
    fn of_files(&mut self, root: &Path, folder: &str, folders: &[String]) {
        let wanted = |entry: &DirEntry| {
            let path = entry.path().strip_prefix(root).unwrap_or(entry.path());
            let apart = folders.iter().any(|folder| path == Path::new(folder));
            let passed_over = PASSED_OVER
                .iter()
                .any(|name| entry.file_name() == OsStr::new(name));
            entry.depth() == 0 || !(entry.file_type().is_dir() && (apart || passed_over))
        };
        let walk = WalkDir::new(root.join(folder)).into_iter();
        for entry in walk.filter_entry(wanted).flatten() {
            let name = entry.file_name().to_string_lossy();
            let tells = TELLING.iter().any(|ending| name.ends_with(ending));
            if !tells || !entry.file_type().is_file() || folder.is_empty() && name == "mix.exs" {
                continue;
            }
            match fs_err::read(entry.path()) {
                Ok(bytes) => self.of_text(&String::from_utf8_lossy(&bytes), folders),
                // Whoever builds it will be told; until then it may say anything.
                Err(_) => self.any = true,
            }
        }
    }

    fn of_text(&mut self, text: &str, folders: &[String]) {
        let any_of = |above: &str| {
            let mut patterns = ["*", "{", "${"].iter();
            patterns.any(|pattern| text.contains(&format!("{above}/{pattern}")))
        };
        let above = |folder: &String| {
            folder
                .rsplit_once('/')
                .map(|(above, _)| last(above).to_owned())
        };
        self.any |= any_of("..") || folders.iter().filter_map(above).any(|above| any_of(&above));
        let named = folders.iter().filter(|folder| text.contains(last(folder)));
        self.named.extend(named.cloned());
    }
}

fn last(folder: &str) -> &str {
    folder.rsplit('/').next().unwrap_or(folder)
}

#[cfg(test)]
mod tests;
