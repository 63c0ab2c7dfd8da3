//! What `exec setuidgid USER $(eval echo COMMAND)` makes of a command that bash alone would run well.
//!
//! `eval` has bash read the command as what `echo` prints, once, as root; what is printed falls apart at blanks, and is
//! run without a shell.

/// A sort of damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mangled {
    /// Quotes around blanks, patterns, or nothing.
    Quotes,
    /// A backslash before a blank or a pattern.
    Backslash,
    /// `&&`, `;`, `&`.
    Then,
    /// `||`.
    Else,
    /// `|`.
    Pipe,
    /// A redirect of standard output.
    Output,
    /// Any other redirect.
    Redirect,
    /// `NAME=value` before a program.
    Variable,
    /// A first word that bash does itself.
    Builtin,
    /// `$(…)` or backticks.
    Substitution,
    /// `(…)`.
    Group,
}

impl Mangled {
    /// What becomes of it, for its label.
    pub(super) fn becomes(self) -> &'static str {
        match self {
            Self::Quotes => "the quotes are lost",
            Self::Backslash => "the backslash is lost",
            Self::Then => "what follows runs first, as root, and what it prints becomes arguments",
            Self::Else => "what follows never runs",
            Self::Pipe => "what follows gets the command's own text, not what the command prints",
            Self::Output => "the command's own text goes there, and nothing is run",
            Self::Redirect => "the redirect is lost",
            Self::Variable => "taken for the name of a program",
            Self::Builtin => "no program of this name: only bash knows it",
            Self::Substitution => "runs as root, and what it prints falls apart at blanks",
            Self::Group => "a syntax error behind `echo`",
        }
    }
}

/// Words that begin a command and are no programs.
const BUILTINS: [&str; 22] = [
    "!", ".", ":", "[[", "builtin", "case", "cd", "command", "eval", "exec", "export", "for", "if",
    "set", "shopt", "source", "trap", "ulimit", "umask", "unset", "until", "while",
];

/// The damaged parts of a command with their first byte and the one past their last, in order.
pub(super) fn mangled(command: &str) -> Vec<(Mangled, usize, usize)> {
    let mut scan = Scan {
        text: command,
        at: 0,
        found: Vec::new(),
    };
    scan.first_words();
    scan.words();
    scan.found.sort_by_key(|(_, start, _)| *start);
    scan.found
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
    found: Vec<(Mangled, usize, usize)>,
}

