//! How a program starts, what it is and how it ends.

use std::os::unix::fs::PermissionsExt as _;

use buildpack_core::sandbox::{Exit, Sandbox as _, Terminal};

use crate::rooms::{self, House, sh};

#[test]
fn exit_codes_and_signals_come_back_exactly() {
    let house = House::new();
    assert_eq!(house.run("exit 0").exit, Exit::Code(0));
    assert_eq!(house.run("exit 137").exit, Exit::Code(137));
    assert_eq!(house.run("kill -9 $$").exit, Exit::Signal(9));
    assert_eq!(house.run("kill -15 $$").exit, Exit::Signal(15));
}

#[test]
fn a_missing_program_is_127_and_a_closed_one_126() {
    let house = House::new();
    let missing = house.command(&["no-such-program"]);
    assert_eq!(missing.exit, Exit::Code(127));
    assert_eq!(missing.text(), "bp: no-such-program: command not found");
    assert_eq!(house.command(&["/etc/passwd-not"]).exit, Exit::Code(127));
    let file = house.folder("files").join("plain");
    std::fs::write(&file, "text").unwrap();
    let shut = house
        .clone()
        .show(&file, "/opt/plain")
        .command(&["/opt/plain"]);
    assert_eq!(shut.exit, Exit::Code(126));
    assert_eq!(shut.text(), "bp: /opt/plain: permission denied");

    std::fs::write(&file, "#!/no/such/interpreter\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    let strange = house.show(&file, "/opt/plain").command(&["/opt/plain"]);
    assert_eq!(strange.exit, Exit::Code(127), "{}", strange.text());
}

#[test]
fn a_program_is_the_rooms_user_with_no_power() {
    let house = House::new();
    let seen = house.run(
        "id -u; id -g; umask; hostname; pwd; grep -E 'Cap(Prm|Eff|Bnd)|NoNewPrivs' /proc/self/status",
    );
    let none = "0000000000000000";
    assert_eq!(
        seen.text(),
        format!(
            "1000\n1000\n0022\nbuild\n/\nCapPrm:\t{none}\nCapEff:\t{none}\nCapBnd:\t{none}\nNoNewPrivs:\t1"
        )
    );
    for escape in [
        "mount -t tmpfs tmpfs /mnt",
        "umount /proc",
        "mount -o remount,rw /usr",
        "chown 5:5 /tmp",
        "hostname other",
        "echo x > /proc/sys/kernel/core_pattern",
        "echo b > /proc/sysrq-trigger",
        "mknod /tmp/disk b 8 0",
        "unshare -Ur mount -o remount,rw,bind /usr",
        "unshare -Urmpf mount -t proc proc /mnt",
    ] {
        let tried = house.run(&format!("mkdir -p /mnt; {escape}"));
        assert!(!tried.exit.success(), "{escape}: {}", tried.text());
    }
}

#[test]
fn a_room_may_be_roots_in_name() {
    let mut house = House::new();
    house.room.user = (0, 0);
    let seen = house.run("id -u; grep CapEff /proc/self/status; mount -t tmpfs tmpfs /tmp");
    assert!(seen.text().starts_with("0\nCapEff:\t0000000000000000\n"));
    assert!(!seen.exit.success());
}

#[test]
fn the_environment_is_the_commands_and_nothing_else() {
    let house = House::new();
    assert_eq!(
        house.command(&["/usr/bin/env"]).text(),
        format!("PATH={}", rooms::PATH)
    );
}

#[test]
fn no_descriptor_of_the_caller_reaches_the_program() {
    let house = House::new();
    let file = std::fs::File::open("/dev/zero").unwrap();
    rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).unwrap();
    let seen = house.run("ls /proc/$$/fd; readlink /proc/$$/fd/0");
    assert_eq!(seen.text(), "0\n1\n2\n/dev/null");
    drop(file);
}

#[test]
fn a_folder_to_start_in_that_is_not_there_is_named() {
    let house = House::new();
    let mut command = sh("true");
    command.cwd = "/no/such/folder".into();
    let error = house.try_run(&command).unwrap_err();
    assert!(error.to_string().contains("`/no/such/folder`"), "{error}");
}

#[test]
fn what_a_program_leaves_running_ends_with_it() {
    let house = House::new();
    let marker = house.marker();
    let ran = house.run(&format!(
        "setsid sh -c 'sleep 1000; : {marker}' & (setsid sh -c 'trap \"\" TERM HUP; sleep 1000; : {marker}' &) ; echo left"
    ));
    assert_eq!(ran.text(), "left");
    assert_eq!(rooms::processes(&marker), 0);
}

#[test]
fn nothing_outlives_a_killed_caller() {
    let house = House::new();
    let marker = house.marker();
    let mut caller = house.elsewhere(
        "lines",
        &format!("echo up; sleep 1000; : {marker}"),
        rooms::silent(),
    );
    rooms::wait_for(|| rooms::processes(&marker) > 0);
    caller.kill().unwrap();
    caller.wait().unwrap();
    rooms::wait_for(|| rooms::processes(&marker) == 0);
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(house.room.scratch.to_str().unwrap()));
}

#[test]
fn nothing_outlives_a_killed_helper() {
    let house = House::new();
    let marker = house.marker();
    let script = format!("echo up; sleep 1000; : {marker}");
    let mut caller = house.elsewhere("lines", &script, rooms::silent());
    rooms::wait_for(|| rooms::processes(&marker) > 0);
    let helpers = rooms::children(caller.id());
    assert_eq!(helpers.len(), 1);
    for helper in helpers {
        rustix::process::kill_process(helper, rustix::process::Signal::KILL).unwrap();
    }
    rooms::wait_for(|| rooms::processes(&marker) == 0);
    // It sees a helper that ended without a word, and goes on.
    assert!(caller.wait().unwrap().success());
}

#[test]
fn a_listener_that_panics_leaves_nothing_running() {
    let house = House::new();
    let marker = house.marker();
    let mut heard = false;
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut fall = |_: &[u8]| {
            heard = true;
            std::panic::resume_unwind(Box::new("fall"));
        };
        let command = sh(&format!("echo up; sleep 1000; : {marker}"));
        let _ = rooms::sandbox().run(&house.room, &command, Terminal::Lines(&mut fall));
    }));
    assert!(panicked.is_err() && heard);
    assert_eq!(rooms::processes(&marker), 0);
}
