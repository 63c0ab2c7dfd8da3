//! The proof in one command: builds `bp`, builds a real app with it, starts the image, reads its page.

use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Instant;

use crate::debian;
use crate::page;
use crate::world::{Failure, World};

/// `cargo xtask demo [--live]`: exits with 0 only if every page was right.
pub(crate) fn run(args: &[String]) -> ExitCode {
    let live = match args {
        [] => false,
        [flag] if flag == "--live" => true,
        _ => {
            eprintln!("usage: cargo xtask demo [--live]");
            return ExitCode::from(2);
        }
    };
    let begin = Instant::now();
    match demo(live) {
        Ok(()) => {
            println!(
                "\nAll of it worked, in {:.0} s.",
                begin.elapsed().as_secs_f64()
            );
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("\nxtask demo: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn demo(live: bool) -> Result<(), Failure> {
    let bp = step("Compiling bp, as it is released", crate::bp::release)?;
    let world = if live {
        None
    } else {
        Some(step("Making and serving the test world", || {
            World::start(&[24])
        })?)
    };
    let settings = world.as_ref().map(World::settings).unwrap_or_default();
    let temp = tempfile::Builder::new().prefix("bp-demo-").tempdir()?;
    let show = Show {
        bp: &bp,
        settings,
        folder: temp.path(),
    };
    step(
        "Building testdata/apps/hello on heroku-24, from nothing",
        || show.build(),
    )?;
    step(
        "Starting the image with `bp run` and reading its pages",
        || show.run(),
    )?;
    match show.no_podman() {
        None => step("The same as an ordinary image, with podman", || {
            show.podman()
        })?,
        Some(reason) => {
            println!("\n== As an ordinary image with podman: left out, {reason}");
        }
    }
    Ok(())
}

/// Says what begins and how long it took.
fn step<T>(what: &str, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    println!("\n== {what}");
    let begin = Instant::now();
    let done = work()?;
    println!("== done in {:.1} s", begin.elapsed().as_secs_f64());
    Ok(done)
}

/// What the steps share.
struct Show<'a> {
    bp: &'a Path,
    settings: &'a [(&'static str, String)],
    /// Cache and image lie here, and are gone afterwards.
    folder: &'a Path,
}

impl Show<'_> {
    fn bp(&self) -> Command {
        // Nothing that is started here outlives this process, however it ends.
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--"])
            .arg(self.bp)
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .env("BP_CACHE_DIR", self.folder.join("cache"))
            .stdin(Stdio::null());
        command
    }

    fn layout(&self) -> String {
        format!("oci:{}", self.folder.join("image").display())
    }

    fn build(&self) -> Result<(), Failure> {
        let mut build = self.bp();
        build
            .arg("build")
            .arg(crate::bp::checkout().join("testdata/apps/hello"))
            .args(["--stack", "heroku-24", "--output", &self.layout()]);
        succeed(&mut build, "bp build")
    }

    fn run(&self) -> Result<(), Failure> {
        let port = page::free_port()?;
        let mut run = self.bp();
        run.args(["run", &self.layout(), "--port", &port.to_string()]);
        let mut app = Running::start(&mut run, self.folder)?;
        check_pages(port, &mut app.program)?;
        app.said_nothing_of_compiling()
    }

    /// Podman with a storage that is gone afterwards.
    fn podman_here(&self) -> Command {
        let mut podman = Command::new("podman");
        podman
            .args(["--storage-driver", "vfs", "--runtime", "runc", "--root"])
            .arg(self.folder.join("podman"))
            .arg("--runroot")
            .arg(self.folder.join("podman-run"))
            .stdin(Stdio::null());
        podman
    }

    /// Why podman can't run here.
    fn no_podman(&self) -> Option<String> {
        let missing = |tool: &&str| !debian::have(tool);
        if let Some(tool) = ["podman", "runc", "skopeo"].into_iter().find(missing) {
            return Some(format!("{tool} is not installed"));
        }
        // For an ordinary user it needs user ids of its own, which not every machine gives.
        let info = self.podman_here().arg("info").output();
        match info {
            Ok(info) if info.status.success() => None,
            Ok(info) => Some(String::from_utf8_lossy(&info.stderr).trim().to_owned()),
            Err(cause) => Some(cause.to_string()),
        }
    }

    fn podman(&self) -> Result<(), Failure> {
        let podman = || self.podman_here();
        let archive = self.folder.join("image.tar");
        let name = "localhost/bp-demo:latest";
        let target = format!("docker-archive:{}:{name}", archive.display());
        let mut copy = Command::new("skopeo");
        copy.args(["copy", "--quiet", &self.layout(), &target]);
        succeed(&mut copy, "skopeo copy")?;
        let mut load = podman();
        load.args(["load", "--quiet", "--input"]).arg(&archive);
        succeed(&mut load, "podman load")?;
        let port = page::free_port()?;
        let mut run = podman();
        run.args(["run", "--rm", "--name", "bp-demo", "--network=host"])
            .args(["--ulimit", "nofile=1024:4096"])
            .args(["--ulimit", "nproc=1024:1024"])
            .args(["--env", &format!("PORT={port}"), name]);
        let mut app = Running::start(&mut run, self.folder)?;
        let seen = check_pages(port, &mut app.program);
        // The container is no child of the program that was started.
        let mut remove = podman();
        remove
            .args(["rm", "--force", "--time", "0", "bp-demo"])
            .stdout(Stdio::null());
        let removed = succeed(&mut remove, "podman rm");
        seen.and(removed)?;
        app.said_nothing_of_compiling()
    }
}

