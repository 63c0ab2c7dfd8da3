//! Packages of Hex that builds of different apps share: their sources, and what was compiled of them.
//!
//! What a package comes to depends on less than the app: on its source and that of what it depends on, on the compilers, on
//! the configuration and the variables that it may read while it is compiled. `keys` makes a key of these. They are looked
//! for in the tree when the step is due, as hooks may change them; a package that is there and that Mix would not compile
//! again is left alone.

mod config;
mod keys;
mod locked;
mod output;
mod reads;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::rc::Rc;

use buildpack_core::digest::Digest;
use buildpack_core::pack::{
    CheckedFile, Host, Part, PartKind, Shared, file_in_tree, folder_in_tree,
};
use buildpack_core::plan::PackPlan;
use buildpack_core::store::CacheKey;

use keys::Keys;
use locked::{Locked, is_vendored};

use crate::atom_order::{Words, lines};
use crate::pack::WORDS_FILE;

/// The id of the step before the packages are fetched.
pub const SOURCES: &str = "shared-sources";

/// The id of the step before they are compiled.
pub const COMPILED: &str = "shared-packages";

/// Variables by which Mix looks for all of this elsewhere.
const MOVED: [&str; 6] = [
    "MIX_BUILD_PATH",
    "MIX_BUILD_ROOT",
    "MIX_DEPS_PATH",
    "MIX_EXS",
    "MIX_INSTALL_DIR",
    "MIX_TARGET",
];

/// Lays down the sources that are kept, so that Mix finds them as it would fetch them.
pub(crate) fn restore_sources(plan: &PackPlan, host: &Host<'_>) -> io::Result<()> {
    let Some((shared, locked)) = begin(plan, host)? else {
        return Ok(());
    };
    // Others might be for another environment.
    let Some(wanted) = locked.wanted() else {
        return Ok(());
    };
    let client = plan.tools.iter().find(|tool| tool.id == "hex");
    let client = client.map(|tool| tool.artifact.identity());
    // Hex's note beside a source is a map in the order in which its atoms were made, and so of all packages of the lock;
    // yarn from 2 on holds a package that it takes from `deps` to the bytes of all its files.
    let all = locked.hex.iter();
    let all = all.map(|(name, package)| format!("{name} {}\n", package.lock.digest));
    let beside = Digest::of(all.collect::<String>().as_bytes());
    let mut parts = Vec::new();
    let mut replaced = BTreeSet::new();
    for name in wanted {
        let Some(package) = locked.hex.get(name) else {
            continue;
        };
        let place = format!("deps/{name}");
        if locked.is_fetched(host.tree, name) || is_vendored(host.tree, name) {
            continue;
        }
        if host.tree.join(&place).symlink_metadata().is_ok() {
            replaced.insert(name.clone());
        }
        let key = CacheKey::new("package source")
            .part("name", name)
            .part("package", &package.lock.package)
            .part("version", &package.version)
            .part("repository", &package.lock.repository)
            .part("digest", package.lock.digest)
            .part("managers", &package.lock.managers)
            .part("client", client.as_deref().unwrap_or_default())
            .part("locked with", beside);
        parts.push(Part {
            name: name.clone(),
            key: Ok(key),
            narrow: None,
            native: false,
            place,
            made_of: None,
            check: Box::new(|_, content| {
                Ok(CheckedFile {
                    content,
                    narrow: false,
                })
            }),
        });
    }
    if parts.is_empty() {
        return Ok(());
    }
    let standing = shared.restore(PartKind::Sources, "deps", parts)?;
    // As when Mix fetches: what was compiled of another version goes, and what was compiled with it.
    replaced.retain(|name| standing.contains(name));
    for name in locked.with_dependents(&replaced) {
        output::remove_all(host.tree, &name)?;
    }
    Ok(())
}

/// Lays down what is kept of compiled packages.
pub(crate) fn restore_compiled(plan: &PackPlan, host: &Host<'_>) -> io::Result<()> {
    let Some((shared, locked)) = begin(plan, host)? else {
        return Ok(());
    };
    let lib = format!("_build/{}/lib", locked.environment);
    let elixir = plan.tools.iter().find(|tool| tool.id == "elixir");
    let elixir = elixir.map_or("", |tool| tool.version.as_str());
    let wanted = locked.wanted();
    let missing: Vec<&String> = (locked.hex.keys())
        .filter(|name| wanted.as_ref().is_none_or(|wanted| wanted.contains(name)))
        .filter(|name| locked.is_fetched(host.tree, name) && !locked.is_never_compiled(name))
        .filter(|name| !output::stands(host.tree, &lib, name, elixir))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let words = words_of(host.tree).map(|words| Rc::new(words.packages));
    let digest = (words.as_ref()).map(|words| Digest::of(lines(words).as_bytes()));
    let mut keys = Keys::new(plan, host, shared, &locked)?;
    let mut parts = Vec::new();
    for name in missing {
        let place = format!("{lib}/{name}");
        let key = keys.of(name)?;
        if key.is_ok() {
            output::remove(host.tree, &place)?;
        }
        let narrow = key.as_ref().ok().zip(digest);
        parts.push(Part {
            name: name.clone(),
            narrow: narrow.map(|(key, words)| key.clone().part("words", words)),
            native: keys.is_native(name),
            made_of: Some(format!("deps/{name}")),
            check: output::check(&place, name, keys.may_configure(name), words.clone()),
            key,
            place,
        });
    }
    shared.restore(PartKind::Compiled, "compile", parts)?;
    Ok(())
}

