//! Stage `here`: runs the program where it stands, and leaves nothing of it behind.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, chown, symlink};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, geteuid, kill_process, kill_process_group, pidfd_open,
    set_child_subreaper, wait,
};

use super::at_once::Asked;
use super::bounds::Bounds;
use super::program::{self, Started, Walls};
use super::system;
use super::trouble::{During, Trouble};
use crate::sandbox::Step;
use crate::sandbox::wire::{self, Ended, Memory, Report, Spec, Work};

pub(super) fn run(control: &UnixStream) -> i32 {
    let Ok(Some((spec, fds))) = wire::receive::<Spec>(control) else {
        return 1;
    };
    let mut traces = Traces::default();
    let lived = live(&spec, &fds, control, &mut traces);
    traces.remove();
    match lived {
        Ok(report) => {
            let _ = wire::send(control, &report, &[]);
            0
        }
        Err(trouble) => {
            trouble.report(control);
            1
        }
    }
}

fn live(
    spec: &Spec,
    fds: &[OwnedFd],
    control: &UnixStream,
    traces: &mut Traces,
) -> Result<Report, Trouble> {
    system::seal_descriptors().during(Step::Helper, "/proc/self/fd")?;
    // Whatever the program leaves behind becomes ours to end.
    set_child_subreaper(Some(rustix::process::getpid())).during(Step::Start, "")?;
    let user = (spec.drop_to_user && geteuid().is_root()).then_some(spec.user);
    for bind in &spec.mounts {
        traces.show(&bind.source.path(), &bind.target.path())?;
    }
    traces.memory(&spec.memory, user)?;
    let walls = Walls::Here { user };
    let bounds = Bounds::of(&spec.bounds, fds).during(Step::Limits, "")?;
    match &spec.work {
        Work::Trial => {
            let _ = wire::send(control, &Report::Started, &[]);
            Ok(Report::Ended(Ended::Code(0)))
        }
        Work::Program(program) => {
            let started =
                program::start(program, spec.streams, fds.first(), walls, &bounds, control)?;
            let child = match started {
                Started::Running(child) => child,
                Started::Failed(code) => return Ok(Report::Ended(Ended::Code(code))),
            };
            let process = pidfd_open(child, PidfdFlags::empty()).during(Step::Start, "")?;
            let ended = if super::ended(&process, control) {
                program::bury(child)
            } else {
                Ended::Signal(Signal::KILL.as_raw())
            };
            end_all(&[child]);
            Ok(Report::Ended(ended))
        }
        Work::Questions(questions) => {
            let asked = Asked::start(questions, walls, &bounds, control)?;
            let processes = asked.processes();
            let report = asked.answers(control);
            end_all(&processes);
            Ok(report)
        }
    }
}

/// Kills what `leaders` have left: their sessions' processes, then our children until there are none, since those of a
/// killed one become ours in turn.
fn end_all(leaders: &[Pid]) {
    for leader in leaders {
        let _ = kill_process_group(*leader, Signal::KILL);
    }
    // Where the kernel does not list children, the group is all that we know of.
    while let Some(children) = children() {
        for child in children {
            let _ = kill_process(child, Signal::KILL);
        }
        match wait(WaitOptions::NOHANG) {
            Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
            // Some are still dying, or were born while the list was read.
            Ok(None) => std::thread::sleep(Duration::from_millis(2)),
            Err(_) => return,
        }
    }
}

fn children() -> Option<Vec<Pid>> {
    let list = fs::read_to_string("/proc/thread-self/children").ok()?;
    Some(
        list.split_whitespace()
            .filter_map(|pid| Pid::from_raw(pid.parse().ok()?))
            .collect(),
    )
}

/// What was put in place for the run, to be taken away after it, last first.
#[derive(Default)]
struct Traces(Vec<PathBuf>);

impl Traces {
    fn show(&mut self, source: &Path, target: &Path) -> Result<(), Trouble> {
        let same = |path: &Path| fs::canonicalize(path).ok();
        match (same(source), same(target)) {
            (None, _) => Err(io::Error::from_raw_os_error(
                rustix::io::Errno::NOENT.raw_os_error(),
            ))
            .during(Step::Mount, source.display()),
            (source, target) if source == target => Ok(()),
            (_, Some(_)) => Err(Trouble::Refused {
                object: target.display().to_string(),
                reason: format!("something else than `{}` is there", source.display()),
            }),
            (Some(real), None) => {
                self.folder(target.parent().unwrap_or(Path::new("/")))
                    .and_then(|()| symlink(real, target))
                    .during(Step::Mount, target.display())?;
                self.0.push(target.to_owned());
                Ok(())
            }
        }
    }

    /// Makes a folder and those above it, where they are missing.
    fn folder(&mut self, path: &Path) -> io::Result<()> {
        let missing: Vec<_> = path
            .ancestors()
            .take_while(|folder| folder.symlink_metadata().is_err())
            .collect();
        for folder in missing.into_iter().rev() {
            fs::create_dir(folder)?;
            self.0.push(folder.to_owned());
        }
        Ok(())
    }

    fn memory(&mut self, files: &[Memory], user: Option<(u32, u32)>) -> Result<(), Trouble> {
        for file in files {
            let path = file.target.path();
            let parent = path.parent().unwrap_or(Path::new("/"));
            self.linked(parent, user)
                .during(Step::Memory, parent.display())?;
            self.write(&path, &file.content, user)
                .during(Step::Memory, path.display())?;
        }
        Ok(())
    }

    /// Makes `folder` a link to a new one in memory, if it doesn't exist.
    fn linked(&mut self, folder: &Path, user: Option<(u32, u32)>) -> io::Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        if let Some(parent) = folder.parent() {
            self.folder(parent)?;
        }
        let real =
            Path::new("/dev/shm").join(format!("bp-{}-{}", std::process::id(), self.0.len()));
        let made = fs::DirBuilder::new().mode(0o700).create(&real);
        if made.is_err() {
            // No shared memory here; a folder of the disk is better than none.
            fs::DirBuilder::new().mode(0o700).create(folder)?;
            self.0.push(folder.to_owned());
            return own(folder, user);
        }
        self.0.push(real.clone());
        own(&real, user)?;
        symlink(&real, folder)?;
        self.0.push(folder.to_owned());
        Ok(())
    }

    fn write(&mut self, path: &Path, content: &[u8], user: Option<(u32, u32)>) -> io::Result<()> {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        self.0.push(path.to_owned());
        io::Write::write_all(&mut file, content)?;
        own(path, user)
    }

    fn remove(self) {
        for path in self.0.into_iter().rev() {
            // The program may have put files of its own into a folder in memory: they go with it.
            let _ = if path.starts_with("/dev/shm") && path.is_dir() {
                fs::remove_dir_all(&path)
            } else if path.is_dir() && !path.is_symlink() {
                fs::remove_dir(&path)
            } else {
                fs::remove_file(&path)
            };
        }
    }
}

fn own(path: &Path, user: Option<(u32, u32)>) -> io::Result<()> {
    match user {
        Some((uid, gid)) => chown(path, Some(uid), Some(gid)),
        None => Ok(()),
    }
}
