//! A folder in the place of a container: the app, its variables, and the links to the program.

use std::ffi::OsStr;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The folders of a herokuish image, below one of the test's own.
pub(crate) struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    /// An app of these files.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Other users are to run the app.
        fs_err::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let desk = Self { folder };
        for name in ["app", "env", "bin"] {
            fs_err::create_dir(desk.path(name)).unwrap();
        }
        // A copy of the program, as the checkout may be closed to other users.
        let program = desk.path("bin/herokuish");
        fs_err::hard_link(env!("CARGO_BIN_EXE_bp"), &program)
            .or_else(|_| fs_err::copy(env!("CARGO_BIN_EXE_bp"), &program).map(drop))
            .unwrap();
        // As in the image, where the file itself bears herokuish's name.
        for name in ["bp", "build", "start", "exec"] {
            symlink("herokuish", desk.path("bin").join(name)).unwrap();
        }
        for (name, text) in files {
            desk.put(&format!("app/{name}"), text);
        }
        desk
    }

    /// A path below the test's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file below the test's folder.
    pub(crate) fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, content).unwrap();
    }

    /// A pack at a path below the test's folder, by the bash of its `bin/detect` and `bin/compile`.
    pub(crate) fn pack(&self, at: &str, detect: &str, compile: &str) {
        for (name, text) in [("detect", detect), ("compile", compile)] {
            self.script(&format!("{at}/bin/{name}"), text);
        }
    }

    /// An executable script of bash.
    pub(crate) fn script(&self, at: &str, text: &str) {
        self.put(at, format!("#!/usr/bin/env bash\n{text}\n"));
        fs_err::set_permissions(self.path(at), PermissionsExt::from_mode(0o755)).unwrap();
    }

    /// A config var.
    pub(crate) fn env(&self, name: impl AsRef<OsStr>, value: impl AsRef<[u8]>) {
        fs_err::write(self.path("env").join(name.as_ref()), value).unwrap();
    }

    /// The program under one of its names, with nothing in its environment but the folders.
    pub(crate) fn called(&self, name: &str) -> Command {
        let mut command = Command::new(self.path("bin").join(name));
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.folder.path())
            .env("APP_PATH", self.path("app"))
            .env("ENV_PATH", self.path("env"))
            .env("BUILD_PATH", self.path("build"))
            .env("CACHE_PATH", self.path("cache"))
            .env("IMPORT_PATH", self.path("import"))
            .env("BUILDPACK_PATH", self.path("buildpacks"))
            .current_dir("/");
        command
    }

    /// Runs the program under a name.
    pub(crate) fn run(&self, name: &str, words: &[&str]) -> Ran {
        self.ran(self.called(name).args(words))
    }

    /// Runs `command`; its output shows the test's folder as `[desk]`.
    pub(crate) fn ran(&self, command: &mut Command) -> Ran {
        let Output {
            status,
            stdout,
            stderr,
        } = command.output().unwrap();
        let text = |bytes: Vec<u8>| {
            let folder: &Path = self.folder.path();
            String::from_utf8_lossy(&bytes).replace(folder.to_str().unwrap(), "[desk]")
        };
        Ran {
            code: status.code().unwrap_or(-1),
            out: text(stdout),
            err: text(stderr),
        }
    }
}

/// How a run of the program ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// What it printed; it must have ended well and complained of nothing.
    #[track_caller]
    pub(crate) fn fine(self) -> String {
        assert!(self.code == 0 && self.err.is_empty(), "{self:?}");
        self.out
    }

    /// It must have ended with `code` and printed all of `parts`.
    #[track_caller]
    pub(crate) fn told(self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        for part in parts {
            let said = self.out.contains(part) || self.err.contains(part);
            assert!(said, "no {part:?} in {self:?}");
        }
    }
}
