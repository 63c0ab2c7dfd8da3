//! Keeps the values of config vars out of everything that is drawn.

/// Knows values that must not be drawn.
#[derive(Default)]
pub struct Redactor {
    /// Value and name, longest value first.
    secrets: Vec<(String, String)>,
}

/// Shorter values are drawn: they are words of every log.
const SHORTEST: usize = 6;

impl Redactor {
    /// Knows these variables, by name and value. A value of several lines is known line by line.
    pub fn new<'a>(vars: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut secrets: Vec<(String, String)> = vars
            .into_iter()
            .flat_map(|(name, value)| {
                value
                    .lines()
                    .map(str::trim)
                    .filter(|line| line.len() >= SHORTEST)
                    .map(move |line| (line.to_owned(), name.to_owned()))
            })
            .collect();
        secrets.sort_by(|one, two| two.0.len().cmp(&one.0.len()).then_with(|| one.cmp(two)));
        Self { secrets }
    }

    /// `text` with the name in place of each value.
    pub fn redact(&self, text: &str) -> String {
        self.secrets
            .iter()
            .fold(text.to_owned(), |text, (value, name)| {
                if text.contains(value.as_str()) {
                    text.replace(value.as_str(), &format!("[{name}]"))
                } else {
                    text
                }
            })
    }

    /// As [`Redactor::redact`] for a line of JSON, in which values stand as JSON writes them.
    pub fn redact_json(&self, json: &str) -> String {
        self.secrets
            .iter()
            .fold(json.to_owned(), |text, (value, name)| {
                let written = serde_json::Value::from(value.as_str()).to_string();
                text.replace(&written[1..written.len() - 1], &format!("[{name}]"))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_value_wins_and_lines_are_known_one_by_one() {
        let redactor = Redactor::new([
            ("A", "secret"),
            ("B", "secret-longer"),
            ("PEM", "-----BEGIN-----\nabcdefgh\n"),
            ("SHORT", "abc"),
        ]);
        assert_eq!(
            redactor.redact("secret secret-longer abcdefgh abc"),
            "[A] [B] [PEM] abc"
        );
    }

    #[test]
    fn json_stays_json() {
        let redactor = Redactor::new([("Q", r#"say "hello""#)]);
        let line = serde_json::json!({"line": r#"I say "hello" now"#}).to_string();
        let json: serde_json::Value = serde_json::from_str(&redactor.redact_json(&line)).unwrap();
        assert_eq!(json["line"], "I [Q] now");
    }
}
