//! What git says when it fails, sorted by what can be done about it.

use buildpack_core::wanted::without_credentials;

use super::super::error::Why;

/// What git does when it asks for the names that the other side has.
pub(super) const ASK: &str = "ask for branches and tags";

/// What it does when it fetches commits.
pub(super) const FETCH: &str = "fetch the repository";

/// Lines that are shown of what git said.
const MOST: usize = 6;

/// Words by which git and ssh say that nobody answers.
const UNREACHABLE: [&str; 19] = [
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
    "returned error: 407",
    "returned error: 429",
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
    } else if says(&NOT_FOUND) && [ASK, FETCH].contains(&doing) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(doing: &'static str, said: &str) -> &'static str {
        match sort(doing, vec![said.to_owned()]) {
            Why::Unreachable { .. } => "unreachable",
            Why::NotFound { .. } => "not found",
            Why::Git { .. } => "git",
            _ => "else",
        }
    }

    #[test]
    fn what_git_says_is_told_apart() {
        for (said, is) in [
            (
                "fatal: unable to access 'https://h/': Could not resolve host: h",
                "unreachable",
            ),
            (
                "ssh: connect to host h port 22: Connection refused",
                "unreachable",
            ),
            (
                "ssh: Could not resolve hostname h: Name or service not known",
                "unreachable",
            ),
            (
                "fatal: unable to access 'https://h/': The requested URL returned error: 503",
                "unreachable",
            ),
            (
                "fatal: unable to access 'https://h/': The requested URL returned error: 429",
                "unreachable",
            ),
            (
                "fatal: unable to access 'https://h/': SSL certificate problem: expired",
                "unreachable",
            ),
            (
                "fatal: could not read Username for 'https://h': terminal prompts disabled",
                "not found",
            ),
            ("remote: Repository not found.", "not found"),
            (
                "fatal: unable to access 'https://h/': The requested URL returned error: 403",
                "not found",
            ),
            ("git@h: Permission denied (publickey).", "not found"),
            (
                "fatal: '/srv/x' does not appear to be a git repository",
                "not found",
            ),
            (
                "fatal: protocol error: bad line length character: <!DO",
                "git",
            ),
            (
                "error: unable to write file: No space left on device",
                "git",
            ),
        ] {
            assert_eq!(sorted(ASK, said), is, "{said}");
        }
        let inner = "fatal: repository 'https://h/inner/' not found";
        assert_eq!(sorted("fetch the submodules", inner), "git");
    }

    #[test]
    fn lines_are_cleaned_and_cut() {
        let url = "https://me:hunter2@h/a";
        let text = format!(
            "hint: x\nfatal: '{url}'\u{1b}[31m of me:hunter2\n\n{}",
            "y".repeat(999)
        );
        let lines = lines(&text, url);
        assert_eq!(lines[0], "fatal: 'https://h/a'[31m of …");
        assert_eq!(lines[1].len(), 300);
        assert_eq!(lines.len(), 2);
    }
}
