//! The folder an app is compiled in: kept from build to build, brought up to date by content.
//!
//! A source file whose content is the same keeps its time, so that compilers see only what really changed. What a
//! build made and what is not named as kept is removed before the next one: an image depends on its inputs, not on
//! the builds before it.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use buildpack_core::digest::{Digest, HashingWriter};
use buildpack_core::pack::StepMemo;
use buildpack_core::plan::Step;
use serde::{Deserialize, Serialize};
use walkdir::WalkDir;

use super::in_place::{MARK, same};
use super::source::{Source, SourceFile};

/// A build tree on disk; whoever holds it holds its lock.
pub(super) struct Tree {
    app: PathBuf,
    index_file: PathBuf,
    index: Index,
    /// Digest of the source's files by name, for the memo.
    names: BTreeMap<Vec<String>, Digest>,
}

/// What the tree was last brought up to.
#[derive(Default, Serialize, Deserialize)]
struct Index {
    /// Source files by path as raw bytes in hex where they are not UTF-8.
    files: BTreeMap<String, Laid>,
    /// Steps that succeeded, with the digest of their inputs.
    steps: BTreeMap<String, Digest>,
    /// What the build's config vars were, as a keyed hash.
    environment: Option<String>,
}

/// A source file as it was laid down.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Laid {
    Folder,
    Link,
    File {
        digest: Digest,
        executable: bool,
        stat: (u64, i64, i64, u64),
    },
}

/// What bringing a tree up to date did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Synced {
    /// Files written.
    pub written: usize,
    /// Files and folders removed.
    pub removed: usize,
}

