//! One run as seen from outside: start the helper, hand it the room, take output and report.

use std::io::{self, Read};
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Instant;

use buildpack_core::sandbox::{Answer, Deadline, Exit, Held, Limits, Room, Terminal};

use super::bounds::Bounds;
use super::wire::{self, Report, Spec, Streams, Work};
use super::{Failure, lines, probe, terminal};

/// How the helper is to do its work; the word is its second argument.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// In namespaces of its own.
    Room,
    /// Where it stands.
    Here,
}

impl Stage {
    fn word(self) -> &'static str {
        match self {
            Self::Room => "room",
            Self::Here => "here",
        }
    }
}

/// What to do where, and by whom.
pub(super) struct Session<'a> {
    pub(super) helper: &'a Path,
    pub(super) stage: Stage,
    pub(super) room: &'a Room,
    pub(super) work: Work,
    pub(super) drop_to_user: bool,
    /// Kept open by the helper until the room is gone.
    pub(super) lock: Option<OwnedFd>,
}

/// Bytes of output that wait for us where the kernel lets them: a program that prints much goes on while we look at it.
const WAITING: usize = 1 << 20;

fn pipe() -> Result<(io::PipeReader, io::PipeWriter), Failure> {
    let (reader, writer) = io::pipe().map_err(ours("make a pipe"))?;
    // A user who has many of them is held to the usual size, which will do.
    let _ = rustix::pipe::fcntl_setpipe_size(&writer, WAITING);
    Ok((reader, writer))
}

impl Session<'_> {
    /// Runs it to its end, in the bounds of the room.
    pub(super) fn run(self, terminal: Terminal<'_>) -> Result<Exit, Failure> {
        let limits = self.room.limits;
        let bounds = Bounds::set(limits);
        let exit = match terminal {
            Terminal::Lines(on_line) => {
                let (reader, writer) = pipe()?;
                let second = writer.try_clone().map_err(ours("make a pipe"))?;
                let helper = self.start(Streams::Lines, writer.into(), second.into(), &bounds)?;
                helper.until(limits.deadline, |helper| {
                    let helper = helper.confirmed()?.0;
                    lines::deliver(reader, on_line).map_err(ours("read the program's output"))?;
                    helper.exit()
                })
            }
            Terminal::Streams(on_line) => {
                let (stdout, writer) = pipe()?;
                let (stderr, second) = pipe()?;
                let helper = self.start(Streams::Lines, writer.into(), second.into(), &bounds)?;
                helper.until(limits.deadline, |helper| {
                    let helper = helper.confirmed()?.0;
                    lines::deliver_both(stdout, stderr, on_line)
                        .map_err(ours("read the program's output"))?;
                    helper.exit()
                })
            }
            Terminal::Inherit => {
                let size = terminal::size();
                let streams = size.map_or(Streams::Passed, |(rows, columns)| Streams::Pty {
                    rows,
                    columns,
                });
                let helper = self.start(streams, Stdio::inherit(), Stdio::inherit(), &bounds)?;
                helper.until(limits.deadline, |helper| {
                    let (helper, master) = helper.confirmed()?;
                    if let Some(master) = master {
                        terminal::relay(&master).map_err(ours("serve the terminal"))?;
                    }
                    helper.exit()
                })
            }
        }?;
        Ok(match exit {
            Exit::OutOfTime => exit,
            exit => bounds.explain(exit),
        })
    }

    /// Asks the programs of its work in the bounds of the room, and waits for their answers: they have a limit of time of
    /// their own.
    pub(super) fn ask(self) -> Result<Vec<Answer>, Failure> {
        let bounds = Bounds::set(self.room.limits);
        let helper = self.start(Streams::Lines, Stdio::null(), Stdio::null(), &bounds)?;
        helper.confirmed()?.0.answers()
    }

    fn start(
        self,
        streams: Streams,
        stdout: Stdio,
        stderr: Stdio,
        bounds: &Bounds,
    ) -> Result<Helper, Failure> {
        let (doors, bounds) = (bounds.for_helper()).map_err(ours("open the control group"))?;
        let (control, inner) = UnixStream::pair().map_err(ours("make a socket"))?;
        let mut command = std::process::Command::new(self.helper);
        command
            .arg(super::WORD)
            .arg(self.stage.word())
            .env_clear()
            .stdin(OwnedFd::from(inner))
            .stdout(stdout)
            .stderr(stderr)
            // Keys typed at the terminal are for `bp`, which decides; the helper ends with it.
            .process_group(0);
        let child = command.spawn().map_err(|error| Failure::Helper {
            helper: self.helper.display().to_string(),
            error,
        })?;
        // Else we would hold the pipe's other end ourselves and never see its end.
        drop(command);
        let helper = Helper {
            child,
            control,
            name: self.helper.display().to_string(),
        };
        let mut spec = Spec::new(self.room, self.work, streams);
        spec.drop_to_user = self.drop_to_user;
        spec.bounds = bounds;
        let stdin = io::stdin();
        let mut fds = Vec::new();
        if streams == Streams::Passed {
            fds.push(stdin.as_fd());
        }
        fds.extend(self.lock.as_ref().map(AsFd::as_fd));
        fds.extend(doors.iter().map(AsFd::as_fd));
        // A helper that failed early is gone by now; its report says more than our failure to write.
        let _ = wire::send(&helper.control, &spec, &fds);
        Ok(helper)
    }
}

