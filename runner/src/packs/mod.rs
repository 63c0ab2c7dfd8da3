//! Getting buildpacks: from an address to a read-only folder in the store, known by its content.
//!
//! Nothing of a pack is run here. Repositories are fetched by the `git` program, so that credentials, ssh and proxies are
//! those that the user has for git (`packs/git.rs`).

mod archive;
mod error;
mod folder;
mod git;
mod remembered;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use buildpack_core::diagnostic::Sourced;
use buildpack_core::event::EventSink;
use buildpack_core::store::{Bucket, CacheKey, Store};
use buildpack_core::toolchain::Fetch;
use buildpack_core::wanted::lock::{Identity, Lock, LockedPack};
use buildpack_core::wanted::{Name, NativeName, PackReference, Place, Wanted};
use jiff::Timestamp;

pub use error::PackError;
use error::Why;
use git::Version;
use remembered::Remembered;

/// Where Heroku's registry keeps its packs, as `OWNER/NAME.tgz` below.
pub const REGISTRY: &str = "https://buildpack-registry.s3.amazonaws.com/buildpacks";

/// A pack in the store, or the native one that takes its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// A pack that is built in.
    Native {
        /// Which.
        name: NativeName,
        /// As it was asked for, if it was.
        wanted: Option<Sourced<String>>,
    },
    /// A pack of scripts.
    Script(Fetched),
}

/// A pack of scripts in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// One word for it, unique in the chain, fit for a folder name: `heroku-buildpack-python`.
    pub id: String,
    /// As it was asked for, with who asked; without credentials.
    pub wanted: Sourced<String>,
    /// Name for people: `owner/repo[#ref]` of GitHub addresses (compatibility facts 2.4), others in full; without
    /// credentials.
    pub shown: String,
    /// Read-only folder with `bin/`; `bin/detect` and `bin/compile` are there and may be executed.
    pub folder: PathBuf,
    /// What it is by content: `git:<commit>`, `sha256:<hex>` of an archive, `content:<hex>` of a folder.
    pub identity: String,
}

/// Packs that were asked for, and the lock that holds each to what it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gotten {
    /// The packs, in order.
    pub chosen: Vec<Chosen>,
    /// What each of them is.
    pub lock: Lock,
}

/// What getting packs takes.
#[derive(Clone, Copy)]
pub struct Reach<'a> {
    /// Where packs are kept.
    pub store: &'a Store,
    /// Downloads.
    pub fetch: &'a dyn Fetch,
    /// Where events go.
    pub events: &'a dyn EventSink,
    /// Whether nothing may be fetched.
    pub offline: bool,
    /// A PEM file of authorities that git trusts in place of its own.
    pub authorities: Option<&'a Path>,
    /// Where `urn:buildpack:owner/name` is found: [`REGISTRY`], or a mirror of it. No slash at its end.
    pub registry: &'a str,
    /// The time of this run.
    pub now: Timestamp,
    /// How long git may take.
    pub patience: Patience,
}

/// How long git may take; then it is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// To say which branches and tags there are.
    pub answer: Duration,
    /// To fetch a repository.
    pub transfer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            answer: Duration::from_mins(1),
            transfer: Duration::from_mins(10),
        }
    }
}

/// Gets the packs, in their order: those that `lock` holds them to, or what they are today. Relative paths start at `app`.
pub fn get(
    wanted: &[Wanted],
    lock: Option<&Lock>,
    app: &Path,
    reach: &Reach<'_>,
) -> Result<Gotten, PackError> {
    let mut all = Gotten::default();
    let mut ids: Vec<String> = Vec::new();
    for one in wanted {
        let shown = one.reference.shown();
        if let Some(name) = one.native {
            if shown != name.word() {
                reach.events.detail(&format!(
                    "Buildpack {shown}: built in (`--no-native` runs the pack itself)"
                ));
            }
            all.take(one, Identity::Native(name));
            all.chosen.push(Chosen::Native {
                name,
                wanted: Some(one.written.clone()),
            });
            continue;
        }
        let held = lock.and_then(|lock| lock.identity(one));
        let got = get_one(one, held, app, reach)
            .and_then(|got| got.held(held))
            .map_err(|why| PackError::new(shown.clone(), &one.written, why))?;
        let is = got.identity.short();
        let because = because(one);
        reach
            .events
            .detail(&format!("Buildpack {shown}: {is}{because}"));
        let id = free_id(&one.reference.word(), &ids);
        ids.push(id.clone());
        all.take(one, got.identity.clone());
        all.chosen.push(Chosen::Script(Fetched {
            id,
            wanted: one.written.clone(),
            shown,
            folder: got.folder,
            identity: got.identity.to_string(),
        }));
    }
    Ok(all)
}

impl Gotten {
    /// Writes down what a pack is.
    fn take(&mut self, wanted: &Wanted, was: Identity) {
        let wanted = wanted.written.value.clone();
        self.lock.packs.push(LockedPack { wanted, was });
    }
}

/// Why the pack itself is run, where one that is built in could take its place.
fn because(wanted: &Wanted) -> String {
    match (wanted.instead_of, &wanted.reference.reference) {
        (Some(_), Some(version)) if wanted.reference.is_pinned() => {
            format!("; run as it is, because `#{version}` names a version of it")
        }
        (Some(_), _) => "; run as it is".to_owned(),
        (None, _) => String::new(),
    }
}

