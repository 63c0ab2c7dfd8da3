//! The program as its users call it, on real apps, in the test world.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed, and says why it was skipped"
)]

mod again;
mod asset_failures;
mod assets;
mod blocks;
mod build_secrets;
mod causes;
mod checked;
mod doctor;
mod dokku;
mod earlier_assets;
mod evaluated;
mod files;
mod foreign_tools;
mod hooks;
mod hosts;
mod inspected;
mod judges;
mod kept;
mod killed;
mod limits;
mod npm_failures;
mod npm_host;
mod package_managers;
mod page;
mod phoenix;
mod phoenix_log;
mod private_authority;
mod private_packages;
mod proxied;
mod pushed;
mod rebased;
mod records;
mod remote_cache;
mod run;
mod same;
mod scripts;
mod secrets;
mod shared;
mod stacks;
mod standalone;
mod terminal;
mod test_run;
mod tmux;
mod umbrella;
mod untrusted;
mod zstd;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use testdata::workspace::Workspace;

/// The program.
const BP: &str = env!("CARGO_BIN_EXE_bp");

/// Whether the stand-ins of all hosts run; says so if they don't.
fn in_world() -> bool {
    let there = std::env::var_os("BP_WORLD").is_some();
    if !there {
        println!("skipped: not in the test world (cargo xtask test)");
    }
    there
}

/// A store that the tests of this run share, so that tools are unpacked once. It begins empty.
fn store() -> &'static Path {
    static STORE: OnceLock<PathBuf> = OnceLock::new();
    STORE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("store");
        // What an earlier engine kept says nothing of this one.
        let _ = fs_err::remove_dir_all(&folder);
        fs_err::create_dir_all(&folder).unwrap();
        folder
    })
}

/// A workspace in the world, on the shared store.
fn workspace() -> Option<Workspace> {
    in_world().then(|| Workspace::new(BP).unwrap().with_store(store()))
}

/// A workspace in the world, on a store of its own.
fn fresh() -> Option<Workspace> {
    in_world().then(|| Workspace::new(BP).unwrap())
}

/// A workspace of another user, where there is one that this one can become, with a store of their own.
fn of_another_user() -> Workspace {
    let place = Workspace::new(BP).unwrap();
    if is_root() {
        place.as_user(65534).unwrap()
    } else {
        place
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
