//! Starts the program, as whom and on which streams it is to run.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Resource, Rlimit, WaitOptions, WaitStatus, setrlimit, setsid, waitpid};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::thread::{
    CapabilitySet, CapabilitySets, UnshareFlags, remove_capability_from_bounding_set,
    set_capabilities,
};

use super::bounds::Bounds;
use super::lookup::find;
use super::system;
use super::trouble::{During, Trouble};
use crate::sandbox::Step;
use crate::sandbox::user;
use crate::sandbox::wire::{self, Ended, Program, Report, Streams};

/// What surrounds the program besides what its helper has set up.
#[derive(Clone, Copy)]
pub(super) enum Walls {
    /// One more user namespace, in which the only id is this one.
    Namespace { user: (u32, u32) },
    /// None; become this user, if any.
    Here { user: Option<(u32, u32)> },
}

/// How starting went.
pub(super) enum Started {
    Running(Pid),
    /// There is no such program, or it can't be executed: the code a shell gives.
    Failed(u8),
}

/// Starts `program` in its bounds and tells the other side so.
pub(super) fn start(
    program: &Program,
    streams: Streams,
    stdin: Option<&OwnedFd>,
    walls: Walls,
    bounds: &Bounds,
    control: &UnixStream,
) -> Result<Started, Trouble> {
    dump_no_core()?;
    let cwd = program.cwd.path();
    rustix::process::chdir(&cwd).during(Step::Folder, cwd.display())?;

    let mut master = None;
    let (input, mut errors) = match streams {
        Streams::Lines => {
            let null = File::open("/dev/null").during(Step::Start, "/dev/null")?;
            (null.into(), Errors::Own)
        }
        Streams::Passed => {
            let passed = stdin.ok_or(io::ErrorKind::InvalidInput);
            let passed = passed.map_err(io::Error::from).during(Step::Start, "")?;
            let passed = passed.try_clone().during(Step::Start, "")?;
            (passed, Errors::Own)
        }
        Streams::Pty { rows, columns } => {
            let (ours, theirs) = terminal(rows, columns, walls).during(Step::Terminal, "")?;
            master = Some(ours);
            let errors = theirs.try_clone().during(Step::Terminal, "")?;
            (theirs, Errors::Terminal(errors.into()))
        }
    };
    let master: Vec<_> = master.iter().map(AsFd::as_fd).collect();
    let _ = wire::send(control, &Report::Started, &master);

    let path = match find(program) {
        Ok(path) => path,
        Err(missing) => {
            errors.say(&missing.line);
            return Ok(Started::Failed(missing.code));
        }
    };
    let mut command = Command::new(&path);
    command
        .arg0(&program.argv[0])
        .args(&program.argv[1..])
        .env_clear()
        .envs(&program.env);
    if let Errors::Terminal(terminal) = &errors {
        let copy = || terminal.try_clone().during(Step::Terminal, "");
        command.stdout(copy()?).stderr(copy()?);
    }
    command.stdin(Stdio::from(input));
    spawn(
        command,
        walls,
        bounds,
        matches!(errors, Errors::Terminal(_)),
        &mut errors,
        &program.argv[0],
    )
}

/// Starts `program` in its folder with empty input and this output; what it complains of goes nowhere. A file that names
/// no interpreter is run by bash, as a shell would.
pub(super) fn start_quietly(
    program: &Program,
    output: PipeWriter,
    walls: Walls,
    bounds: &Bounds,
) -> Result<Started, Trouble> {
    dump_no_core()?;
    let name = program.argv.first().map_or("", String::as_str);
    if rustix::process::chdir(program.cwd.path()).is_err() {
        return Ok(Started::Failed(127));
    }
    let path = match find(program) {
        Ok(path) => path,
        Err(missing) => return Ok(Started::Failed(missing.code)),
    };
    let mut command = if names_interpreter(&path) {
        let mut command = Command::new(&path);
        command.arg0(name);
        command
    } else {
        let mut command = Command::new("/bin/bash");
        command.arg(&path);
        command
    };
    command
        .args(program.argv.get(1..).unwrap_or_default())
        .env_clear()
        .envs(&program.env)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(Stdio::null());
    spawn(command, walls, bounds, false, &mut Errors::None, name)
}

/// Whether the kernel knows how to run the file: not so for a script without a first line that says it.
fn names_interpreter(path: &Path) -> bool {
    let mut start = [0; 2];
    match File::open(path).and_then(|mut file| file.read_exact(&mut start)) {
        Ok(()) => matches!(&start, b"#!" | b"\x7fE"),
        Err(error) => error.kind() != io::ErrorKind::UnexpectedEof,
    }
}

/// A core dump would land in the app.
fn dump_no_core() -> Result<(), Trouble> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none).during(Step::Start, "core limit")
}