/// Removes what was compiled under other words, where it follows from them: Mix would leave it, and a clean build make
/// another. `now` are the words of now; those of before are in the tree still.
pub(crate) fn forget_what_follows(tree: &Path, now: &Words) -> io::Result<()> {
    let before = words_of(tree);
    if before.as_ref() == Some(now) {
        return Ok(());
    }
    let before = before.unwrap_or_default();
    let same = before.packages == now.packages;
    // Atoms that changed sides stand in another order to all others, which small maps follow from, too. Packages know
    // words of packages alone.
    let crossed =
        |from: &BTreeSet<String>, to: &BTreeSet<String>| from.iter().any(|it| to.contains(it));
    let moved = before == Words::default()
        || crossed(&before.others, &now.packages)
        || crossed(&before.packages, &now.others);
    let steady = same.then_some(&now.packages);
    for environment in folders_in(tree, "_build") {
        let lib = format!("_build/{environment}/lib");
        for name in folders_in(tree, &lib) {
            let place = format!("{lib}/{name}");
            let is_package = folder_in_tree(tree, &format!("deps/{name}")).is_some();
            if (moved && !is_package) || output::follows_from_words(tree, &place, steady) {
                output::remove(tree, &place)?;
            }
        }
    }
    Ok(())
}

/// The words that were written down when the tree was compiled last, or will be compiled now.
fn words_of(tree: &Path) -> Option<Words> {
    let text = fs_err::read(file_in_tree(tree, WORDS_FILE)?).ok()?;
    Words::read(&String::from_utf8(text).ok()?)
}

/// The packages of the tree, where builds share what they make.
fn begin<'h>(plan: &PackPlan, host: &Host<'h>) -> io::Result<Option<(&'h dyn Shared, Locked)>> {
    let Some(shared) = host.shared else {
        return Ok(None);
    };
    let moved = |name: &str| MOVED.contains(&name);
    if shared.config_vars(&moved)?.is_some() {
        return Ok(None);
    }
    let environment = plan.build_env.get("MIX_ENV").map_or("prod", String::as_str);
    let locked = Locked::read(host.tree, environment);
    Ok(locked.map(|locked| (shared, locked)))
}

/// The text of a file of the tree; the app may have put anything there.
fn text_of(tree: &Path, path: &str) -> Option<String> {
    const LARGEST: u64 = 4 << 20;
    let file = file_in_tree(tree, path)?;
    if fs_err::metadata(&file).ok()?.len() > LARGEST {
        return None;
    }
    String::from_utf8(fs_err::read(file).ok()?).ok()
}

/// Names of the folders in a folder of the tree.
fn folders_in(tree: &Path, path: &str) -> Vec<String> {
    let entries = folder_in_tree(tree, path).and_then(|folder| fs_err::read_dir(folder).ok());
    let entries = entries.into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// Keys of parts by name.
type Made = BTreeMap<String, Result<CacheKey, String>>;

#[cfg(test)]
mod tests {
    use super::*;

    /// One that shows no large map.
    const STEADY: &[u8] = include_bytes!("../normalise/fixtures/a/Elixir.Hello.Shape.beam");

    fn words(packages: &[&str], others: &[&str]) -> Words {
        let set = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Words {
            packages: set(packages),
            others: set(others),
        }
    }

    /// What is left of a tree with the app `hello` and two packages, one of which nobody can read.
    fn left(before: Option<&Words>, now: &Words, hello: &[u8]) -> Vec<String> {
        let tree = tempfile::tempdir().unwrap();
        let write = |path: &str, content: &[u8]| {
            let path = tree.path().join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, content).unwrap();
        };
        for (name, module) in [("plug", STEADY), ("makeup", &b"none"[..])] {
            write(&format!("deps/{name}/mix.exs"), b"");
            write(
                &format!("_build/prod/lib/{name}/ebin/Elixir.A.beam"),
                module,
            );
        }
        write("_build/prod/lib/hello/ebin/Elixir.A.beam", hello);
        if let Some(before) = before {
            write(WORDS_FILE, before.text().as_bytes());
        }
        forget_what_follows(tree.path(), now).unwrap();
        folders_in(tree.path(), "_build/prod/lib")
    }

    #[test]
    fn what_follows_from_other_words_is_forgotten_and_no_more() {
        let now = words(&["p"], &["a", "b"]);
        assert_eq!(left(Some(&now), &now, STEADY), ["hello", "makeup", "plug"]);
        // A new word of the app, of a package, and one that was the app's.
        let app = words(&["p"], &["a"]);
        assert_eq!(left(Some(&app), &now, STEADY), ["hello", "plug"]);
        assert_eq!(left(Some(&app), &now, b"none"), ["plug"]);
        let package = words(&[], &["a", "b"]);
        assert_eq!(left(Some(&package), &now, STEADY), ["hello", "plug"]);
        let crossed = words(&[], &["a", "b", "p"]);
        assert_eq!(left(Some(&crossed), &now, STEADY), ["plug"]);
        assert_eq!(left(None, &now, STEADY), ["plug"]);
    }
}
