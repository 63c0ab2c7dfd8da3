//! Secret values taken out of everything that is drawn.

use std::borrow::Cow;
use std::io::{self, Write};

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};
use serde_json::Value;

use super::logins;

/// Shorter values stand in any text by chance.
const SHORTEST: usize = 6;

/// A line longer than this is passed on in pieces.
const LONGEST_LINE: usize = 64 << 10;

/// Keys of JSON events that hold words of ours, never text of others.
const OUR_WORDS: [&str; 7] = [
    "event", "stage", "code", "severity", "class", "digest", "diff_id",
];

/// Replaces secret values by `[NAME]`. There is no way to print the values.
#[derive(Clone, Default)]
pub struct Redactor {
    finder: Option<AhoCorasick>,
    /// What each pattern of the finder is replaced by.
    masks: Vec<String>,
    /// Bytes of the longest pattern.
    longest: usize,
}

impl Redactor {
    /// A redactor for secrets by name and value. Values of fewer than 6 bytes are left alone; of a value of several
    /// lines each line counts for itself, since output comes by the line.
    pub fn new<N: AsRef<str>, V: AsRef<str>>(secrets: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut patterns: Vec<String> = Vec::new();
        let mut masks = Vec::new();
        for (name, value) in secrets {
            for line in value.as_ref().lines().map(str::trim) {
                // Source lines are drawn with tabs as four spaces.
                let forms = [
                    Some(line.to_owned()),
                    line.contains('\t').then(|| line.replace('\t', "    ")),
                ];
                for form in forms.into_iter().flatten() {
                    if form.len() >= SHORTEST && !patterns.contains(&form) {
                        patterns.push(form);
                        masks.push(format!("[{}]", name.as_ref()));
                    }
                }
            }
        }
        let longest = patterns.iter().map(String::len).max().unwrap_or(0);
        let finder = AhoCorasickBuilder::new()
            .match_kind(MatchKind::LeftmostLongest)
            .build(&patterns)
            .ok()
            .filter(|_| !patterns.is_empty());
        Self {
            finder,
            masks,
            longest,
        }
    }

    /// `text` without secret values, and with no login in any address.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let text = match &self.finder {
            Some(finder) if finder.is_match(text) => {
                Cow::Owned(finder.replace_all(text, &self.masks))
            }
            _ => Cow::Borrowed(text),
        };
        match logins::hidden(&text) {
            Some(hidden) => Cow::Owned(hidden),
            None => text,
        }
    }

    /// Whether `text` holds a secret value, or an address with a login.
    pub fn finds_in(&self, text: &str) -> bool {
        let finder = self.finder.as_ref();
        finder.is_some_and(|finder| finder.is_match(text)) || logins::any_in(text)
    }

    /// Takes secret values out of all strings of `value`, except out of words of ours such as codes and digests.
    pub(super) fn redact_json(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Cow::Owned(redacted) = self.redact(text) {
                    *text = redacted;
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.redact_json(value)),
            Value::Object(fields) => fields
                .iter_mut()
                .filter(|(key, _)| !OUR_WORDS.contains(&key.as_str()))
                .for_each(|(_, value)| self.redact_json(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Up to which byte `text` may be given out while more of its line is to come: what follows may be the
    /// beginning of a secret.
    pub(super) fn safe_length(&self, text: &str) -> usize {
        let Some(finder) = &self.finder else {
            return text.len();
        };
        let cut =
            text.floor_char_boundary(text.len().saturating_sub(self.longest.saturating_sub(1)));
        finder
            .find_iter(text)
            .find(|found| found.end() > cut)
            .map_or(cut, |found| found.start().min(cut))
    }

    /// A writer in front of `to` that passes whole lines on, redacted.
    pub fn writer<W: Write>(&self, to: W) -> RedactingWriter<'_, W> {
        RedactingWriter {
            redactor: self,
            pending: Vec::new(),
            to,
        }
    }
}

/// Passes lines on without secret values, however they were split over writes. What stands without a line end is
/// passed on by [`finish`](Self::finish) or when it is dropped. Invalid UTF-8 is replaced.
pub struct RedactingWriter<'r, W: Write> {
    redactor: &'r Redactor,
    pending: Vec<u8>,
    to: W,
}

