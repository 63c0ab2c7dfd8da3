//! Rooms for tests: a small root of our own, with the host's programs mounted into it.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use buildpack_core::sandbox::{
    Access, Command, Exit, Limits, MemoryFile, Mount, Room, Sandbox, SandboxError, Terminal,
    each_line,
};
use runner::sandbox::{InPlaceSandbox, NamespaceSandbox};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use tempfile::TempDir;

pub(crate) const PATH: &str = "/usr/bin:/bin:/usr/sbin:/sbin";

/// The binary that becomes the helper.
pub(crate) fn helper() -> PathBuf {
    std::env::var_os("BP_TEST_HELPER").map_or_else(|| env!("CARGO_BIN_EXE_bp").into(), Into::into)
}

pub(crate) fn sandbox() -> NamespaceSandbox {
    NamespaceSandbox::with_helper(helper())
}

pub(crate) fn in_place() -> InPlaceSandbox {
    InPlaceSandbox::with_helper(helper(), false)
}

/// A room without mounts and memory, as one is to be had in place.
pub(crate) fn bare(room: &Room) -> Room {
    Room {
        mounts: Vec::new(),
        memory: Vec::new(),
        ..room.clone()
    }
}

/// A command for the shell.
pub(crate) fn sh(script: &str) -> Command {
    Command {
        argv: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
        cwd: "/".into(),
        env: [("PATH".to_owned(), PATH.to_owned())].into(),
    }
}

/// What a program printed and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) exit: Exit,
    pub(crate) lines: Vec<Vec<u8>>,
}

impl Ran {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.lines.join(&b'\n')).into_owned()
    }
}

pub(crate) fn run_in(
    sandbox: &dyn Sandbox,
    room: &Room,
    command: &Command,
) -> Result<Ran, Box<dyn SandboxError>> {
    let mut lines = Vec::new();
    let mut keep = |some: &[u8]| lines.extend(each_line(some).map(<[u8]>::to_vec));
    let exit = sandbox.run(room, command, Terminal::Lines(&mut keep))?;
    Ok(Ran { exit, lines })
}

/// A room with the folders that it needs, removed at the end.
#[derive(Clone)]
pub(crate) struct House {
    folder: Arc<TempDir>,
    pub(crate) room: Room,
}

impl House {
    pub(crate) fn new() -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let etc = folder.path().join("image/etc");
        std::fs::create_dir_all(&etc).unwrap();
        std::fs::write(etc.join("given"), "given").unwrap();
        std::fs::write(etc.join("gone"), "gone").unwrap();
        std::fs::create_dir(folder.path().join("image/sys")).unwrap();
        let mounts = ["/usr", "/bin", "/sbin", "/lib", "/lib64"]
            .map(Path::new)
            .into_iter()
            .filter(|path| path.exists())
            .map(|path| mount(path, path, Access::ReadOnly))
            .collect();
        let room = Room {
            root: vec![folder.path().join("image")],
            scratch: folder.path().join("scratch"),
            mounts,
            memory: Vec::new(),
            user: (1000, 1000),
            limits: Limits::default(),
        };
        Self { folder, room }
    }

    /// A folder of the host for this test alone.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    /// A word that no other process has in its arguments.
    pub(crate) fn marker(&self) -> String {
        let name = self.folder.path().file_name().unwrap();
        format!("marker-{}", name.to_str().unwrap().trim_start_matches('.'))
    }

    pub(crate) fn show(mut self, source: &Path, target: &str) -> Self {
        let mount = mount(source, Path::new(target), Access::ReadOnly);
        self.room.mounts.push(mount);
        self
    }

    pub(crate) fn share(mut self, source: &Path, target: &str) -> Self {
        let mount = mount(source, Path::new(target), Access::ReadWrite);
        self.room.mounts.push(mount);
        self
    }

    pub(crate) fn remember(mut self, target: &str, content: &[u8]) -> Self {
        self.room.memory.push(MemoryFile {
            target: target.into(),
            content: content.to_vec(),
        });
        self
    }

    pub(crate) fn try_run(&self, command: &Command) -> Result<Ran, Box<dyn SandboxError>> {
        run_in(&sandbox(), &self.room, command)
    }

    pub(crate) fn run(&self, script: &str) -> Ran {
        self.try_run(&sh(script)).unwrap()
    }

    pub(crate) fn command(&self, argv: &[&str]) -> Ran {
        let mut command = sh("");
        command.argv = argv.iter().map(ToString::to_string).collect();
        self.try_run(&command).unwrap()
    }

    /// Runs `script` in a room like this one from another process of ours, `how` as `a_caller_elsewhere` knows it.
    pub(crate) fn elsewhere(&self, how: &str, script: &str, streams: [Stdio; 3]) -> Child {
        let [stdin, stdout, stderr] = streams;
        std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "a_caller_elsewhere"])
            .env("BP_TEST_HOW", how)
            .env("BP_TEST_SCRIPT", script)
            .env("TMPDIR", self.folder.path())
            .env("BP_TEST_SCRATCH", &self.room.scratch)
            .stdin(stdin)
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .unwrap()
    }
}

