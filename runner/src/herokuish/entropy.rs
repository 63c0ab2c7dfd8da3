//! `HEROKUISH_ENTROPY=true`: `rngd` feeds the kernel's random numbers. Nothing about it ends a start.

use std::process::{Command, Stdio};

use super::say;

/// Starts `rngd` unless it runs.
pub(super) fn feed() {
    if runs() {
        return;
    }
    let quiet = Stdio::null;
    let started = Command::new("rngd")
        .arg("-b")
        .stdin(quiet())
        .stdout(quiet())
        .stderr(quiet())
        .status();
    match started {
        Ok(status) if status.success() => {}
        Ok(_) => say::warning("rngd failed to start; it may need the capability SYS_ADMIN"),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            say::warning("HEROKUISH_ENTROPY is true, but rngd is not installed; it is left out");
        }
        Err(error) => say::warning(&format!("rngd cannot be started: {error}")),
    }
}

/// Whether some process is called `rngd`.
fn runs() -> bool {
    let processes = fs_err::read_dir("/proc").into_iter().flatten().flatten();
    let mut names = processes.filter_map(|process| {
        process.file_name().to_str()?.parse::<u32>().ok()?;
        fs_err::read_to_string(process.path().join("comm")).ok()
    });
    names.any(|name| name.trim_end() == "rngd")
}
