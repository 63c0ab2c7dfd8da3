//! Packs of git repositories, fetched by the `git` program: what an address needs of credentials, ssh and proxies stands in
//! the user's own settings, and git knows how to read them.
//!
//! A repository is a stranger's. It gets no hook, no way to name a program, no prompt and no more time than allowed; its
//! address stands in a file and never in an argument, so that it can be no option, and no list of processes shows it.

mod program;
mod said;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use buildpack_core::store::Bucket;
use buildpack_core::wanted::lock::Identity;

use super::error::Why;
use super::folder;
use super::remembered::Remembered;
use super::{Got, Reach, keep, kept};
use program::Repository;

/// Which version of a repository is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version<'a> {
    /// What its `HEAD` names.
    Newest,
    /// A whole commit id: nothing that the other side says can make it mean something else.
    Commit(&'a str),
    /// A branch or a tag, or the beginning of a commit id.
    Named(&'a str),
}

impl<'a> Version<'a> {
    /// What stands behind the `#` of an address.
    pub(super) fn of(reference: Option<&'a str>) -> Self {
        match reference {
            None | Some("HEAD") => Self::Newest,
            Some(text) if is_hex(text) && matches!(text.len(), 40 | 64) => Self::Commit(text),
            Some(text) => Self::Named(text),
        }
    }
}

/// The pack of a repository, at a version.
pub(super) fn get(
    url: &str,
    version: &Version<'_>,
    memory: &Remembered<'_>,
    reach: &Reach<'_>,
) -> Result<Got, Why> {
    if let Version::Commit(commit) = version
        && let Some(got) = kept(&identity(commit), reach)
    {
        memory.write(&got.identity)?;
        return Ok(got);
    }
    if reach.offline {
        return memory.offline();
    }
    let space = reach.store.temp_dir(Bucket::Packs)?;
    // What git writes there of an address with a password is nobody else's to read.
    fs_err::set_permissions(space.path(), Permissions::from_mode(0o700))
        .map_err(|error| Why::disk("change", space.path(), error))?;
    let repository = Repository::new(&space.path().join("pack"), url, reach)?;
    let tip = match version {
        Version::Commit(commit) => Tip {
            commit: commit.to_ascii_lowercase(),
            name: None,
        },
        Version::Newest => tip(&repository, "HEAD")?.ok_or(Why::NoReference {
            reference: "HEAD".to_owned(),
            alike: None,
        })?,
        Version::Named(name) => match tip(&repository, name)? {
            Some(tip) => tip,
            None => Tip {
                commit: beginning(&repository, name)?,
                name: None,
            },
        },
    };
    let got = match kept(&identity(&tip.commit), reach) {
        Some(got) => got,
        None => keep(identity(&tip.commit), reach, |folder| {
            repository.obtain(&tip)?;
            folder::forget_versions(repository.folder())?;
            folder::move_into(repository.folder(), folder)
        })?,
    };
    memory.write(&got.identity)?;
    Ok(got)
}

/// A commit, and the name under which the other side has it.
struct Tip {
    commit: String,
    name: Option<String>,
}

/// The commit that a name means there: a branch first, then a tag, as `git clone --branch` has it.
fn tip(repository: &Repository<'_>, name: &str) -> Result<Option<Tip>, Why> {
    let all = repository.names()?;
    let find = |full: &str| all.iter().find(|(_, name)| name == full);
    let full = |kind: &str| format!("refs/{kind}/{name}");
    let candidates = match name {
        "HEAD" => vec!["HEAD".to_owned()],
        name if name.starts_with("refs/") => vec![name.to_owned()],
        _ => vec![full("heads"), full("tags")],
    };
    Ok(candidates.into_iter().find_map(|full| {
        let (object, _) = find(&full)?;
        // A tag of its own has the commit behind it.
        let commit = find(&format!("{full}^{{}}")).map_or(object, |(commit, _)| commit);
        Some(Tip {
            commit: commit.clone(),
            name: Some(full),
        })
    }))
}

/// The whole id of the commit that begins so.
fn beginning(repository: &Repository<'_>, text: &str) -> Result<String, Why> {
    let unknown = || -> Result<String, Why> {
        let names = repository.names()?;
        let short = names.iter().filter_map(|(_, name)| {
            let name = name
                .strip_prefix("refs/heads/")
                .or_else(|| name.strip_prefix("refs/tags/"))?;
            (!name.ends_with("^{}")).then_some(name)
        });
        let alike = short
            .map(|name| (strsim::damerau_levenshtein(name, text), name))
            .filter(|(distance, _)| *distance <= 2)
            .min();
        Err(Why::NoReference {
            reference: text.to_owned(),
            alike: alike.map(|(_, name)| name.to_owned()),
        })
    };
    if !is_hex(text) || !(7..40).contains(&text.len()) {
        return unknown();
    }
    repository.fetch_all()?;
    match repository.commit_of(text)? {
        Some(commit) => Ok(commit),
        None => unknown(),
    }
}

fn identity(commit: &str) -> Identity {
    Identity::Git(commit.to_ascii_lowercase())
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The repository of git itself, which is of no use to a pack.
fn own_folder(folder: &Path) -> std::path::PathBuf {
    folder.join(".git")
}
