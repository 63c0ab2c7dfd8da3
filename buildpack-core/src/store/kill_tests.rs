//! The store as it is found after a kill.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::tests::key;
use super::*;
use crate::event::Silent;

const FILES: usize = 12;
const STORE: &str = "BP_TEST_KILLED_STORE";
const IN_STEP: &str = "BP_TEST_KILLED_IN_STEP";

/// Fills a folder in a way that shows whether it is whole; `step` is called before each file.
fn fill_whole(store: &Store, name: &str, step: &dyn Fn()) {
    let made = store.make_dir(Bucket::Tools, &key(name), &Silent, |folder| {
        for file in 0..FILES {
            step();
            fs_err::write(folder.join(file.to_string()), name)
                .map_err(|error| StoreError::io("write", folder, error))?;
        }
        Ok::<(), StoreError>(())
    });
    made.unwrap();
}

/// Not a test of its own: the process that is killed. In step, it says so before each file and waits for a word.
#[test]
#[ignore = "only runs as a child of the tests below"]
fn works_until_it_is_killed() {
    let Ok(root) = std::env::var(STORE) else {
        return;
    };
    let in_step = std::env::var(IN_STEP).is_ok();
    let step = || {
        if in_step {
            std::io::stdout().write_all(b"\nstep\n").unwrap();
            std::io::stdin().read_exact(&mut [0]).unwrap();
        }
    };
    for round in 0usize.. {
        let store = Store::open(root.clone().into()).unwrap();
        let name = (round % 5).to_string();
        fill_whole(&store, &name, &step);
        let text = "r".repeat(round % 5000);
        store.record(Bucket::Images, "r").write(&text).unwrap();
        store.remove(Bucket::Tools, &key(&name)).unwrap();
        fill_whole(&store, &name, &step);
        drop(store);
        let store = Store::open(root.clone().into()).unwrap();
        if round % 3 == 0 {
            store.gc(100, &|_| false).unwrap();
        }
    }
}

fn child(root: &Path, in_step: bool) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let name = "store::kill_tests::works_until_it_is_killed";
    command.args(["--exact", name, "--ignored", "--nocapture"]);
    command.env(STORE, root);
    if in_step {
        command.env(IN_STEP, "1");
    }
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command.spawn().unwrap()
}

/// What is there is whole, what is not can be made, and nothing temporary is left. Gives how many were there.
fn check_whole(root: &Path) -> usize {
    let store = Store::open(root.to_owned()).unwrap();
    for bucket in Bucket::ALL {
        let left = fs_err::read_dir(store.temp_folder(bucket)).unwrap().count();
        assert_eq!(left, 0, "swept {bucket}");
    }
    store.record::<String>(Bucket::Images, "r").read().unwrap();
    let mut there = 0;
    for name in ["0", "1", "2", "3", "4"] {
        if let Some(folder) = store.dir(Bucket::Tools, &key(name)) {
            there += 1;
            for file in 0..FILES {
                let text = fs_err::read_to_string(folder.join(file.to_string())).unwrap();
                assert_eq!(text, name);
            }
        }
        fill_whole(&store, name, &|| ());
    }
    store.usage().unwrap();
    drop(store);
    Store::open(root.to_owned()).unwrap().clear().unwrap();
    there
}

#[test]
fn a_kill_while_an_entry_is_made_leaves_none_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    for steps in (1..=FILES + 2).step_by(3) {
        let mut child = child(&root, true);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for step in 1..=steps {
            assert!(lines.any(|line| line.unwrap() == "step"));
            if step < steps {
                child.stdin.as_mut().unwrap().write_all(b"x").unwrap();
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(check_whole(&root), 0, "after {steps} steps");
    }
}

#[test]
fn a_kill_at_any_moment_leaves_a_store_that_works() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    for round in 0..8u64 {
        let mut child = child(&root, false);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // The test harness says so when it begins; where the kill falls after that is the machine's choice.
        lines.find(|line| {
            line.as_ref()
                .is_ok_and(|line| line.contains("running 1 test"))
        });
        std::thread::sleep(Duration::from_micros(1500 * round * round));
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success());
        check_whole(&root);
    }
}
