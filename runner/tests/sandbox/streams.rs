//! What goes in and comes out.

use std::process::Stdio;

use buildpack_core::event::Stream;
use buildpack_core::sandbox::{Sandbox as _, Terminal, each_line};

use crate::rooms::{self, House};

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
fn streams_are_told_apart_and_each_keeps_its_order() {
    let house = House::new();
    let script =
        "echo one; printf 'half ' >&2; echo two; echo done >&2; exec >&-; printf 'last' >&2";
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut keep = |stream, some: &[u8]| {
        let some = each_line(some).map(<[u8]>::to_vec);
        match stream {
            Stream::Stdout => out.extend(some),
            Stream::Stderr => err.extend(some),
        }
    };
    let exit = rooms::sandbox().run(
        &house.room,
        &rooms::sh(script),
        Terminal::Streams(&mut keep),
    );
    assert!(exit.unwrap().success());
    assert_eq!(out, [&b"one"[..], b"two"]);
    assert_eq!(err, [&b"half done"[..], b"last"]);
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
