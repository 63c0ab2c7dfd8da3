//! Packs that fail, hang, flood, and write where they should not.

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use testdata::workspace::{App, Pack, Ran, Workspace};

use super::{arguments, build};
use crate::terminal::{PROMPT, at_terminal};
use crate::{fresh, workspace};

/// A number of seconds that only the sleep of this test has.
fn unique(seconds: u32) -> String {
    (u64::from(std::process::id()) * 10_000 + u64::from(seconds)).to_string()
}

/// Whether a process sleeps for so many seconds.
fn sleeps(seconds: &str) -> bool {
    let wanted = format!("sleep\0{seconds}\0");
    let processes = fs_err::read_dir("/proc").unwrap();
    processes
        .flatten()
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .any(|line| line == wanted.as_bytes())
}

/// Waits until it is so; a process that was killed is gone a little later.
#[track_caller]
fn until(what: &str, is_so: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_mins(2), "never {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Paths below a folder with the sizes of files, sorted.
fn listing(folder: &Path) -> Vec<String> {
    let entries = walkdir::WalkDir::new(folder).sort_by_file_name();
    entries
        .into_iter()
        .map(|entry| {
            let entry = entry.unwrap();
            let path = entry
                .path()
                .strip_prefix(folder)
                .unwrap()
                .display()
                .to_string();
            let size = entry.metadata().unwrap().len();
            if entry.file_type().is_file() {
                format!("{path} {size}")
            } else {
                path
            }
        })
        .collect()
}

fn start(place: &Workspace, app: &App, packs: &[&Pack]) -> Child {
    let mut command = place.command_to_interrupt(&["build"]);
    command
        .arg(&app.path)
        .args(arguments(packs, &["-v"]))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().unwrap()
}

#[test]
fn what_fails_names_script_and_code_and_leaves_nothing() {
    let Some(place) = fresh() else { return };
    let app = place.app("plain", "failing").unwrap();
    let good = place.pack("chain_first").unwrap();
    // The stack's images are there from now on.
    build(&place, &app, &[&good], &["-t", "good"]).ok();
    let temporary = place.path().join("temporary");
    fs_err::create_dir(&temporary).unwrap();
    for (name, problem, exit, words) in [
        (
            "fails_detect",
            "pack-not-detected",
            3,
            &["exit code 41", "it said: I could do it"][..],
        ),
        (
            "fails_compile",
            "step-failed",
            1,
            &[
                "exit code 42",
                "bin/compile",
                " !     the other half is missing",
            ],
        ),
        (
            "fails_release",
            "step-failed",
            1,
            &[
                "exit code 43",
                "bin/release",
                " !     cannot tell what to run",
            ],
        ),
        (
            "bad_export",
            "pack-export",
            1,
            &["cannot find what to export"],
        ),
    ] {
        let pack = place.pack(name).unwrap();
        let before = (
            listing(&app.path),
            listing(&pack.path),
            listing(place.path().join("home").as_path()),
        );
        let mut command = place.command(&["build"]);
        command
            .arg(&app.path)
            .args(arguments(&[&good, &pack], &["-v"]))
            .env("TMPDIR", &temporary);
        let failed = testdata::workspace::run(&mut command)
            .fails(exit, problem)
            .says(name);
        for words in words {
            assert!(
                failed.text.contains(words),
                "no `{words}` in:\n{}",
                failed.text
            );
        }
        let after = (
            listing(&app.path),
            listing(&pack.path),
            listing(place.path().join("home").as_path()),
        );
        assert_eq!(before, after, "{name}");
        place.bp(&["run", "failing"]).fails(2, "image-not-kept");
        assert_eq!(listing(&temporary), [""], "{name}");
        let kept = listing(place.store());
        let left = |path: &&String| path.contains(".temp/") || path.contains("/scratch");
        let left: Vec<_> = kept.iter().filter(left).collect();
        assert!(left.is_empty(), "{name}: {left:?}");
    }
    // A build that works finds nothing of those that failed.
    build(&place, &app, &[&good], &[]).ok();
    place
        .bp(&["run", "failing", "--", "bash", "-c", "ls; cat chain.txt"])
        .ok()
        .says("README.md\nchain.txt\nhello.txt\nfirst\n")
        .never_says("first\nfirst");
}

#[test]
fn a_shell_opens_where_the_script_failed() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "shelled").unwrap();
    let pack = place.pack("fails_compile").unwrap();
    build(&place, &app, &[&pack], &[])
        .fails(1, "step-failed")
        .says(&format!(
            "to look around where it failed: bp build {} --stack heroku-24 --buildpack {} --shell\n",
            app.path.display(),
            pack.as_str()
        ));
    for (mode, build_dir) in [("heroku", "/tmp/build"), ("app", "/app")] {
        let more = ["--build-dir-mode", mode, "--env", "NAME=value", "--shell"];
        let mut command = place.command(&["build"]);
        command.arg(&app.path).args(arguments(&[&pack], &more));
        let typed = format!(
            "ls -1 bin; cat {build_dir}/half.txt /tmp/env/NAME; echo \" $STACK ${{NAME-not exported}}\"; exit\n"
        );
        at_terminal(command, &[(PROMPT, &typed)])
            .exits(1)
            .says("compile\ndetect\nhalf\nvalue heroku-24 not exported\n");
    }
}