/// The page is made by Elixir with makeup, the data by jiffy's C code.
fn check_pages(port: u16, app: &mut Child) -> Result<(), Failure> {
    for (path, parts) in [
        ("/", ["<h1>Hello, world</h1>", "class=\"highlight\""]),
        ("/data.json", ["\"elixir\":\"1.18.3\"", "\"otp\":\"27\""]),
    ] {
        let answer = page::get(port, path, app)?;
        let line = answer
            .text
            .lines()
            .find(|line| line.contains(parts[0]))
            .unwrap_or_default();
        println!("   GET {path}: {} {line}", answer.status);
        if answer.status != 200 {
            return Err(Failure::say(format!("`{path}` is not there")));
        }
        if let Some(part) = parts.iter().find(|part| !answer.text.contains(*part)) {
            return Err(Failure::say(format!(
                "`{path}` does not say `{part}`; it says:\n{}",
                answer.text
            )));
        }
    }
    Ok(())
}

fn succeed(command: &mut Command, name: &str) -> Result<(), Failure> {
    let status = command
        .status()
        .map_err(|cause| Failure::new(format!("cannot start `{name}`"), cause))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::say(format!("`{name}` failed ({status})")))
}

/// A program that ends with this value.
struct Running {
    program: Child,
    said: tempfile::NamedTempFile,
}

impl Running {
    fn start(command: &mut Command, folder: &Path) -> Result<Self, Failure> {
        let said = tempfile::NamedTempFile::new_in(folder)?;
        let name = command.get_program().to_owned();
        let program = command
            .stdout(append(&said)?)
            .stderr(append(&said)?)
            .spawn()
            .map_err(|cause| Failure::new(format!("cannot start {}", name.display()), cause))?;
        Ok(Self { program, said })
    }

    /// Shows what the app printed: it must start as it was built, and not build itself again.
    fn said_nothing_of_compiling(&self) -> Result<(), Failure> {
        let said = fs_err::read_to_string(self.said.path())?;
        for line in said.lines().filter(|line| !line.is_empty()) {
            println!("   the app said: {line}");
        }
        match said
            .lines()
            .find(|line| line.contains("Compiling") || line.contains("Generated"))
        {
            Some(line) => Err(Failure::say(format!(
                "the app compiles when it starts: {line}"
            ))),
            None => Ok(()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        self.program.kill().ok();
        self.program.wait().ok();
    }
}

/// Both streams of a program write at the end of one file.
fn append(file: &tempfile::NamedTempFile) -> Result<std::fs::File, Failure> {
    let opened = fs_err::OpenOptions::new().append(true).open(file.path())?;
    Ok(opened.into_parts().0)
}
