//! Rooms with real walls: what a program sees, what it can't do, and what is left of it.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod rooms;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use buildpack_core::diagnostic::Explain as _;
use buildpack_core::sandbox::{Exit, Room, Sandbox as _, Terminal};
use rooms::{House, bare, sh};
use runner::sandbox::NamespaceSandbox;

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
fn writes_land_in_the_scratch_only() {
    let house = House::new();
    let ran = house
        .run("echo new > /etc/new && echo changed > /etc/given && rm /etc/gone && echo t > /tmp/t");
    assert!(ran.exit.success(), "{}", ran.text());
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    let upper = house.room.scratch.join("upper/etc");
    assert_eq!(read(&upper.join("new")), "new\n");
    assert_eq!(read(&upper.join("given")), "changed\n");
    assert_eq!(read(&house.room.scratch.join("tmp/t")), "t\n");
    let lower = &house.room.root[0];
    assert_eq!(read(&lower.join("etc/given")), "given");
    assert!(lower.join("etc/gone").exists());
    assert!(!lower.join("etc/new").exists());
    let again = house.run("cat /etc/given /tmp/t; ls /etc/gone");
    assert!(again.text().starts_with("changed\nt\n"));
    assert!(!again.exit.success());
    runner::sandbox::discard(&house.room.scratch).unwrap();
    assert!(!house.room.scratch.exists());
}

#[test]
fn files_on_the_host_belong_to_the_caller() {
    use std::os::unix::fs::MetadataExt;
    let house = House::new();
    let app = house.folder("app");
    let ran = house
        .clone()
        .share(&app, "/app")
        .run("cd /app && mkdir made && echo x > made/file");
    assert!(ran.exit.success(), "{}", ran.text());
    let meta = app.join("made/file").metadata().unwrap();
    assert_eq!(meta.uid(), rustix::process::geteuid().as_raw());
    assert_eq!(meta.gid(), rustix::process::getegid().as_raw());
    assert_eq!(meta.permissions().mode() & 0o777, 0o644);
}

#[test]
fn read_only_mounts_refuse() {
    let house = House::new();
    let tools = house.folder("tools");
    std::fs::write(tools.join("file"), "x").unwrap();
    let ran = house
        .clone()
        .show(&tools, "/opt/tools")
        .run("echo y > /opt/tools/file; echo y > /opt/tools/other; rm /opt/tools/file; chmod 777 /opt/tools; touch /usr/bin/x");
    assert!(!ran.exit.success());
    assert_eq!(
        ran.text().matches("Read-only file system").count(),
        5,
        "{}",
        ran.text()
    );
    assert_eq!(std::fs::read_to_string(tools.join("file")).unwrap(), "x");
}

#[test]
fn mounts_nest_in_their_order() {
    let house = House::new();
    let (outer, inner) = (house.folder("outer"), house.folder("inner"));
    std::fs::write(inner.join("file"), "inner").unwrap();
    let ran = house
        .clone()
        .share(&outer, "/app")
        .show(&inner, "/app/deps/inner")
        .share(&inner, "/tmp/build_1")
        .run("cat /app/deps/inner/file /tmp/build_1/file; echo x > /app/x; echo y > /app/deps/inner/y");
    assert!(ran.text().starts_with("innerinner"));
    assert!(!ran.exit.success());
    assert!(outer.join("x").exists());
    assert!(outer.join("deps/inner").is_dir());
}

#[test]
fn a_mount_that_is_not_there_is_named() {
    let house = House::new().share(Path::new("/no/such/folder"), "/app");
    let error = house.try_run(&sh("true")).unwrap_err();
    let shown = error.diagnostic();
    assert_eq!(shown.code.0, "sandbox-mount-failed");
    assert!(shown.message.contains("/no/such/folder"), "{shown:?}");
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
fn memory_files_are_in_memory_and_gone_afterwards() {
    let house = House::new()
        .remember("/env/SECRET", b"hush\xff")
        .remember("/env/sub/OTHER", b"o");
    let ran = house.run(
        "stat -f -c %T /env; stat -c '%a %u' /env /env/SECRET; cat /env/SECRET /env/sub/OTHER",
    );
    assert!(ran.exit.success(), "{}", ran.text());
    assert_eq!(
        ran.lines[..3],
        [
            b"tmpfs".to_vec(),
            b"700 1000".to_vec(),
            b"400 1000".to_vec()
        ]
    );
    assert_eq!(ran.lines[3], b"hush\xffo");
    let found = std::process::Command::new("grep")
        .args(["-r", "hush"])
        .arg(&house.room.scratch)
        .output()
        .unwrap();
    assert_eq!(found.status.code(), Some(1), "{found:?}");
}

#[test]
fn input_is_empty_and_devices_are_there() {
    let house = House::new();
    let ran = house.run("cat; ls /dev | sort | xargs; head -c 3 /dev/zero | wc -c; echo x > /dev/null && echo y > /dev/shm/y; ls /sys | wc -l; echo x > /dev/new");
    assert_eq!(
        ran.lines[0],
        b"fd full null ptmx pts random shm stderr stdin stdout tty urandom zero"
    );
    assert_eq!(ran.lines[1..3], [b"3".to_vec(), b"0".to_vec()]);
    assert!(
        ran.text().ends_with("Read-only file system"),
        "{}",
        ran.text()
    );
}

#[test]
fn sixty_layers_make_one_root() {
    let mut house = House::new();
    for number in 0..60 {
        let layer = house.folder(&format!("a rather long name, with: separators/{number}"));
        std::fs::write(layer.join("top"), number.to_string()).unwrap();
        std::fs::write(layer.join(format!("own-{number}")), "").unwrap();
        house.room.root.push(layer);
    }
    let ran = house.run("cat /top; ls / | grep -c own-");
    assert_eq!(ran.text(), "5960");
}

#[test]
fn output_without_line_ends_is_delivered_whole() {
    let house = House::new();
    let ran = house.run("head -c 3000000 /dev/zero; printf 'last\\377'");
    let total: usize = ran.lines.iter().map(Vec::len).sum();
    assert_eq!(total, 3_000_005);
    assert!(ran.lines.last().unwrap().ends_with(b"last\xff"));
    let ran = house.run("echo one; echo two >&2; echo three");
    assert_eq!(ran.text(), "one\ntwo\nthree");
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
fn rooms_run_side_by_side() {
    std::thread::scope(|threads| {
        for number in 0..8 {
            threads.spawn(move || {
                let house = House::new();
                for round in 0..3 {
                    let ran = house.run(&format!(
                        "echo {number}-{round} >> /etc/log; tail -n 1 /etc/log"
                    ));
                    assert_eq!(ran.text(), format!("{number}-{round}"));
                }
            });
        }
    });
}

#[test]
fn runs_in_one_scratch_take_turns() {
    let house = House::new();
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                let ran = house
                    .run("test ! -e /tmp/busy && touch /tmp/busy && sleep 0.05 && rm /tmp/busy");
                assert!(ran.exit.success(), "{}", ran.text());
            });
        }
    });
}

