//! The first program that a line of bash starts, and its arguments, as far as they stand there plainly.

/// Words before a command that start it all the same.
const BEFORE: [&str; 4] = ["command", "env", "exec", "nohup"];

/// What bash does itself, or begins a longer construct with.
const OF_BASH: [&str; 50] = [
    "!", ".", ":", "[", "[[", "alias", "bg", "break", "builtin", "case", "cd", "continue",
    "coproc", "declare", "echo", "eval", "exit", "export", "false", "for", "function", "getopts",
    "hash", "if", "let", "local", "mapfile", "popd", "printf", "pushd", "pwd", "read", "readonly",
    "return", "select", "set", "shift", "shopt", "source", "test", "time", "trap", "true", "type",
    "typeset", "ulimit", "umask", "unset", "until", "while",
];

/// The words of the first simple command, from its program on; later words as they are written, quotes and all. None where
/// only bash can tell what the program is, or where it is none: `cd /x && y`, `$SERVER start`, `PATH=/x:$PATH y`.
pub fn first_command(line: &str) -> Option<Vec<&str>> {
    let words = words(line);
    let mut rest = words.as_slice();
    loop {
        let (first, after) = rest.split_first()?;
        match assigned(first) {
            // It is looked for in another place then.
            Some("PATH") => return None,
            Some(_) => {}
            None if BEFORE.contains(first) => {}
            None if is_plain(first) && !OF_BASH.contains(first) => return Some(rest.to_vec()),
            None => return None,
        }
        rest = after;
    }
}

/// Whether a word is the same for bash and for its readers: no quotes, variables, patterns.
pub fn is_plain(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./+@:,=%".contains(c);
    !word.is_empty() && !word.starts_with('-') && word.chars().all(plain)
}

/// The variable of `NAME=value`.
fn assigned(word: &str) -> Option<&str> {
    let (name, _) = word.split_once('=')?;
    let mut letters = name.chars();
    let first = letters.next()?;
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    ((first.is_ascii_alphabetic() || first == '_') && letters.all(word)).then_some(name)
}

/// The words up to the first operator, as they are written.
fn words(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = line.trim_start_matches([' ', '\t']);
    while !rest.is_empty() && !rest.starts_with('#') {
        let end = word_end(rest);
        if end == 0 {
            break;
        }
        words.push(&rest[..end]);
        rest = rest[end..].trim_start_matches([' ', '\t']);
    }
    words
}

/// Where the word ends that `text` begins with.
fn word_end(text: &str) -> usize {
    let mut letters = text.char_indices();
    let mut quote = None;
    while let Some((at, c)) = letters.next() {
        match (quote, c) {
            (None | Some('"'), '\\') => {
                letters.next();
            }
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, ' ' | '\t' | '\n' | '\r' | ';' | '&' | '|' | '<' | '>' | '(' | ')') => {
                return at;
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

    fn first(line: &str) -> String {
        first_command(line).map_or_else(|| "?".to_owned(), |words| words.join("|"))
    }

    #[test]
    fn what_is_started_first_is_found() {
        for (line, words) in [
            ("mix phx.server", "mix|phx.server"),
            (
                "  exec ./bin/start --port $PORT",
                "./bin/start|--port|$PORT",
            ),
            (
                "MIX_ENV=prod PHX_HOST=\"a b\" mix phx.server",
                "mix|phx.server",
            ),
            ("env A=1 mix run -e 'a; b' # now", "mix|run|-e|'a; b'"),
            ("bin/migrate && bin/server", "bin/migrate"),
            ("bin/server>log 2>&1", "bin/server"),
            (
                "elixir --sname s -S mix phx.server",
                "elixir|--sname|s|-S|mix|phx.server",
            ),
            ("a\\ b c", "?"),
            ("$SERVER start", "?"),
            ("\"bin/x\" start", "?"),
            ("cd apps/web && mix phx.server", "?"),
            ("(bin/x &)", "?"),
            ("if true; then x; fi", "?"),
            ("PATH=$PWD/bin:$PATH server", "?"),
            ("env -i server", "?"),
            ("bin/*", "?"),
            ("$(cat command)", "?"),
            ("A=1", "?"),
            ("", "?"),
        ] {
            assert_eq!(first(line), words, "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_line_gives_an_answer(line in "(\\PC|[ =;&|<>()'\"\\\\$]|env |exec ){0,40}") {
            if let Some(words) = first_command(&line) {
                prop_assert!(is_plain(words[0]));
                prop_assert!(words.iter().all(|word| line.contains(word)));
            }
        }
    }
}
