//! What a process finds when it starts: its command as bash has it, variables, profile, folder.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use crate::desk::Desk;

/// The output of a process type with this command.
#[track_caller]
fn web(command: &str) -> String {
    Desk::new(&[("Procfile", &format!("web: {command}\n"))])
        .run("start", &["web"])
        .fine()
}

#[test]
fn a_command_is_a_line_of_bash() {
    for (command, out) in [
        (r#"printf '[%s]' "x y" z"#, "[x y][z]"),
        ("printf one && printf two", "onetwo"),
        ("printf a > f; cat f", "a"),
        ("FOO=1 printenv FOO", "1\n"),
        ("sh -c \"printf a; printf b\"", "ab"),
        ("printf '%s' \"${UNSET:-$HOME}\"", "[desk]/app"),
        ("pwd", "[desk]/app\n"),
        ("[[ a == a* ]] && printf %s $((1+1))", "2"),
        ("# nothing", ""),
    ] {
        assert_eq!(web(command), out, "{command}");
    }
    Desk::new(&[("Procfile", "web: exit 7")])
        .run("start", &["web"])
        .told(7, &[]);
}

#[test]
fn the_process_takes_the_programs_place() {
    let desk = Desk::new(&[("Procfile", "web: sleep 100")]);
    let mut child = desk.called("start").arg("web").spawn().unwrap();
    let command_line = format!("/proc/{}/cmdline", child.id());
    while fs_err::read(&command_line).unwrap() != b"sleep\x00100\x00" {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn several_words_are_a_program_and_its_arguments() {
    let desk = Desk::new(&[(".profile", "export FROM=profile; count=$#; export count")]);
    let out = desk.run("exec", &["printf", "[%s]", "a  b", "$HOME", "it's", ""]);
    assert_eq!(out.fine(), "[a  b][$HOME][it's][]");
    assert_eq!(
        desk.run("exec", &["echo $FROM $count"]).fine(),
        "profile 0\n"
    );
    desk.run("exec", &["invalid"])
        .told(127, &["invalid: command not found"]);
    desk.run("exec", &["invalid", "x"])
        .told(127, &["invalid: not found"]);
    desk.run("exec", &[])
        .told(2, &["procfile exec <command...>"]);
}

#[test]
fn config_vars_and_profile_come_in_a_fixed_order() {
    let desk = Desk::new(&[
        (
            ".profile.d/10-b.sh",
            "export ORDER=\"$ORDER b\" WHO=profile.d",
        ),
        (".profile.d/10_a.sh", "export ORDER=\"$ORDER a\"; false"),
        (".profile.d/9.sh", "export ORDER=\"$ORDER nine\""),
        (".profile.d/9.bash", "export ORDER=\"$ORDER no script\""),
        (
            ".profile",
            "export ORDER=\"$ORDER profile\"; local_only=seen",
        ),
    ]);
    desk.env("ORDER", "vars\n");
    desk.env("WHO", "vars");
    desk.env("HOME", "/elsewhere");
    let mut command = desk.called("exec");
    let command = command
        .arg("echo $ORDER: $WHO $HOME")
        .env("WHO", "container");
    assert_eq!(
        desk.ran(command).fine(),
        "vars b a nine profile: profile.d /elsewhere\n"
    );
}

#[test]
fn odd_config_vars_reach_the_process_or_are_named() {
    let desk = Desk::new(&[]);
    let value: &[u8] = b"two\nlines 'q' \"q\" $(touch f) `x` \\ \xff\t$HOME";
    desk.env("ODD", value);
    desk.env("NUL", "a\0b\n");
    desk.env("not-a-name", "hunter2");
    desk.env(OsStr::from_bytes(b"\xfe\xff"), "hunter2");
    let output = desk
        .called("exec")
        .args(["sh", "-c", "printf %s \"$ODD|$NUL\""])
        .output()
        .unwrap();
    assert_eq!(output.stdout, [value, b"|ab"].concat());
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(
        err.contains("`not-a-name` in") && err.contains("`NUL` holds zero bytes"),
        "{err}"
    );
    assert!(!err.contains("hunter2"), "{err}");
    assert!(!desk.path("app/f").exists());
}

#[test]
fn a_variable_larger_than_the_kernel_takes_is_named_without_its_value() {
    let desk = Desk::new(&[("Procfile", "web: true")]);
    desk.env("LARGE", "hunter2".repeat(20_000));
    let ran = desk.run("start", &["web"]);
    assert!(!ran.err.contains("hunter2"));
    ran.told(
        4,
        &["app-not-started", "`LARGE` is larger than the 128 KiB"],
    );
}

#[test]
fn an_app_that_is_not_there_is_said() {
    let desk = Desk::new(&[]);
    let mut command = desk.called("exec");
    let command = command.arg("true").env("APP_PATH", "/nowhere/app");
    desk.ran(command)
        .told(4, &["app-path", "`/nowhere/app`", "APP_PATH"]);
}

#[test]
fn herokuishs_ways_are_had_by_their_names() {
    let desk = Desk::new(&[
        ("Procfile", "web: printf [%s] \"x y\" $GREETING"),
        (".profile", "GREETING=hello\nfalse\ntouch went-on"),
    ]);
    let started = |compat: &str| {
        let mut command = desk.called("start");
        desk.ran(command.arg("web").env("BP_HEROKUISH_COMPAT", compat))
    };
    assert_eq!(started("").fine(), "[x y][hello]");
    assert!(desk.path("app/went-on").exists());
    assert_eq!(started("eval-command").fine(), "[x][y][hello]");
    fs_err::remove_file(desk.path("app/went-on")).unwrap();
    started("profile-errexit").told(1, &[]);
    assert!(!desk.path("app/went-on").exists());
}

#[test]
fn a_trace_shows_what_is_done_and_no_value() {
    let desk = Desk::new(&[
        ("Procfile", "web: printf %s \"$SECRET\""),
        (".profile", "true"),
    ]);
    desk.env("SECRET", "hunter2");
    let mut command = desk.called("start");
    let ran = desk.ran(command.arg("web").env("TRACE", "true"));
    assert_eq!(ran.out, "hunter2");
    assert!(ran.err.contains("+ . [desk]/app/.profile\n"), "{}", ran.err);
    assert!(ran.err.contains("+ printf %s \"$SECRET\"\n"), "{}", ran.err);
    assert!(!ran.err.contains("hunter2"), "{}", ran.err);
}

#[test]
fn entropy_is_fed_where_it_is_asked_for_and_never_ends_a_start() {
    let desk = Desk::new(&[("Procfile", "web: printf up")]);
    let mark = desk.path("fed");
    let feeder = |text: &str| {
        desk.put("feeders/rngd", format!("#!/bin/sh\n{text}\n"));
        Command::new("chmod")
            .arg("+x")
            .arg(desk.path("feeders/rngd"))
            .status()
            .unwrap();
    };
    let started = |entropy: &str, path: String| {
        let mut command = desk.called("start");
        desk.ran(
            command
                .arg("web")
                .env("HEROKUISH_ENTROPY", entropy)
                .env("PATH", path),
        )
    };
    let with_feeder = || format!("{}:/usr/bin:/bin", desk.path("feeders").display());
    feeder(&format!("echo \"$@\" > {}", mark.display()));
    assert_eq!(started("1", with_feeder()).fine(), "up");
    assert!(!mark.exists());
    assert_eq!(started("true", with_feeder()).fine(), "up");
    assert_eq!(fs_err::read_to_string(&mark).unwrap(), "-b\n");
    feeder("exit 1");
    started("true", with_feeder()).told(0, &["up", "rngd failed to start"]);
    fs_err::remove_file(desk.path("feeders/rngd")).unwrap();
    started("true", with_feeder()).told(0, &["up", "rngd is not installed"]);
}
