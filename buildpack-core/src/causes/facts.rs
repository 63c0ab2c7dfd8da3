//! What is known of a build besides a line of its log, by name, and sentences in which it is filled in.

use std::collections::BTreeMap;

use super::Words;

/// Values by name: `stack`, `arch`, `otp`, `elixir`, `node`, who said so (`otp_at`), and what a line itself names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts(BTreeMap<String, String>);

impl Facts {
    /// Adds a value; an empty name or one that is there is passed over. Stacks are known by their names in lower case,
    /// whatever a log says.
    pub fn add(&mut self, name: &str, value: &str) {
        if name.is_empty() || self.0.contains_key(name) {
            return;
        }
        let value = match name {
            "stack" => value.to_lowercase(),
            _ => value.to_owned(),
        };
        self.0.insert(name.to_owned(), value);
    }

    /// The value of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Adds what `others` know besides.
    #[must_use]
    pub fn and(mut self, others: &Self) -> Self {
        for (name, value) in &others.0 {
            self.add(name, value);
        }
        self
    }

    /// The first of `words` of which everything is known, filled in.
    pub fn say(&self, words: Words) -> Option<String> {
        words.iter().find_map(|words| self.fill(words))
    }

    /// `words` with values in place of `{name}`, lower-case with `{name.lower}`, of a version the first part with
    /// `{name.major}`; none where a value is not known. Other braces stand for themselves.
    fn fill(&self, words: &str) -> Option<String> {
        let mut said = String::with_capacity(words.len());
        let mut rest = words;
        while let Some((before, behind)) = rest.split_once('{') {
            said.push_str(before);
            rest = behind;
            let name = behind.split_once('}').filter(|(name, _)| is_name(name));
            let Some((name, behind)) = name else {
                said.push('{');
                continue;
            };
            let (name, form) = name.split_once('.').unwrap_or((name, ""));
            let value = self.get(name)?;
            match form {
                "lower" => said.push_str(&value.to_lowercase()),
                "major" => said.push_str(value.split('.').next().unwrap_or(value)),
                _ => said.push_str(value),
            }
            rest = behind;
        }
        said.push_str(rest);
        Some(said)
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_words_of_which_all_is_known_are_said() {
        let mut facts = Facts::default();
        facts.add("tool", "Erlang");
        facts.add("tool", "Elixir");
        let words: Words = &[
            "{tool} {version}",
            "`{tool.lower}` of {:jason, \"1\"}${NPM_TOKEN} {",
        ];
        let said = facts.say(words).unwrap();
        assert_eq!(said, "`erlang` of {:jason, \"1\"}${NPM_TOKEN} {");
        facts.add("version", "27.2");
        assert_eq!(facts.say(words).as_deref(), Some("Erlang 27.2"));
        assert_eq!(facts.say(&["{nothing}"]), None);
    }
}