/// A started helper; whatever happens, it does not outlive this value.
struct Helper {
    child: Child,
    control: UnixStream,
    name: String,
}

impl Helper {
    /// Does `work` with the helper, which is let go of at the deadline: then nothing of the room is left, as after our own
    /// end.
    fn until(
        self,
        deadline: Option<Deadline>,
        work: impl FnOnce(Self) -> Result<Exit, Failure>,
    ) -> Result<Exit, Failure> {
        let Some(deadline) = deadline else {
            return work(self);
        };
        let control = (self.control.try_clone()).map_err(ours("watch the sandbox helper"))?;
        let (working, ended) = mpsc::channel::<()>();
        let (exit, late) = thread::scope(|scope| {
            let watch = scope.spawn(move || {
                let left = deadline.at.saturating_duration_since(Instant::now());
                let late = ended.recv_timeout(left) == Err(RecvTimeoutError::Timeout);
                if late {
                    let _ = control.shutdown(Shutdown::Both);
                }
                late
            });
            let exit = work(self);
            drop(working);
            (exit, watch.join().unwrap_or(false))
        });
        match exit {
            Err(Failure::Silent { .. }) if late => Ok(Exit::OutOfTime),
            exit => exit,
        }
    }

    fn confirmed(mut self) -> Result<(Self, Option<OwnedFd>), Failure> {
        match wire::receive(&self.control) {
            Ok(Some((Report::Started, fds))) => Ok((self, fds.into_iter().next())),
            Ok(Some((report, _))) => Err(failure(report)),
            Ok(None) | Err(_) => Err(self.silent()),
        }
    }

    fn exit(mut self) -> Result<Exit, Failure> {
        match wire::receive(&self.control) {
            Ok(Some((Report::Ended(ended), _))) => Ok(ended.into()),
            Ok(Some((report, _))) => Err(failure(report)),
            Ok(None) | Err(_) => Err(self.silent()),
        }
        .inspect(|_| self.gone())
    }

    fn answers(mut self) -> Result<Vec<Answer>, Failure> {
        match wire::receive(&self.control) {
            Ok(Some((Report::Answers(said), _))) => {
                Ok(said.into_iter().map(Answer::from).collect())
            }
            Ok(Some((report, _))) => Err(failure(report)),
            Ok(None) | Err(_) => Err(self.silent()),
        }
        .inspect(|_| self.gone())
    }

    /// All of the room is gone only when the helper is.
    fn gone(&mut self) {
        let _ = self.child.wait();
    }

    fn silent(&mut self) -> Failure {
        let status = self.child.wait();
        Failure::Silent {
            helper: self.name.clone(),
            status: status.map_or_else(|error| error.to_string(), |status| status.to_string()),
        }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            let _ = self.control.shutdown(Shutdown::Both);
            // In place, the helper itself cleans up when the socket ends; in namespaces the kernel does.
            let mut rest = [0; 64];
            while matches!(self.control.read(&mut rest), Ok(1..)) {}
            let _ = self.child.wait();
        }
    }
}

fn failure(report: Report) -> Failure {
    match report {
        Report::Failed {
            step,
            object,
            errno,
        } => {
            let error = io::Error::from_raw_os_error(errno);
            let cause = probe::cause(step, &error);
            Failure::Step {
                step,
                object,
                error,
                cause,
            }
        }
        Report::Refused { object, reason } => Failure::NotInPlace { object, reason },
        Report::Started | Report::Ended(_) | Report::Answers(_) => Failure::Io {
            operation: "understand the sandbox helper".to_owned(),
            error: io::ErrorKind::InvalidData.into(),
        },
    }
}

/// What would hold programs to `limits` here.
pub(super) fn held(limits: &Limits) -> Held {
    Bounds::set(*limits).held()
}

/// Wraps an error of an operation on our side.
pub(super) fn ours(operation: &str) -> impl Fn(io::Error) -> Failure + '_ {
    move |error| Failure::Io {
        operation: operation.to_owned(),
        error,
    }
}