#[test]
fn a_folder_without_detect_is_no_pack() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "undetected").unwrap();
    let pack = place.pack("no_detect").unwrap();
    build(&place, &app, &[&pack], &[])
        .fails(3, "pack-incomplete")
        .says("bin/detect")
        .never_says("compiled though");
}

#[test]
fn who_ends_a_build_ends_its_scripts() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "hanging").unwrap();
    let pack = place.pack("hangs_in_detect").unwrap();
    for (number, signal) in [Signal::INT, Signal::TERM, Signal::KILL]
        .into_iter()
        .enumerate()
    {
        let seconds = unique(u32::try_from(number).unwrap());
        let text = format!("#!/usr/bin/env bash\ntrap '' HUP INT TERM\nsleep {seconds}\n");
        pack.script("bin/detect", &text).unwrap();
        let child = start(&place, &app, &[&pack]);
        until("asleep", || sleeps(&seconds));
        kill_process(Pid::from_child(&child), signal).unwrap();
        let ran = Ran::of(&child.wait_with_output().unwrap());
        assert_ne!(ran.code, 0, "{}", ran.text);
        ran.never_says("compiled though");
        until("gone", || !sleeps(&seconds));
    }
    // Nothing of it is in the way of the next build.
    pack.script("bin/detect", "#!/bin/sh\necho awake\n")
        .unwrap();
    build(&place, &app, &[&pack], &[])
        .ok()
        .says("awake app detected");
}

#[test]
fn a_detect_that_does_not_end_is_ended() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "late").unwrap();
    let pack = place.pack("hangs_in_detect").unwrap();
    let seconds = unique(10);
    pack.replace("bin/detect", "3612", &seconds).unwrap();
    let run = |words: &[&str]| {
        let mut command = place.command(words);
        command.arg(&app.path).args(arguments(&[&pack], &[]));
        let ran = testdata::workspace::run(command.env("BP_DETECT_LIMIT", "1"));
        until("gone", || !sleeps(&seconds));
        ran.says("hangs_in_detect` does not say whether it applies")
            .says("was ended after 1 s")
    };
    run(&["build", "-v"])
        .fails(3, "pack-detect-timeout")
        .says("detect waits");
    run(&["detect"]).fails(1, "pack-detect-timeout");
}