fn mount(source: &Path, target: &Path, access: Access) -> Mount {
    Mount {
        source: source.to_owned(),
        target: target.to_owned(),
        access,
    }
}

/// How many shells have `marker` in their arguments.
pub(crate) fn processes(marker: &str) -> usize {
    shells(marker).count()
}

/// The folder in `/proc` of a shell that has `marker` in its arguments.
pub(crate) fn process(marker: &str) -> Option<PathBuf> {
    shells(marker).next()
}

fn shells(marker: &str) -> impl Iterator<Item = PathBuf> {
    let all = std::fs::read_dir("/proc").unwrap();
    all.filter_map(|entry| Some(entry.ok()?.path()))
        .filter(move |folder| {
            let line = std::fs::read(folder.join("cmdline")).unwrap_or_default();
            let is_shell = line.starts_with(b"/bin/sh\0") || line.starts_with(b"sh\0");
            is_shell && String::from_utf8_lossy(&line).contains(marker)
        })
}

/// The processes that one has started.
pub(crate) fn children(parent: u32) -> Vec<rustix::process::Pid> {
    std::fs::read_dir(format!("/proc/{parent}/task"))
        .unwrap()
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok())
        .flat_map(|list| {
            let pids = list.split_whitespace().map(|pid| pid.parse().unwrap());
            pids.filter_map(rustix::process::Pid::from_raw)
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Waits until `done`, as long as a test may take.
pub(crate) fn wait_for(mut done: impl FnMut() -> bool) {
    for _ in 0..3000 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("waited in vain");
}

/// Streams that nobody reads.
pub(crate) fn silent() -> [Stdio; 3] {
    [Stdio::null(), Stdio::null(), Stdio::null()]
}

/// The same stream three times.
pub(crate) fn thrice(fd: &OwnedFd) -> [Stdio; 3] {
    [0; 3].map(|_| fd.try_clone().unwrap().into())
}

/// A pseudo terminal: the person's end and the program's.
pub(crate) fn terminal(rows: u16, columns: u16) -> (OwnedFd, OwnedFd) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(flags).unwrap();
    unlockpt(&master).unwrap();
    let theirs = ioctl_tiocgptpeer(&master, flags).unwrap();
    tcsetwinsize(&master, size(rows, columns)).unwrap();
    (master, theirs)
}

fn size(rows: u16, columns: u16) -> Winsize {
    Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}

/// The person at a terminal.
pub(crate) struct Screen {
    file: std::fs::File,
    seen: String,
}

impl Screen {
    pub(crate) fn new(master: OwnedFd) -> Self {
        Self {
            file: master.into(),
            seen: String::new(),
        }
    }

    /// Reads until `text` has come since the last time.
    pub(crate) fn until(&mut self, text: &str) {
        let mut buffer = [0; 4096];
        loop {
            if let Some(at) = self.seen.find(text) {
                self.seen.drain(..at + text.len());
                return;
            }
            let mut waiting = [PollFd::new(&self.file, PollFlags::IN)];
            let patience = Timespec {
                tv_sec: 30,
                tv_nsec: 0,
            };
            let ready = poll(&mut waiting, Some(&patience)).unwrap();
            assert!(ready > 0, "`{text}` did not come: {:?}", self.seen);
            let read = self.file.read(&mut buffer).unwrap();
            self.seen += &String::from_utf8_lossy(&buffer[..read]);
        }
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.file.write_all(keys.as_bytes()).unwrap();
    }

    pub(crate) fn resize(&mut self, rows: u16, columns: u16) {
        tcsetwinsize(&self.file, size(rows, columns)).unwrap();
    }
}
