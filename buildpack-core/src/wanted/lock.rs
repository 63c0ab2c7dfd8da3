//! `buildpacks.lock`: which version of each pack an app is built with.
//!
//! TOML: `version = 1`, then a `[[pack]]` for each pack, in order. `wanted` is its address as it is written, without
//! credentials. One of these says what it was: `git` (a commit), `sha256` (of an archive), `content` (the digest of a
//! folder's content), `native` (a pack that is built in).

use std::fmt::{self, Write as _};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{NativeName, Wanted};
use crate::diagnostic::{Class, Diagnostic, Source, Span};

/// The file's name, in the app's folder.
pub const FILE: &str = "buildpacks.lock";

/// The version of the format.
const VERSION: i64 = 1;

const HEADER: &str = "\
# The version of each buildpack of this app. `bp build --lock` writes it, `bp build --locked` holds packs to it.
";

/// The packs of a lock, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    /// The packs.
    pub packs: Vec<LockedPack>,
}

/// One pack of a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedPack {
    /// Its address as it is written, without credentials.
    pub wanted: String,
    /// What it was.
    pub was: Identity,
}

/// What a pack is by its content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// A commit of a git repository: 40 or 64 lower-case hex digits.
    Git(String),
    /// The SHA-256 of an archive: 64 lower-case hex digits.
    Sha256(String),
    /// The SHA-256 of a folder's names, modes and contents: 64 lower-case hex digits.
    Content(String),
    /// A pack that is built in.
    Native(NativeName),
}

impl Identity {
    fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Git(commit) => ("git", commit),
            Self::Sha256(hex) => ("sha256", hex),
            Self::Content(hex) => ("content", hex),
            Self::Native(name) => ("native", name.word()),
        }
    }

    /// Whether it is a commit or a digest, as far as that can be seen: it may have been read from anywhere.
    pub fn is_sound(&self) -> bool {
        match self {
            Self::Git(commit) => is_hex(commit, &[40, 64]),
            Self::Sha256(hex) | Self::Content(hex) => is_hex(hex, &[64]),
            Self::Native(_) => true,
        }
    }

    /// With the first digits alone, for people: `commit 1a2b3c4d5e6f`.
    pub fn short(&self) -> String {
        let (_, value) = self.parts();
        let digits = value.get(..12).unwrap_or(value);
        match self {
            Self::Git(_) => format!("commit {digits}"),
            Self::Sha256(_) => format!("archive {digits}"),
            Self::Content(_) => format!("folder {digits}"),
            Self::Native(_) => "built in".to_owned(),
        }
    }
}

impl fmt::Display for Identity {
    /// `git:<commit>`, `sha256:<hex>`, `content:<hex>`, `native:<name>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, value) = self.parts();
        write!(f, "{kind}:{value}")
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: toml::Spanned<i64>,
    #[serde(default, rename = "pack")]
    packs: Vec<toml::Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    wanted: String,
    git: Option<String>,
    sha256: Option<String>,
    content: Option<String>,
    native: Option<String>,
}

impl Lock {
    /// Reads the file.
    pub fn parse(source: &Arc<Source>) -> Result<Self, Box<Diagnostic>> {
        let fail = |range: std::ops::Range<usize>, why: &str| {
            let span = Span {
                source: Arc::clone(source),
                start: range.start,
                end: range.end,
            };
            Box::new(
                Diagnostic::error(
                    "packs-lock-syntax",
                    Class::Config,
                    format!("`{FILE}` cannot be read"),
                )
                .at(span, why)
                .help("write it anew: `bp build --lock`"),
            )
        };
        let file: File = toml::from_str(&source.text)
            .map_err(|error| fail(error.span().unwrap_or_default(), error.message()))?;
        if *file.version.get_ref() != VERSION {
            return Err(fail(
                file.version.span(),
                "this version of bp knows version 1",
            ));
        }
        let mut packs = Vec::new();
        for entry in file.packs {
            let span = entry.span();
            let entry = entry.into_inner();
            let wanted = entry.wanted.clone();
            let was = entry.identity().ok_or_else(|| {
                fail(
                    span,
                    "one of `git`, `sha256`, `content` and `native` says what it was",
                )
            })?;
            packs.push(LockedPack { wanted, was });
        }
        Ok(Self { packs })
    }

    /// The file's text.
    pub fn text(&self) -> String {
        let mut text = format!("{HEADER}version = {VERSION}\n");
        for pack in &self.packs {
            let (kind, value) = pack.was.parts();
            let (wanted, value) = (quoted(&pack.wanted), quoted(value));
            // Writing to a string cannot fail.
            let _ = write!(text, "\n[[pack]]\nwanted = {wanted}\n{kind} = {value}\n");
        }
        text
    }

    /// Refuses packs that are not in the lock, and a lock that does not hold the packs of `all`, in their order: those of
    /// builds, then those that only tests have. What each is now, its fetching shows.
    pub fn check(&self, wanted: &[Wanted], all: &[Wanted]) -> Result<(), Box<Diagnostic>> {
        let mut problem = drifted("the app's buildpacks are not those of `buildpacks.lock`");
        let before = problem.notes.len() + problem.labels.len();
        for one in wanted {
            let locked = self
                .packs
                .iter()
                .find(|pack| pack.wanted == one.written.value);
            let what = match (locked.map(|pack| &pack.was), one.native) {
                (None, _) => "is not in the lock",
                (Some(Identity::Native(name)), native) if native != Some(*name) => {
                    "is built in by the lock, and is to be run now"
                }
                (Some(was), Some(_)) if !matches!(was, Identity::Native(_)) => {
                    "is run by the lock, and is built in now"
                }
                _ => continue,
            };
            problem = problem.from(&one.written.origin, what);
        }
        for pack in &self.packs {
            if !all.iter().any(|one| one.written.value == pack.wanted) {
                problem = problem.note(format!(
                    "`{}` is in the lock, and nobody asks for it",
                    pack.wanted
                ));
            }
        }
        let order = self.packs.iter().map(|pack| &pack.wanted);
        let held = all.iter().filter(|one| self.identity(one).is_some());
        if problem.notes.len() + problem.labels.len() == before
            && !order.eq(held.map(|one| &one.written.value))
        {
            problem = problem.note("they stand in another order");
        }
        if problem.notes.len() + problem.labels.len() == before {
            return Ok(());
        }
        Err(Box::new(problem))
    }

    /// What the pack of this address was.
    pub fn identity(&self, wanted: &Wanted) -> Option<&Identity> {
        self.packs
            .iter()
            .find(|pack| pack.wanted == wanted.written.value)
            .map(|pack| &pack.was)
    }
}

impl Entry {
    /// What it was, where exactly one key says so.
    fn identity(self) -> Option<Identity> {
        let identity = match (self.git, self.sha256, self.content, self.native) {
            (Some(commit), None, None, None) => Some(Identity::Git(commit)),
            (None, Some(hex), None, None) => Some(Identity::Sha256(hex)),
            (None, None, Some(hex), None) => Some(Identity::Content(hex)),
            (None, None, None, Some(word)) => NativeName::from_word(&word).map(Identity::Native),
            _ => None,
        };
        identity.filter(Identity::is_sound)
    }
}

fn is_hex(text: &str, lengths: &[usize]) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    lengths.contains(&text.len()) && text.bytes().all(digit)
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// The lock is refused, with what is different.
pub fn drifted(message: impl Into<String>) -> Diagnostic {
    Diagnostic::error("packs-locked", Class::Config, message)
        .help("if the change is meant, write the lock anew: `bp build --lock`")
}
