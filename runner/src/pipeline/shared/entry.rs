//! One kept part: its folders and a list of all that is in them, with digests. Nothing is taken from it that the list does
//! not name, and nothing at all where a file is not what the list says.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Component, Path, PathBuf};

use buildpack_core::digest::{Digest, HashingReader};
use buildpack_core::pack::{CheckedFile, folder_in_tree};
use buildpack_core::store::CacheKey;
use serde::{Deserialize, Serialize};
use walkdir::WalkDir;

use super::super::in_place::MARK;
use super::super::source::executable;
use super::super::tree::remove;

/// Its file in the entry.
const LIST: &str = "list.json";

/// A larger file is kept of no part.
const LARGEST: u64 = 32 << 20;

/// What an entry holds.
#[derive(Serialize, Deserialize)]
struct List {
    /// The key that it was kept under, with all its parts.
    key: CacheKey,
    /// Folders below the app's; the first is `0` in the entry, and so on.
    folders: Vec<String>,
    /// All below these, by path in the entry, a folder before what is in it.
    files: BTreeMap<String, Listed>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Listed {
    Folder,
    Link { to: String },
    File { digest: Digest, executable: bool },
}

/// As [`buildpack_core::pack::Check`], borrowed.
type Looks<'l> = dyn Fn(&str, Vec<u8>) -> Result<CheckedFile, NotKept> + 'l;

/// Why a part was not kept.
pub(super) enum NotKept {
    /// It must not be under this key, but under the narrower one.
    Narrow,
    /// It must not be.
    Unfit(String),
    /// It could not be.
    Failed(io::Error),
}

impl From<io::Error> for NotKept {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

/// Fills the empty folder `draft` with `folders` of `tree`; each file passes `check`.
pub(super) fn write(
    draft: &Path,
    tree: &Path,
    folders: &[String],
    key: &CacheKey,
    check: &Looks<'_>,
) -> Result<(), NotKept> {
    let unfit = |why: &str| NotKept::Unfit(why.to_owned());
    let mut files = BTreeMap::new();
    for (number, folder) in folders.iter().enumerate() {
        let root = folder_in_tree(tree, folder).ok_or_else(|| unfit("it was not made"))?;
        for entry in WalkDir::new(&root).sort_by_file_name() {
            let entry = entry.map_err(io::Error::from)?;
            let below = entry.path().strip_prefix(&root).ok().and_then(Path::to_str);
            let below = below.ok_or_else(|| unfit("a file of it has a name that is no text"))?;
            let name = match below {
                "" => number.to_string(),
                below => format!("{number}/{below}"),
            };
            let target = draft.join(&name);
            let kind = entry.file_type();
            let listed = if kind.is_dir() {
                fs_err::create_dir(&target)?;
                Listed::Folder
            } else if kind.is_symlink() {
                let to = fs_err::read_link(entry.path())?;
                let to = to
                    .to_str()
                    .ok_or_else(|| unfit("a link of it is no text"))?;
                check(&format!("{folder}/{below}"), to.as_bytes().to_vec())?;
                Listed::Link { to: to.to_owned() }
            } else if kind.is_file() {
                let metadata = entry.metadata().map_err(io::Error::from)?;
                if metadata.len() > LARGEST {
                    return Err(unfit("a file of it is too large"));
                }
                let content = fs_err::read(entry.path())?;
                let content = check(&format!("{folder}/{below}"), content)?.content;
                fs_err::write(&target, &content)?;
                Listed::File {
                    digest: Digest::of(&content),
                    executable: executable(&metadata),
                }
            } else {
                return Err(unfit("it holds what is no file"));
            };
            files.insert(name, listed);
        }
    }
    let list = List {
        key: key.clone(),
        folders: folders.to_vec(),
        files,
    };
    let list = serde_json::to_vec(&list).map_err(io::Error::from)?;
    Ok(fs_err::write(draft.join(LIST), list)?)
}

/// Lays the folders of `entry` into `tree`, in place of what stands there. `false` where the entry is not what it was, or
/// has other folders than those of `allowed`, of which it must have the first.
pub(super) fn lay(entry: &Path, tree: &Path, allowed: &[&str], key: &CacheKey) -> io::Result<bool> {
    let Some(list) = read(entry, allowed, key) else {
        return Ok(false);
    };
    // On the same file system as the tree, and no part of the app.
    let Some(aside) = make_folders(tree, MARK)? else {
        return Ok(false);
    };
    let aside = aside.join("shared");
    remove(&aside)?;
    fs_err::create_dir(&aside)?;
    let whole = copy(entry, &list, &aside);
    if matches!(whole, Ok(true)) {
        for (number, folder) in list.folders.iter().enumerate() {
            let above = folder.rsplit_once('/').map(|(above, _)| above);
            let above =
                above.map_or(Ok(Some(tree.to_owned())), |above| make_folders(tree, above))?;
            let name = Path::new(folder).file_name();
            let (Some(above), Some(name)) = (above, name) else {
                return Ok(false);
            };
            remove(&above.join(name))?;
            fs_err::rename(aside.join(number.to_string()), above.join(name))?;
        }
    }
    remove(&aside)?;
    match whole {
        // A file that the list names is gone.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        other => other,
    }
}

fn read(entry: &Path, allowed: &[&str], key: &CacheKey) -> Option<List> {
    let list: List = serde_json::from_slice(&fs_err::read(entry.join(LIST)).ok()?).ok()?;
    let folders = list.folders.iter().zip(allowed);
    let known = (1..=allowed.len()).contains(&list.folders.len())
        && folders.into_iter().all(|(one, other)| one == other);
    let within = |name: &String| {
        let mut parts = Path::new(name).components();
        parts.all(|part| matches!(part, Component::Normal(_)))
    };
    (list.key == *key && known && list.files.keys().all(within)).then_some(list)
}

/// Copies all that is listed to the empty folder `to`; `false` where a file is not what the list says.
fn copy(entry: &Path, list: &List, to: &Path) -> io::Result<bool> {
    for (name, listed) in &list.files {
        let (from, target) = (entry.join(name), to.join(name));
        match listed {
            Listed::Folder => fs_err::create_dir(&target)?,
            Listed::Link { to } => symlink(to, &target)?,
            Listed::File { digest, executable } => {
                if copy_file(&from, &target, *executable)? != *digest {
                    return Ok(false);
                }
            }
        }
    }
    Ok(true)
}

/// Copies a file, as a second name for the same blocks where the file system has that, and gives its digest.
fn copy_file(from: &Path, to: &Path, executable: bool) -> io::Result<Digest> {
    let mut reader = HashingReader::new(fs_err::File::open(from)?);
    let mut file = fs_err::File::create_new(to)?;
    let source = fs_err::File::open(from)?;
    if rustix::fs::ioctl_ficlone(file.file(), source.file()).is_err() {
        io::copy(&mut reader, &mut file)?;
    }
    let mode = if executable { 0o755 } else { 0o644 };
    file.file()
        .set_permissions(std::fs::Permissions::from_mode(mode))?;
    Ok(reader.drain()?.0)
}

/// Makes the folder `path` below `tree`, with those above it; none where something else than a folder stands
/// above it, as programs may have put a link there that leads elsewhere.
fn make_folders(tree: &Path, path: &str) -> io::Result<Option<PathBuf>> {
    let mut at = tree.to_owned();
    for part in Path::new(path) {
        at.push(part);
        match at.symlink_metadata() {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Ok(None),
            Err(_) => fs_err::create_dir(&at)?,
        }
    }
    Ok(Some(at))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    struct Desk {
        folder: tempfile::TempDir,
    }

    impl Desk {
        fn new() -> Self {
            let desk = Self {
                folder: tempfile::tempdir().unwrap(),
            };
            for name in ["one", "other", "entry"] {
                fs_err::create_dir(desk.path(name)).unwrap();
            }
            let ebin = desk.path("one/_build/prod/lib/plug/ebin");
            fs_err::create_dir_all(&ebin).unwrap();
            fs_err::create_dir_all(desk.path("one/deps/plug/priv")).unwrap();
            fs_err::write(ebin.join("plug.beam"), "code").unwrap();
            fs_err::set_permissions(ebin.join("plug.beam"), PermissionsExt::from_mode(0o700))
                .unwrap();
            fs_err::write(desk.path("one/deps/plug/priv/so"), "native").unwrap();
            let link = desk.path("one/_build/prod/lib/plug/priv");
            symlink("../../../../deps/plug/priv", link).unwrap();
            desk
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        fn write(&self) {
            let folders = ["_build/prod/lib/plug", "deps/plug"].map(str::to_owned);
            let done = write(
                &self.path("entry"),
                &self.path("one"),
                &folders,
                &key(),
                &|_, content| Ok(plain(content)),
            );
            assert!(done.is_ok());
        }

        fn lay(&self, allowed: &[&str], key: &CacheKey) -> bool {
            lay(&self.path("entry"), &self.path("other"), allowed, key).unwrap()
        }
    }

    fn plain(content: Vec<u8>) -> CheckedFile {
        CheckedFile {
            content,
            narrow: false,
        }
    }

    fn key() -> CacheKey {
        CacheKey::new("compiled package").part("name", "plug")
    }

    const BOTH: [&str; 2] = ["_build/prod/lib/plug", "deps/plug"];

    #[test]
    fn what_was_kept_stands_in_another_tree_in_place_of_what_was_there() {
        let desk = Desk::new();
        desk.write();
        fs_err::create_dir_all(desk.path("other/deps/plug/old")).unwrap();
        assert!(desk.lay(&BOTH, &key()));
        let beam = desk.path("other/_build/prod/lib/plug/ebin/plug.beam");
        assert_eq!(fs_err::read_to_string(&beam).unwrap(), "code");
        let mode = fs_err::metadata(&beam).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
        let so = desk.path("other/_build/prod/lib/plug/priv/so");
        assert_eq!(fs_err::read_to_string(so).unwrap(), "native");
        assert!(!desk.path("other/deps/plug/old").exists());
        assert!(!desk.path("other/.bp/shared").exists());
        // It is a copy: what a build does to it reaches nobody else.
        fs_err::write(&beam, "changed").unwrap();
        assert!(desk.lay(&BOTH, &key()));
        assert_eq!(fs_err::read_to_string(&beam).unwrap(), "code");
    }

    #[test]
    fn what_is_not_what_it_was_is_not_laid_down() {
        let spoil: [fn(&Desk); 4] = [
            |desk| fs_err::write(desk.path("entry/0/ebin/plug.beam"), "cod").unwrap(),
            |desk| fs_err::remove_file(desk.path("entry/1/priv/so")).unwrap(),
            |desk| fs_err::write(desk.path("entry/list.json"), "{").unwrap(),
            |desk| {
                let list = desk.path("entry/list.json");
                let text = fs_err::read_to_string(&list).unwrap();
                fs_err::write(list, text.replace("\"1/priv/so\"", "\"../so\"")).unwrap();
            },
        ];
        for (number, spoil) in spoil.iter().enumerate() {
            let desk = Desk::new();
            desk.write();
            spoil(&desk);
            assert!(!desk.lay(&BOTH, &key()), "{number}");
            assert!(!desk.path("other/_build").exists(), "{number}");
        }
        let desk = Desk::new();
        desk.write();
        assert!(!desk.lay(&BOTH[..1], &key()));
        assert!(!desk.lay(&["_build/prod/lib/plug", "deps/other"], &key()));
        assert!(!desk.lay(&BOTH, &CacheKey::new("other")));
        assert!(desk.lay(&BOTH, &key()));
    }

    #[test]
    fn no_link_leads_out_of_the_tree() {
        let desk = Desk::new();
        desk.write();
        fs_err::create_dir(desk.path("outside")).unwrap();
        symlink("../outside", desk.path("other/_build")).unwrap();
        assert!(!desk.lay(&BOTH, &key()));
        assert_eq!(fs_err::read_dir(desk.path("outside")).unwrap().count(), 0);
    }

    #[test]
    fn a_part_that_is_unfit_says_why() {
        let desk = Desk::new();
        let attempt = |folders: &[&str], says: &str| {
            let folders: Vec<String> = folders.iter().map(|&folder| folder.to_owned()).collect();
            let draft = tempfile::tempdir().unwrap();
            let check = |path: &str, content: Vec<u8>| match path {
                "deps/plug/priv/so" => Err(NotKept::Unfit("it holds a secret".to_owned())),
                _ => Ok(plain(content)),
            };
            let done = write(draft.path(), &desk.path("one"), &folders, &key(), &check);
            assert!(matches!(done, Err(NotKept::Unfit(why)) if why == says));
        };
        attempt(&BOTH, "it holds a secret");
        attempt(&["_build/prod/lib/gone"], "it was not made");
    }
}
