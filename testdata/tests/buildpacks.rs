//! The buildpacks that tests run: their modes, which are part of the protocol, and what each is for.

#![allow(clippy::unwrap_used, reason = "a pack that cannot be read has failed")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use testdata::workspace::buildpacks;

/// Scripts of the protocol by pack and path; all are below `bin`.
fn scripts() -> Vec<(String, PathBuf)> {
    let mut scripts: Vec<_> = walkdir::WalkDir::new(buildpacks())
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .filter(|entry| entry.path().parent().unwrap().ends_with("bin"))
        .map(|entry| {
            let pack = entry.path().ancestors().nth(2).unwrap();
            let name = pack.file_name().unwrap().to_string_lossy().into_owned();
            (name, entry.into_path())
        })
        .collect();
    scripts.sort();
    scripts
}

#[test]
fn scripts_are_executable_but_where_a_pack_has_lost_it() {
    let scripts = scripts();
    let lost: Vec<_> = scripts
        .iter()
        .filter(|(_, path)| fs_err::metadata(path).unwrap().permissions().mode() & 0o111 == 0)
        .map(|(pack, path)| format!("{pack}/{}", path.file_name().unwrap().to_string_lossy()))
        .collect();
    assert_eq!(
        lost,
        [
            "no_exec_bits/compile",
            "no_exec_bits/detect",
            "no_exec_bits/release"
        ]
    );
}

#[test]
fn every_pack_compiles_and_says_what_it_is_for() {
    let mut packs: Vec<_> = fs_err::read_dir(buildpacks())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    packs.sort();
    assert!(packs.len() > 20, "{packs:?}");
    for pack in packs {
        let text = fs_err::read_to_string(pack.join("bin/compile")).unwrap();
        let second = text.lines().nth(1).unwrap_or_default();
        assert!(
            second.starts_with("# ") && second.ends_with('.'),
            "{}: the second line of bin/compile says what the pack is for",
            pack.display()
        );
    }
}

#[test]
fn every_script_is_bash() {
    for (_, path) in scripts() {
        let read = std::process::Command::new("bash")
            .arg("-n")
            .arg(&path)
            .output()
            .unwrap();
        assert!(
            read.status.success(),
            "{}",
            String::from_utf8_lossy(&read.stderr)
        );
    }
}
