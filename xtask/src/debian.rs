//! Programs that chores call, from Debian's packages.

use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use crate::world::Failure;

/// A program, and the package that brings it.
pub(crate) type Program = (&'static str, &'static str);

/// Whether a program can be started.
pub(crate) fn have(program: &str) -> bool {
    // What only root runs lies in folders that are not in everybody's PATH.
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/sbin"].map(Into::into);
    std::env::split_paths(&path)
        .chain(usual)
        .any(|folder| folder.join(program).is_file())
}

/// Installs what is missing; an ordinary user is told what to install.
pub(crate) fn need(programs: &[Program]) -> Result<(), Failure> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let missing: Vec<&str> = programs
        .iter()
        .filter(|(program, _)| !have(program))
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let wanted = missing.join(" ");
    eprintln!("xtask: installing {wanted}");
    // The lists of packages may be missing or old; they are only asked for when that shows.
    if install(&missing) || apt(&["update"]) && install(&missing) {
        return Ok(());
    }
    Err(Failure::say(format!(
        "missing Debian packages; install them: sudo apt-get install {wanted}"
    )))
}

fn install(packages: &[&str]) -> bool {
    apt(&[&["install", "--yes", "--no-install-recommends"], packages].concat())
}

fn apt(arguments: &[&str]) -> bool {
    Command::new("apt-get")
        .args(["--quiet=2", "-o", "DPkg::Lock::Timeout=300"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
