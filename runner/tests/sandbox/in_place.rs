//! Programs where the caller stands.

use std::path::Path;

use buildpack_core::sandbox::{Access, Exit, MemoryFile, Mount, Room};
use runner::sandbox::InPlaceSandbox;

use crate::rooms::{self, House, Ran, bare, sh};

fn run(room: &Room, script: &str) -> Ran {
    rooms::run_in(&rooms::in_place(), room, &sh(script)).unwrap()
}

fn code(room: &Room) -> &'static str {
    let error = rooms::run_in(&rooms::in_place(), room, &sh("true")).unwrap_err();
    error.diagnostic().code.0
}

fn mount(source: &Path, target: &Path) -> Mount {
    Mount {
        source: source.to_owned(),
        target: target.to_owned(),
        access: Access::ReadOnly,
    }
}

fn memory(target: &Path) -> MemoryFile {
    MemoryFile {
        target: target.to_owned(),
        content: b"hush".to_vec(),
    }
}

#[test]
fn a_program_runs_with_its_own_environment_and_end() {
    let house = House::new();
    let room = bare(&house.room);
    assert_eq!(run(&room, "exit 9").exit, Exit::Code(9));
    assert_eq!(run(&room, "kill -9 $$").exit, Exit::Signal(9));
    let mut command = sh("");
    command.argv = vec!["env".to_owned()];
    let ran = rooms::run_in(&rooms::in_place(), &room, &command).unwrap();
    assert_eq!(ran.text(), format!("PATH={}", rooms::PATH));
    command.argv = vec!["no-such-program".to_owned()];
    let ran = rooms::run_in(&rooms::in_place(), &room, &command).unwrap();
    assert_eq!(ran.exit, Exit::Code(127));
}

#[test]
fn a_missing_target_is_a_link_for_the_time_of_the_run() {
    let house = House::new();
    let source = house.folder("source");
    std::fs::write(source.join("file"), "x").unwrap();
    let target = house.folder("there").join("deep/target");
    let mut room = bare(&house.room);
    room.mounts.push(mount(&source, &target));
    room.mounts.push(mount(&source, &source));
    let ran = run(&room, &format!("cat {}/file", target.display()));
    assert_eq!(ran.text(), "x");
    assert_eq!(std::fs::read_dir(house.folder("there")).unwrap().count(), 0);
    assert!(source.join("file").exists());
}

#[test]
fn what_is_there_already_is_not_touched() {
    let house = House::new();
    let (source, target) = (house.folder("source"), house.folder("target"));
    std::fs::write(target.join("file"), "mine").unwrap();
    let mut room = bare(&house.room);
    room.mounts.push(mount(&source, &target));
    assert_eq!(code(&room), "sandbox-not-in-place");
    room.mounts.clear();
    room.mounts
        .push(mount(Path::new("/no/such/source"), &target.join("new")));
    assert_eq!(code(&room), "sandbox-mount-failed");
    room.mounts.clear();
    room.memory.push(memory(&target.join("file")));
    assert_eq!(code(&room), "sandbox-mount-failed");
    assert_eq!(
        std::fs::read_to_string(target.join("file")).unwrap(),
        "mine"
    );
}

#[test]
fn memory_files_are_read_and_removed() {
    let house = House::new();
    let (new, old) = (house.folder("a").join("env"), house.folder("old"));
    let mut room = bare(&house.room);
    room.memory = vec![
        memory(&new.join("ONE")),
        memory(&new.join("TWO")),
        memory(&old.join("ONE")),
    ];
    let ran = run(
        &room,
        &format!(
            "cat {0}/ONE {0}/TWO {1}/ONE; echo; stat -c %a {0}/ONE; stat -Lc %a {0}; \
             stat -Lf -c %T {0}; touch {0}/more",
            new.display(),
            old.display()
        ),
    );
    assert_eq!(ran.text(), "hushhushhush\n600\n700\ntmpfs");
    assert!(new.symlink_metadata().is_err());
    assert_eq!(std::fs::read_dir(&old).unwrap().count(), 0);
}

#[test]
fn what_a_program_leaves_running_ends_with_it() {
    let house = House::new();
    let marker = house.marker();
    let ran = run(
        &bare(&house.room),
        &format!(
            "setsid sh -c 'sleep 1000; : {marker}' & \
             (setsid sh -c 'trap \"\" TERM HUP; sleep 1000; : {marker}' &) ; sleep 0.1; echo left"
        ),
    );
    assert_eq!(ran.text(), "left");
    assert_eq!(rooms::processes(&marker), 0);
}

#[test]
fn nothing_outlives_a_killed_caller() {
    let house = House::new();
    let marker = house.marker();
    let script = format!("(setsid sh -c 'sleep 1000; : {marker}' &); sleep 1000; : {marker}");
    let mut caller = house.elsewhere("in-place", &script, rooms::silent());
    rooms::wait_for(|| rooms::processes(&marker) > 1);
    caller.kill().unwrap();
    caller.wait().unwrap();
    rooms::wait_for(|| rooms::processes(&marker) == 0);
}

#[test]
fn root_becomes_the_rooms_user_if_asked() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let house = House::new();
    let target = Path::new("/tmp").join(house.marker()).join("ONE");
    let room = Room {
        memory: vec![memory(&target)],
        user: (4321, 1234),
        ..bare(&house.room)
    };
    let sandbox = InPlaceSandbox::with_helper(rooms::helper(), true);
    let script = format!("id -u; id -g; id -G; cat {}; umask", target.display());
    let ran = rooms::run_in(&sandbox, &room, &sh(&script)).unwrap();
    assert_eq!(ran.text(), "4321\n1234\n1234\nhush0022");
    assert_eq!(run(&bare(&room), "id -u").text(), "0");
}
