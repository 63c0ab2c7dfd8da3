//! All tests, in the test world, with the programs that judge what `bp` writes.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use fs_err as fs;
use serde_json::Value;

use crate::bp::{cargo, checkout};
use crate::debian::{self, Program};
use crate::manifests;
use crate::world::{Failure, World};
use report::Report;

mod report;

/// Judges of what we write, and the tools that tests start.
const PROGRAMS: [Program; 6] = [
    ("git", "git"),
    ("podman", "podman"),
    ("runc", "runc"),
    ("skopeo", "skopeo"),
    ("tmux", "tmux"),
    ("umoci", "umoci"),
];

/// Tests that have to pass as root and as somebody else: package, and a part of their names.
const AS_ANYBODY: [(&str, &str); 5] = [
    ("buildpack-core", "store::"),
    ("buildpack-core", "layer::"),
    ("runner", "pipeline::tree::"),
    ("runner", "rootfs::"),
    ("runner", "sandbox::"),
];

/// `cargo xtask test [-- ARGUMENTS of the tests…]`: exits with 0 only if all passed.
pub(crate) fn run(args: &[String]) -> ExitCode {
    let filters = match args {
        [] => &[],
        [first, rest @ ..] if first == "--" => rest,
        _ => {
            eprintln!("usage: cargo xtask test [-- FILTER…]");
            return ExitCode::from(2);
        }
    };
    match all(filters) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("xtask test: {failure}");
            ExitCode::from(4)
        }
    }
}

fn all(filters: &[String]) -> Result<bool, Failure> {
    let begin = Instant::now();
    debian::need(&PROGRAMS)?;
    let world = World::start(&[22, 24])?;
    println!("== All tests, in the world of {}", world.dir().display());
    let mut report = Report::default();
    let mut passed = tests(&world, filters, &mut report)?;
    if filters.is_empty() {
        passed &= manifests(&mut report);
        if is_root() {
            println!("== Store and sandbox once more, as an ordinary user");
            for (package, part) in AS_ANYBODY {
                passed &= as_nobody(&world, package, part, &mut report)?;
            }
        } else {
            report.left_out("tests as root: run by an ordinary user");
        }
    }
    report.print(begin.elapsed());
    Ok(passed)
}

/// The manifests of `integrations/`, where their judges can be had.
fn manifests(report: &mut Report) -> bool {
    println!("== Manifests, by the schemas of those who read them");
    let judges = match manifests::judges() {
        Ok(judges) => judges,
        Err(failure) => {
            eprintln!("{failure}");
            report.left_out("manifests: the programs of PyPI that judge them can't be had");
            return true;
        }
    };
    let held = manifests::check(&judges);
    if let Err(failure) = &held {
        eprintln!("xtask test: {failure}");
    }
    held.is_ok()
}

/// `cargo test` of everything; a failure in one test binary does not keep the others from running.
fn tests(world: &World, filters: &[String], report: &mut Report) -> Result<bool, Failure> {
    let mut command = cargo();
    command
        .args(["test", "--workspace", "--locked", "--no-fail-fast"])
        .args(["--", "--show-output"])
        .args(filters);
    watch(command, world, report)
}

/// The tests of a package's library whose names hold `part`, as a user who owns nothing.
fn as_nobody(
    world: &World,
    package: &str,
    part: &str,
    report: &mut Report,
) -> Result<bool, Failure> {
    let binary = test_binary(package)?;
    // The checkout and root's folders may be closed to others.
    let folder = tempfile::Builder::new().prefix("bp-test-").tempdir()?;
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    fs::set_permissions(folder.path(), open)?;
    let copy = folder.path().join(package);
    fs::copy(binary, &copy)?;
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(copy)
        .args(["--show-output", part])
        .current_dir(folder.path())
        .env("HOME", folder.path())
        .env("TMPDIR", folder.path())
        .env("XDG_RUNTIME_DIR", folder.path());
    watch(command, world, report)
}

/// Where Cargo put the unit tests of a package's library.
fn test_binary(package: &str) -> Result<PathBuf, Failure> {
    let built = cargo()
        .args([
            "test",
            "--locked",
            "--no-run",
            "--lib",
            "--package",
            package,
        ])
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::null())
        .output()
        .map_err(|cause| Failure::new("cannot start cargo", cause))?;
    String::from_utf8_lossy(&built.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["src_path"] == source(package))
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .ok_or_else(|| {
            Failure::say(format!(
                "cargo does not say where the tests of {package} are"
            ))
        })
}

fn source(package: &str) -> String {
    let path = checkout().join(package).join("src/lib.rs");
    path.to_string_lossy().into_owned()
}

/// Runs tests; shows what they print, and keeps what the report tells.
fn watch(mut command: Command, world: &World, report: &mut Report) -> Result<bool, Failure> {
    let settings = world.settings().iter().map(|(name, value)| (name, value));
    let mut child = command
        .envs(settings)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|cause| Failure::new("cannot start the tests", cause))?;
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).split(b'\n') {
            let line = line?;
            let line = String::from_utf8_lossy(&line);
            if report.take(&line) {
                println!("{line}");
            }
        }
    }
    Ok(child.wait()?.success())
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(Path::new("/proc/self")).is_ok_and(|own| own.uid() == 0)
}