impl<W: Write> RedactingWriter<'_, W> {
    /// Passes on what stands without a line end.
    pub fn finish(&mut self) -> io::Result<()> {
        let rest = std::mem::take(&mut self.pending);
        self.pass(&rest)?;
        self.to.flush()
    }

    fn pass(&mut self, bytes: &[u8]) -> io::Result<()> {
        let text = String::from_utf8_lossy(bytes);
        self.to.write_all(self.redactor.redact(&text).as_bytes())
    }
}

impl<W: Write> Write for RedactingWriter<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        if let Some(end) = self.pending.iter().rposition(|&byte| byte == b'\n') {
            let rest = self.pending.split_off(end + 1);
            let lines = std::mem::replace(&mut self.pending, rest);
            self.pass(&lines)?;
        }
        if self.pending.len() > LONGEST_LINE + self.redactor.longest {
            let text = String::from_utf8_lossy(&self.pending).into_owned();
            let (safe, rest) = text.split_at(self.redactor.safe_length(&text));
            self.pass(safe.as_bytes())?;
            self.pending = rest.as_bytes().to_vec();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

impl<W: Write> Drop for RedactingWriter<'_, W> {
    fn drop(&mut self) {
        // Nobody is left to tell; `finish` is there for who wants to know.
        let _ = self.finish();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn redactor() -> Redactor {
        Redactor::new([
            ("TOKEN", "s3cr3t-value"),
            ("LONGER", "s3cr3t-value-and-more"),
            ("SHORT", "abc"),
            ("PEM", "-----BEGIN-----\nMIIEpAIBAAKCAQEA\n--\n"),
        ])
    }

    #[test]
    fn values_give_way_to_names_and_the_longest_wins() {
        let redactor = redactor();
        assert_eq!(redactor.redact("a s3cr3t-value!"), "a [TOKEN]!");
        assert_eq!(redactor.redact("s3cr3t-value-and-more"), "[LONGER]");
        assert_eq!(redactor.redact("abc -- abc"), "abc -- abc");
        assert_eq!(redactor.redact("  MIIEpAIBAAKCAQEA"), "  [PEM]");
    }

    #[test]
    fn json_keeps_its_own_words() {
        let redactor = Redactor::new([("WORD", "heading")]);
        let mut value = serde_json::json!({"event": "heading", "text": ["a heading"], "n": 1});
        redactor.redact_json(&mut value);
        assert_eq!(
            value,
            serde_json::json!({"event": "heading", "text": ["a [WORD]"], "n": 1})
        );
    }

    #[test]
    fn a_redactor_without_secrets_changes_nothing() {
        let redactor = Redactor::default();
        assert_eq!(redactor.redact("anything"), "anything");
        assert_eq!(redactor.safe_length("anything"), 8);
    }

    proptest! {
        #[test]
        fn however_a_line_is_split_the_value_never_passes(
            before in "[a-z]{0,5}", after in "[a-z\\n]{0,5}", size in 1_usize..8,
        ) {
            let redactor = redactor();
            let text = format!("{before}s3cr3t-value{after}");
            let mut out = Vec::new();
            {
                let mut writer = redactor.writer(&mut out);
                for piece in text.as_bytes().chunks(size) {
                    writer.write_all(piece).unwrap();
                    writer.flush().unwrap();
                }
            }
            prop_assert_eq!(String::from_utf8(out).unwrap(), format!("{before}[TOKEN]{after}"));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn endless_lines_pass_in_pieces_without_the_value(at in 65_000_usize..66_000) {
            let redactor = redactor();
            let mut out = Vec::new();
            {
                let mut writer = redactor.writer(&mut out);
                let text = format!("{}s3cr3t-value{}", "x".repeat(at), "y".repeat(70_000));
                for piece in text.as_bytes().chunks(1000) {
                    writer.write_all(piece).unwrap();
                }
            }
            let out = String::from_utf8(out).unwrap();
            prop_assert!(out.contains("[TOKEN]") && !out.contains("s3cr3t"));
            prop_assert_eq!(out.len(), at + "[TOKEN]".len() + 70_000);
        }
    }
}