/// A pack's place in the store.
struct Got {
    folder: PathBuf,
    identity: Identity,
}

impl Got {
    /// The pack, if it is what a lock holds it to.
    fn held(self, to: Option<&Identity>) -> Result<Self, Why> {
        match to {
            Some(locked) if *locked != self.identity => Err(Why::Drifted {
                locked: locked.clone(),
                found: Some(self.identity),
            }),
            _ => Ok(self),
        }
    }
}

fn get_one(
    wanted: &Wanted,
    held: Option<&Identity>,
    app: &Path,
    reach: &Reach<'_>,
) -> Result<Got, Why> {
    // A folder is looked at all the same: whether it is still the one.
    if let Some(identity) = held
        && !matches!(identity, Identity::Content(_))
        && let Some(got) = kept(identity, reach)
    {
        return Ok(got);
    }
    let memory = Remembered::of(&wanted.written.value, held, reach);
    let PackReference {
        place, reference, ..
    } = &wanted.reference;
    let version = match held {
        Some(Identity::Git(commit)) => Version::Commit(commit),
        _ => Version::of(reference.as_deref()),
    };
    match place {
        Place::Git(url) => git::get(url, &version, &memory, reach),
        Place::Archive(url) => {
            let shown = wanted.reference.shown();
            archive::get(url, &shown, held, &memory, reach)
        }
        Place::Registry(name) => registry(name, held, &memory, reach),
        Place::Name(name) => by_name(name, &version, held, &memory, reach),
        Place::Path(path) => folder::get(&app.join(path), &version, &memory, reach),
        // Who asks for the pack itself under this name was refused.
        Place::Native(_) => Err(Why::NotFound { said: Vec::new() }),
    }
}

/// An archive of Heroku's registry.
fn registry(
    name: &Name,
    held: Option<&Identity>,
    memory: &Remembered<'_>,
    reach: &Reach<'_>,
) -> Result<Got, Why> {
    let url = format!("{}/{name}.tgz", reach.registry);
    let shown = format!("urn:buildpack:{name}");
    archive::get(&url, &shown, held, memory, reach)
}

/// The repository that Dokku takes `owner/name` for: of it, any commit can be had again. Where there is none, the archive
/// of that name in Heroku's registry.
fn by_name(
    name: &Name,
    version: &Version<'_>,
    held: Option<&Identity>,
    memory: &Remembered<'_>,
    reach: &Reach<'_>,
) -> Result<Got, Why> {
    if matches!(held, Some(Identity::Sha256(_))) {
        return registry(name, held, memory, reach);
    }
    let (owner, repository) = (name.github_owner(), name.repository());
    let url = format!("https://github.com/{owner}/{repository}.git");
    match git::get(&url, version, memory, reach) {
        Err(Why::NotFound { said }) if *version == Version::Newest => {
            registry(name, held, memory, reach).map_err(|why| match why {
                Why::NotFound { .. } => Why::NotFound { said },
                other => other,
            })
        }
        other => other,
    }
}

/// Puts a copy of the pack in `folder` at `target`, whole or not at all, in place of what stands there.
pub fn lay_out(folder: &Path, target: &Path) -> io::Result<()> {
    let above = target.parent().unwrap_or(Path::new("/"));
    fs_err::create_dir_all(above)?;
    let draft = tempfile::Builder::new()
        .prefix(".pack-")
        .tempdir_in(above)?;
    let copy = draft.path().join("pack");
    folder::copy_tree(folder, &copy, draft.path())
        .map_err(|why| io::Error::other(why.to_string()))?;
    match target.symlink_metadata() {
        Ok(found) if found.is_dir() => fs_err::remove_dir_all(target)?,
        Ok(_) => fs_err::remove_file(target)?,
        Err(_) => {}
    }
    fs_err::rename(copy, target)
}

/// `word`, or with a number behind it where an earlier pack has it.
fn free_id(word: &str, taken: &[String]) -> String {
    let numbered = (2..).map(|number| format!("{word}-{number}"));
    std::iter::once(word.to_owned())
        .chain(numbered)
        .find(|id| !taken.contains(id))
        .unwrap_or_default()
}

/// The key of a pack by what it is.
fn key(identity: &Identity) -> CacheKey {
    CacheKey::new("buildpack").part("is", identity)
}

/// The pack of this identity, if it is kept.
fn kept(identity: &Identity, reach: &Reach<'_>) -> Option<Got> {
    let folder = reach.store.dir(Bucket::Packs, &key(identity))?;
    let identity = identity.clone();
    Some(Got { folder, identity })
}

/// Keeps the pack of this identity, made by `make` in an empty folder where it is not kept yet.
fn keep(
    identity: Identity,
    reach: &Reach<'_>,
    make: impl FnOnce(&Path) -> Result<(), Why>,
) -> Result<Got, Why> {
    let folder = reach
        .store
        .make_dir(Bucket::Packs, &key(&identity), reach.events, |folder| {
            make(folder)?;
            folder::settle(folder)
        })?;
    Ok(Got { folder, identity })
}
