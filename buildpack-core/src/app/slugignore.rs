//! `.slugignore`: what does not belong to the app, by patterns as in `.gitignore` but for exceptions, which Heroku's
//! slug compiler does not have (compatibility facts 1.5).

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The patterns of a `.slugignore`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SlugIgnore {
    patterns: Vec<Pattern>,
    /// Lines that begin with `!`, which nobody takes back from the other lines.
    pub exceptions: Vec<String>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    /// What the parts of a path are held against; `**` stands for any number of them.
    parts: Vec<Vec<u8>>,
    /// Whether it is for folders alone.
    folders: bool,
}

impl SlugIgnore {
    /// Reads the lines: empty ones and those that begin with `#` say nothing.
    pub fn parse(text: &[u8]) -> Self {
        let mut read = Self::default();
        for line in text.split(|byte| *byte == b'\n') {
            let line = trimmed(line);
            match line.first() {
                None | Some(b'#') => {}
                Some(b'!') => {
                    let shown = String::from_utf8_lossy(line).into_owned();
                    read.exceptions.push(shown);
                }
                Some(_) => read.patterns.extend(Pattern::parse(line)),
            }
        }
        read
    }

    /// Whether nothing is to be left out.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether what stands at `path`, relative to the app, is to be left out; all below it is then, too.
    pub fn leaves_out(&self, path: &Path, is_folder: bool) -> bool {
        let parts: Vec<&[u8]> = path.iter().map(OsStrExt::as_bytes).collect();
        self.patterns
            .iter()
            .any(|pattern| (is_folder || !pattern.folders) && matches(&pattern.parts, &parts))
    }
}

impl Pattern {
    fn parse(line: &[u8]) -> Option<Self> {
        let folders = line.ends_with(b"/");
        let line = line.strip_suffix(b"/").unwrap_or(line);
        // One with a slash within is meant from the app's folder on, any other at any depth.
        let anchored = line.contains(&b'/');
        let mut parts: Vec<Vec<u8>> = Vec::new();
        if !anchored {
            parts.push(b"**".to_vec());
        }
        for part in line.split(|byte| *byte == b'/') {
            let doubled = part == b"**" && parts.last().is_some_and(|last| last == b"**");
            if !part.is_empty() && !doubled {
                parts.push(part.to_vec());
            }
        }
        let says_something = parts.iter().any(|part| part != b"**") || anchored;
        (says_something && !parts.is_empty()).then_some(Self { parts, folders })
    }
}

/// A line without its end and the blanks before it, unless the last is escaped.
fn trimmed(line: &[u8]) -> &[u8] {
    let mut line = line.strip_suffix(b"\r").unwrap_or(line);
    while let [rest @ .., b' ' | b'\t'] = line
        && !rest.ends_with(b"\\")
    {
        line = rest;
    }
    line
}

/// Whether the parts of a path are those of a pattern; a table instead of trying, so that no pattern takes for ever.
fn matches(pattern: &[Vec<u8>], path: &[&[u8]]) -> bool {
    // Which beginnings of the path the pattern's beginning so far is good for.
    let mut good = vec![false; path.len() + 1];
    good[0] = true;
    for (place, part) in pattern.iter().enumerate() {
        let last = place + 1 == pattern.len();
        if part == b"**" {
            // At the end it stands for something, elsewhere also for nothing.
            let mut seen = false;
            for slot in &mut good {
                let before = seen;
                seen |= *slot;
                *slot = if last { before } else { seen };
            }
            continue;
        }
        for end in (0..=path.len()).rev() {
            good[end] = end > 0 && good[end - 1] && glob(part, path[end - 1]);
        }
    }
    good[path.len()]
}

/// Whether `pattern` fits `path` or one of its ends that begins after a slash, its `*` standing for slashes too: the way
/// of `tar --exclude`.
pub fn glob_whole(pattern: &[u8], path: &Path) -> bool {
    let path = path.as_os_str().as_bytes();
    let begins = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
    let mut begins = std::iter::once(0).chain(begins.map(|(at, _)| at + 1));
    begins.any(|begin| glob(pattern, &path[begin..]))
}

/// Whether `name` is one of those that `pattern` stands for: `*` any bytes, `?` one character, `[a-z]` one of a class,
/// `\` before a character takes its meaning.
fn glob(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    // Where to go on if what follows the last `*` turns out not to fit.
    let mut star: Option<(usize, usize)> = None;
    loop {
        let fits = match pattern.get(at) {
            Some(b'*') => {
                star = Some((at + 1, read));
                at += 1;
                continue;
            }
            None if read == name.len() => return true,
            Some(_) if read < name.len() => one(&pattern[at..], &name[read..]),
            _ => None,
        };
        match (fits, &mut star) {
            (Some((of_pattern, of_name)), _) => {
                at += of_pattern;
                read += of_name;
            }
            (None, Some((after, from))) if *from < name.len() => {
                *from += 1;
                (at, read) = (*after, *from);
            }
            (None, _) => return false,
        }
    }
}

