//! Starts the program, as whom and on which streams it is to run.

use std::fs::File;
use std::io::{self, PipeReader, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Resource, Rlimit, WaitStatus, setrlimit, setsid};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::thread::{
    CapabilitySet, CapabilitySets, UnshareFlags, remove_capability_from_bounding_set,
    set_capabilities,
};

use super::system;
use super::trouble::{During, Trouble};
use crate::sandbox::Step;
use crate::sandbox::wire::{self, Program, Report, Streams};

/// Where a shell looks when `PATH` is not set.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

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

/// Starts `program` and tells the other side so.
pub(super) fn start(
    program: &Program,
    streams: Streams,
    stdin: Option<&OwnedFd>,
    walls: Walls,
    control: &UnixStream,
) -> Result<Started, Trouble> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    // A core dump would land in the app.
    setrlimit(Resource::Core, none).during(Step::Start, "core limit")?;
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
        matches!(errors, Errors::Terminal(_)),
        &mut errors,
        &program.argv[0],
    )
}

/// Goes all the way to a program's start without having one.
pub(super) fn attempt(walls: Walls) -> Result<(), Trouble> {
    let mut command = Command::new("/");
    command.stderr(Stdio::null());
    spawn(command, walls, false, &mut Errors::None, "/").map(|_| ())
}

fn spawn(
    mut command: Command,
    walls: Walls,
    controlling: bool,
    errors: &mut Errors,
    name: &str,
) -> Result<Started, Trouble> {
    let (reached, mut mark) = io::pipe().during(Step::Start, "")?;
    system::before_exec(&mut command, move || {
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
        } => {
            let (uid, gid) = (
                rustix::process::Uid::from_raw(uid),
                rustix::process::Gid::from_raw(gid),
            );
            rustix::thread::set_thread_groups(&[gid])?;
            rustix::thread::set_thread_res_gid(gid, gid, gid)?;
            Ok(rustix::thread::set_thread_res_uid(uid, uid, uid)?)
        }
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

struct Missing {
    line: String,
    code: u8,
}

/// The file to execute: as a shell finds it, by the program's own `PATH`.
fn find(program: &Program) -> Result<PathBuf, Missing> {
    let name = program.argv.first().map_or("", String::as_str);
    let complain = |why: &str, code| Missing {
        line: format!("bp: {name}: {why}"),
        code,
    };
    let judge = |path: &Path| match path.metadata() {
        Err(_) => Some(("no such file or directory", 127)),
        Ok(meta) if meta.is_dir() => Some(("is a directory", 126)),
        Ok(_) if rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_err() => {
            Some(("permission denied", 126))
        }
        Ok(_) => None,
    };
    if name.contains('/') {
        return match judge(Path::new(name)) {
            None => Ok(name.into()),
            Some((why, code)) => Err(complain(why, code)),
        };
    }
    let path = program.env.get("PATH").map_or(DEFAULT_PATH, String::as_str);
    let mut denied = false;
    for folder in path.split(':').filter(|_| !name.is_empty()) {
        let folder = if folder.is_empty() { "." } else { folder };
        let candidate = Path::new(folder).join(name);
        match judge(&candidate) {
            None => return Ok(candidate),
            Some(("permission denied", _)) => denied = true,
            Some(_) => {}
        }
    }
    Err(if denied {
        complain("permission denied", 126)
    } else {
        complain("command not found", 127)
    })
}

/// An error without Rust's `(os error 2)`.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text[..end].to_lowercase()
}

/// How a process ended, if it did.
pub(super) fn outcome(status: WaitStatus) -> Option<Report> {
    if let Some(code) = status.exit_status() {
        return Some(Report::Code(u8::try_from(code & 0xff).unwrap_or(u8::MAX)));
    }
    status.terminating_signal().map(Report::Signal)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn look(argv: &str, path: &str) -> Result<PathBuf, u8> {
        let program = Program {
            argv: vec![argv.to_owned()],
            cwd: Path::new("/").into(),
            env: [("PATH".to_owned(), path.to_owned())].into(),
        };
        find(&program).map_err(|missing| missing.code)
    }

    #[test]
    fn programs_are_found_as_a_shell_finds_them() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for (name, mode) in [("a/tool", 0o644), ("b/tool", 0o755), ("a/plain", 0o600)] {
            std::fs::create_dir_all(at(name).parent().unwrap()).unwrap();
            std::fs::write(at(name), "#!/bin/sh\n").unwrap();
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(at(name), mode).unwrap();
        }
        let path = format!("{}:{}", at("a").display(), at("b").display());
        assert_eq!(look("tool", &path), Ok(at("b/tool")));
        assert_eq!(look("plain", &path), Err(126));
        assert_eq!(look("absent", &path), Err(127));
        assert_eq!(look("", &path), Err(127));
        assert_eq!(look(at("a").to_str().unwrap(), &path), Err(126));
        assert_eq!(look("/absent/tool", &path), Err(127));
    }
}
