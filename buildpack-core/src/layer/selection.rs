//! What goes into one layer.

use std::path::{Path, PathBuf};

type Keep<'a> = Box<dyn Fn(&Path) -> bool + Send + Sync + 'a>;

/// A file or a folder of the host, and where it stands in the image.
pub struct Tree<'a> {
    pub(super) source: PathBuf,
    pub(super) target: String,
    pub(super) keep: Option<Keep<'a>>,
}

impl<'a> Tree<'a> {
    /// All of `source` at `target`, an absolute path in the image such as `/app/deps`.
    ///
    /// A source that does not exist adds nothing. A source that is a symbolic link is followed to a folder,
    /// every link below it is kept as it is.
    pub fn new(source: impl Into<PathBuf>, target: impl Into<String>) -> Self {
        Self {
            source: source.into(),
            target: target.into(),
            keep: None,
        }
    }

    /// Only what `keep` says yes to, given paths relative to the source. A folder that is refused is not entered;
    /// a folder that is kept is in the layer even if nothing below it is.
    pub fn keep(mut self, keep: impl Fn(&Path) -> bool + Send + Sync + 'a) -> Self {
        self.keep = Some(Box::new(keep));
        self
    }
}

/// A file that exists only in the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Synthetic {
    /// Absolute path in the image.
    pub path: String,
    /// Its bytes.
    pub content: Vec<u8>,
    /// Whether it can be run: mode 0755, else 0644.
    pub executable: bool,
}

/// What goes into one layer. Where two of its parts bring the same file, the later tree wins, and a synthetic file
/// wins over all trees.
#[derive(Default)]
pub struct Selection<'a> {
    pub(super) trees: Vec<Tree<'a>>,
    pub(super) synthetic: Vec<Synthetic>,
}

impl<'a> Selection<'a> {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a tree.
    pub fn tree(mut self, tree: Tree<'a>) -> Self {
        self.trees.push(tree);
        self
    }

    /// With a file that exists only in the image.
    pub fn file(mut self, file: Synthetic) -> Self {
        self.synthetic.push(file);
        self
    }
}