impl Scan<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn add(&mut self, sort: Mangled, start: usize) {
        self.found.push((sort, start, self.at));
    }

    /// Assignments before the program, and a program that is none.
    fn first_words(&mut self) {
        let mut at = 0;
        while let Some(end) = assignment(&self.text[at..]) {
            self.found.push((Mangled::Variable, at, at + end));
            let rest = &self.text[at + end..];
            at = self.text.len() - rest.trim_start().len();
        }
        let rest = &self.text[at..];
        let word = rest
            .split(|c: char| c.is_whitespace() || "&|;<>()".contains(c))
            .next()
            .unwrap_or_default();
        if BUILTINS.contains(&word) || word == "{" {
            self.found.push((Mangled::Builtin, at, at + word.len()));
        }
    }

    fn words(&mut self) {
        let mut word_begins = true;
        while let Some(byte) = self.byte(self.at) {
            let start = self.at;
            let began = word_begins;
            word_begins = false;
            match byte {
                b' ' | b'\t' => {
                    self.at += 1;
                    word_begins = true;
                }
                // A comment, for both.
                b'#' if began => return,
                b'\\' => self.backslash(),
                b'\'' | b'"' => self.quoted(start, byte),
                b'$' if self.rest().starts_with("$'") || self.rest().starts_with("$\"") => {
                    self.at += 1;
                    let quote = self.byte(self.at).unwrap_or_default();
                    self.quoted(start, quote);
                }
                b'$' | b'`' => self.expansion(),
                b'0'..=b'9' if began && self.redirect_has_number() => self.redirect(),
                b'<' | b'>' => self.redirect(),
                b'&' if self.rest().starts_with("&>") => self.redirect(),
                b'&' | b'|' | b';' => {
                    self.operator();
                    word_begins = true;
                }
                b'(' | b')' => {
                    self.at += 1;
                    self.add(Mangled::Group, start);
                }
                _ => self.at += 1,
            }
        }
    }

    fn backslash(&mut self) {
        let start = self.at;
        self.at += 1;
        let next = self.rest().chars().next();
        self.at += next.map_or(0, char::len_utf8);
        if next.is_some_and(falls_apart) {
            self.add(Mangled::Backslash, start);
        }
    }

    /// A quoted part that began at `start`, with its quote at the cursor. One that does not end is a mistake for
    /// everybody.
    fn quoted(&mut self, start: usize, quote: u8) {
        let ansi_c = quote == b'\'' && self.at > start;
        let escapes = quote == b'"' || ansi_c;
        self.at += 1;
        let inside = self.at;
        while let Some(byte) = self.byte(self.at) {
            match byte {
                b'\\' if escapes => self.at = (self.at + 2).min(self.text.len()),
                b'$' | b'`' if quote == b'"' => self.expansion(),
                _ if byte == quote => {
                    let content = self.text.get(inside..self.at).unwrap_or_default();
                    let lost = content.is_empty()
                        || content.chars().any(falls_apart)
                        || (ansi_c && content.contains('\\'));
                    self.at += 1;
                    if lost {
                        self.add(Mangled::Quotes, start);
                    }
                    return;
                }
                _ => self.at += 1,
            }
        }
    }

    /// `$…` or backticks, to their end; only what runs a program is told.
    fn expansion(&mut self) {
        let start = self.at;
        let rest = self.rest();
        let (length, runs) = if rest.starts_with("$((") {
            (closing(rest, b'(', b')'), false)
        } else if rest.starts_with("$(") {
            (closing(rest, b'(', b')'), true)
        } else if rest.starts_with("${") {
            (closing(rest, b'{', b'}'), false)
        } else if let Some(inside) = rest.strip_prefix('`') {
            let end = inside.find('`');
            (end.map_or(rest.len(), |end| end + 2), true)
        } else {
            (1, false)
        };
        self.at += length;
        if runs {
            self.add(Mangled::Substitution, start);
        }
    }

    fn redirect_has_number(&self) -> bool {
        let number = self.rest().trim_start_matches(|c: char| c.is_ascii_digit());
        number.starts_with(['<', '>'])
    }

    /// A redirect without its target.
    fn redirect(&mut self) {
        let start = self.at;
        let rest = self.rest();
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, sign) = rest.split_at(digits);
        let length = sign.find(|c| !"<>&|".contains(c)).unwrap_or(sign.len());
        let process = sign.get(length..).is_some_and(|rest| rest.starts_with('('));
        let input = sign.starts_with('<');
        let of_output = !input && matches!(number, "" | "1") && !process;
        self.at += digits + length;
        if process {
            self.at += closing(self.rest(), b'(', b')');
        }
        self.add(
            if of_output {
                Mangled::Output
            } else {
                Mangled::Redirect
            },
            start,
        );
        // The number behind `>&` is no word.
        while self.byte(self.at).is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }

    fn operator(&mut self) {
        let start = self.at;
        let (length, sort) = match self.rest() {
            rest if rest.starts_with("&&") => (2, Mangled::Then),
            rest if rest.starts_with("||") => (2, Mangled::Else),
            rest if rest.starts_with("|&") => (2, Mangled::Pipe),
            rest if rest.starts_with('|') => (1, Mangled::Pipe),
            _ => (1, Mangled::Then),
        };
        self.at += length;
        self.add(sort, start);
    }
}

/// Whether the shell takes an unquoted word apart here, or looks for files.
fn falls_apart(c: char) -> bool {
    c.is_ascii_whitespace() || "*?[".contains(c)
}

