//! What a program sees, and where its writes go.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::rooms::{House, sh};

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
fn what_is_locked_or_mounted_below_a_source_is_read_only_too() {
    let house = House::new();
    let source = house.folder("source");
    let output = std::process::Command::new("unshare")
        .args(["-Urm", "sh", "-c"])
        .arg(
            "mount -t tmpfs -o nosuid,nodev,noexec,noatime none \"$BP_TEST_SOURCE\" && \
             mkdir \"$BP_TEST_SOURCE/below\" && \
             mount -t tmpfs -o nosuid,nodiratime none \"$BP_TEST_SOURCE/below\" && \
             exec \"$0\" --exact --nocapture a_caller_elsewhere",
        )
        .arg(std::env::current_exe().unwrap())
        .env("BP_TEST_HOW", "show")
        .env("BP_TEST_SOURCE", &source)
        .env("BP_TEST_SCRATCH", &house.room.scratch)
        .env("BP_TEST_SCRIPT", "touch /opt/source/x /opt/source/below/x")
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        shown.matches("Read-only file system").count(),
        2,
        "{output:?}"
    );
}

#[test]
fn nothing_else_of_the_host_is_in_sight() {
    let house = House::new();
    let ran = house.run("while read -r _ point _; do echo $point; done < /proc/mounts; ls /");
    let known = [
        "/proc", "/dev", "/tmp", "/etc", "/usr", "/bin", "/sbin", "/lib", "/lib64",
    ];
    for (number, line) in ran.text().lines().enumerate() {
        let root = number == 0 && line == "/";
        let seen = root
            || known.iter().any(|path| {
                let inside = line.strip_prefix(path);
                inside.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                    || path[1..] == *line
                    || line == "sys"
            });
        assert!(seen, "`{line}` in {}", ran.text());
    }
}

#[test]
fn a_layer_takes_away_what_lies_below() {
    use rustix::fs::{CWD, FileType, Mode, XattrFlags, mknodat, setxattr};
    let mut house = House::new();
    let layer = house.folder("layer");
    let below = &house.room.root[0];
    std::fs::create_dir(below.join("closed")).unwrap();
    std::fs::write(below.join("closed/old"), "").unwrap();
    std::fs::create_dir_all(layer.join("etc")).unwrap();
    std::fs::create_dir_all(layer.join("closed")).unwrap();
    std::fs::write(layer.join("closed/new"), "").unwrap();
    let gone = layer.join("etc/gone");
    mknodat(CWD, &gone, FileType::CharacterDevice, Mode::empty(), 0).unwrap();
    let opaque = "user.overlay.opaque";
    setxattr(layer.join("closed"), opaque, b"y", XattrFlags::empty()).unwrap();
    house.room.root.push(layer);
    assert_eq!(
        house.run("ls /etc/g* /closed").text(),
        "/etc/given\n\n/closed:\nnew"
    );
}

#[test]
fn a_room_knows_its_own_name() {
    let house = House::new();
    let ran = house.run("getent hosts localhost build");
    assert!(
        ran.exit.success() && ran.text().contains("127.0.1.1"),
        "{}",
        ran.text()
    );
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
