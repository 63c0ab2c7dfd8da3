//! The app's files as they were handed in: what counts as source, and one digest for all of it.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use buildpack_core::app::SlugIgnore;
use buildpack_core::diagnostic::{Class, Diagnostic, Explain};
use buildpack_core::digest::{Digest, Hasher};
use buildpack_core::event::{Event, EventSink};
use buildpack_core::layer::{LayerError, StatCache};
use buildpack_core::plan::{Goal, PackPlan};
use walkdir::WalkDir;

use super::committed::is_committed;

/// One file of the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SourceFile {
    /// A folder.
    Folder,
    /// A symbolic link and where it points, never followed.
    Link(PathBuf),
    /// A regular file.
    File {
        /// Of its content.
        digest: Digest,
        /// Whether its owner may execute it.
        executable: bool,
    },
}

/// All of the app's files by path below its folder, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Source {
    /// The files.
    pub files: BTreeMap<PathBuf, SourceFile>,
}

/// Why the app's files could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum SourceError {
    /// A folder or file can't be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file can't be hashed.
    #[error(transparent)]
    Hash(#[from] LayerError),
}

impl Explain for SourceError {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Unreadable { path, source } => Diagnostic::error(
                "app-unreadable",
                Class::Config,
                format!("{self}: {}", plain(source)),
            )
            .help(format!(
                "make it readable for the user who builds (`chmod -R u+rX {}`), or move it out of the app",
                path.display()
            )),
            Self::Hash(error) => error.diagnostic(),
        }
    }
}

/// What the app's `.slugignore` leaves out; nothing without one.
fn slugignore(root: &Path, events: &dyn EventSink) -> Result<SlugIgnore, SourceError> {
    let path = root.join(SLUGIGNORE);
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(source) => return Err(SourceError::Unreadable { path, source }),
    };
    let ignored = SlugIgnore::parse(&text);
    for line in &ignored.exceptions {
        events.emit(Event::Diagnostic {
            diagnostic: Diagnostic::warning(
                "slugignore-exception",
                format!(
                    "`{line}` in `{SLUGIGNORE}` does nothing: it knows no exceptions, as on Heroku"
                ),
            )
            .help("name what is to be left out more narrowly instead"),
        });
    }
    Ok(ignored)
}

/// Names what does not belong to the app (compatibility facts 1.5).
const SLUGIGNORE: &str = ".slugignore";

/// The system's words without its error number.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

impl Source {
    /// Reads the files below `root`; contents that the cache knows by their `stat` are not read again.
    ///
    /// Left out is what is no source: version control, Mix's own output (`_build`, fetched folders of `deps`),
    /// `node_modules` and editors' indexes; and what `.slugignore` names, before anything is built, as on Heroku. For
    /// tests that file means nothing: what it keeps out of images are tests, above all. Sockets, pipes and devices are
    /// left out with a warning.
    ///
    /// Packs that are scripts find what is committed of Mix's output and of `node_modules`, unless `plan` keeps what it
    /// makes there from build to build.
    pub(super) fn read(
        root: &Path,
        goal: &Goal,
        plan: &PackPlan,
        cache: &mut StatCache,
        events: &dyn EventSink,
    ) -> Result<Self, SourceError> {
        let mut files = BTreeMap::new();
        let ignored = match goal {
            Goal::Build => slugignore(root, events)?,
            Goal::Test(_) => SlugIgnore::parse(b""),
        };
        let walk = WalkDir::new(root)
            .min_depth(1)
            .follow_links(false)
            .into_iter()
            .filter_entry(|entry| {
                let below = entry.path().strip_prefix(root).unwrap_or(entry.path());
                let folder = entry.file_type().is_dir();
                let is_source = match standing(root, entry.path()) {
                    Standing::Source => true,
                    Standing::Made => is_for_scripts(plan, below) && is_committed(root, below),
                    Standing::Never => false,
                };
                is_source && !ignored.leaves_out(below, folder)
            });
        for entry in walk {
            let entry = entry.map_err(|error| SourceError::Unreadable {
                path: error.path().unwrap_or(root).to_owned(),
                source: error.into(),
            })?;
            let unreadable = |source: io::Error| SourceError::Unreadable {
                path: entry.path().to_owned(),
                source,
            };
            let metadata = entry.metadata().map_err(|error| unreadable(error.into()))?;
            let Ok(path) = entry.path().strip_prefix(root) else {
                continue;
            };
            let file = if metadata.is_dir() {
                SourceFile::Folder
            } else if metadata.is_symlink() {
                SourceFile::Link(entry.path().read_link().map_err(unreadable)?)
            } else if metadata.is_file() {
                SourceFile::File {
                    digest: cache.digest_file(entry.path(), &metadata)?.into(),
                    executable: executable(&metadata),
                }
            } else {
                events.emit(Event::Diagnostic {
                    diagnostic: Diagnostic::warning(
                        "app-special-file",
                        format!(
                            "`{}` is a socket, pipe or device and is left out",
                            path.display()
                        ),
                    ),
                });
                continue;
            };
            files.insert(path.to_owned(), file);
        }
        Ok(Self { files })
    }

