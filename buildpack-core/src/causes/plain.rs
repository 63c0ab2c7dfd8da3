//! A line of a log without what platforms put before it.

use std::sync::LazyLock;

use regex::Regex;

/// What stands before a line, each at its beginning: what `git push` says of the other side, times (GitLab's with the
/// stream, GitHub's, Heroku's with the process), `BuildKit`'s steps, and the arrows and indentation of deploy logs.
const BEFORE: [&str; 6] = [
    "^remote: ?",
    r"^\[?[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]+(?:Z|[+-][0-9:]{4,6})?\]? ?(?:[0-9]{2}[OE][ +]?)?",
    r"^(?:app|heroku)\[[A-Za-z0-9._-]+\]: ?",
    r"^#[0-9]+ [0-9]+\.[0-9]+ ",
    "^(?:-----|=====)> ?",
    "^(?: !|[ \t]+)",
];

static PREFIX: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let any = BEFORE.map(|pattern| format!("(?:{pattern})")).join("|");
    Regex::new(&any).ok()
});

/// Prefixes that may stand before each other.
const MOST: usize = 8;

/// `line`, which has no control sequences, without what stands before what a program printed.
pub fn plain(line: &str) -> &str {
    let Some(prefix) = PREFIX.as_ref() else {
        return line;
    };
    let mut rest = line;
    for _ in 0..MOST {
        match prefix.find(rest) {
            Some(found) if !found.is_empty() => rest = &rest[found.end()..],
            _ => break,
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_platforms_put_before_a_line_is_taken_away() {
        for line in [
            "npm error x",
            "remote:        npm error x",
            "remote: -----> npm error x",
            " !     npm error x",
            "2026-11-21T10:11:12.123456+00:00 app[web.1]: npm error x",
            "2026-11-21T10:11:12.123456Z 01O npm error x",
            "2026-11-21T10:11:12.1234567Z npm error x",
            "[2026-11-21 10:11:12] npm error x",
            "#20 2.479 npm error x",
            "#12 0.3 remote:      npm error x",
        ] {
            assert_eq!(plain(line), "npm error x", "{line}");
        }
        for line in [
            "** (Mix) a",
            "#20 is a number",
            "2026 was a year",
            "a - b",
            "",
        ] {
            assert_eq!(plain(line), line);
        }
    }
}
