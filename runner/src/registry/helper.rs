//! Credential helpers: programs that are asked for a secret, and given a time to answer in.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;

use super::Credentials;

/// The longest answer.
const ANSWER: u64 = 1 << 20;

/// The user name by which a helper says that its secret is a token.
const TOKEN: &str = "<token>";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// Asks `docker-credential-<name>` for the credentials of `server` (the protocol of docker-credential-helpers). What it
/// prints is in no error: it may be the secret.
pub(super) fn ask(
    name: &str,
    server: &str,
    patience: Duration,
) -> Result<Option<Credentials>, String> {
    ask_program(&format!("docker-credential-{name}"), server, patience)
}

/// As [`ask`], of a program that is found in `PATH` or at its path.
pub(super) fn ask_program(
    program: &str,
    server: &str,
    patience: Duration,
) -> Result<Option<Credentials>, String> {
    let not_run = |why: &str| format!("its credential helper `{program}` could not be run: {why}");
    let mut child = Command::new(program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // What it complains of may hold what it should not.
        .stderr(Stdio::null())
        // Of its own, so that what it started ends with it.
        .process_group(0)
        .spawn()
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => not_run("there is no such program"),
            _ => not_run(&error.to_string()),
        })?;
    let (send, answered) = channel();
    if let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) {
        let server = server.to_owned();
        // It ends with the program, at the latest when that is killed.
        std::thread::spawn(move || {
            let _ = stdin.write_all(server.as_bytes());
            drop(stdin);
            let mut bytes = Vec::new();
            let read = stdout.take(ANSWER).read_to_end(&mut bytes);
            let _ = send.send(read.map(|_| bytes));
        });
    }
    let begin = Instant::now();
    let answer = answered.recv_timeout(patience);
    // What has answered has nothing more to do.
    let left = patience.saturating_sub(begin.elapsed());
    let ended = answer.is_ok() && ends(&mut child, left);
    if !ended
        && let Ok(id) = i32::try_from(child.id())
        && let Some(group) = Pid::from_raw(id)
    {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let status = child.wait().map_err(|error| not_run(&error.to_string()))?;
    let (true, Ok(bytes)) = (ended, answer) else {
        return Err(format!(
            "its credential helper `{program}` gave no answer within {} seconds and was ended",
            patience.as_secs()
        ));
    };
    let bytes = bytes.unwrap_or_default();
    if !status.success() {
        // That it knows nothing of this host is an answer, too.
        let said = String::from_utf8_lossy(&bytes);
        if said.contains("credentials not found") {
            return Ok(None);
        }
        return Err(format!("its credential helper `{program}` failed"));
    }
    let answer: Answer = serde_json::from_slice(&bytes)
        .map_err(|_| format!("its credential helper `{program}` gave no credentials"))?;
    Ok(Some(if answer.username == TOKEN {
        Credentials::IdentityToken(answer.secret)
    } else {
        Credentials::Basic(answer.username, answer.secret)
    }))
}

/// Whether it ends by itself in that time.
fn ends(child: &mut Child, within: Duration) -> bool {
    let begin = Instant::now();
    loop {
        if !matches!(child.try_wait(), Ok(None)) {
            return true;
        }
        if begin.elapsed() > within {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