    /// One digest for paths, kinds, executable bits, link targets and contents.
    pub(super) fn digest(&self) -> Digest {
        self.digest_where(|_| true)
    }

    /// One digest for the files whose paths are wanted.
    pub(super) fn digest_where(&self, wanted: impl Fn(&Path) -> bool) -> Digest {
        let mut hasher = Hasher::new();
        for (path, file) in self.files.iter().filter(|(path, _)| wanted(path)) {
            hasher.field(path.as_os_str().as_bytes());
            hasher.field(&file.identity());
        }
        hasher.finish()
    }
}

impl SourceFile {
    fn identity(&self) -> Vec<u8> {
        match self {
            Self::Folder => b"folder".to_vec(),
            Self::Link(target) => [b"link ", target.as_os_str().as_bytes()].concat(),
            Self::File { digest, executable } => {
                format!("file {} {digest}", u8::from(*executable)).into_bytes()
            }
        }
    }
}

/// Whether a file has one of these names; `*.exs` is every name that ends so.
pub(super) fn named(path: &Path, names: &[String]) -> bool {
    let name = path.file_name().unwrap_or_default().as_bytes();
    names.iter().any(|pattern| match pattern.strip_prefix('*') {
        Some(ending) => name.ends_with(ending.as_bytes()),
        None => name == pattern.as_bytes(),
    })
}

/// Whether a file's owner may execute it.
pub(super) fn executable(metadata: &Metadata) -> bool {
    metadata.permissions().mode() & 0o100 != 0
}

/// What a path of the app is.
enum Standing {
    /// Source.
    Source,
    /// What builds make anew, unless somebody committed it.
    Made,
    /// None that any pack looks for.
    Never,
}

fn standing(root: &Path, path: &Path) -> Standing {
    let Ok(below) = path.strip_prefix(root) else {
        return Standing::Source;
    };
    let parts: Vec<&[u8]> = below.iter().map(OsStrExt::as_bytes).collect();
    let made = match parts.as_slice() {
        [
            b".git" | b".hg" | b".svn" | b".bzr" | b".elixir_ls" | b".lexical" | b".platform_tools"
            | b".bp" | b".mix" | b".hex",
        ] => return Standing::Never,
        [.., b"node_modules"] => true,
        [.., b"_build"] => path.with_file_name("mix.exs").exists(),
        // What Mix fetched carries its mark; a vendored dependency has none and is source.
        [b"deps", _] => [".hex", ".git", ".fetch"]
            .iter()
            .any(|mark| path.join(mark).symlink_metadata().is_ok()),
        _ => false,
    };
    if made {
        Standing::Made
    } else {
        Standing::Source
    }
}

