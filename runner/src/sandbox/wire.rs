//! What is said between `bp` and its helper: a room and a command one way, reports the other way.
//!
//! A message is its length (four bytes, little endian) and JSON; file descriptors ride on the length.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use buildpack_core::sandbox::{Access, Answer, Command, Exit, Room};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Step;

/// No message is this long: the largest holds config vars and a process environment.
const LONGEST: u32 = 64 << 20;

/// Descriptors that one message may carry.
const MOST_FDS: usize = 4;

/// A path or other system string, byte for byte: JSON knows Unicode only.
#[derive(Serialize, Deserialize)]
pub(super) struct Bytes(Vec<u8>);

impl Bytes {
    pub(super) fn path(&self) -> PathBuf {
        PathBuf::from(OsString::from_vec(self.0.clone()))
    }
}

impl From<&Path> for Bytes {
    fn from(path: &Path) -> Self {
        Self(path.as_os_str().as_bytes().to_vec())
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct Bind {
    pub(super) source: Bytes,
    pub(super) target: Bytes,
    pub(super) read_only: bool,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Memory {
    pub(super) target: Bytes,
    pub(super) content: Vec<u8>,
}

/// What the program enters before it is executed.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Bounds {
    /// How many of the descriptors that come with the message, the last ones, are control groups to enter.
    pub(super) doors: usize,
    /// The most bytes that each process may write to.
    pub(super) data: Option<u64>,
    /// Processors to run on; empty for all.
    pub(super) cpus: Vec<usize>,
}

/// What the program's standard streams are.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq)]
pub(super) enum Streams {
    /// Empty input; output and errors are the helper's own.
    Lines,
    /// Input is the descriptor that came with the message; output and errors are the helper's own.
    Passed,
    /// A new pseudo terminal of this size, whose master goes back with [`Report::Started`].
    Pty { rows: u16, columns: u16 },
}

#[derive(Serialize, Deserialize)]
pub(super) struct Program {
    pub(super) argv: Vec<String>,
    pub(super) cwd: Bytes,
    pub(super) env: BTreeMap<String, String>,
}

impl From<&Command> for Program {
    fn from(command: &Command) -> Self {
        Self {
            argv: command.argv.clone(),
            cwd: command.cwd.as_path().into(),
            env: command.env.clone(),
        }
    }
}

/// Programs to run at once, and how long each may take.
#[derive(Serialize, Deserialize)]
pub(super) struct Questions {
    pub(super) programs: Vec<Program>,
    pub(super) limit: Duration,
}

impl Questions {
    pub(super) fn new(commands: &[Command], limit: Duration) -> Self {
        Self {
            programs: commands.iter().map(Program::from).collect(),
            limit,
        }
    }
}

/// What is to be done in the room.
#[derive(Serialize, Deserialize)]
pub(super) enum Work {
    /// Nothing: the room is built and left again.
    Trial,
    Program(Program),
    Questions(Questions),
}

/// All that the helper is to know.
#[derive(Serialize, Deserialize)]
pub(super) struct Spec {
    pub(super) root: Vec<Bytes>,
    pub(super) scratch: Bytes,
    pub(super) mounts: Vec<Bind>,
    pub(super) memory: Vec<Memory>,
    pub(super) user: (u32, u32),
    pub(super) work: Work,
    pub(super) streams: Streams,
    /// In place only: become the room's user.
    pub(super) drop_to_user: bool,
    pub(super) bounds: Bounds,
}

impl Spec {
    pub(super) fn new(room: &Room, work: Work, streams: Streams) -> Self {
        Self {
            root: room.root.iter().map(|path| path.as_path().into()).collect(),
            scratch: room.scratch.as_path().into(),
            mounts: room
                .mounts
                .iter()
                .map(|mount| Bind {
                    source: mount.source.as_path().into(),
                    target: mount.target.as_path().into(),
                    read_only: mount.access == Access::ReadOnly,
                })
                .collect(),
            memory: room
                .memory
                .iter()
                .map(|file| Memory {
                    target: file.target.as_path().into(),
                    content: file.content.clone(),
                })
                .collect(),
            user: room.user,
            work,
            streams,
            drop_to_user: false,
            bounds: Bounds::default(),
        }
    }
}

/// What the helper says.
#[derive(Serialize, Deserialize)]
pub(super) enum Report {
    /// A step failed; nothing was started.
    Failed {
        step: Step,
        object: String,
        errno: i32,
    },
    /// What was asked for can't be done in place.
    Refused { object: String, reason: String },
    /// The room stands and the program, if there is one, is about to run.
    Started,
    /// The program ended.
    Ended(Ended),
    /// What each of the programs answered.
    Answers(Vec<Said>),
}

/// What a program answered, as [`Answer`] means it.
#[derive(Serialize, Deserialize)]
pub(super) struct Said {
    pub(super) ended: Option<Ended>,
    pub(super) printed: Vec<u8>,
}

/// How a program ended.
#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// By itself.
    Code(u8),
    /// By a signal.
    Signal(i32),
}

impl From<Ended> for Exit {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Code(code) => Self::Code(code),
            Ended::Signal(signal) => Self::Signal(signal),
        }
    }
}

