//! What the Phoenix apps say in several places at once.

#![allow(clippy::unwrap_used, reason = "an app that cannot be read has failed")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use regex::Regex;

fn folders(below: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(below);
    let entries = fs_err::read_dir(folder).unwrap();
    let mut folders: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

fn phoenix_apps() -> Vec<PathBuf> {
    folders("apps")
        .into_iter()
        .filter(|path| path.to_string_lossy().contains("/phoenix_"))
        .collect()
}

/// Versions of the packages that the test world serves from here, by name.
fn packages() -> BTreeMap<String, String> {
    let version = Regex::new(r#"version: "([^"]+)""#).unwrap();
    folders("hex")
        .into_iter()
        .map(|folder| {
            let text = fs_err::read_to_string(folder.join("mix.exs")).unwrap();
            let name = folder.file_name().unwrap().to_string_lossy().into_owned();
            (name, version.captures(&text).unwrap()[1].to_owned())
        })
        .collect()
}

#[test]
fn locks_name_the_versions_that_are_served() {
    let packages = packages();
    let entry = Regex::new(r#"\{:hex, :(\w+), "([^"]+)""#).unwrap();
    let apps = phoenix_apps();
    assert_eq!(apps.len(), 9);
    for app in apps {
        let lock = fs_err::read_to_string(app.join("mix.lock")).unwrap();
        let locked: BTreeMap<_, _> = entry
            .captures_iter(&lock)
            .map(|found| (found[1].to_owned(), found[2].to_owned()))
            .collect();
        assert!(locked.contains_key("phoenix"), "{}", app.display());
        for (name, version) in locked {
            assert_eq!(
                packages.get(&name),
                Some(&version),
                "{name} in {}",
                app.display()
            );
        }
    }
}

/// A lock file that is out of date would be put right by `install`, and refused by `ci`.
#[test]
fn package_managers_lock_the_esbuild_that_is_asked_for() {
    let wanted = Regex::new(r#""esbuild": "(\d+\.\d+\.\d+)""#).unwrap();
    let mut seen = 0;
    for app in phoenix_apps() {
        for entry in walkdir::WalkDir::new(&app) {
            let entry = entry.unwrap();
            if entry.file_name() != "package.json" {
                continue;
            }
            let folder = entry.path().parent().unwrap();
            let package = fs_err::read_to_string(entry.path()).unwrap();
            let version = &wanted.captures(&package).unwrap()[1];
            let locked = [
                ("package-lock.json", format!("/esbuild-{version}.tgz")),
                ("yarn.lock", format!("\nesbuild@{version}:\n")),
                ("pnpm-lock.yaml", format!("\n  esbuild@{version}:\n")),
            ]
            .into_iter()
            .filter(|(lock, _)| folder.join(lock).exists())
            .map(|(lock, line)| {
                let text = fs_err::read_to_string(folder.join(lock)).unwrap();
                // yarn from 2 on names the protocol, too.
                let berry = format!("\n\"esbuild@npm:{version}\":\n");
                assert!(
                    text.contains(&line) || text.contains(&berry),
                    "{lock} in {}",
                    folder.display()
                );
            })
            .count();
            assert_eq!(locked, 1, "{}", folder.display());
            seen += 1;
        }
    }
    assert_eq!(seen, 7);
}