/// Goes all the way to a program's start without having one.
pub(super) fn attempt(walls: Walls) -> Result<(), Trouble> {
    let mut command = Command::new("/");
    command.stderr(Stdio::null());
    spawn(
        command,
        walls,
        &Bounds::default(),
        false,
        &mut Errors::None,
        "/",
    )
    .map(|_| ())
}

fn spawn(
    mut command: Command,
    walls: Walls,
    bounds: &Bounds,
    controlling: bool,
    errors: &mut Errors,
    name: &str,
) -> Result<Started, Trouble> {
    let (reached, mut mark) = io::pipe().during(Step::Start, "")?;
    let bounds = bounds.clone();
    system::before_exec(&mut command, move || {
        mark.write_all(b"l")?;
        bounds.enter()?;
        mark.write_all(b"t")?;
        setsid()?;
        if controlling {
            rustix::process::ioctl_tiocsctty(io::stdin())?;
        }
        mark.write_all(b"u")?;
        become_user(walls)?;
        mark.write_all(b"x")
    });
    let child = command.spawn();
    // The closure holds the pipe's other end.
    drop(command);
    match child {
        Ok(child) => {
            let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
            let pid = pid.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound));
            Ok(Started::Running(pid.during(Step::Start, "")?))
        }
        Err(error) => match last(reached) {
            Some(b'x') => {
                let code = if error.kind() == io::ErrorKind::NotFound {
                    127
                } else {
                    126
                };
                errors.say(&format!("bp: {name}: {}", plain(&error)));
                Ok(Started::Failed(code))
            }
            Some(b'u') => Err(error).during(Step::User, ""),
            Some(b't') => Err(error).during(Step::Terminal, ""),
            Some(b'l') => Err(error).during(Step::Limits, ""),
            _ => Err(error).during(Step::Start, name),
        },
    }
}

/// The last mark that the child set before it failed.
fn last(mut reached: PipeReader) -> Option<u8> {
    let mut marks = Vec::new();
    reached.read_to_end(&mut marks).ok()?;
    marks.pop()
}

/// Runs in the child.
fn become_user(walls: Walls) -> io::Result<()> {
    match walls {
        Walls::Namespace { user: (uid, gid) } => {
            system::unshare(UnshareFlags::NEWUSER)?;
            put("/proc/self/uid_map", &format!("{uid} 0 1"))?;
            put("/proc/self/gid_map", &format!("{gid} 0 1"))?;
            for capability in CapabilitySet::all().iter() {
                // Those that this kernel doesn't know are refused, and not had.
                let _ = remove_capability_from_bounding_set(capability);
            }
            let none = CapabilitySet::empty();
            let sets = CapabilitySets {
                effective: none,
                permitted: none,
                inheritable: none,
            };
            Ok(set_capabilities(None, sets)?)
        }
        Walls::Here { user: None } => Ok(()),
        Walls::Here {
            user: Some((uid, gid)),
        } => user::become_user(uid, gid, &[]),
    }
}

fn put(path: &str, text: &str) -> io::Result<()> {
    let file = rustix::fs::open(path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::io::write(file, text.as_bytes())?;
    Ok(())
}

/// A new pseudo terminal: master and the program's end.
fn terminal(rows: u16, columns: u16, walls: Walls) -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(flags)?;
    unlockpt(&master)?;
    let theirs = ioctl_tiocgptpeer(&master, flags)?;
    let size = rustix::termios::Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    rustix::termios::tcsetwinsize(&master, size)?;
    if let Walls::Here {
        user: Some((uid, _)),
    } = walls
    {
        rustix::fs::fchown(&theirs, Some(rustix::process::Uid::from_raw(uid)), None)?;
    }
    Ok((master, theirs))
}

/// Where complaints go that a shell would print.
enum Errors {
    None,
    Own,
    Terminal(File),
}

impl Errors {
    fn say(&mut self, line: &str) {
        // Nobody may be there to read it; the code says it as well.
        let _ = match self {
            Self::None => Ok(()),
            Self::Own => writeln!(io::stderr(), "{line}"),
            Self::Terminal(terminal) => write!(terminal, "{line}\r\n"),
        };
    }
}

/// An error without Rust's `(os error 2)`.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text[..end].to_lowercase()
}

/// Waits for the end of `child`.
pub(super) fn bury(child: Pid) -> Ended {
    loop {
        match waitpid(Some(child), WaitOptions::empty()) {
            Ok(Some((_, status))) => {
                if let Some(ended) = outcome(status) {
                    return ended;
                }
            }
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            // Cannot be: it is our child and only this loop waits.
            Err(_) => return Ended::Code(u8::MAX),
        }
    }
}

/// How a process ended, if it did.
pub(super) fn outcome(status: WaitStatus) -> Option<Ended> {
    if let Some(code) = status.exit_status() {
        return Some(Ended::Code(u8::try_from(code & 0xff).unwrap_or(u8::MAX)));
    }
    status.terminating_signal().map(Ended::Signal)
}
