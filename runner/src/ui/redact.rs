//! Secret values taken out of everything that is drawn.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, MatchKind};
use buildpack_core::secret::{Search, forms};
use serde_json::Value;

use super::blocks::each;
use super::held::Held;
use super::logins;

/// Shorter values stand in any text by chance.
const SHORTEST: usize = 6;

/// A value that a line's end cuts is known by this many bytes of its beginning, or by all but fewer of its end.
const TELLING: usize = 4;

/// There are two to this power bits for ends of lines that begin a value.
const BITS: u32 = 16;

/// Keys of JSON events that hold words of ours, never text of others.
const OUR_WORDS: [&str; 7] = [
    "event", "stage", "code", "severity", "class", "digest", "diff_id",
];

/// Replaces secret values by `[NAME]`, however they are [written](forms()), also where a line's end cuts them. There is no way
/// to print the values.
#[derive(Clone, Default)]
pub struct Redactor {
    /// Says quickly that there is nothing.
    sieve: Option<Search>,
    finder: Option<AhoCorasick>,
    patterns: Vec<String>,
    /// What each pattern is replaced by.
    masks: Vec<String>,
    /// Bytes of the longest pattern.
    longest: usize,
    /// Which patterns may have begun, and with how many bytes, by the last of these.
    begun: HashMap<[u8; TELLING], Vec<(usize, usize)>>,
    /// A bit for each of its keys, as nearly all lines end in none of them; empty where there are none.
    may_begin: Vec<u64>,
}

impl Redactor {
    /// A redactor for secrets by name and value. Values of fewer than 6 bytes are left alone; of a value of several
    /// lines each line counts for itself, since output comes by the line.
    pub fn new<N: AsRef<str>, V: AsRef<str>>(secrets: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut known: BTreeSet<String> = BTreeSet::new();
        let (mut patterns, mut masks) = (Vec::new(), Vec::new());
        for (name, value) in secrets {
            for pattern in written(value.as_ref()) {
                if known.insert(pattern.clone()) {
                    patterns.push(pattern);
                    masks.push(format!("[{}]", name.as_ref()));
                }
            }
        }
        // The end of a value whose beginning was too short to be known on the line before.
        for number in 0..patterns.len() {
            let ends = (1..TELLING).filter_map(|cut| patterns[number].get(cut..));
            let ends: Vec<String> = ends.map(str::to_owned).collect();
            for end in ends {
                if end.len() >= SHORTEST && known.insert(end.clone()) {
                    patterns.push(end);
                    masks.push(masks[number].clone());
                }
            }
        }
        let mut begun: HashMap<_, Vec<_>> = HashMap::new();
        for (number, pattern) in patterns.iter().enumerate() {
            for (at, last) in pattern.as_bytes().windows(TELLING).enumerate() {
                let length = at + TELLING;
                if let Ok(last) = last.try_into()
                    && length < pattern.len()
                {
                    begun.entry(last).or_default().push((number, length));
                }
            }
        }
        let mut may_begin = vec![0; if begun.is_empty() { 0 } else { 1 << (BITS - 6) }];
        for last in begun.keys() {
            let (word, bit) = slot(*last);
            may_begin[word] |= bit;
        }
        let finder = AhoCorasickBuilder::new()
            .match_kind(MatchKind::LeftmostLongest)
            .build(&patterns)
            .ok()
            .filter(|_| !patterns.is_empty());
        let longest = patterns.iter().map(String::len).max().unwrap_or(0);
        let all = patterns
            .iter()
            .map(|pattern| (pattern.clone().into_bytes(), 0));
        Self {
            sieve: Search::new(all),
            finder,
            masks,
            longest,
            begun,
            may_begin,
            patterns,
        }
    }