/// Whether a plan has scripts that may look for what stands at `path`, and no pack that makes it.
fn is_for_scripts(plan: &PackPlan, path: &Path) -> bool {
    plan.scripts.is_some() && !plan.kept.iter().any(|kept| path.starts_with(kept))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::os::unix::net::UnixListener;

    use buildpack_core::event::Recorder;
    use buildpack_core::plan::{Scripts, TestOptions};

    use super::*;

    fn read(root: &Path) -> (Source, Recorder) {
        read_for(root, &Goal::Build)
    }

    fn read_for(root: &Path, goal: &Goal) -> (Source, Recorder) {
        read_with(root, goal, &PackPlan::empty("/app"))
    }

    fn read_with(root: &Path, goal: &Goal, plan: &PackPlan) -> (Source, Recorder) {
        let events = Recorder::default();
        let mut cache = StatCache::load(root.with_extension("stat"));
        let source = Source::read(root, goal, plan, &mut cache, &events).unwrap();
        (source, events)
    }

    fn paths(source: &Source) -> Vec<&str> {
        let is_file = |file: &SourceFile| *file != SourceFile::Folder;
        let files = source.files.iter().filter(|(_, file)| is_file(file));
        files.map(|(path, _)| path.to_str().unwrap()).collect()
    }

    #[test]
    fn what_mix_fetched_is_no_source_and_what_is_vendored_is() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("app");
        for path in [
            "lib/a.ex",
            "mix.exs",
            "_build/prod/x",
            "deps/jason/.hex",
            "deps/jason/mix.exs",
            "deps/ours/mix.exs",
            "assets/node_modules/a.js",
            ".git/HEAD",
            "apps/one/_build/kept",
        ] {
            fs_err::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs_err::write(root.join(path), path).unwrap();
        }
        let (source, _) = read(&root);
        let files = [
            "apps/one/_build/kept",
            "deps/ours/mix.exs",
            "lib/a.ex",
            "mix.exs",
        ];
        assert_eq!(paths(&source), files);
        fs_err::remove_dir_all(root.join(".git")).unwrap();
        // Scripts are given all that was handed in, but for what a pack before or behind them makes.
        let scripts = |kept: &[&str]| {
            let mut plan = PackPlan::empty("/app");
            plan.kept = kept.iter().map(|&path| path.to_owned()).collect();
            plan.scripts = Some(Scripts {
                build_dir: "/tmp/build".to_owned(),
                cache_dir: "/tmp/cache".to_owned(),
                env_dir: "/tmp/env".to_owned(),
                detect_limit: 60,
                packs: Vec::new(),
            });
            read_with(&root, &Goal::Build, &plan).0
        };
        let of_mix = ["_build/prod/x", "deps/jason/.hex", "deps/jason/mix.exs"];
        let of_npm = "assets/node_modules/a.js";
        let all: BTreeSet<&str> = (files.iter().chain(&of_mix))
            .copied()
            .chain([of_npm])
            .collect();
        assert_eq!(paths(&scripts(&[])), Vec::from_iter(all));
        let beside_mix = scripts(&["_build", "deps"]);
        let all: BTreeSet<&str> = files.into_iter().chain([of_npm]).collect();
        assert_eq!(paths(&beside_mix), Vec::from_iter(all));
        let beside_all = scripts(&["_build", "deps", "assets/node_modules"]);
        assert_eq!(paths(&beside_all), files);
    }

    #[test]
    fn what_slugignore_names_is_left_out_and_an_exception_is_said_to_be_none() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("app");
        for path in ["lib/a.ex", "spec/a/b.ex", "docs/x.psd", "docs/keep.psd"] {
            fs_err::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs_err::write(root.join(path), path).unwrap();
        }
        fs_err::write(root.join(".slugignore"), "/spec\r\n*.psd\n!keep.psd\n").unwrap();
        let (source, events) = read(&root);
        let names: Vec<_> = source
            .files
            .keys()
            .map(|path| path.to_str().unwrap())
            .collect();
        assert_eq!(names, [".slugignore", "docs", "lib", "lib/a.ex"]);
        assert_eq!(events.events().len(), 1);
        let (source, events) = read_for(&root, &Goal::Test(TestOptions::default()));
        assert!(source.files.contains_key(Path::new("spec/a/b.ex")));
        assert_eq!(events.events().len(), 0);
    }

    #[test]
    fn the_digest_is_of_content_and_not_of_time() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("app");
        fs_err::create_dir_all(&root).unwrap();
        fs_err::write(root.join("a b\n\"c"), "one").unwrap();
        let first = read(&root).0.digest();
        fs_err::write(root.join("a b\n\"c"), "two").unwrap();
        assert_ne!(read(&root).0.digest(), first);
        fs_err::write(root.join("a b\n\"c"), "one").unwrap();
        assert_eq!(read(&root).0.digest(), first);
    }

    #[test]
    fn a_socket_is_left_out_and_said() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("app");
        fs_err::create_dir_all(&root).unwrap();
        let _socket = UnixListener::bind(root.join("s")).unwrap();
        let (source, events) = read(&root);
        assert!(source.files.is_empty());
        assert_eq!(events.events().len(), 1);
    }
}
