//! What Mix made of a package: whether it stands, and whether it may be kept for other apps.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::rc::Rc;

use buildpack_core::pack::{Check, CheckedFile, file_in_tree, folder_in_tree};

use super::folders_in;
use crate::normalise::{atoms_of_large_maps, without_app};
use crate::tools::elixir_version;

/// Whether Mix takes what stands at `lib/name` for finished.
///
/// From Elixir 1.20 on it is while `compile.elixir_scm` is there, from 1.18 on while `compile.fetch` is, and before while
/// that is no older than `deps/NAME/.fetch` (`dep/loader.ex` and `dep/fetcher.ex` of Mix). Where this is wrong, Mix compiles
/// and nothing is shared.
pub(super) fn stands(tree: &Path, lib: &str, name: &str, elixir: &str) -> bool {
    let file = |path: String| file_in_tree(tree, &path);
    let mark = |mark: &str| file(format!("{lib}/{name}/.mix/{mark}"));
    if file(format!("{lib}/{name}/ebin/{name}.app")).is_none() {
        // A package that is made in its source has a link here.
        let ebin = tree.join(format!("{lib}/{name}/ebin"));
        if !ebin.is_symlink() {
            return false;
        }
    }
    let version = elixir_version(elixir);
    if (version.major, version.minor) >= (1, 20) {
        return mark("compile.elixir_scm").is_some();
    }
    let Some(compiled) = mark("compile.fetch") else {
        return false;
    };
    let Some(fetched) = file(format!("deps/{name}/.fetch")) else {
        return true;
    };
    match (modified(&fetched), modified(&compiled)) {
        (Some(fetched), Some(compiled)) => fetched <= compiled,
        _ => false,
    }
}

/// Seconds, as Mix compares them.
fn modified(path: &Path) -> Option<i64> {
    use std::os::unix::fs::MetadataExt as _;
    Some(fs_err::metadata(path).ok()?.mtime())
}

/// Removes what stands at `place`, where it lies in the tree.
pub(super) fn remove(tree: &Path, place: &str) -> io::Result<()> {
    match folder_in_tree(tree, place) {
        Some(folder) => fs_err::remove_dir_all(folder),
        None => Ok(()),
    }
}

/// Removes what was compiled of a package for any environment.
pub(super) fn remove_all(tree: &Path, name: &str) -> io::Result<()> {
    for environment in folders_in(tree, "_build") {
        remove(tree, &format!("_build/{environment}/lib/{name}"))?;
    }
    Ok(())
}

/// Whether a module of what stands at `place` follows from the numbers of atoms; those of words in `steady` are what they
/// were when it was compiled.
pub(super) fn follows_from_words(
    tree: &Path,
    place: &str,
    steady: Option<&BTreeSet<String>>,
) -> bool {
    let ebin = folder_in_tree(tree, &format!("{place}/ebin"));
    let files = ebin.and_then(|folder| fs_err::read_dir(folder).ok());
    let mut files = files.into_iter().flatten().flatten();
    files.any(|file| {
        let path = file.path();
        let module = path.extension().is_some_and(|end| end == "beam");
        let content = module.then(|| fs_err::read(path).ok()).flatten();
        content.is_some_and(|content| !is_steady(&content, steady))
    })
}

/// Whether large maps that a module shows have no atoms but of `words`; without words, whether it shows none.
fn is_steady(module: &[u8], words: Option<&BTreeSet<String>>) -> bool {
    let known = |atom: &String| words.is_some_and(|words| words.contains(atom));
    atoms_of_large_maps(module).is_some_and(|atoms| atoms.iter().all(known))
}

/// Lets a package through that read no configuration but that of the applications in `known`, says where it follows from
/// the words of all packages, and takes the app out of Mix's manifest. What follows from other `words` is not let through.
pub(super) fn check(
    place: &str,
    name: &str,
    known: BTreeSet<String>,
    words: Option<Rc<BTreeSet<String>>>,
) -> Check {
    let manifest = format!("{place}/.mix/compile.elixir");
    let resource = format!("{place}/ebin/{name}.app");
    Box::new(move |path, content| {
        if path == manifest {
            let content = without_app(&content).ok_or("its manifest cannot be read")?;
            return Ok(CheckedFile {
                content,
                narrow: false,
            });
        }
        let module = Path::new(path).extension().is_some_and(|end| end == "beam");
        let narrow = module && !is_steady(&content, None);
        if narrow && words.is_some() && !is_steady(&content, words.as_deref()) {
            return Err("it follows from the words of the app".to_owned());
        }
        if path == resource {
            let text = String::from_utf8_lossy(&content);
            let other = configured_by(&text)
                .into_iter()
                .find(|app| !known.contains(app));
            if let Some(other) = other {
                return Err(format!(
                    "it reads the configuration of {other} when it is compiled"
                ));
            }
        }
        Ok(CheckedFile { content, narrow })
    })
}

