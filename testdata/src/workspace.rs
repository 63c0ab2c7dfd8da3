//! A folder of its own for a test of the program: a home, a store, copies of apps, and what the program said.

use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use buildpack_core::causes::Finder;
use fs_err as fs;
use tempfile::TempDir;

use crate::schema::Schema;

/// Variables of this process that the program sees too: where programs stand, and where the upstreams are.
const PASSED_ON: [&str; 16] = [
    "PATH",
    "TMPDIR",
    "BP_REGISTRY_MIRROR",
    "BP_HEX_BUILDS_URL",
    "BP_HEX_BUILDS_KEY",
    "BP_HEX_REPO_URL",
    "BP_HEX_UNSAFE_REGISTRY",
    "BP_NODE_DIST_URL",
    "BP_NPM_REGISTRY_URL",
    "LLVM_PROFILE_FILE",
    // npm packages come from the net itself.
    "SSL_CERT_FILE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "https_proxy",
    "no_proxy",
];

/// A place to run the program in, gone when dropped.
pub struct Workspace {
    folder: TempDir,
    program: PathBuf,
    store: PathBuf,
    user: Option<u32>,
}

/// A copy of an app that a test may change.
pub struct App {
    /// Its folder.
    pub path: PathBuf,
}

/// A copy of a buildpack that a test may change.
pub struct Pack {
    /// Its folder.
    pub path: PathBuf,
}

/// How a run of the program ended.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; 128 and the signal's number where one ended it.
    pub code: i32,
    /// Both streams, standard output first.
    pub text: String,
    /// Standard output alone.
    pub stdout: String,
}

impl Workspace {
    /// A workspace for the program at `program` with an empty store.
    pub fn new(program: &str) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("bp-test-").tempdir()?;
        fs::create_dir(folder.path().join("home"))?;
        Ok(Self {
            store: folder.path().join("store"),
            program: program.into(),
            folder,
            user: None,
        })
    }

    /// The same with a store that others use too.
    pub fn with_store(mut self, store: &Path) -> Self {
        store.clone_into(&mut self.store);
        self
    }

    /// Lets another user run the program, from a copy: the checkout may be closed to them. Only root can do so.
    pub fn as_user(mut self, user: u32) -> io::Result<Self> {
        let copy = self.folder.path().join("bp");
        fs::copy(&self.program, &copy)?;
        self.program = copy;
        let everybody = std::fs::Permissions::from_mode(0o777);
        for folder in [self.path(), &self.path().join("home")] {
            fs::set_permissions(folder, everybody.clone())?;
        }
        self.user = Some(user);
        Ok(self)
    }

    /// The folder of all this.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of the store.
    pub fn store(&self) -> &Path {
        &self.store
    }

    /// Copies `testdata/apps/NAME` to a folder called `copy`.
    pub fn app(&self, name: &str, copy: &str) -> io::Result<App> {
        let from = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("apps")
            .join(name);
        let path = self.path().join(copy);
        copy_tree(&from, &path)?;
        Ok(App { path })
    }

    /// Copies `testdata/buildpacks/NAME` to a folder `packs/NAME`, which must not be there yet.
    pub fn pack(&self, name: &str) -> io::Result<Pack> {
        let from = buildpacks().join(name);
        let path = self.path().join("packs").join(name);
        if path.exists() {
            return Err(io::Error::other(format!("{name} is there already")));
        }
        copy_tree(&from, &path)?;
        Ok(Pack { path })
    }

    /// A call of the program, with nothing of this process's environment but the addresses of upstreams.
    pub fn command<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Command {
        let mut command = match self.user {
            Some(user) => {
                let mut command = Command::new("setpriv");
                command
                    .arg(format!("--reuid={user}"))
                    .arg(format!("--regid={user}"))
                    .arg("--clear-groups")
                    .arg(&self.program);
                command
            }
            None => Command::new(&self.program),
        };
        command.args(arguments).env_clear();
        for name in PASSED_ON {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
            .env("HOME", self.path().join("home"))
            .env("BP_CACHE_DIR", &self.store)
            .current_dir(self.path())
            .stdin(Stdio::null());
        command
    }

    /// The same, started by these words: a program that ends by running what stands behind them.
    pub fn command_through<A: AsRef<OsStr>>(&self, words: &[&str], arguments: &[A]) -> Command {
        let plain = self.command(arguments);
        let mut command = Command::new(words[0]);
        command
            .args(&words[1..])
            .arg(plain.get_program())
            .args(plain.get_args())
            .env_clear()
            .envs((plain.get_envs()).filter_map(|(name, value)| Some((name, value?))))
            .current_dir(self.path())
            .stdin(Stdio::null());
        command
    }

    /// The same for a test that interrupts it: a suite that was started in the background may have been told to ignore that,
    /// and its children with it.
    pub fn command_to_interrupt<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Command {
        self.command_through(&["env", "--default-signal=INT"], arguments)
    }

    /// Runs the program and waits for its end.
    pub fn bp<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Ran {
        run(&mut self.command(arguments))
    }

    /// `bp build APP -v` with more arguments. However it ends, its record is there and as its schema says.
    #[track_caller]
    pub fn build(&self, app: &App, more: &[&str]) -> Ran {
        let record = self.path().join("record-of-this-build.json");
        let mut arguments = vec![OsStr::new("build"), app.path.as_os_str(), OsStr::new("-v")];
        let wanted = more.contains(&"--record");
        if !wanted {
            arguments.extend([OsStr::new("--record"), record.as_os_str()]);
        }
        arguments.extend(more.iter().map(OsStr::new));
        let ran = self.bp(&arguments);
        if !wanted {
            match fs::read_to_string(&record) {
                Ok(text) => drop(Schema::of_records().read(&text)),
                // A command line that cannot be read asks for none.
                Err(_) if ran.code == 2 => {}
                Err(error) => panic!("{error}:\n{}", ran.text),
            }
            // The next build writes its own.
            let _ = fs::remove_file(&record);
        }
        if ran.code == 0 {
            ran.means_nothing();
        }
        ran
    }
}

