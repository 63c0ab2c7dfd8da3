//! The program at a terminal, and a shell where a build failed.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::Command;

use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use testdata::workspace::Ran;

use crate::workspace;

/// What a shell asks with.
pub(crate) const PROMPT: &str = "$ ";

/// Runs a command at a terminal of its own. Of each pair, the second is typed as soon as the first has been shown.
pub(crate) fn at_terminal(mut command: Command, talk: &[(&str, &str)]) -> Ran {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(flags).unwrap();
    unlockpt(&master).unwrap();
    let theirs = ioctl_tiocgptpeer(&master, flags).unwrap();
    let size = Winsize {
        ws_row: 40,
        ws_col: 200,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&master, size).unwrap();
    let copy = || theirs.try_clone().unwrap();
    command.stdin(copy()).stdout(copy()).stderr(copy());
    let mut child = command.spawn().unwrap();
    // The end of what is shown is seen only when nobody holds the other end.
    drop((command, theirs));
    let mut device = File::from(master);
    let (mut shown, mut seen, mut talk) = (Vec::new(), 0, talk.iter().peekable());
    let mut buffer = [0; 4096];
    // The kernel says so with an error when the last program has let go.
    while let Ok(read @ 1..) = device.read(&mut buffer) {
        shown.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&shown[seen..]).into_owned();
        if let Some((_, keys)) = talk.next_if(|(wait, _)| text.contains(wait)) {
            seen = shown.len();
            device.write_all(keys.as_bytes()).unwrap();
        }
    }
    let text = String::from_utf8_lossy(&shown).replace("\r\n", "\n");
    let code = child.wait().unwrap().code().unwrap_or(-1);
    assert!(talk.next().is_none(), "not all could be typed:\n{text}");
    Ran {
        code,
        stdout: text.clone(),
        text,
    }
}

#[test]
fn a_shell_has_the_failed_step_at_hand() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "handy").unwrap();
    app.config("hook_pre_compile=\"eval echo once more >> count; cat count; exit 3\"")
        .unwrap();
    let command = place.command(&["build", "handy", "--shell", "--env", "WORD=given"]);
    let arrow_up = "\x1b[A\n";
    let talk = [
        (PROMPT, arrow_up),
        (PROMPT, "echo at $PWD in $MIX_ENV, $WORD; wc -l < count\n"),
        (PROMPT, "exit 0\n"),
    ];
    at_terminal(command, &talk)
        .fails(1, "step-failed")
        .says("`↑` brings back the command that failed: ")
        .says("once more\nonce more\n")
        .says("at /app in prod, given\n2\n");
    // Bash wrote no history into the app's folder, which goes into the image.
    app.replace("elixir_buildpack.config", "exit 3", "ls -A")
        .unwrap();
    place
        .build(&app, &["--env", "WORD=given"])
        .ok()
        .never_says(".bash_history");
}

#[test]
fn a_shell_without_a_terminal_is_refused_before_anything_is_built() {
    let Some(place) = workspace() else { return };
    place.app("tiny", "alone").unwrap();
    for command in ["build", "test"] {
        place
            .bp(&[command, "alone", "--shell"])
            .fails(2, "shell-needs-terminal")
            .says("standard input")
            .never_says("heroku-24");
    }
}
