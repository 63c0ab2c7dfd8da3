//! `.env`: variables for a build, one `NAME=value` a line (compatibility facts 2.6). The file is read, never run: what
//! looks like a command is text.
//!
//! A value that begins with a quote is a word of bash: `'…'`, `"…"` and `$'…'` side by side, and it may go over lines. Any
//! other is the rest of the line, blanks, quotes and `#` included. In both, `$NAME` and `${NAME}` stand for variables of
//! lines before, else of the environment; in single quotes they don't.

use std::collections::BTreeMap;

use buildpack_core::syntax::ansi_c;

use super::env_dir::is_identifier;

/// What a file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct EnvFile {
    /// Value by name; of a name that stands twice, the last.
    pub(super) variables: BTreeMap<String, String>,
    /// What was passed over, by line, one sentence each; no value is told.
    pub(super) remarks: Vec<String>,
}

/// Gives a variable of the environment.
type Outer<'o> = &'o dyn Fn(&str) -> Option<String>;

/// Reads the text of a file.
pub(super) fn parse(text: &str, outer: Outer<'_>) -> EnvFile {
    let mut reader = Reader {
        rest: text.trim_start_matches('\u{feff}'),
        line: 1,
        outer,
        file: EnvFile::default(),
    };
    while !reader.rest.is_empty() {
        reader.entry();
    }
    reader.file
}

struct Reader<'r> {
    rest: &'r str,
    /// The number of the line that `rest` begins in.
    line: usize,
    outer: Outer<'r>,
    file: EnvFile,
}

impl<'r> Reader<'r> {
    /// Reads one line, or the lines of a quoted value.
    fn entry(&mut self) {
        let number = self.line;
        let line = self.rest.lines().next().unwrap_or_default();
        let start = line.trim_start();
        let blank = line.len() - start.len();
        if start.is_empty() || start.starts_with('#') {
            return self.skip_line();
        }
        let Some((name, _)) = start.split_once('=') else {
            self.remark(number, "is not `NAME=value`");
            return self.skip_line();
        };
        let equals = blank + name.len();
        let name = name.trim_start_matches("export ").trim();
        if !is_identifier(name.as_bytes()) {
            self.remark(number, "has no name of a variable before `=`");
            return self.skip_line();
        }
        self.rest = &self.rest[equals + 1..];
        let value = match self.rest.as_bytes() {
            [b'\'' | b'"', ..] | [b'$', b'\'', ..] => self.word(),
            _ => {
                let line = self.rest.lines().next().unwrap_or_default();
                let value = self.expanded(line.trim());
                self.skip_line();
                Ok(value)
            }
        };
        match value {
            Ok(value) => {
                self.file.variables.insert(name.to_owned(), value);
            }
            Err(why) => {
                self.remark(number, why);
                self.skip_line();
            }
        }
    }

    /// A word of quotes, and the end of its line.
    fn word(&mut self) -> Result<String, &'static str> {
        let mut value = String::new();
        let from = (self.rest, self.line);
        let mut why = "has a quote that is never closed";
        loop {
            let step = match self.rest.chars().next() {
                None | Some('\n') => break,
                Some('\r') if self.rest.starts_with("\r\n") => break,
                Some(' ' | '\t') => {
                    let after = self.rest.lines().next().unwrap_or_default().trim();
                    if after.is_empty() || after.starts_with('#') {
                        break;
                    }
                    (self.rest, self.line) = from;
                    return Err("has something behind its closing quote");
                }
                Some('\'') => self.quoted('\'', false).map(|text| value.push_str(text)),
                Some('"') => self.quoted('"', true).map(|text| {
                    let text = self.expanded(text);
                    value.push_str(&text);
                }),
                Some('$') if self.rest.starts_with("$'") => {
                    self.advance(1);
                    self.quoted('\'', true).and_then(|text| {
                        why = "has an escape in `$'…'` that gives no text";
                        value.push_str(&ansi_c::unescape(text)?);
                        Some(())
                    })
                }
                Some('\\') => self.rest.chars().nth(1).map(|escaped| {
                    self.advance(1 + escaped.len_utf8());
                    value.push(escaped);
                }),
                Some(_) => {
                    let stop = |c: char| c.is_whitespace() || "'\"\\".contains(c);
                    let next = self.rest[1..].find(|c: char| c == '$' || stop(c));
                    let end = next.map_or(self.rest.len(), |at| at + 1);
                    let text = self.expanded(&self.rest[..end]);
                    self.advance(end);
                    value.push_str(&text);
                    Some(())
                }
            };
            if step.is_none() {
                (self.rest, self.line) = from;
                return Err(why);
            }
        }
        self.skip_line();
        Ok(value)
    }

    /// The text up to the closing quote, which it steps over; `by_backslash`: one takes a quote's meaning.
    fn quoted(&mut self, quote: char, by_backslash: bool) -> Option<&'r str> {
        let text = &self.rest[1..];
        let mut escaped = false;
        let end = text.char_indices().find_map(|(at, c)| {
            if std::mem::take(&mut escaped) {
                return None;
            }
            escaped = by_backslash && c == '\\';
            (c == quote).then_some(at)
        })?;
        self.advance(1 + end + 1);
        Some(&text[..end])
    }

    /// The text as in double quotes of bash, of which only variables are expanded.
    fn expanded(&self, text: &str) -> String {
        let mut value = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(['\\', '$']) {
            value.push_str(&rest[..at]);
            rest = &rest[at..];
            let special = |c: &char| "$\"\\`".contains(*c);
            let (length, put) = match rest.strip_prefix('\\') {
                Some(after) => match after.chars().next().filter(special) {
                    Some(c) => (2, c.to_string()),
                    None => (1, "\\".to_owned()),
                },
                None => match variable(&rest[1..]) {
                    Some((length, name)) => (1 + length, self.value(name)),
                    None => (1, "$".to_owned()),
                },
            };
            value.push_str(&put);
            rest = &rest[length..];
        }
        value + rest
    }

    fn value(&self, name: &str) -> String {
        let own = self.file.variables.get(name).cloned();
        own.or_else(|| (self.outer)(name)).unwrap_or_default()
    }

    fn advance(&mut self, bytes: usize) {
        self.line += self.rest[..bytes].matches('\n').count();
        self.rest = &self.rest[bytes..];
    }

    fn skip_line(&mut self) {
        let end = self.rest.find('\n').map_or(self.rest.len(), |at| at + 1);
        self.advance(end);
    }

    fn remark(&mut self, line: usize, why: &str) {
        let remark = format!("line {line} of .env {why} and is left out");
        self.file.remarks.push(remark);
    }
}

