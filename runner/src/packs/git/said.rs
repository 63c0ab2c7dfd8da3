//! What git says when it fails, sorted by what can be done about it.

use buildpack_core::wanted::without_credentials;

use super::super::error::Why;

/// Lines that are shown of what git said.
const MOST: usize = 6;

/// Words by which git and ssh say that nobody answers.
const UNREACHABLE: [&str; 17] = [
    "could not resolve host",
    "could not resolve hostname",
    "couldn't connect to server",
    "failed to connect to",
    "connection refused",
    "connection reset",
    "connection timed out",
    "operation timed out",
    "operation too slow",
    "network is unreachable",
    "no route to host",
    "unable to connect",
    "returned error: 5",
    "certificate",
    "ssl connect error",
    "kex_exchange_identification",
    "empty reply from server",
];

/// Words by which git and its hosts say that there is no such repository, or none for who asks.
const NOT_FOUND: [&str; 12] = [
    "not found",
    "does not exist",
    "returned error: 4",
    "could not read username",
    "could not read password",
    "authentication failed",
    "permission denied",
    "terminal prompts disabled",
    "does not appear to be a git repository",
    "not a git repository",
    "could not read from remote repository",
    "not valid: is this a git repository",
];

/// Why git failed at something.
pub(super) fn sort(doing: &'static str, said: Vec<String>) -> Why {
    let text = said.join("\n").to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&UNREACHABLE) {
        Why::Unreachable { said }
    } else if says(&NOT_FOUND) && doing.starts_with("ask") {
        Why::NotFound { said }
    } else {
        Why::Git { doing, said }
    }
}

/// The lines that git said last, as they may be shown: without credentials and without control characters.
pub(super) fn lines(text: &str, url: &str) -> Vec<String> {
    let shown = without_credentials(url);
    let secret = url.split_once("://").and_then(|(_, rest)| {
        let authority = rest.split('/').next()?;
        authority.rsplit_once('@').map(|(login, _)| login)
    });
    let mut lines: Vec<String> = text
        .lines()
        .map(|line| {
            let line = line.replace(url, &shown);
            let line = match secret {
                Some(secret) if !secret.is_empty() => line.replace(secret, "…"),
                _ => line,
            };
            line.chars().filter(|c| !c.is_control()).take(300).collect()
        })
        .map(|line: String| line.trim().to_owned())
        .filter(|line| !line.is_empty() && !line.starts_with("hint:"))
        .collect();
    let first = lines.len().saturating_sub(MOST);
    lines.drain(..first);
    lines
}
