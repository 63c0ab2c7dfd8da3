//! The folder an app is compiled in: kept from build to build, brought up to date by content.
//!
//! A source file whose content is the same keeps its time, so that compilers see only what really changed. What a
//! build made and what is not named as kept is removed before the next one: an image depends on its inputs, not on
//! the builds before it.

mod laid;
mod lent;
mod memo;
mod outside;
mod seconds;
mod sweep;
mod trash;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use buildpack_core::plan::PackPlan;
use buildpack_core::store::CacheKey;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};

use super::in_place::{MARK, same};
use super::source::{Source, SourceFile};
use laid::{Laid, lay_down, make_folder, name_of, path_of};

pub(super) use laid::remove;
pub(super) use lent::Lent;
use outside::Outside;
use trash::Trash;

const INDEX: &str = "index.json";
const FILES: &str = "files.json";

/// A build tree on disk; whoever holds it holds its lock.
pub(super) struct Tree {
    app: PathBuf,
    /// Where it is remembered what the tree is.
    folder: PathBuf,
    index: Index,
    /// The source as it was laid down, by name ([`name_of`]), until the build is over: no step may remove any of it.
    files: BTreeMap<String, Laid>,
    /// By step, the part of its inputs that stays as it is while the build runs.
    given: BTreeMap<String, CacheKey>,
    /// Source that the last sync brought or took away.
    changed: Vec<PathBuf>,
    /// By step and part of its inputs, a path that made the part change.
    because: BTreeMap<(String, String), PathBuf>,
    /// By step, a path of its output that the last sync changed.
    touched: BTreeMap<String, PathBuf>,
    /// Steps that others are to run after.
    watched: BTreeSet<String>,
    /// What steps write where the next build does not find it.
    outside: Outside,
    /// What no longer belongs here.
    trash: Trash,
}