impl Tree {
    /// The tree in `folder`, which exists: `app/` and what is remembered of it.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        Self::at(&folder.join("app"), folder)
    }

    /// A tree at `app` whose memory is in `folder`.
    pub(super) fn at(app: &Path, folder: &Path) -> io::Result<Self> {
        fs_err::create_dir_all(app)?;
        let index_file = folder.join("index.json");
        let index = match fs_err::read(&index_file) {
            // A damaged index is no index: every file is laid down anew.
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Index::default(),
            Err(error) => return Err(error),
        };
        Ok(Self {
            app: app.to_owned(),
            index_file,
            index,
            names: BTreeMap::new(),
        })
    }

    /// The app's folder.
    pub(super) fn app(&self) -> &Path {
        &self.app
    }

    /// Whether the last build here saw other config vars than those of this keyed hash.
    pub(super) fn environment_changed(&self, hash: &str) -> bool {
        self.index
            .environment
            .as_deref()
            .is_some_and(|before| before != hash)
    }

    /// Removes what is kept from build to build, and what is remembered; the rest goes with the next sync.
    pub(super) fn wipe(&mut self, kept: &[String]) -> io::Result<()> {
        self.index = Index::default();
        self.save()?;
        // The engine's own folder marks the tree as ours; what is in it is written anew each time.
        for name in kept.iter().filter(|name| *name != MARK) {
            remove(&self.app.join(name))?;
        }
        Ok(())
    }

    /// Makes the tree hold `source`, read from `root`, and of the rest only the top folders named in `kept`.
    pub(super) fn sync(
        &mut self,
        root: &Path,
        source: &Source,
        kept: &[String],
        environment: &str,
    ) -> io::Result<Synced> {
        if same(&self.app, root) {
            // The source is the tree: nothing to bring, and nothing that may be removed.
            self.index.environment = Some(environment.to_owned());
            self.save()?;
            return Ok(Synced::default());
        }
        let mut done = Synced {
            removed: self.remove_strangers(source, kept)?,
            ..Synced::default()
        };
        let before = std::mem::take(&mut self.index.files);
        for name in before.keys() {
            // In a kept folder, what was source and is no more.
            let path = path_of(name);
            if !source.files.contains_key(&path) && self.holds(&path) {
                remove(&self.app.join(path))?;
            }
        }
        // Until all is laid down, the index on disk claims nothing.
        self.save()?;
        for (path, file) in &source.files {
            let target = self.app.join(path);
            let laid = match file {
                SourceFile::Folder => {
                    make_folder(&target)?;
                    Laid::Folder
                }
                SourceFile::Link(to) => {
                    if fs_err::read_link(&target).ok().as_deref() != Some(to) {
                        remove(&target)?;
                        symlink(to, &target)?;
                        done.written += 1;
                    }
                    Laid::Link
                }
                SourceFile::File { digest, executable } => match before.get(&name_of(path)) {
                    Some(laid) if laid.is_still(&target, *digest, *executable) => laid.clone(),
                    _ => {
                        done.written += 1;
                        lay_down(&root.join(path), &target, *digest, *executable)?
                    }
                },
            };
            self.index.files.insert(name_of(path), laid);
        }
        self.index.environment = Some(environment.to_owned());
        self.save()?;
        Ok(done)
    }

    /// Tells the memo what the source's files of these names are.
    pub(super) fn know_inputs<'a>(
        &mut self,
        source: &Source,
        steps: impl Iterator<Item = &'a Step>,
    ) {
        for inputs in steps.filter_map(|step| step.skip_if_unchanged.as_ref()) {
            self.names
                .insert(inputs.names.clone(), source.digest_of_names(&inputs.names));
        }
    }

    /// Whether `path` is in the tree itself: a build may have replaced a folder above it by a link to elsewhere.
    fn holds(&self, path: &Path) -> bool {
        path.ancestors()
            .skip(1)
            .map(|above| self.app.join(above))
            .all(|above| above.symlink_metadata().is_ok_and(|found| found.is_dir()))
    }

    fn remove_strangers(&self, source: &Source, kept: &[String]) -> io::Result<usize> {
        let mut removed = 0;
        let mut walk = WalkDir::new(&self.app).min_depth(1).into_iter();
        while let Some(entry) = walk.next() {
            let entry = entry?;
            let Ok(path) = entry.path().strip_prefix(&self.app) else {
                continue;
            };
            if path.components().count() == 1
                && kept.iter().any(|name| path == Path::new(name.as_str()))
            {
                if entry.file_type().is_dir() {
                    walk.skip_current_dir();
                }
                continue;
            }
            let known = match source.files.get(path) {
                Some(SourceFile::Folder) => entry.file_type().is_dir(),
                Some(SourceFile::Link(_)) => entry.file_type().is_symlink(),
                Some(SourceFile::File { .. }) => entry.file_type().is_file(),
                None => false,
            };
            if !known {
                if entry.file_type().is_dir() {
                    walk.skip_current_dir();
                }
                remove(entry.path())?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn save(&self) -> io::Result<()> {
        let folder = self.index_file.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer(io::BufWriter::new(&mut file), &self.index)?;
        file.persist(&self.index_file)?;
        Ok(())
    }

    fn input_digest(&self, step: &Step) -> Option<Digest> {
        let inputs = step.skip_if_unchanged.as_ref()?;
        let present = inputs
            .outputs
            .iter()
            .all(|folder| self.app.join(folder).exists());
        let names = self.names.get(&inputs.names)?;
        // A step may write such a file itself, a lock for instance. Laid out anew, the app is without it again.
        let written: Vec<_> = inputs
            .names
            .iter()
            .filter(|name| !name.starts_with('*'))
            .map(|name| {
                let path = self.app.join(name);
                // The app's code may have put anything there: only a plain file is read.
                let plain = path.symlink_metadata().is_ok_and(|found| found.is_file());
                let bytes = plain.then(|| fs_err::read(path).ok()).flatten();
                bytes.map(|bytes| Digest::of(&bytes))
            })
            .collect();
        present.then(|| Digest::of(format!("{names} {written:?} {:?}", step.run).as_bytes()))
    }
}

impl StepMemo for Tree {
    fn unchanged(&self, step: &Step) -> bool {
        let now = self.input_digest(step);
        now.is_some() && now.as_ref() == self.index.steps.get(&step.id)
    }

    fn started(&mut self, step: &Step) -> io::Result<()> {
        if self.index.steps.remove(&step.id).is_some() {
            self.save()?;
        }
        Ok(())
    }

    fn succeeded(&mut self, step: &Step) -> io::Result<()> {
        if let Some(inputs) = self.input_digest(step) {
            self.index.steps.insert(step.id.clone(), inputs);
            self.save()?;
        }
        Ok(())
    }
}

impl Laid {
    fn is_still(&self, target: &Path, digest: Digest, executable: bool) -> bool {
        let Self::File {
            digest: laid,
            executable: bit,
            stat: then,
        } = self
        else {
            return false;
        };
        *laid == digest
            && *bit == executable
            && target
                .symlink_metadata()
                .is_ok_and(|now| stat(&now) == *then)
    }
}

fn stat(metadata: &std::fs::Metadata) -> (u64, i64, i64, u64) {
    (
        metadata.len(),
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.ino(),
    )
}

/// A path as a JSON key: itself where it is UTF-8, else its bytes behind a mark that no path has.
fn name_of(path: &Path) -> String {
    path.to_str().map_or_else(
        || {
            let bytes: Vec<String> = path
                .as_os_str()
                .as_bytes()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            format!("\0{}", bytes.concat())
        },
        str::to_owned,
    )
}

fn make_folder(target: &Path) -> io::Result<()> {
    match target.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => {
            remove(target)?;
            fs_err::create_dir(target)?;
        }
        Err(_) => fs_err::create_dir(target)?,
    }
    Ok(())
}

/// Copies one file; what lies there is replaced, never written through.
fn lay_down(from: &Path, target: &Path, digest: Digest, executable: bool) -> io::Result<Laid> {
    remove(target)?;
    let mut reader = fs_err::File::open(from)?;
    let mut writer = HashingWriter::new(fs_err::File::create_new(target)?);
    io::copy(&mut reader, &mut writer)?;
    if writer.finish().1 != digest {
        // What is built must be what its key says.
        return Err(io::Error::other(format!(
            "`{}` changed while it was read",
            from.display()
        )));
    }
    let mode = if executable { 0o755 } else { 0o644 };
    fs_err::set_permissions(target, PermissionsExt::from_mode(mode))?;
    Ok(Laid::File {
        digest,
        executable,
        stat: stat(&fs_err::symlink_metadata(target)?),
    })
}

/// Removes a file, link or folder, if it is there; folders without permissions are opened first.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    let Ok(metadata) = path.symlink_metadata() else {
        return Ok(());
    };
    if !metadata.is_dir() {
        return fs_err::remove_file(path);
    }
    if fs_err::remove_dir_all(path).is_ok() {
        return Ok(());
    }
    for entry in WalkDir::new(path) {
        let Ok(entry) = entry else { continue };
        if entry.file_type().is_dir() {
            fs_err::set_permissions(entry.path(), PermissionsExt::from_mode(0o700))?;
        }
    }
    fs_err::remove_dir_all(path)
}

/// The path that [`name_of`] made a key of.
fn path_of(name: &str) -> PathBuf {
    match name.strip_prefix('\0') {
        None => PathBuf::from(name),
        Some(hex) => {
            let bytes = (0..hex.len() / 2)
                .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap_or_default())
                .collect();
            PathBuf::from(std::ffi::OsString::from_vec(bytes))
        }
    }
}

#[cfg(test)]
mod tests;