    /// `text` without secret values, and with no login in any address.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let text = if self.finder.is_some() && text.contains('\n') {
            self.redact_lines(text)
        } else {
            self.redact_line(text)
        };
        match logins::hidden(&text) {
            Some(hidden) => Cow::Owned(hidden),
            None => text,
        }
    }

    fn redact_line<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match &self.finder {
            Some(finder) if self.has_value(text) => {
                Cow::Owned(finder.replace_all(text, &self.masks))
            }
            _ => Cow::Borrowed(text),
        }
    }

    /// The same where line ends may cut values.
    fn redact_lines<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let nothing = |line: &str| !self.has_value(line) && self.begins_at(line).is_none();
        if text.split('\n').all(nothing) {
            return Cow::Borrowed(text);
        }
        let mut held = Held::default();
        let mut lines = Vec::new();
        for line in text.split('\n') {
            lines.extend(held.take(self, line, true));
        }
        lines.extend(held.rest(self));
        Cow::Owned(lines.join("\n"))
    }

    fn has_value(&self, text: &str) -> bool {
        let sieve = self.sieve.as_ref();
        sieve.is_some_and(|sieve| sieve.is_match(text.as_bytes()))
    }

    /// Whether `text` holds a secret value, or an address with a login.
    pub fn finds_in(&self, text: &str) -> bool {
        self.has_value(text) || logins::any_in(text)
    }

    /// Whether `lines` can be shown as they are: nothing is to be hidden in them, and no value may have begun at the end of
    /// one.
    pub(super) fn passes(&self, lines: &str) -> bool {
        !self.finds_in(lines) && each(lines).all(|line| self.begins_at(line).is_none())
    }

    /// Takes secret values out of all strings of `value`, except out of words of ours such as codes and digests.
    pub fn redact_json(&self, value: &mut Value) {
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

    /// Where the values in `text` stand, each with what it is replaced by.
    pub(super) fn places(&self, text: &str) -> Vec<(Range<usize>, &str)> {
        let Some(finder) = self.finder.as_ref().filter(|_| self.has_value(text)) else {
            return Vec::new();
        };
        let mask = |found: aho_corasick::Match| {
            let mask = self.masks[found.pattern().as_usize()].as_str();
            (found.range(), mask)
        };
        finder.find_iter(text).map(mask).collect()
    }

    /// Where a value begins that the end of `text` cuts, if one does that is long enough to be known.
    pub(super) fn begins_at(&self, text: &str) -> Option<usize> {
        let bytes = text.as_bytes();
        let last = bytes.last_chunk::<TELLING>()?;
        let (word, bit) = slot(*last);
        if self.may_begin.get(word)? & bit == 0 {
            return None;
        }
        let candidates = self.begun.get(last)?;
        let longest = candidates.iter().filter(|(number, length)| {
            bytes.ends_with(&self.patterns[*number].as_bytes()[..*length])
        });
        let longest = longest.map(|(_, length)| *length).max()?;
        let at = bytes.len() - longest;
        text.is_char_boundary(at).then_some(at)
    }

    /// Up to which byte `text` may be given out while more of its line is to come: what follows may be the
    /// beginning of a secret.
    pub(super) fn safe_length(&self, text: &str) -> usize {
        match self.longest {
            0 => text.len(),
            longest => text.floor_char_boundary(text.len().saturating_sub(longest - 1)),
        }
    }
}

/// The word and the bit in it that stand for the end of a line.
fn slot(last: [u8; TELLING]) -> (usize, u64) {
    let hash = u32::from_le_bytes(last).wrapping_mul(0x9e37_79b1) >> (32 - BITS);
    ((hash >> 6) as usize, 1 << (hash & 63))
}

/// What a value is looked for as: each of its lines, and all of it, in all their forms.
fn written(value: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut add = |text: &str| {
        let forms = forms(text.as_bytes()).into_iter();
        all.extend(forms.filter_map(|form| String::from_utf8(form).ok()));
        // Source lines are drawn with tabs as four spaces.
        all.insert(text.replace('\t', "    "));
    };
    let whole = value.trim();
    if whole.contains('\n') && whole.len() >= SHORTEST {
        add(whole);
        add(&format!("{whole}\n"));
    }
    for line in whole.lines().map(str::trim) {
        if line.len() >= SHORTEST {
            add(line);
        }
    }
    all.retain(|form| form.len() >= SHORTEST);
    all
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

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
    fn values_in_other_writing_give_way_too() {
        let redactor = Redactor::new([("PW", "p@ss/w\"rd+1")]);
        for text in [
            "?pw=p%40ss%2Fw%22rd%2B1&",
            r#"{"pw":"p@ss\/w\"rd+1"}"#,
            r#"{\"pw\":\"p@ss/w\\\"rd+1\"}"#,
        ] {
            assert!(redactor.redact(text).contains("[PW]"), "{text}");
        }
        for before in ["", "u", "us", "user:"] {
            let text = STANDARD.encode(format!("{before}p@ss/w\"rd+1 and more"));
            assert!(redactor.redact(&text).contains("[PW]"), "{text}");
        }
    }

    #[test]
    fn a_value_that_line_ends_cut_gives_way() {
        let redactor = redactor();
        for (text, shown) in [
            ("a s3cr3t\n-value b", "a [TOKEN]\n b"),
            ("a s3c\nr3t-value b", "a s3c\n[TOKEN] b"),
            ("a s3cr3t-\nva\nlue b", "a [TOKEN]\n\n b"),
            ("a s3cr3t\n-values are", "a [TOKEN]\ns are"),
            ("a s3cr3t\nb", "a s3cr3t\nb"),
        ] {
            assert_eq!(redactor.redact(text), shown);
        }
    }

    #[test]
    fn a_redactor_without_secrets_changes_nothing() {
        let redactor = Redactor::default();
        assert_eq!(redactor.redact("anything"), "anything");
        assert_eq!(redactor.safe_length("anything"), 8);
    }
}