/// The applications whose configuration was read at compile time: `{compile_env, [{app, path, value}, …]}` in an
/// application's resource file.
fn configured_by(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let Some((_, rest)) = text.split_once("{compile_env,") else {
        return found;
    };
    let mut depth = 0_i32;
    let mut characters = rest.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            // A text, or an atom that is written as one.
            '"' | '\'' => {
                while let Some((_, inner)) = characters.next() {
                    match inner {
                        '\\' => {
                            characters.next();
                        }
                        _ if inner == character => break,
                        _ => {}
                    }
                }
            }
            '[' | '{' | '(' => {
                if depth == 1 && character == '{' {
                    let name = rest[at + 1..].trim_start().trim_start_matches('\'');
                    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '@');
                    let end = name.find(|c| !plain(c)).unwrap_or(name.len());
                    found.insert(name[..end].to_owned());
                }
                depth += 1;
            }
            ']' | '}' | ')' => {
                depth -= 1;
                if depth <= 0 {
                    break;
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configuration_that_was_read_is_told_by_application() {
        let resource = r#"{application,phoenix,
             [{modules,['Elixir.Phoenix']},
              {compile_env,[{phoenix,[json_library],{ok,'Elixir.Jason'}},
                            {logger,['a}b',"]{x,"],error},
                            {'other_app',[deep,{x,1}],{ok,[{inner,1}]}}]},
              {optional_applications,[]},
              {mod,{not_this,[]}}]}.
"#;
        let found: Vec<String> = configured_by(resource).into_iter().collect();
        assert_eq!(found, ["logger", "other_app", "phoenix"]);
        assert!(configured_by("{application,phoenix,[{mod,{a,[]}}]}.").is_empty());
    }

    #[test]
    fn a_package_that_read_more_is_not_kept() {
        let place = "_build/prod/lib/phoenix";
        let known = BTreeSet::from(["phoenix".to_owned()]);
        let check = check(place, "phoenix", known, None);
        let resource = |app: &str| format!("{{compile_env,[{{{app},[x],error}}]}}").into_bytes();
        let path = "_build/prod/lib/phoenix/ebin/phoenix.app";
        assert!(check(path, resource("phoenix")).is_ok());
        let refused = check(path, resource("hello")).unwrap_err();
        assert_eq!(
            refused,
            "it reads the configuration of hello when it is compiled"
        );
        assert!(check("_build/prod/lib/phoenix/ebin/other.app", resource("hello")).is_ok());
        assert!(check("_build/prod/lib/phoenix/.mix/compile.elixir", vec![1]).is_err());
    }

    #[test]
    fn it_stands_while_mix_says_so() {
        let tree = tempfile::tempdir().unwrap();
        let lib = "_build/prod/lib";
        let write = |path: &str| {
            let path = tree.path().join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, "").unwrap();
        };
        let stands = |elixir: &str| stands(tree.path(), lib, "plug", elixir);
        write("_build/prod/lib/plug/ebin/plug.app");
        assert!(!stands("1.14.5") && !stands("1.18.3") && !stands("1.20.1"));
        write("_build/prod/lib/plug/.mix/compile.elixir_scm");
        assert!(!stands("1.14.5") && !stands("1.18.3") && stands("1.20.1"));
        write("_build/prod/lib/plug/.mix/compile.fetch");
        assert!(stands("1.14.5") && stands("1.18.3") && stands("v1.17.0-otp-27"));
        write("deps/plug/.fetch");
        assert!(stands("1.14.5"));
        let fetched = fs_err::OpenOptions::new()
            .write(true)
            .open(tree.path().join("deps/plug/.fetch"))
            .unwrap();
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
        fetched.file().set_modified(later).unwrap();
        assert!(!stands("1.14.5"));
        remove_all(tree.path(), "plug").unwrap();
        assert!(!tree.path().join("_build/prod/lib/plug").exists());
    }
}