#[test]
fn a_process_that_is_left_behind_is_not_waited_for() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "left").unwrap();
    let pack = place.pack("leaves_a_process").unwrap();
    let seconds = unique(20);
    pack.replace("bin/compile", "3613", &seconds).unwrap();
    let leave = format!("#!/usr/bin/env bash\nsetsid sleep {seconds} &\necho Left\n");
    pack.script("bin/detect", &leave).unwrap();
    let leave = format!("{leave}echo 'default_process_types: {{}}' >/dev/null\n");
    pack.script("bin/release", &leave.replace("echo Left\n", ""))
        .unwrap();
    build(&place, &app, &[&pack], &[])
        .ok()
        .says("-----> Left app detected");
    until("gone", || !sleeps(&seconds));
    place
        .bp(&["run", "left", "--", "ls"])
        .ok()
        .says("hello.txt")
        .never_says("woke");
}

/// A pack may write wherever it likes: it owns all that it sees, and all but BUILD_DIR and CACHE_DIR is made for this build.
#[test]
fn what_is_written_outside_is_gone_with_the_build() {
    let Some(place) = workspace() else { return };
    let pack = place.pack("writes_outside").unwrap();
    let before = listing(&pack.path);
    for mode in ["heroku", "app"] {
        let app = place.app("plain", &format!("outside-{mode}")).unwrap();
        let more = ["--build-dir-mode", mode];
        build(&place, &app, &[&pack], &more)
            .ok()
            .never_says(": was there")
            .says("       /tmp: written")
            .says("[pack-wrote-outside]")
            .says("`/etc/written-by-a-pack`");
        let again = build(&place, &app, &[&pack], &more).ok();
        let there: Vec<_> = again.text.matches(": was there").collect();
        assert!(
            again.text.contains("       cache: was there\n") && there.len() == 1,
            "{}",
            again.text
        );
        let find = "find / -xdev -name 'written-by-a-pack*' 2>/dev/null; ls -A /tmp /new";
        let found = place
            .bp(&["run", &format!("outside-{mode}"), "--", "bash", "-c", find])
            .exits(2);
        assert!(
            found.text.starts_with("/app/written-by-a-pack\n/tmp:\n"),
            "{}",
            found.text
        );
    }
    assert_eq!(listing(&pack.path), before);
    for folder in ["/", "/tmp", "/etc", "/usr", "/var", "/root", "/new"] {
        assert!(
            !Path::new(folder).join("written-by-a-pack").exists(),
            "{folder}"
        );
    }
}

/// The most memory that `bp` itself held while it ran, in KiB.
fn peak(mut child: Child) -> u64 {
    let status = format!("/proc/{}/status", child.id());
    let drain = |from: Option<Box<dyn std::io::Read + Send>>| {
        std::thread::spawn(move || std::io::copy(&mut from.unwrap(), &mut std::io::sink()).unwrap())
    };
    let out = drain(child.stdout.take().map(|it| Box::new(it) as _));
    let mut errors = child.stderr.take().unwrap();
    let mut most = 0;
    let ended = loop {
        if let Ok(text) = std::fs::read_to_string(&status)
            && let Some(line) = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))
        {
            most = line.trim().trim_end_matches(" kB").parse().unwrap();
        }
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let mut said = String::new();
    errors.read_to_string(&mut said).unwrap();
    assert!(ended.success(), "{said}");
    assert!(out.join().unwrap() > 0);
    most
}

#[test]
fn a_hundred_megabytes_of_output_take_no_memory() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "loud").unwrap();
    let quiet = place.pack("chain_first").unwrap();
    let loud = place.pack("prints_100mb").unwrap();
    build(&place, &app, &[&quiet], &[]).ok();
    let usual = peak(start(&place, &app, &[&quiet]));
    for one_line in [false, true] {
        if one_line {
            app.write("one_line", "").unwrap();
        }
        let most = peak(start(&place, &app, &[&loud]));
        assert!(
            usual > 0 && most < usual + (24 << 10),
            "{most} KiB, usually {usual} KiB; one line: {one_line}"
        );
    }
}
