//! The person's terminal, lent to a program on a pseudo terminal.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr};

/// How often the window's size is looked at. A library has no business with the process's signal handlers,
/// so it is looked at rather than told by SIGWINCH.
const GLANCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 200_000_000,
};

/// Rows and columns, if a person sits at both ends.
pub(super) fn size() -> Option<(u16, u16)> {
    if !isatty(io::stdin()) || !isatty(io::stdout()) {
        return None;
    }
    let size = tcgetwinsize(io::stdin()).ok()?;
    Some((size.ws_row, size.ws_col))
}

/// Carries keys and output between our terminal and `master` until the other end is closed.
pub(super) fn relay(master: &OwnedFd) -> io::Result<()> {
    let _raw = Raw::enter()?;
    let stdin = io::stdin();
    let mut stdout = io::stdout().lock();
    let mut device = std::fs::File::from(master.try_clone()?);
    let mut buffer = vec![0; 16 << 10];
    let mut shown = size();
    let mut keys_open = true;
    loop {
        let mut waiting = vec![PollFd::new(master, PollFlags::IN)];
        if keys_open {
            waiting.push(PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::IN));
        }
        match poll(&mut waiting, Some(&GLANCE)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let output = !waiting[0].revents().is_empty();
        let keys = waiting.get(1).is_some_and(|fd| !fd.revents().is_empty());
        if output {
            match device.read(&mut buffer) {
                // The last holder of the other end is gone: Linux says EIO.
                Ok(0) => return Ok(()),
                Err(error)
                    if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) =>
                {
                    return Ok(());
                }
                Ok(read) => {
                    stdout.write_all(&buffer[..read])?;
                    stdout.flush()?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if keys {
            match rustix::io::read(&stdin, &mut buffer[..]) {
                Ok(0) => keys_open = false,
                Ok(read) => device.write_all(&buffer[..read])?,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => keys_open = false,
            }
        }
        let now = size();
        if now != shown
            && let Ok(size) = tcgetwinsize(&stdin)
        {
            // The kernel tells the program by SIGWINCH.
            let _ = rustix::termios::tcsetwinsize(master, size);
            shown = now;
        }
    }
}

/// Raw mode, left again when dropped.
struct Raw(Termios);

impl Raw {
    fn enter() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        Ok(Self(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Drain, &self.0);
    }
}