impl From<Said> for Answer {
    fn from(said: Said) -> Self {
        Self {
            exit: said.ended.map(Exit::from),
            printed: said.printed,
        }
    }
}

/// Sends one message and `fds` with it.
pub(super) fn send<T: Serialize>(
    socket: &UnixStream,
    message: &T,
    fds: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let body = serde_json::to_vec(message)?;
    let length = u32::try_from(body.len())
        .ok()
        .filter(|length| *length <= LONGEST)
        .ok_or(io::ErrorKind::FileTooLarge)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FDS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let header = length.to_le_bytes();
    // Four bytes into an empty or draining socket: the kernel takes all of them or none.
    while let Err(error) = rustix::net::sendmsg(
        socket,
        &[IoSlice::new(&header)],
        &mut control,
        SendFlags::NOSIGNAL,
    ) {
        if error != rustix::io::Errno::INTR {
            return Err(error.into());
        }
    }
    let mut socket = Quiet(socket);
    socket.write_all(&body)
}

/// Receives one message and the descriptors that came with it; nothing where the other side is gone.
pub(super) fn receive<T: DeserializeOwned>(
    socket: &UnixStream,
) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    let mut header = [0; 4];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FDS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let got = loop {
        match rustix::net::recvmsg(
            socket,
            &mut [IoSliceMut::new(&mut header)],
            &mut control,
            RecvFlags::CMSG_CLOEXEC | RecvFlags::WAITALL,
        ) {
            Err(rustix::io::Errno::INTR) => {}
            other => break other?,
        }
    };
    if got.bytes == 0 {
        return Ok(None);
    }
    if got.bytes != header.len() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut fds = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            fds.extend(rights);
        }
    }
    let length = u32::from_le_bytes(header);
    if length > LONGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut body = vec![0; length as usize];
    let mut socket = socket;
    socket.read_exact(&mut body)?;
    Ok(Some((serde_json::from_slice(&body)?, fds)))
}

/// A socket that answers with an error, never with a signal, when the other side is gone.
struct Quiet<'a>(&'a UnixStream);

impl Write for Quiet<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::net::send(self.0, bytes, SendFlags::NOSIGNAL)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Seek;
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn a_message_arrives_with_its_descriptor() {
        let (here, there) = UnixStream::pair().unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"content").unwrap();
        file.rewind().unwrap();
        send(&here, &Report::Ended(Ended::Code(7)), &[file.as_fd()]).unwrap();
        let (report, fds) = receive::<Report>(&there).unwrap().unwrap();
        assert!(matches!(report, Report::Ended(Ended::Code(7))));
        let mut text = String::new();
        std::fs::File::from(fds.into_iter().next().unwrap())
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "content");
    }

    #[test]
    fn a_large_message_waits_for_its_reader() {
        let (here, there) = UnixStream::pair().unwrap();
        let text = "x".repeat(4 << 20);
        std::thread::scope(|threads| {
            threads.spawn(|| send(&here, &text, &[]).unwrap());
            let (got, _) = receive::<String>(&there).unwrap().unwrap();
            assert_eq!(got.len(), text.len());
        });
    }

    #[test]
    fn the_end_and_nonsense_are_told_apart() {
        let (here, there) = UnixStream::pair().unwrap();
        drop(here);
        assert!(receive::<Report>(&there).unwrap().is_none());

        let (mut here, there) = UnixStream::pair().unwrap();
        here.write_all(&[0xff; 16]).unwrap();
        assert!(receive::<Report>(&there).is_err());

        let (mut here, there) = UnixStream::pair().unwrap();
        here.write_all(&[9, 0]).unwrap();
        drop(here);
        assert!(receive::<Report>(&there).is_err());
    }

    #[test]
    fn sending_to_nobody_is_an_error_not_a_signal() {
        let (here, there) = UnixStream::pair().unwrap();
        drop(there);
        assert!(send(&here, &Report::Started, &[]).is_err());
    }
}