/// The variable behind a `$`, and how long its mention is: `NAME` or `{NAME}`.
fn variable(text: &str) -> Option<(usize, &str)> {
    let plain = |text: &str| {
        let other = |c: char| c != '_' && !c.is_ascii_alphanumeric();
        text.find(other).unwrap_or(text.len())
    };
    let (name, length) = match text.strip_prefix('{') {
        Some(inner) => {
            let end = plain(inner);
            (
                inner.get(..end)?,
                inner[end..].starts_with('}').then_some(end + 2)?,
            )
        }
        None => (&text[..plain(text)], plain(text)),
    };
    is_identifier(name.as_bytes()).then_some((length, name))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> EnvFile {
        parse(text, &|name| {
            (name == "OUTER").then(|| "outside".to_owned())
        })
    }

    #[track_caller]
    fn values(text: &str) -> Vec<(String, String)> {
        let file = read(text);
        assert_eq!(file.remarks, Vec::<String>::new(), "{text}");
        file.variables.into_iter().collect()
    }

    #[track_caller]
    fn value(text: &str, meant: &str) {
        assert_eq!(values(text), [("A".to_owned(), meant.to_owned())], "{text}");
    }

    #[test]
    fn quotes_are_those_of_bash_side_by_side() {
        value(r"A='Hello'$'\n'' '\''world'\'' '", "Hello\n 'world' ");
        value(r"A='te'\''st'", "te'st");
        value(
            r#"A="a \"b\" \$x \\ \n ' #"  # comment"#,
            r#"a "b" $x \ \n ' #"#,
        );
        value("A='one\ntwo'\r\n", "one\ntwo");
        value("A=\"$OUTER-${OUTER}x\"y$OUTER", "outside-outsidexyoutside");
        value("A='$OUTER'", "$OUTER");
        value("A=''", "");
    }

    #[test]
    fn without_quotes_a_value_is_the_rest_of_its_line() {
        value("A={\"a\": [1, 'x']}  \r\n", "{\"a\": [1, 'x']}");
        value("A=x # c", "x # c");
        value("  export A=a  b=c", "a  b=c");
        value("A=", "");
        value(
            "\u{feff}A=$OUTER:$UNSET:\\$OUTER:$:${:${x y}:$1",
            "outside::$OUTER:$:${:${x y}:$1",
        );
        assert_eq!(
            values("A=foo\n# B=x\n\nB=${A}\nA=last\n"),
            [("A".into(), "last".into()), ("B".into(), "foo".into())]
        );
    }

    #[test]
    fn nothing_is_ever_run() {
        value(
            "A=$(touch f) `id` $((1+1)) $$",
            "$(touch f) `id` $((1+1)) $$",
        );
        value("A=\"$(id) `id`\"", "$(id) `id`");
    }

    #[test]
    fn what_is_no_variable_is_told_by_its_line_alone() {
        let file = read(
            "hunter2\nA-B=hunter2\nA='x'\nB=\"x\ny\" hunter2\nC='hunter2\nD=1\n=2\nE=$'\\xff'\n",
        );
        assert_eq!(file.variables.keys().collect::<Vec<_>>(), ["A", "D"]);
        assert_eq!(
            file.remarks,
            [
                "line 1 of .env is not `NAME=value` and is left out",
                "line 2 of .env has no name of a variable before `=` and is left out",
                "line 4 of .env has something behind its closing quote and is left out",
                "line 5 of .env is not `NAME=value` and is left out",
                "line 6 of .env has a quote that is never closed and is left out",
                "line 8 of .env has no name of a variable before `=` and is left out",
                "line 9 of .env has an escape in `$'…'` that gives no text and is left out",
            ]
        );
    }

    proptest! {
        #[test]
        fn quoted_values_are_what_bash_makes_of_them(
            parts in prop::collection::vec("'[^'\0]{0,6}'|\"[^\"\\\\$`\0!\r]{0,6}\"|\"\\\\[\"$\\\\`]\"|\\$'([a-z]|\\\\[abfnrtv]){0,4}'", 1..6)
        ) {
            let text: String = parts.concat();
            // A backslash at the end of `$'…'` takes the quote's meaning.
            prop_assume!(!text.contains("\\'"));
            let output = Command::new("bash")
                .args(["-c", &format!("A={text}\nprintf %s \"$A\"")])
                .output()
                .unwrap();
            let file = read(&format!("A={text}\n"));
            prop_assert_eq!(&file.remarks, &Vec::<String>::new());
            prop_assert_eq!(file.variables["A"].as_bytes(), output.stdout);
        }

        #[test]
        fn any_text_has_an_answer(text in "[A='\"$\\\\{}# \n\r\té]{0,40}") {
            read(&text);
        }
    }
}
