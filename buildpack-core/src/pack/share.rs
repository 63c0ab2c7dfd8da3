//! What builds of different apps share: parts of a tree that depend on less than the whole app, each kept under a key of
//! all that went into it.

use std::io;

use crate::store::CacheKey;

/// A part of the tree that may be kept for other builds, or taken from one.
pub struct Part {
    /// For people, and for saying what has changed since: `plug`.
    pub name: String,
    /// All that went into it, but for the stack and the architecture; where it cannot be shared, why not, as an end to
    /// "it is made here, …".
    pub key: Result<CacheKey, String>,
    /// The same with what only some parts depend on: the key of a part that `check` says is one of these.
    pub narrow: Option<CacheKey>,
    /// Whether programs of the stack's build image made some of it, such as a C compiler.
    pub native: bool,
    /// The folder that it is, below the app's: `_build/prod/lib/plug`.
    pub place: String,
    /// A folder that it is made of, and that making it may change: where it did, it is kept with it.
    pub made_of: Option<String>,
    /// Looks at what was made before it is kept.
    pub check: Check,
}

/// Gets each file of a [`Part`]: its path below the app's folder, and its content. Gives what is to be kept of it, or why
/// the part cannot be kept.
pub type Check = Box<dyn Fn(&str, Vec<u8>) -> Result<Checked, String>>;

/// A file that may be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// What is kept of it.
    pub content: Vec<u8>,
    /// Whether it depends on what is in [`Part::narrow`] alone.
    pub narrow: bool,
}

/// What is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartKind {
    /// What was fetched.
    Sources,
    /// What was compiled.
    Compiled,
}

/// What builds of different apps share, for a pack's own steps.
pub trait Shared {
    /// Lays down what is kept of `parts`, none of which stands in the tree; the others are what the step `maker` is about to
    /// make, and are kept when it has succeeded. Gives the names of those that stand now.
    fn restore(&self, kind: PartKind, maker: &str, parts: Vec<Part>) -> io::Result<Vec<String>>;

    /// A keyed hash of those config vars whose names `count`; none where there are no such.
    fn config_vars(&self, count: &dyn Fn(&str) -> bool) -> io::Result<Option<String>>;
}
