//! Rooms for tests: a small root of our own, with the host's programs mounted into it.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use buildpack_core::sandbox::{
    Access, Command, Exit, MemoryFile, Mount, Room, Sandbox, SandboxError, Terminal,
};
use runner::sandbox::NamespaceSandbox;
use tempfile::TempDir;

pub(crate) const PATH: &str = "/usr/bin:/bin:/usr/sbin:/sbin";

/// The binary that becomes the helper.
pub(crate) fn helper() -> PathBuf {
    std::env::var_os("BP_TEST_HELPER").map_or_else(|| env!("CARGO_BIN_EXE_bp").into(), Into::into)
}

pub(crate) fn sandbox() -> NamespaceSandbox {
    NamespaceSandbox::with_helper(helper())
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
    let mut keep = |line: &[u8]| lines.push(line.to_vec());
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

    /// Runs `script` in a room like this one from another process of ours.
    pub(crate) fn elsewhere(&self, script: &str) -> Child {
        std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_caller_elsewhere"])
            .env("BP_TEST_SCRIPT", script)
            .env("BP_TEST_SCRATCH", &self.room.scratch)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
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
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok())
        .filter(|line| line.starts_with(b"/bin/sh\0") || line.starts_with(b"sh\0"))
        .filter(|line| String::from_utf8_lossy(line).contains(marker))
        .count()
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
