//! Builds that want more of the machine than they may have. What holds a limit depends on who builds and where.

use testdata::workspace::{App, Ran, Workspace};

use crate::{fresh, is_root, workspace};

/// Holds 300 MB in memory, in a hook that comes first of all steps.
const GREEDY: &str =
    "hook_pre_fetch_dependencies=\"head -c 300000000 /dev/zero | tail -c 299999999 | wc -c\"";

fn hooked(place: &Workspace, name: &str, hook: &str) -> App {
    let app = place.app("tiny", name).unwrap();
    app.config(hook).unwrap();
    app
}

/// Whether a group holds memory here, by what a build says.
fn by_group(ran: &Ran) -> bool {
    ran.text.contains("of memory (cgroup")
}

#[test]
fn a_step_that_eats_memory_is_told_with_peak_and_limit() {
    let Some(place) = workspace() else { return };
    let app = hooked(&place, "greedy", GREEDY);
    let ran = place.build(&app, &["--memory", "128MiB"]);
    if by_group(&ran) {
        ran.fails(1, "memory-limit")
            .says("step `hook_pre_fetch_dependencies` ran out of memory")
            .says("it was ended at its limit of 128 MiB")
            .says("at its peak it used ")
            .says("`--memory 256MiB`")
            .says("--memory 128MiB --shell");
    } else {
        ran.says("memory for each program (rlimit)")
            .says("[limit-per-program]")
            .says("tail: memory exhausted");
    }
    place.build(&app, &["--memory", "2GiB"]).ok();
}

#[test]
fn a_step_that_hangs_is_ended_by_name() {
    let Some(place) = workspace() else { return };
    let app = hooked(
        &place,
        "hanging",
        "hook_pre_fetch_dependencies=\"echo begins; sleep 1000\"",
    );
    place
        .build(&app, &["--timeout", "3s"])
        .fails(1, "time-limit")
        .says("Limits: 3 s for all steps")
        .says("begins")
        .says("step `hook_pre_fetch_dependencies` took too long");
    let mut shell = place.command(&["shell", "hanging", "--", "echo", "still here"]);
    shell.env("BP_TIMEOUT", "1s").env("BP_MEMORY", "1GiB");
    testdata::workspace::run(&mut shell).ok().says("still here");
}

#[test]
fn limits_change_no_byte() {
    let Some(place) = workspace() else { return };
    let app = place.app("hello", "limited").unwrap();
    let limits = [
        "--clear-cache",
        "--memory",
        "2GiB",
        "--cpus",
        "1",
        "--timeout",
        "1h",
    ];
    let limited = place.build(&app, &limits).ok();
    let line = if is_root() {
        "Limits: 2 GiB of memory"
    } else {
        "Limits: "
    };
    let digest = limited.says(line).says("1 processor (").digest();
    let free = place
        .build(&app, &["--clear-cache"])
        .ok()
        .never_says("Limits");
    assert_eq!(free.digest(), digest);
    // Limits are no part of what an image depends on.
    place
        .build(&app, &["--memory", "1GiB"])
        .ok()
        .says("Nothing changed since the last build");
}

/// Where no group can be made.
#[test]
fn somebody_without_groups_builds_under_rlimits() {
    let Some(place) = fresh() else { return };
    if !is_root() {
        println!("skipped: only root can be somebody else");
        return;
    }
    let place = place.as_user(65534).unwrap();
    let app = place.app("tiny", "limited").unwrap();
    place
        .build(&app, &["--memory", "2GiB", "--cpus", "1"])
        .ok()
        .says("Limits: 2 GiB of memory for each program (rlimit), 1 processor (affinity)")
        .says("[limit-per-program]");
    let app = hooked(&place, "greedy", GREEDY);
    place
        .build(&app, &["--memory", "128MiB"])
        .says("tail: memory exhausted");
}

#[test]
fn nodes_heap_follows_the_limit() {
    let Some(place) = workspace() else { return };
    let app = place.app("phoenix_npm", "heap").unwrap();
    let script = "node -e \"const all = []; for (;;) all.push(new Array(1e5).fill({}))\"";
    let path = app.path.join("assets/package.json");
    let text = fs_err::read_to_string(&path).unwrap();
    let old = regex::Regex::new(r#""deploy": ".*""#).unwrap();
    let new = format!("\"deploy\": {script:?}");
    fs_err::write(&path, old.replace(&text, regex::NoExpand(&new)).as_bytes()).unwrap();
    place
        .build(&app, &["--memory", "640MiB"])
        .fails(1, "node-heap")
        .says("JavaScript heap out of memory")
        .says("Node's heap may grow to 480 MiB, three quarters of the limit of 640 MiB")
        .says("`--memory 1280MiB`")
        .never_says("max-old-space-size=4096");
}

#[test]
fn limits_that_cannot_be_are_refused_and_those_that_are_too_large_are_told() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "odd").unwrap();
    // An app that no other test has built.
    app.write("note.txt", "odd").unwrap();
    for wrong in [
        ["--memory", "1k"],
        ["--memory", "much"],
        ["--cpus", "0"],
        ["--timeout", "0"],
        ["--timeout", "soon"],
    ] {
        place.build(&app, &wrong).fails(2, "settings-value");
    }
    place
        .build(&app, &["--memory", "900TiB", "--cpus", "5000"])
        .ok()
        .says("[limit-beyond-machine]")
        .says("5000 processors, where there are");
}
