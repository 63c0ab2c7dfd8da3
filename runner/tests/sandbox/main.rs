//! Rooms with real walls: what a program sees, what it can't do, and what is left of it.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod files;
mod in_place;
mod limits;
mod program;
mod questions;
mod rooms;
mod streams;
mod trial;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use buildpack_core::diagnostic::Explain as _;
use buildpack_core::sandbox::{Exit, Room, Sandbox as _, Terminal};
use rooms::{House, bare, sh};

/// All of the above once more as somebody who is not root.
#[test]
fn as_an_ordinary_user() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // The maker's umask has its say when a folder is made.
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let copy = |from: &Path, name: &str| {
        let to = folder.path().join(name);
        std::fs::copy(from, &to).unwrap();
        to
    };
    let tests = copy(&std::env::current_exe().unwrap(), "tests");
    let helper = copy(&rooms::helper(), "bp");
    let ran = std::process::Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(tests)
        .env("BP_TEST_HELPER", helper)
        .env("TMPDIR", folder.path())
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stdout)
    );
}

/// Not a test: the caller that `nothing_outlives_a_killed_caller` kills.
#[test]
fn a_caller_elsewhere() {
    let Ok(script) = std::env::var("BP_TEST_SCRIPT") else {
        return;
    };
    let scratch = std::env::var("BP_TEST_SCRATCH").unwrap();
    let house = House::new();
    let room = Room {
        scratch: scratch.into(),
        ..house.room.clone()
    };
    let (namespace, in_place) = (rooms::sandbox(), rooms::in_place());
    match std::env::var("BP_TEST_HOW").unwrap().as_str() {
        "terminal" => {
            let exit = namespace.run(&room, &sh(&script), Terminal::Inherit);
            assert_eq!(exit.unwrap(), Exit::Code(7));
        }
        "terminal-in-place" => {
            let exit = in_place.run(&bare(&room), &sh(&script), Terminal::Inherit);
            assert_eq!(exit.unwrap(), Exit::Code(7));
        }
        "limited" => {
            let room = Room {
                limits: limits::of_memory(64),
                ..room
            };
            drop(rooms::run_in(&namespace, &room, &sh(&script)));
        }
        "in-place" => drop(rooms::run_in(&in_place, &bare(&room), &sh(&script))),
        "probe" => println!(
            "{}",
            serde_json::to_string(&namespace.probe(&room.scratch).failure.unwrap().diagnostic())
                .unwrap()
        ),
        "show" => {
            let source = std::env::var("BP_TEST_SOURCE").unwrap();
            let mut house = house.clone();
            house.room = room;
            print!(
                "{}",
                house
                    .show(Path::new(&source), "/opt/source")
                    .run(&script)
                    .text()
            );
        }
        _ => drop(rooms::run_in(&namespace, &room, &sh(&script))),
    }
}
