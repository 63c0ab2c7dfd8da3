//! An app as it would be when all that can be mended is.

use std::collections::BTreeMap;
use std::path::Path;

use buildpack_core::app::App;
use buildpack_core::diagnostic::Outcome;
use similar::TextDiff;

use super::Done;
use super::changes::changes;
use super::write::{changed, unwritable};
use crate::pipeline::{CheckRequest, Failure, Report, Services, check_read};

/// Rounds after which changes that undo each other are left alone.
const ROUNDS: usize = 10;

/// What is to be changed.
pub struct Mended {
    /// The report before anything is changed.
    pub report: Report,
    /// The files to write, in the order of their paths.
    pub(super) files: Vec<MendedFile>,
    /// What that does.
    pub done: Vec<Done>,
}

/// A file to write.
pub(super) struct MendedFile {
    /// Relative to the app's folder.
    pub path: String,
    /// Its bytes as they were read.
    pub before: Vec<u8>,
    /// Its text as it was read.
    text: String,
    /// What is to be in it.
    pub after: String,
}

impl Mended {
    /// Checks the app and makes in memory all changes that are sure to be right.
    pub fn of(request: &CheckRequest, services: &Services) -> Result<Self, Failure> {
        let read = App::read(&request.app);
        let before = files(&request.app, &read)?;
        let begin = check_read(read, request, services)?;
        let mut done = Vec::new();
        let mut now = before.clone();
        let mut texts: BTreeMap<String, String> = BTreeMap::new();
        let mut mended: Option<Report> = None;
        for _ in 0..ROUNDS {
            let report = mended.as_ref().unwrap_or(&begin);
            let mut any = false;
            for change in changes(&report.diagnostics) {
                let path = change.source.path.to_string_lossy().into_owned();
                let bytes = change.text.into_bytes();
                if now.get(&path).is_none_or(|now| *now == bytes) {
                    continue;
                }
                texts
                    .entry(path.clone())
                    .or_insert(change.source.text.clone());
                now.insert(path, bytes);
                done.extend(change.done);
                any = true;
            }
            if !any {
                break;
            }
            let read = App::of_files(&request.app, now.clone());
            mended = Some(check_read(read, request, services)?);
        }
        let files = texts
            .into_iter()
            .filter_map(|(path, text)| {
                Some(MendedFile {
                    before: before.get(&path)?.clone(),
                    after: String::from_utf8(now.remove(&path)?).ok()?,
                    text,
                    path,
                })
            })
            .filter(|file| file.before != file.after.as_bytes())
            .collect();
        Ok(Self {
            report: begin,
            files,
            done,
        })
    }

    /// A unified diff, which `patch -p1` takes in the app's folder.
    pub fn diff(&self) -> String {
        self.files.iter().map(MendedFile::diff).collect()
    }
}

impl MendedFile {
    #[cfg(test)]
    pub(super) fn new(path: &str, before: &str, after: &str) -> Self {
        Self {
            path: path.to_owned(),
            before: before.as_bytes().to_vec(),
            text: before.to_owned(),
            after: after.to_owned(),
        }
    }

    fn diff(&self) -> String {
        let path = &self.path;
        if self.text == self.after {
            return format!("# {path}: would be saved as UTF-8\n");
        }
        TextDiff::from_lines(&self.text, &self.after)
            .unified_diff()
            .header(&format!("a/{path}"), &format!("b/{path}"))
            .to_string()
    }
}

/// The bytes of the files that were read, by path. Fails where they are no longer what was read.
fn files(root: &Path, read: &Outcome<App>) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
    let Some(app) = &read.value else {
        return Ok(BTreeMap::new());
    };
    let mut files = BTreeMap::new();
    for path in app.paths() {
        let bytes = fs_err::read(root.join(path)).map_err(|error| unwritable(path, &error))?;
        files.insert(path.to_owned(), bytes);
    }
    let again = App::of_files(root, files.clone()).value;
    for path in app.paths() {
        let same = again
            .as_ref()
            .is_some_and(|again| again.source(path) == app.source(path));
        if !same {
            return Err(changed(path));
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_diff_says_what_changes() {
        let file = |text: &str, after| MendedFile::new("assets/package.json", text, after);
        insta::assert_snapshot!(file("x=1\ny=2\n", "x=10\ny=2\n").diff(), @r"
        --- a/assets/package.json
        +++ b/assets/package.json
        @@ -1,2 +1,2 @@
        -x=1
        +x=10
         y=2
        ");
        assert!(file("x", "x").diff().contains("saved as UTF-8"));
    }
}
