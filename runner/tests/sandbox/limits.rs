//! Programs that want more of the machine than they may have. What holds them depends on who we are and where.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use buildpack_core::sandbox::{Deadline, Exit, Holder, Limits, Room, Sandbox, Terminal};

use crate::rooms::{self, House, Ran, bare, sh};

const MIB: u64 = 1 << 20;

/// Holds 200 MB in memory.
const GREEDY: &str = "head -c 200000000 /dev/zero | tail -c 199999999 | wc -c";

pub(crate) fn of_memory(mebibytes: u64) -> Limits {
    Limits {
        memory: Some(mebibytes * MIB),
        ..Limits::default()
    }
}

fn of_cpus(cpus: &str) -> Limits {
    Limits {
        cpus: Some(cpus.parse().unwrap()),
        ..Limits::default()
    }
}

/// Both kinds of walls, with a room that each can build.
fn everywhere(house: &House, limits: Limits) -> [(Box<dyn Sandbox>, Room); 2] {
    let room = Room {
        limits,
        ..house.room.clone()
    };
    let here = bare(&room);
    [
        (Box::new(rooms::sandbox()), room),
        (Box::new(rooms::in_place()), here),
    ]
}

fn run(sandbox: &dyn Sandbox, room: &Room, script: &str) -> Ran {
    rooms::run_in(sandbox, room, &sh(script)).unwrap()
}

/// Folders of control groups that the lines of a `/proc/self/cgroup` name and that are ours.
fn groups(lines: &str) -> Vec<PathBuf> {
    let paths = lines.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        let tree = Path::new("/sys/fs/cgroup").join(controllers);
        path.contains("bp-run-").then(|| tree.join(&path[1..]))
    });
    paths.collect()
}

#[test]
fn a_program_that_eats_memory_is_ended_and_told_apart() {
    let house = House::new();
    for (sandbox, room) in everywhere(&house, of_memory(64)) {
        let holder = sandbox.held(&room.limits).memory.unwrap();
        let ran = run(&*sandbox, &room, &format!("{GREEDY}; echo after"));
        if holder == Holder::Rlimit {
            // The program is told, and what it makes of it is its own affair.
            assert!(ran.text().contains("memory exhausted"), "{}", ran.text());
            assert_eq!(ran.exit, Exit::Code(0));
        } else {
            // Whatever those make of it that went on.
            let Exit::OutOfMemory { peak } = ran.exit else {
                panic!("{ran:?}")
            };
            let peak = peak.unwrap().get();
            assert!(peak > 48 * MIB && peak <= 64 * MIB, "{peak}");
        }
        let ran = run(&*sandbox, &room, "echo little");
        assert_eq!((ran.exit, ran.text()), (Exit::Code(0), "little".to_owned()));
    }
}

#[test]
fn a_program_that_hangs_is_ended_with_all_that_it_started() {
    let house = House::new();
    let marker = house.marker();
    let script = format!(
        "(setsid sh -c 'trap \"\" TERM HUP; sleep 1000; : {marker}' &); echo up; sleep 1000; : {marker}"
    );
    let allowed = Duration::from_millis(700);
    for number in 0..2 {
        let limits = Limits {
            deadline: Deadline::after(Instant::now(), allowed),
            ..Limits::default()
        };
        let (sandbox, room) = &everywhere(&house, limits)[number];
        let ran = run(&**sandbox, room, &script);
        assert_eq!(ran.exit, Exit::OutOfTime);
        assert_eq!(rooms::processes(&marker), 0);
    }
}

#[test]
fn a_time_that_is_not_over_changes_nothing() {
    let house = House::new();
    let limits = Limits {
        deadline: Deadline::after(Instant::now(), Duration::from_mins(10)),
        ..Limits::default()
    };
    for (sandbox, room) in everywhere(&house, limits) {
        let ran = run(&*sandbox, &room, "echo done; exit 3");
        assert_eq!((ran.exit, ran.text()), (Exit::Code(3), "done".to_owned()));
    }
}

#[test]
fn busy_programs_share_the_processors_that_they_may_use() {
    let house = House::new();
    let busy = "for i in 1 2 3 4 5 6 7 8; do (while :; do :; done) & done; cat /proc/$!/cgroup; \
                grep Cpus_allowed_list /proc/$!/status; echo all; sleep 2";
    for (sandbox, room) in everywhere(&house, of_cpus("1")) {
        let holder = sandbox.held(&room.limits).cpus.unwrap();
        let (mut lines, mut quota, mut members) = (String::new(), None, 0);
        let mut look = |some: &[u8]| {
            lines += &String::from_utf8_lossy(some);
            lines += "\n";
            if lines.ends_with("all\n") {
                for group in groups(&lines) {
                    let read = |name: &str| std::fs::read_to_string(group.join(name)).ok();
                    quota = read("cpu.cfs_quota_us").or_else(|| read("cpu.max"));
                    let all = read("cgroup.procs").unwrap_or_default();
                    members = all.lines().count();
                }
            }
        };
        let exit = sandbox.run(&room, &sh(busy), Terminal::Lines(&mut look));
        assert_eq!(exit.unwrap(), Exit::Code(0));
        if holder == Holder::Affinity {
            let allowed = lines.lines().find_map(|line| {
                let list = line.strip_prefix("Cpus_allowed_list:")?;
                Some(list.trim().to_owned())
            });
            assert!(allowed.unwrap().parse::<usize>().is_ok(), "{lines}");
        } else {
            assert!(quota.unwrap().starts_with("100000"));
            assert!(members >= 8, "{members}");
        }
        // Not even an empty group is left.
        assert!(
            groups(&lines).iter().all(|group| !group.exists()),
            "{lines}"
        );
    }
}

#[test]
fn a_program_cannot_leave_its_limits() {
    let house = House::new();
    for (sandbox, room) in everywhere(&house, of_memory(64)) {
        if sandbox.held(&room.limits).memory != Some(Holder::Rlimit) {
            continue;
        }
        let ran = run(&*sandbox, &room, "ulimit -d unlimited; echo no");
        assert!(
            ran.text() != "no" && !ran.text().is_empty(),
            "{}",
            ran.text()
        );
    }
    // The kernel's control groups are not in sight of a room.
    let ran = house.run("ls /sys/fs/cgroup; echo 0 > /sys/fs/cgroup/cgroup.procs");
    assert!(!ran.exit.success());
}

#[test]
fn what_a_killed_caller_left_is_removed_by_the_next() {
    let house = House::new();
    let marker = house.marker();
    let limits = of_memory(64);
    if rooms::sandbox().held(&limits).memory == Some(Holder::Rlimit) {
        return;
    }
    let script = format!("sleep 1000; : {marker}");
    let mut caller = house.elsewhere("limited", &script, rooms::silent());
    let inside = || {
        let process = rooms::process(&marker)?;
        let said = std::fs::read_to_string(process.join("cgroup")).ok()?;
        groups(&said).into_iter().next()
    };
    rooms::wait_for(|| inside().is_some());
    let group = inside().unwrap();
    assert!(group.exists());
    caller.kill().unwrap();
    caller.wait().unwrap();
    rooms::wait_for(|| rooms::processes(&marker) == 0);
    rooms::wait_for(|| {
        let room = Room {
            limits,
            ..house.room.clone()
        };
        run(&rooms::sandbox(), &room, "true");
        !group.exists()
    });
}
