//! Files that stand in a build tree for one build: before the next one they are taken back, and what stood there before
//! stands there again. So the tree is what the builds of the app made it, whatever was added to their images.

use std::io;
use std::path::{Path, PathBuf};

use buildpack_core::digest::Digest;
use buildpack_core::pack::{copy_in_tree, file_in_tree};
use serde::{Deserialize, Serialize};

use crate::pipeline::source::Source;

/// The files that were lent to the tree of an app.
pub(in crate::pipeline) struct Lent {
    /// Where it is written down, outside of the tree.
    folder: PathBuf,
    app: PathBuf,
}

/// What is written down of one file.
#[derive(Serialize, Deserialize)]
struct Note {
    /// Below the app's folder.
    path: String,
    /// Whether a file stood there before; its copy lies beside the note.
    stood: bool,
}

impl Lent {
    /// To the tree at `app`, of which `kept` remembers things.
    pub(in crate::pipeline) fn to(app: &Path, kept: &Path) -> Self {
        Self {
            folder: kept.join("lent"),
            app: app.to_owned(),
        }
    }

    /// Writes down that a file will be written at `path`.
    pub(in crate::pipeline) fn lend(&self, path: &str) -> io::Result<()> {
        fs_err::create_dir_all(&self.folder)?;
        let note = self.folder.join(Digest::of(path.as_bytes()).hex());
        if note.exists() {
            return Ok(());
        }
        let before = file_in_tree(&self.app, path);
        if let Some(before) = &before {
            fs_err::copy(before, copy_beside(&note))?;
        }
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        let written = Note {
            path: path.to_owned(),
            stood: before.is_some(),
        };
        serde_json::to_writer(&mut file, &written)?;
        file.persist(&note)?;
        Ok(())
    }

    /// Forgets all of them: the tree begins as one that they were never lent to.
    pub(in crate::pipeline) fn forget(&self) -> io::Result<()> {
        match fs_err::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Takes all of them back, but for what is source by now. What a build has replaced by something else since is
    /// nobody's any more.
    pub(in crate::pipeline) fn take_back(&self, source: &Source) -> io::Result<()> {
        let notes = match fs_err::read_dir(&self.folder) {
            Ok(notes) => notes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for entry in notes {
            let at = entry?.path();
            let Some(note) = fs_err::read(&at).ok().and_then(|text| read(&text)) else {
                continue;
            };
            let is_source = source.files.contains_key(Path::new(&note.path));
            if let Some(file) = file_in_tree(&self.app, &note.path).filter(|_| !is_source) {
                if note.stood {
                    copy_in_tree(&self.app, &note.path, &copy_beside(&at), false)?;
                } else {
                    fs_err::remove_file(file)?;
                }
            }
            fs_err::remove_file(&at)?;
        }
        fs_err::remove_dir_all(&self.folder)
    }
}

fn copy_beside(note: &Path) -> PathBuf {
    note.with_extension("was")
}

/// A note; none in the copies, and in what is cut short.
fn read(text: &[u8]) -> Option<Note> {
    serde_json::from_slice(text).ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::pipeline::source::SourceFile;

    struct Desk {
        folder: tempfile::TempDir,
        lent: Lent,
    }

    impl Desk {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let app = folder.path().join("app");
            fs_err::create_dir(&app).unwrap();
            let lent = Lent::to(&app, folder.path());
            Self { folder, lent }
        }

        fn write(&self, path: &str, content: &str) {
            let path = self.folder.path().join("app").join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, content).unwrap();
        }

        fn read(&self, path: &str) -> Option<String> {
            fs_err::read_to_string(self.folder.path().join("app").join(path)).ok()
        }
    }

    #[test]
    fn the_tree_is_what_it_was_before() {
        let desk = Desk::new();
        desk.write("static/manifest.json", "before");
        for content in ["first", "second"] {
            for path in [
                "static/manifest.json",
                "static/app-1.css",
                "static/killed.css",
            ] {
                desk.lent.lend(path).unwrap();
            }
            desk.write("static/manifest.json", content);
            desk.write("static/app-1.css", content);
        }
        desk.lent.take_back(&Source::default()).unwrap();
        assert_eq!(desk.read("static/manifest.json").unwrap(), "before");
        assert_eq!(desk.read("static/app-1.css"), None);
        // Once is enough.
        desk.write("static/app-1.css", "of a build");
        desk.lent.take_back(&Source::default()).unwrap();
        assert_eq!(desk.read("static/app-1.css").unwrap(), "of a build");
    }

    #[test]
    fn what_stands_there_by_now_is_left_alone() {
        let desk = Desk::new();
        desk.write("static/manifest.json", "before");
        for path in ["static/manifest.json", "source.css", "linked/app.css"] {
            desk.lent.lend(path).unwrap();
        }
        desk.write("source.css", "the app's own");
        fs_err::remove_dir_all(desk.folder.path().join("app/static")).unwrap();
        let outside = desk.folder.path().join("outside");
        fs_err::create_dir(&outside).unwrap();
        fs_err::write(outside.join("app.css"), "precious").unwrap();
        symlink(&outside, desk.folder.path().join("app/linked")).unwrap();
        let mut source = Source::default();
        let own = SourceFile::Link("anything".into());
        source.files.insert("source.css".into(), own);
        // A note that was cut short says nothing.
        fs_err::write(desk.folder.path().join("lent/cut"), "{\"path\": \"so").unwrap();
        desk.lent.take_back(&source).unwrap();
        assert_eq!(desk.read("source.css").unwrap(), "the app's own");
        assert_eq!(desk.read("static/manifest.json"), None);
        assert_eq!(desk.read("linked/app.css").unwrap(), "precious");
    }
}