#[test]
fn a_helper_that_is_none_is_told_apart() {
    let house = House::new();
    let run = |helper: &str| {
        let sandbox = NamespaceSandbox::with_helper(helper);
        rooms::run_in(&sandbox, &house.room, &sh("true"))
            .unwrap_err()
            .diagnostic()
            .code
            .0
    };
    assert_eq!(run("/bin/true"), "sandbox-helper-failed");
    assert_eq!(run("/no/such/helper"), "sandbox-helper-failed");
}

#[test]
fn a_trial_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let probe = rooms::sandbox().probe(&folder.path().join("store"));
    assert!(probe.works(), "{:?}", probe.failure);
    assert_eq!(
        std::fs::read_dir(folder.path().join("store"))
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn a_program_has_the_terminal_of_its_caller() {
    for how in ["terminal", "terminal-in-place"] {
        let house = House::new();
        let (master, theirs) = rooms::terminal(33, 99);
        let script = "trap 'stty size' WINCH; test -t 0 && test -t 1 && tty && stty size; \
                      read -r word; echo \"<$word>\"; while ! read -r word; do :; done; exit 7";
        let streams = rooms::thrice(&theirs);
        let mut caller = house.elsewhere(how, script, streams);
        let mut screen = rooms::Screen::new(master);
        screen.until("33 99");
        screen.press("hello\n");
        screen.until("<hello>");
        screen.resize(20, 70);
        screen.until("20 70");
        screen.press("bye\n");
        assert!(caller.wait().unwrap().success(), "{how}");
        let modes = rustix::termios::tcgetattr(&theirs).unwrap().local_modes;
        assert!(modes.contains(rustix::termios::LocalModes::ICANON), "{how}");
    }
}

#[test]
fn a_program_has_the_input_of_a_caller_without_terminal() {
    let house = House::new();
    let file = house.folder("input").join("text");
    std::fs::write(&file, "given\n").unwrap();
    let streams = [
        std::fs::File::open(&file).unwrap().into(),
        Stdio::piped(),
        Stdio::null(),
    ];
    let caller = house.elsewhere(
        "terminal",
        "read -r word; echo \"<$word>\"; exit 7",
        streams,
    );
    let output = caller.wait_with_output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("<given>"));
    assert!(output.status.success());
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
fn what_is_mounted_below_a_read_only_mount_is_read_only() {
    let house = House::new().show(Path::new("/dev"), "/opt/devices");
    let ran = house.run("test -d /opt/devices/shm && touch /opt/devices/shm/new");
    assert!(
        ran.text().ends_with("Read-only file system"),
        "{}",
        ran.text()
    );
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

#[test]
fn a_trial_names_what_stands_in_the_way() {
    for (spoil, code, word) in [
        (
            "echo 0 > /proc/sys/user/max_user_namespaces",
            "sandbox-unavailable",
            "sysctl user.max_user_namespaces",
        ),
        (
            "mount -t tmpfs none /proc/sys",
            "sandbox-unavailable",
            "systempaths=unconfined",
        ),
        (
            "mount -t tmpfs none /proc",
            "sandbox-unavailable",
            "mount /proc",
        ),
    ] {
        let house = House::new();
        let output = std::process::Command::new("unshare")
            .args([
                "-Urm",
                "sh",
                "-c",
                &format!("{spoil} && exec \"$0\" --exact --nocapture a_caller_elsewhere"),
            ])
            .arg(std::env::current_exe().unwrap())
            .env("BP_TEST_HOW", "probe")
            .env("BP_TEST_SCRIPT", "")
            .env("BP_TEST_SCRATCH", &house.room.scratch)
            .output()
            .unwrap();
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(
            shown.contains(code) && shown.contains(word),
            "{spoil}: {output:?}"
        );
    }
}

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
        "in-place" => drop(rooms::run_in(&in_place, &bare(&room), &sh(&script))),
        "probe" => println!(
            "{}",
            serde_json::to_string(&namespace.probe(&room.scratch).failure.unwrap().diagnostic())
                .unwrap()
        ),
        _ => drop(rooms::run_in(&namespace, &room, &sh(&script))),
    }
}