/// The length of `NAME=value` at the beginning of `text`.
fn assignment(text: &str) -> Option<usize> {
    let name = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|end| *end > 0)?;
    if text.starts_with(|c: char| c.is_ascii_digit()) || !text[name..].starts_with('=') {
        return None;
    }
    let mut quote = None;
    let mut escaped = false;
    let end = text.char_indices().find(|(_, c)| {
        if std::mem::take(&mut escaped) {
            return false;
        }
        match quote {
            Some(open) if *c == open => quote = None,
            Some('\'') => {}
            None if matches!(c, '"' | '\'') => quote = Some(*c),
            None if c.is_whitespace() || "&|;<>".contains(*c) => return true,
            _ => escaped = *c == '\\',
        }
        false
    });
    Some(end.map_or(text.len(), |(at, _)| at))
}

/// The length up to the bracket that closes the first one; quotes hide brackets.
fn closing(text: &str, open: u8, close: u8) -> usize {
    let (mut depth, mut quote, mut escaped) = (0_usize, None, false);
    for (at, byte) in text.bytes().enumerate() {
        if std::mem::take(&mut escaped) {
            continue;
        }
        match quote {
            Some(mark) if byte == mark => quote = None,
            Some(b'\'') => {}
            _ if byte == b'\\' => escaped = true,
            None if matches!(byte, b'"' | b'\'') => quote = Some(byte),
            None if byte == open => depth += 1,
            None if byte == close => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(command: &str) -> Vec<(Mangled, &str)> {
        mangled(command)
            .into_iter()
            .map(|(sort, start, end)| (sort, &command[start..end]))
            .collect()
    }

    #[test]
    fn what_is_lost_is_found() {
        use Mangled::*;
        let table: [(&str, &[(Mangled, &str)]); 22] = [
            ("a \"x y\" 'b'", &[(Quotes, "\"x y\"")]),
            ("a '' '*'", &[(Quotes, "''"), (Quotes, "'*'")]),
            ("a $'x\\ny'", &[(Quotes, "$'x\\ny'")]),
            ("a \"\\\" b\"", &[(Quotes, "\"\\\" b\"")]),
            ("a b\\ c", &[(Backslash, "\\ ")]),
            ("a && b", &[(Then, "&&")]),
            ("a;b &", &[(Then, ";"), (Then, "&")]),
            ("a || b", &[(Else, "||")]),
            ("a | b |& c", &[(Pipe, "|"), (Pipe, "|&")]),
            ("a > f", &[(Output, ">")]),
            ("a >>f 2>&1", &[(Output, ">>"), (Redirect, "2>&")]),
            ("a &>f", &[(Output, "&>")]),
            ("a >&2", &[(Output, ">&")]),
            ("a < f 2>/dev/null", &[(Redirect, "<"), (Redirect, "2>")]),
            ("a <(b c)", &[(Redirect, "<(b c)")]),
            (
                "A=1 B=\"x\" c D=2",
                &[(Variable, "A=1"), (Variable, "B=\"x\"")],
            ),
            ("exec bin/web", &[(Builtin, "exec")]),
            ("A=1 cd x", &[(Variable, "A=1"), (Builtin, "cd")]),
            ("a $(b \")\" c)", &[(Substitution, "$(b \")\" c)")]),
            ("a `b`", &[(Substitution, "`b`")]),
            ("(a)", &[(Group, "("), (Group, ")")]),
            ("a \"$(b)\"", &[(Substitution, "$(b)")]),
        ];
        for (command, expected) in table {
            assert_eq!(parts(command), expected, "{command}");
        }
    }

    #[test]
    fn what_stays_the_same_is_left_alone() {
        for command in [
            "mix phx.server --port $PORT",
            "elixir --sname server -S mix phx.server",
            "mix run -e \"Shop.start()\"",
            "a ${PORT:-4000} ${X:-(} $((PORT + 1)) # a comment; with && it",
            "a '$PORT' \\$X \\\" x#y *.exs {a,b} ~",
            "env A=1 b",
            "execute --cd x",
            "a '",
            "a \"b c",
            "ä=1 b",
            "1a=2 b",
            "",
        ] {
            assert_eq!(parts(command), [], "{command}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(command in "(\\PC|[a=1'\"\\\\$(){}`&|;<> #é\t]){0,40}") {
            for (sort, start, end) in mangled(&command) {
                let part = command.get(start..end);
                prop_assert!(part.is_some_and(|part| !part.is_empty()), "{sort:?} {start} {end}");
            }
        }
    }
}