/// Holds one element of a pattern against the beginning of a name; gives how much of both it takes.
fn one(pattern: &[u8], name: &[u8]) -> Option<(usize, usize)> {
    let width = character(name);
    match pattern {
        [b'?', ..] => Some((1, width)),
        [b'\\', escaped, ..] => (name[0] == *escaped).then_some((2, 1)),
        [b'[', rest @ ..] => match class(rest, name[0]) {
            Some((length, fits)) => fits.then_some((length + 1, 1)),
            None => (name[0] == b'[').then_some((1, 1)),
        },
        [byte, ..] => (name[0] == *byte).then_some((1, 1)),
        [] => None,
    }
}

/// Bytes of the first character.
fn character(name: &[u8]) -> usize {
    let more = name[1..]
        .iter()
        .take_while(|byte| **byte & 0xc0 == 0x80)
        .take(3);
    1 + more.count()
}

/// Reads a class behind its `[`: how long it is, and whether `byte` is in it; none where it is never closed.
fn class(text: &[u8], byte: u8) -> Option<(usize, bool)> {
    let negated = matches!(text.first(), Some(b'!' | b'^'));
    let mut at = usize::from(negated);
    let (first, mut fits) = (at, false);
    loop {
        let low = match *text.get(at)? {
            b']' if at > first => return Some((at + 1, fits != negated)),
            b'\\' => {
                at += 1;
                *text.get(at)?
            }
            other => other,
        };
        at += 1;
        match (text.get(at), text.get(at + 1)) {
            (Some(b'-'), Some(&high)) if high != b']' => {
                fits |= (low..=high).contains(&byte);
                at += 2;
            }
            _ => fits |= low == byte,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Paths of folders end with a slash here.
    #[track_caller]
    fn left_out(patterns: &str, paths: &[&str], kept: &[&str]) {
        let ignore = SlugIgnore::parse(patterns.as_bytes());
        let out = |path: &str| {
            ignore.leaves_out(Path::new(path.trim_end_matches('/')), path.ends_with('/'))
        };
        let missed: Vec<_> = paths.iter().filter(|path| !out(path)).collect();
        let lost: Vec<_> = kept.iter().filter(|path| out(path)).collect();
        assert!(
            missed.is_empty() && lost.is_empty(),
            "{patterns:?} misses {missed:?} and takes {lost:?}"
        );
    }

    #[test]
    fn patterns_mean_what_they_mean_to_git() {
        left_out(
            "*.psd",
            &["a.psd", "x/y/a.psd", ".psd"],
            &["a.psd.txt", "psd"],
        );
        left_out("/docs", &["docs/", "docs"], &["x/docs"]);
        left_out("docs/", &["docs/", "x/docs/"], &["docs"]);
        left_out("a/b", &["a/b"], &["x/a/b", "a/c/b"]);
        left_out("a/**/b", &["a/b", "a/x/b", "a/x/y/b"], &["a/x", "b"]);
        left_out("**/b/c", &["b/c", "x/y/b/c"], &["b", "c"]);
        left_out("a/**", &["a/x", "a/x/y"], &["a/"]);
        left_out("/*", &["x", "y/"], &["x/y"]);
        left_out("?.txt", &["a.txt", "é.txt"], &["ab.txt", ".txt"]);
        left_out("[a-c]x[!0-9]", &["axb", "cx-"], &["dxb", "ax1"]);
        left_out("[]]", &["]"], &["["]);
        left_out("[x", &["[x"], &["x"]);
        left_out("\\#a\n\\!b\n\\*", &["#a", "!b", "*"], &["a", "x"]);
        left_out("a \nb\\ \n\r\n  \n# c\n", &["a", "b "], &["a ", "b", "# c"]);
        left_out("**", &[], &["a"]);
        left_out("/\n//", &[], &["a", "a/"]);
    }

    #[test]
    fn tars_patterns_go_over_slashes() {
        for (pattern, path, fits) in [
            ("*.psd", "a/b.psd", true),
            ("a*d", "x/a/b/d", true),
            ("b/c", "a/b/c", true),
            ("b", "ab", false),
            ("/a", "a", false),
        ] {
            assert_eq!(
                glob_whole(pattern.as_bytes(), Path::new(path)),
                fits,
                "{pattern}"
            );
        }
    }

    #[test]
    fn an_exception_is_told_and_changes_nothing() {
        let read = SlugIgnore::parse(b"*.md\n!README.md\n");
        assert_eq!(read.exceptions, ["!README.md"]);
        assert!(read.leaves_out(Path::new("README.md"), false));
        assert!(SlugIgnore::parse(b"\n# x\n").is_empty());
    }

    #[test]
    fn no_pattern_takes_for_ever() {
        let stars = "*a".repeat(2000) + "b";
        let name = "a".repeat(4000);
        assert!(!glob(stars.as_bytes(), name.as_bytes()));
        let deep = "**/a/".repeat(300) + "b";
        let path = "a/".repeat(600);
        assert!(!SlugIgnore::parse(deep.as_bytes()).leaves_out(Path::new(&path), true));
    }
}
