//! The few calls that need `unsafe`, and the first things every helper does.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Signal, set_parent_process_death_signal};
use rustix::thread::UnshareFlags;

/// The socket that is our standard input.
pub(super) fn take_stdin() -> io::Result<UnixStream> {
    let control = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    control.peer_addr()?;
    Ok(control)
}

/// Asks to be killed when the parent dies; ends here if the other side of `control` is gone already.
pub(super) fn die_with_parent(control: &UnixStream) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let mut peer = [PollFd::new(control, PollFlags::empty())];
    let now = Timespec::default();
    if poll(&mut peer, Some(&now))? != 0 {
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    Ok(())
}

/// Moves this process to new namespaces.
pub(super) fn unshare(flags: UnshareFlags) -> io::Result<()> {
    // SAFETY: only namespace flags are ever passed; the descriptor table stays shared with nobody.
    #[allow(unsafe_code)]
    Ok(unsafe { rustix::thread::unshare_unsafe(flags) }?)
}

/// Runs `work` in the child between fork and exec.
pub(super) fn before_exec(
    command: &mut Command,
    work: impl FnMut() -> io::Result<()> + Send + Sync + 'static,
) {
    // SAFETY: the helper has one thread, so the child's memory, locks and allocator are whole.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(work);
    }
}

/// Keeps every descriptor above standard error from the programs to come: an embedder may have left some open.
pub(super) fn seal_descriptors() -> io::Result<()> {
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let Some(number) = entry?.file_name().to_str().and_then(|n| n.parse().ok()) else {
            continue;
        };
        if number > 2 {
            // SAFETY: the number is borrowed for this one call; a closed one is refused with EBADF.
            #[allow(unsafe_code)]
            let fd = unsafe { BorrowedFd::borrow_raw(number) };
            let _ = fcntl_setfd(fd, FdFlags::CLOEXEC);
        }
    }
    Ok(())
}
