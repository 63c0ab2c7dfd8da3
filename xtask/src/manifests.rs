//! `cargo xtask manifests`: holds the manifests of `integrations/` against the schemas of those who read them.
//!
//! The judges are programs of `PyPI` that bring the schemas along: Kubernetes' own, and GitLab's from the JSON Schema Store.
//! Nomad publishes none; its job is read as HCL and held against `integrations/nomad/job.schema.json`, which knows what
//! that job uses. They are installed in a folder of `target` and nowhere else.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use fs_err as fs;

use crate::bp::checkout;
use crate::world::Failure;

/// The judges, each in the version whose verdict counts.
const JUDGES: [&str; 3] = [
    "check-jsonschema==0.39.0",
    "kubernetes-validate==1.37.0",
    "python-hcl2==8.1.4",
];

/// The oldest Kubernetes that the manifests are for, and the newest that the judge knows.
const KUBERNETES: [&str; 2] = ["1.33", "1.37"];

/// `cargo xtask manifests`: exits with 0 only if all of them pass.
pub(crate) fn run(args: &[String]) -> ExitCode {
    if !args.is_empty() {
        eprintln!("usage: cargo xtask manifests");
        return ExitCode::from(2);
    }
    match judges().and_then(|judges| check(&judges)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask manifests: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// The folder of the judges' programs; they are installed where they are missing, or other ones.
///
/// # Errors
///
/// Without Python and its `venv`, or without `PyPI`.
pub(crate) fn judges() -> Result<PathBuf, Failure> {
    let place = checkout().join("target/manifests");
    let (programs, note) = (place.join("bin"), place.join("judges"));
    let wanted = JUDGES.join("\n");
    if fs::read_to_string(&note).is_ok_and(|there| there == wanted) {
        return Ok(programs);
    }
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    let mut make = Command::new("python3");
    quiet(make.args(["-m", "venv"]).arg(&place)).map_err(|failure| {
        Failure::new(
            "cannot make a folder for programs of PyPI (Debian: apt-get install python3-venv)",
            failure,
        )
    })?;
    let mut install = Command::new(programs.join("pip"));
    quiet(
        install
            .args(["install", "--quiet", "--disable-pip-version-check"])
            .args(JUDGES),
    )?;
    fs::write(note, wanted)?;
    Ok(programs)
}

/// Lets the judges look at each manifest.
///
/// # Errors
///
/// What the first of them found wrong.
pub(crate) fn check(judges: &Path) -> Result<(), Failure> {
    let place = checkout().join("integrations");
    let judge = |name: &str| Command::new(judges.join(name));

    let jobs = files(&place.join("kubernetes"), ".yaml")?;
    for version in KUBERNETES {
        let mut validate = judge("kubernetes-validate");
        quiet(
            validate
                .args(["--strict", "--kubernetes-version", version])
                .args(&jobs),
        )?;
    }

    let pipelines = files(&place.join("gitlab"), ".yml")?;
    let mut gitlab = judge("check-jsonschema");
    let schema = ["--builtin-schema", "vendor.gitlab-ci"];
    quiet(
        gitlab
            .args(schema)
            .args(["--data-transform", "gitlab-ci"])
            .args(&pipelines),
    )?;

    let read = tempfile::Builder::new().suffix(".json").tempfile()?;
    for job in files(&place.join("nomad"), ".hcl")? {
        let mut hcl = judge("hcl2tojson");
        quiet(
            hcl.args([
                "--quiet",
                "--strip-string-quotes",
                "--no-explicit-blocks",
                "-o",
            ])
            .arg(read.path())
            .arg(&job),
        )?;
        let mut schema = judge("check-jsonschema");
        quiet(
            schema
                .arg("--schemafile")
                .arg(place.join("nomad/job.schema.json"))
                .arg(read.path()),
        )
        .map_err(|failure| Failure::new(job.display(), failure))?;
    }
    println!("integrations: all manifests are what their readers expect");
    Ok(())
}

/// The files of a folder that end so; it is a mistake if there is none.
fn files(folder: &Path, end: &str) -> Result<Vec<PathBuf>, Failure> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    found.retain(|path| path.to_string_lossy().ends_with(end));
    found.sort();
    if found.is_empty() {
        let folder = folder.display();
        return Err(Failure::say(format!("no `*{end}` in {folder}")));
    }
    Ok(found)
}

/// Runs a program whose words count only if it fails.
fn quiet(command: &mut Command) -> Result<(), Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    let ended = command
        .stdin(Stdio::null())
        .output()
        .map_err(|cause| Failure::new(format!("cannot start `{name}`"), cause))?;
    if ended.status.success() {
        return Ok(());
    }
    let said = [ended.stdout, ended.stderr].concat();
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    Err(Failure::new(format!("`{name}` failed"), said))
}
