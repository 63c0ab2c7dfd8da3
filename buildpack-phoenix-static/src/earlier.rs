//! Digested static files of earlier builds: a page that was loaded before a deploy asks for them after it.
//!
//! What is kept is what `phx.digest` calls the latest of its time; what is added becomes what it calls old: a file with a
//! digest in its name, with its compressed forms, and its entry under `digests` of `cache_manifest.json` (Phoenix's
//! `Phoenix.Digester`, manifest version 1). What has no digest in its name is never taken.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use buildpack_core::pack::{EarlierFiles, copy_in_tree, file_in_tree, write_in_tree};
use serde_json::{Map, Value, json};
use walkdir::WalkDir;

use crate::layers::FLOOR;
use crate::package_manager::below;

/// The file that says which name is the newest.
const MANIFEST: &str = "cache_manifest.json";

/// A larger one is none of Phoenix's.
const LARGEST: u64 = 16 << 20;

/// Leaves the digested files of `folders` for later builds, and adds those that earlier ones left. What is wrong with a
/// manifest is for Phoenix to say: nothing is left or added where there is none of the known form.
pub(crate) fn exchange(
    tree: &Path,
    folders: &[String],
    earlier: &dyn EarlierFiles,
) -> io::Result<()> {
    let mut ours: Vec<Served> = folders
        .iter()
        .filter_map(|folder| Served::read(tree, folder))
        .collect();
    for served in &ours {
        served.leave(earlier.draft())?;
    }
    if ours.is_empty() {
        return Ok(());
    }
    let others = earlier.others()?;
    ours.iter_mut()
        .try_for_each(|served| served.add(&others, earlier))
}

/// A folder of static files with its manifest.
struct Served {
    root: PathBuf,
    /// Below the root.
    folder: String,
    manifest: Map<String, Value>,
    /// Names that follow from the content of the newest files, below the folder.
    latest: BTreeSet<String>,
    /// All regular files, below the folder.
    files: BTreeSet<String>,
}

impl Served {
    /// None without a manifest. The app's code wrote it and may have written anything.
    fn read(root: &Path, folder: &str) -> Option<Self> {
        let path = file_in_tree(root, &below(folder, MANIFEST))?;
        if fs_err::metadata(&path).ok()?.len() > LARGEST {
            return None;
        }
        let manifest: Value = serde_json::from_slice(&fs_err::read(&path).ok()?).ok()?;
        let Value::Object(manifest) = manifest else {
            return None;
        };
        let known = manifest.get("version") == Some(&json!(1));
        if !known || !manifest.get("digests")?.is_object() {
            return None;
        }
        let latest = manifest.get("latest")?.as_object()?;
        let latest = latest.values().filter_map(Value::as_str);
        let latest = latest.filter(|path| is_digested(path));
        let latest = latest.map(str::to_owned).collect();
        let top = path.parent()?;
        let files = WalkDir::new(top).into_iter().flatten();
        let files = files.filter(|entry| entry.file_type().is_file());
        let name = |path: &Path| Some(path.strip_prefix(top).ok()?.to_str()?.to_owned());
        Some(Self {
            root: root.to_owned(),
            folder: folder.to_owned(),
            latest,
            files: files.filter_map(|entry| name(entry.path())).collect(),
            manifest,
        })
    }

    /// A digested file, if it is there, and its compressed forms.
    fn forms<'s>(&'s self, path: &'s str) -> impl Iterator<Item = &'s String> {
        let from = (Bound::Included(path), Bound::Unbounded);
        let all = self.files.range::<str, _>(from);
        let all = all.take_while(move |file| file.starts_with(path));
        all.filter(move |file| match file[path.len()..].strip_prefix('.') {
            Some(ending) => ending.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            None => file.len() == path.len(),
        })
    }

    fn facts(&self, path: &str) -> Option<&Map<String, Value>> {
        self.manifest.get("digests")?.get(path)?.as_object()
    }

    /// Copies the newest files, and a manifest of them alone, below `draft`.
    fn leave(&self, draft: &Path) -> io::Result<()> {
        let mut digests = BTreeMap::new();
        for path in self.latest.iter().filter(|path| self.files.contains(*path)) {
            let Some(facts) = self.facts(path) else {
                continue;
            };
            for form in self.forms(path) {
                let form = below(&self.folder, form);
                copy_in_tree(draft, &form, &self.root.join(&form), false)?;
            }
            let mut facts = facts.clone();
            facts.insert("mtime".to_owned(), json!(FLOOR));
            // However Phoenix orders its manifest, ours is the same for the same content.
            digests.insert(path, facts.into_iter().collect::<BTreeMap<_, _>>());
        }
        let latest: BTreeMap<&String, &String> =
            digests.keys().map(|path| (*path, *path)).collect();
        let manifest = json!({ "version": 1, "latest": latest, "digests": digests });
        let manifest = serde_json::to_vec(&manifest)?;
        write_in_tree(draft, &below(&self.folder, MANIFEST), &manifest, false)
    }

    /// Adds what earlier builds left, newest first: of two of one name the newer counts.
    fn add(&mut self, others: &[PathBuf], earlier: &dyn EarlierFiles) -> io::Result<()> {
        let mut added = BTreeMap::new();
        for other in others {
            let Some(other) = Self::read(other, &self.folder) else {
                continue;
            };
            for path in &other.latest {
                let Some(facts) = other.facts(path) else {
                    continue;
                };
                if self.latest.contains(path) || added.contains_key(path) {
                    continue;
                }
                for form in other.forms(path).map(|form| below(&self.folder, form)) {
                    if is_free(&self.root, &form) {
                        earlier.lend(&form)?;
                        copy_in_tree(&self.root, &form, &other.root.join(&form), false)?;
                    }
                }
                added.insert(path.clone(), Value::Object(facts.clone()));
            }
        }
        if added.is_empty() {
            return Ok(());
        }
        if let Some(Value::Object(digests)) = self.manifest.get_mut("digests") {
            for (path, facts) in added {
                digests.entry(path).or_insert(facts);
            }
        }
        let path = below(&self.folder, MANIFEST);
        earlier.lend(&path)?;
        write_in_tree(
            &self.root,
            &path,
            &serde_json::to_vec(&self.manifest)?,
            false,
        )
    }
}

/// Whether a file can be laid at `path` without anything of the app's having to go.
fn is_free(root: &Path, path: &str) -> bool {
    let mut at = root.to_owned();
    for part in Path::new(path) {
        at.push(part);
        match at.symlink_metadata() {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return false,
            Err(error) => return error.kind() == io::ErrorKind::NotFound,
        }
    }
    false
}

/// Whether a name follows from the content: `css/app-0123….css`, with the 32 digits of an MD5.
fn is_digested(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.match_indices('-').any(|(at, _)| {
        let rest = &name.as_bytes()[at + 1..];
        rest.len() >= 32
            && rest[..32].iter().all(u8::is_ascii_hexdigit)
            && matches!(rest.get(32), None | Some(b'.'))
    })
}

#[cfg(test)]
mod tests;