/// Runs a command and waits for its end; one that cannot be started is a failed test.
pub fn run(command: &mut Command) -> Ran {
    match command.output() {
        Ok(output) => Ran::of(&output),
        Err(error) => panic!("cannot start {command:?}: {error}"),
    }
}

impl Ran {
    /// The end that `output` tells of.
    pub fn of(output: &Output) -> Self {
        use std::os::unix::process::ExitStatusExt as _;
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let signal = || 128 + output.status.signal().unwrap_or(0);
        Self {
            code: output.status.code().unwrap_or_else(signal),
            text: format!("{stdout}{}", String::from_utf8_lossy(&output.stderr)),
            stdout,
        }
    }

    /// Itself, if the program ended with 0.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.exits(0)
    }

    /// Itself, if the program ended with this code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.text);
        self
    }

    /// Itself, if it ended with this exit code and named this problem.
    #[track_caller]
    pub fn fails(self, code: i32, problem: &str) -> Self {
        assert!(
            self.code == code && self.text.contains(&format!("[{problem}]")),
            "expected exit {code} and [{problem}], found exit {}:\n{}",
            self.code,
            self.text
        );
        self
    }

    /// Itself, if it said this.
    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        assert!(self.text.contains(words), "no `{words}` in:\n{}", self.text);
        self
    }

    /// Itself, if it did not say this.
    #[track_caller]
    pub fn never_says(self, words: &str) -> Self {
        assert!(!self.text.contains(words), "`{words}` in:\n{}", self.text);
        self
    }

    /// Fails where a line of it means that a build has failed.
    #[track_caller]
    fn means_nothing(&self) {
        let mut finder = Finder::new();
        for (number, line) in (1..).zip(self.text.lines()) {
            finder.line(number, line);
        }
        if let Some(found) = finder.found() {
            let code = found.signature.code;
            panic!("`{}` of a green build means `{code}`", found.quote.text);
        }
    }

    /// The digest of the image that a build ended with.
    #[track_caller]
    pub fn digest(&self) -> String {
        let digest = self
            .text
            .lines()
            .map(str::trim)
            .find(|line| line.starts_with("sha256:"));
        match digest {
            Some(digest) if self.code == 0 => digest.to_owned(),
            _ => panic!("exit {} without a digest:\n{}", self.code, self.text),
        }
    }
}

impl App {
    /// Writes a file of the app, and the folders it is in.
    pub fn write(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> io::Result<()> {
        write_below(&self.path, name.as_ref(), content.as_ref())
    }

    /// Replaces a part of a file, which must be there.
    pub fn replace(&self, name: &str, from: &str, to: &str) -> io::Result<()> {
        replace_in(&self.path.join(name), from, to)
    }

    /// Adds lines to the app's `elixir_buildpack.config`.
    pub fn config(&self, lines: &str) -> io::Result<()> {
        let path = self.path.join("elixir_buildpack.config");
        let text = fs::read_to_string(&path)?;
        fs::write(path, format!("{text}{lines}\n"))
    }

    /// Removes a file.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }
}

impl Pack {
    /// Its folder, as a command line names it.
    pub fn as_str(&self) -> &str {
        self.path.to_str().unwrap_or_default()
    }

    /// Replaces a part of a file, which must be there.
    pub fn replace(&self, name: &str, from: &str, to: &str) -> io::Result<()> {
        replace_in(&self.path.join(name), from, to)
    }

    /// Writes a script of the pack, executable: `bin/release`.
    pub fn script(&self, name: &str, text: &str) -> io::Result<()> {
        write_below(&self.path, name.as_ref(), text.as_bytes())?;
        let executable = std::fs::Permissions::from_mode(0o755);
        fs::set_permissions(self.path.join(name), executable)
    }
}

/// Where the buildpacks of the tests are, a folder each.
pub fn buildpacks() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("buildpacks")
}

/// Writes a file below `folder`, and the folders it is in.
fn write_below(folder: &Path, name: &Path, content: &[u8]) -> io::Result<()> {
    let path = folder.join(name);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, content)
}

fn replace_in(path: &Path, from: &str, to: &str) -> io::Result<()> {
    let text = fs::read_to_string(path)?;
    if !text.contains(from) {
        return Err(io::Error::other(format!(
            "no `{from}` in {}",
            path.display()
        )));
    }
    fs::write(path, text.replace(from, to))
}

/// Copies files and links; the copies' times are those of the copying.
fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_tree(&source, &target)?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(&source)?, &target)?;
        } else {
            fs::copy(&source, &target)?;
        }
    }
    Ok(())
}