/// What is remembered of builds here, beside the files of their source: that is written when these change, this at each step.
#[derive(Default, Serialize, Deserialize)]
struct Index {
    /// Steps that succeeded, with what they depended on.
    steps: BTreeMap<String, CacheKey>,
    /// Watched steps, with the number of their last run.
    runs: BTreeMap<String, u64>,
    /// Steps that wrote outside of what is kept when they last ran, each with such a path.
    #[serde(default)]
    left: BTreeMap<String, String>,
    /// How many runs were numbered.
    numbered: u64,
    /// What the build's config vars were, as a keyed hash.
    environment: Option<String>,
    /// The second in which programs last worked here; none if they did and nobody knows when they stopped.
    ended: Option<u64>,
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
        let fresh = Index {
            ended: Some(0),
            ..Index::default()
        };
        let (index, files) = match (read(folder, INDEX)?, read(folder, FILES)?) {
            (Read::There(index), Read::There(files)) => (index, files),
            (Read::There(index), Read::Missing) => (index, BTreeMap::new()),
            (Read::Missing, _) => (fresh, BTreeMap::new()),
            // Every file is laid down anew, and what was made was made with unknown config vars.
            _ => {
                let index = Index {
                    environment: Some(String::new()),
                    ..Index::default()
                };
                (index, BTreeMap::new())
            }
        };
        Ok(Self {
            app: app.to_owned(),
            folder: folder.to_owned(),
            index,
            files,
            given: BTreeMap::new(),
            changed: Vec::new(),
            because: BTreeMap::new(),
            touched: BTreeMap::new(),
            watched: BTreeSet::new(),
            outside: Outside::default(),
            trash: Trash::below(folder),
        })
    }

    /// The app's folder.
    pub(super) fn app(&self) -> &Path {
        &self.app
    }

    /// Whether the last build here saw other config vars than those of this keyed hash.
    pub(super) fn environment_changed(&self, hash: &str) -> bool {
        let before = self.index.environment.as_deref();
        before.is_some_and(|before| before != hash)
    }

    /// Removes what is kept from build to build and is no source, and what is remembered; the rest goes with the next
    /// sync.
    pub(super) fn wipe(&mut self, source: &Source, kept: &[String]) -> io::Result<()> {
        self.index = Index {
            ended: self.index.ended,
            ..Index::default()
        };
        self.files = BTreeMap::new();
        self.save()?;
        self.save_files()?;
        // The engine's own folder marks the tree as ours; what is in it is written anew each time.
        for path in kept.iter().filter(|path| *path != MARK) {
            self.empty(Path::new(path), &|path| source.files.contains_key(path))?;
        }
        Ok(())
    }

    /// Makes the tree hold `source`, read from `root`, and of the rest only what lies below the plan's kept paths.
    pub(super) fn sync(
        &mut self,
        root: &Path,
        source: &Source,
        plan: &PackPlan,
        environment: &str,
    ) -> io::Result<Synced> {
        seconds::leave(self.index.ended);
        if same(&self.app, root) {
            // The source is the tree: nothing to bring, and nothing that may be removed.
            let names = source
                .files
                .keys()
                .map(|path| (name_of(path), Laid::Folder));
            self.files = names.collect();
            self.index.environment = Some(environment.to_owned());
            self.save()?;
            return Ok(Synced::default());
        }
        let before = std::mem::take(&mut self.files);
        let steps = std::mem::take(&mut self.index.steps);
        self.save()?;
        // Until all is laid down, what is on disk tells of nothing but names: that these files are not the build's.
        write(&self.folder, FILES, &Names(&before, source))?;
        let removed = self.remove_strangers(source, &plan.kept)?;
        let mut gone = Vec::new();
        for name in before.keys() {
            // In a kept folder, what was source and is no more.
            let path = path_of(name);
            if source.files.contains_key(&path) {
                continue;
            }
            if self.holds(&path) {
                remove(&self.app.join(&path))?;
            }
            gone.push(path);
        }
        let mut written = Vec::new();
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
                        written.push(path.clone());
                    }
                    Laid::Link
                }
                SourceFile::File { digest, executable } => {
                    let laid = before.get(&name_of(path));
                    let stands = laid.and_then(|laid| laid.stands(&target, *digest, *executable));
                    if let Some(laid) = stands {
                        laid
                    } else {
                        written.push(path.clone());
                        lay_down(&root.join(path), &target, *digest, *executable)?
                    }
                }
            };
            self.files.insert(name_of(path), laid);
        }
        self.save_files()?;
        let touched = |path: &String| {
            let mut changed = removed.iter().chain(&written);
            changed
                .find(|changed| changed.starts_with(path) || Path::new(path).starts_with(changed))
                .cloned()
        };
        self.index.steps = steps;
        for step in &plan.steps {
            let inputs = step.skip_if_unchanged.iter();
            let mut made = inputs.flat_map(|inputs| inputs.outputs.iter().chain(&inputs.owns));
            if let Some(path) = made.find_map(touched)
                && self.index.steps.remove(&step.id).is_some()
            {
                self.touched.insert(step.id.clone(), path);
            }
        }
        self.index.environment = Some(environment.to_owned());
        self.save()?;
        let done = Synced {
            written: written.len(),
            removed: removed.len(),
        };
        self.trash.empty();
        self.changed = written;
        self.changed.append(&mut gone);
        Ok(done)
    }

    /// Says that programs are about to work here.
    pub(super) fn begin(&mut self) -> io::Result<()> {
        self.index.ended = None;
        self.save()
    }

    /// Says that no program works here any more, whether or not they succeeded.
    pub(super) fn end(&mut self) -> io::Result<()> {
        self.index.ended = Some(seconds::now());
        // Of an app of many files, much.
        self.files = BTreeMap::new();
        self.outside.forget();
        self.save()
    }

    /// Whether `path` is in the tree itself: a build may have replaced a folder above it by a link to elsewhere.
    fn holds(&self, path: &Path) -> bool {
        path.ancestors()
            .skip(1)
            .map(|above| self.app.join(above))
            .all(|above| above.symlink_metadata().is_ok_and(|found| found.is_dir()))
    }

    fn save(&self) -> io::Result<()> {
        write(&self.folder, INDEX, &self.index)
    }

    fn save_files(&self) -> io::Result<()> {
        write(&self.folder, FILES, &self.files)
    }
}

/// Source files that were laid down and those that are about to be, with nothing known of either.
struct Names<'a>(&'a BTreeMap<String, Laid>, &'a Source);

impl Serialize for Names<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let before = self
            .0
            .keys()
            .filter(|name| !self.1.files.contains_key(&path_of(name)));
        let names = before
            .cloned()
            .chain(self.1.files.keys().map(|path| name_of(path)));
        serializer.collect_map(names.map(|name| (name, Laid::Folder)))
    }
}

/// What is kept beside a tree.
enum Read<T> {
    There(T),
    Missing,
    Damaged,
}

fn read<T: DeserializeOwned>(folder: &Path, name: &str) -> io::Result<Read<T>> {
    match fs_err::read(folder.join(name)) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).map_or(Read::Damaged, Read::There)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Read::Missing),
        Err(error) => Err(error),
    }
}

fn write(folder: &Path, name: &str, content: &impl Serialize) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    let mut out = io::BufWriter::new(&mut file);
    serde_json::to_writer(&mut out, content)?;
    io::Write::flush(&mut out)?;
    drop(out);
    file.persist(folder.join(name))?;
    Ok(())
}

#[cfg(test)]
mod tests;
