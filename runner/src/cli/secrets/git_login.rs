//! The login that git knows of a server: git-credential(1), asked as the user, with their helpers.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::pipeline::GitLogin;

/// A helper that waits for somebody to type must not hold a build for ever.
const PATIENCE: Duration = Duration::from_mins(1);

/// Asks git; none where it knows nothing, and where it is not there.
pub(super) fn ask(origin: &str) -> Option<GitLogin> {
    let (protocol, host) = origin.split_once("://")?;
    let mut child = Command::new("git")
        .args(["credential", "fill"])
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let asked = format!("protocol={protocol}\nhost={host}\n\n");
    // It may have ended without reading.
    let _ = child.stdin.take()?.write_all(asked.as_bytes());
    let mut out = child.stdout.take()?;
    let answer = thread::spawn(move || {
        let mut text = String::new();
        out.read_to_string(&mut text).map(|_| text)
    });
    let begin = Instant::now();
    while child.try_wait().ok()?.is_none() {
        if begin.elapsed() > PATIENCE {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        thread::sleep(Duration::from_millis(20));
    }
    read(origin, &answer.join().ok()?.ok()?)
}

fn read(origin: &str, answer: &str) -> Option<GitLogin> {
    let field = |name: &str| {
        let mut lines = answer.lines();
        lines.find_map(|line| Some(line.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
    };
    Some(GitLogin {
        origin: origin.to_owned(),
        user: field("username")?,
        password: field("password").filter(|password| !password.is_empty())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_has_both_parts() {
        let answer = "protocol=https\nhost=h\nusername=me\npassword=a=b\n";
        let login = read("https://h", answer).unwrap();
        assert_eq!(
            (login.user.as_str(), login.password.as_str()),
            ("me", "a=b")
        );
        assert!(read("https://h", "username=me\n").is_none());
        assert!(read("https://h", "username=me\npassword=\n").is_none());
    }
}
