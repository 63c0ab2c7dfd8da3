//! What bash prints while it evaluates a config file: our own lines, and those of the file among them.

use std::collections::{BTreeMap, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use buildpack_core::app::ConfigValue;

/// How many lines of the file's own are kept, for the case that it fails, and how much of each.
const LINES: usize = 5;
const LONGEST: usize = 400;

/// What has been printed so far.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Values by name, none where bash leaves a variable unset.
    pub(super) values: BTreeMap<String, Option<ConfigValue>>,
    /// Whether bash came to the end of what it was asked.
    pub(super) ended: bool,
    line: Option<usize>,
    last: VecDeque<String>,
}

impl Heard {
    /// Takes one line of output.
    pub(super) fn line(&mut self, line: &str) {
        if let Some(number) = line.strip_prefix("bp-line ") {
            self.line = number.parse().ok();
        } else if let Some(value) = line.strip_prefix("bp-value ") {
            self.values.extend(value_of(value));
        } else if line == "bp-end" {
            self.ended = true;
        } else if !line.trim().is_empty() {
            if self.last.len() == LINES {
                self.last.pop_front();
            }
            self.last.push_back(line.chars().take(LONGEST).collect());
        }
    }

    /// The file's own last lines.
    pub(super) fn said(&self) -> String {
        let lines: Vec<&str> = self.last.iter().map(String::as_str).collect();
        lines.join("\n")
    }

    /// The line of `file` that bash was at: what it names last itself is what it could not read.
    pub(super) fn stopped_at(&self, file: &str) -> Option<usize> {
        let named = self.last.back().and_then(|said| {
            let place = said.strip_prefix("./")?.strip_prefix(file)?;
            let (number, _) = place.strip_prefix(": line ")?.split_once(':')?;
            number.parse().ok()
        });
        named.or(self.line)
    }
}

/// `NAME`, `NAME text VALUE` or `NAME list VALUE…`, the values in base64. What bash reads of a file with Windows' line ends
/// ends with a carriage return.
fn value_of(text: &str) -> Option<(String, Option<ConfigValue>)> {
    let mut words = text.split(' ');
    let name = words.next()?.to_owned();
    let kind = words.next();
    let values: Option<Vec<String>> = words
        .map(|word| {
            let value = String::from_utf8(STANDARD.decode(word).ok()?).ok()?;
            Some(value.trim_end_matches('\r').to_owned())
        })
        .collect();
    let value = match kind {
        None => None,
        // Declared, and set to nothing.
        Some("text") => values?.into_iter().next().map(ConfigValue::Text),
        Some("list") => Some(ConfigValue::List(values?)),
        Some(_) => return None,
    };
    Some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(lines: &[&str]) -> Heard {
        let mut heard = Heard::default();
        for line in lines {
            heard.line(line);
        }
        heard
    }

    #[test]
    fn values_stand_among_other_output() {
        let heard = heard(&[
            "hello",
            "",
            "bp-line 1",
            "bp-value erlang_version text MjcuMw0=",
            "bp-value elixir_version list YnJhbmNo  bWFpbg==",
            "bp-value release",
            "bp-value empty text ",
            "bp-value odd text !",
            "bp-value odd maybe",
            "bp-value odd text",
            "bp-value latin1 text 6Q==",
            "bp-end",
        ]);
        let text = |text: &str| Some(ConfigValue::Text(text.to_owned()));
        let words = ["branch", "", "main"].map(str::to_owned).to_vec();
        let expected = [
            ("elixir_version", Some(ConfigValue::List(words))),
            ("empty", text("")),
            ("erlang_version", text("27.3")),
            ("odd", None),
            ("release", None),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value));
        assert_eq!(heard.values, BTreeMap::from(expected));
        assert!(heard.ended);
        assert_eq!(heard.said(), "hello");
    }

    #[test]
    fn of_much_that_is_said_the_end_is_kept() {
        let mut heard = Heard::default();
        for number in 0..1000 {
            heard.line(&format!("{number} {}", "é".repeat(LONGEST)));
        }
        let said = heard.said();
        assert_eq!(said.lines().count(), LINES);
        assert!(said.starts_with("995 é"));
        assert_eq!(said.lines().next_back().unwrap().chars().count(), LONGEST);
        assert!(!heard.ended);
    }

    #[test]
    fn bash_was_at_the_line_that_it_names_or_began_last() {
        let at = |lines: &[&str]| heard(lines).stopped_at("a.config");
        assert_eq!(at(&["bp-line 2", "bp-line 4", "cat: x"]), Some(4));
        let unread = "./a.config: line 7: syntax error near unexpected token `)'";
        assert_eq!(at(&["bp-line 2", unread]), Some(7));
        assert_eq!(at(&["bp-line 2", unread, "more"]), Some(2));
        assert_eq!(at(&["./other: line 7: x", "./a.config: line x: y"]), None);
    }
}
