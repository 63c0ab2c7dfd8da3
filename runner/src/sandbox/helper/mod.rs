//! The helper: this binary started again, alone with one thread, to build a room and run a program in it.
//!
//! `room` makes the namespaces and starts `init` as their first process, which mounts everything and runs the
//! program; `here` runs it without any of that. Code between fork and exec is kept to one closure, and it runs
//! in a process that never had a second thread.

mod at_once;
mod bounds;
mod devices;
mod here;
mod init;
mod lookup;
mod mounts;
mod outer;
mod overlay;
mod place;
mod program;
mod system;
mod trouble;

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use rustix::event::{PollFd, PollFlags, poll};

/// Does the work of the stage called `word`, and ends the process.
pub(super) fn work(word: &str) -> ! {
    // Nor what is made for the program, nor what it makes, follows the caller's mask.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    // Only helpers that we started have a socket for standard input.
    let code = match system::take_stdin() {
        Ok(control) => match word {
            "room" => outer::run(&control),
            "init" => init::run(&control),
            "here" => here::run(&control),
            _ => 2,
        },
        Err(_) => 2,
    };
    #[allow(clippy::exit, reason = "the helper has no caller to return to")]
    std::process::exit(code)
}

/// Waits until `process` has ended (true) or `control`'s other side is gone (false).
fn ended(process: &OwnedFd, control: &UnixStream) -> bool {
    loop {
        let mut waiting = [
            PollFd::new(process, PollFlags::IN),
            // Hang-ups are always reported.
            PollFd::new(control, PollFlags::empty()),
        ];
        match poll(&mut waiting, None) {
            Ok(_) if !waiting[0].revents().is_empty() => return true,
            Ok(_) if !waiting[1].revents().is_empty() => return false,
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}
