//! The ways in which programs write a value down.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// A line of a longer value counts for itself from this many bytes on.
const SHORTEST_LINE: usize = 16;

/// Marks that stay as they are in percent encoding: RFC 3986, `encodeURIComponent`, `encodeURI`, Python's `quote`, users and
/// passwords of addresses.
const KEPT: [&[u8]; 5] = [
    b"-._~",
    b"-_.!~*'()",
    b"-_.!~*'();/?:@&=+$,#",
    b"-._~/",
    b"-._~!$&'()*+,",
];

/// Marks that stay as they are in forms, where a space is a plus: the encoding of WHATWG, and Elixir's.
const KEPT_IN_FORMS: [&[u8]; 2] = [b"*-._", b"-._~"];

/// All that a search for `value` looks for: its [`forms`], and, as a key of many lines may be written in other lines, those of
/// each long line. First and last lines of such keys are no secret.
pub fn patterns(value: &[u8]) -> BTreeSet<Vec<u8>> {
    let mut all = forms(value);
    if value.contains(&b'\n') {
        let lines = value.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        let telling =
            lines.filter(|line| line.len() >= SHORTEST_LINE && !line.starts_with(b"-----"));
        all.extend(telling.flat_map(forms));
    }
    all
}

/// The value as it is, in base64 at each of the three places that it can have in a longer text, percent encoded, escaped for
/// JSON (once, and as JSON within JSON), and quoted for a shell.
pub fn forms(value: &[u8]) -> BTreeSet<Vec<u8>> {
    let mut forms = BTreeSet::from([value.to_vec()]);
    forms.extend(base64(value));
    forms.extend(percent(value));
    if let Ok(text) = std::str::from_utf8(value) {
        forms.extend(escaped(text).into_iter().map(String::into_bytes));
        if text.contains('\'') {
            forms.insert(text.replace('\'', "'\\''").into_bytes());
        }
    }
    forms
}

fn base64(value: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    for before in 0..3 {
        let padded = [&[0; 2][..before], value].concat();
        // Characters that also hold bits of what stands before or after the value say nothing certain.
        let first = (before * 8).div_ceil(6);
        let last = padded.len() * 8 / 6;
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let encoded = engine.encode(&padded);
            forms.extend(encoded.as_bytes().get(first..last).map(<[u8]>::to_vec));
        }
    }
    forms
}

fn percent(value: &[u8]) -> BTreeSet<Vec<u8>> {
    let mut forms = BTreeSet::new();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric();
    if value.iter().all(plain) {
        return forms;
    }
    let spaced = KEPT.iter().map(|kept| (*kept, "%20"));
    let of_forms = KEPT_IN_FORMS.iter().map(|kept| (*kept, "+"));
    for (kept, space) in spaced.chain(of_forms) {
        for upper in [true, false] {
            let mut text = String::with_capacity(value.len() * 3);
            for byte in value {
                // Writing to a string cannot fail.
                let _ = match byte {
                    b' ' => text.write_str(space),
                    byte if plain(byte) || kept.contains(byte) => {
                        text.write_char(char::from(*byte))
                    }
                    byte if upper => write!(text, "%{byte:02X}"),
                    byte => write!(text, "%{byte:02x}"),
                };
            }
            forms.insert(text.into_bytes());
        }
    }
    forms
}

/// How a text escapes what is outside of plain ASCII, or has a meaning in HTML.
#[derive(Clone, Copy)]
struct Escapes {
    slash: bool,
    /// Marks that are written by their number.
    marks: &'static str,
    ascii: bool,
    upper: bool,
}

fn escaped(text: &str) -> BTreeSet<String> {
    let mut forms = BTreeSet::new();
    let common = |c: char| c.is_ascii_graphic() && !"\"\\/<>&'".contains(c);
    if text.chars().all(common) {
        return forms;
    }
    for bits in 0..16_u8 {
        let escapes = Escapes {
            slash: bits & 1 != 0,
            marks: if bits & 2 != 0 { "<>&'" } else { "" },
            ascii: bits & 4 != 0,
            upper: bits & 8 != 0,
        };
        let once = json(text, escapes);
        forms.insert(json(&once, escapes));
        forms.insert(once);
    }
    forms
}

fn json(text: &str, escapes: Escapes) -> String {
    let mut json = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        let short = match c {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\u{8}' => "\\b",
            '\u{c}' => "\\f",
            '/' if escapes.slash => "\\/",
            _ => "",
        };
        let coded = c.is_control() || escapes.marks.contains(c) || escapes.ascii && !c.is_ascii();
        if !short.is_empty() {
            json.push_str(short);
        } else if coded {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = if escapes.upper {
                    write!(json, "\\u{unit:04X}")
                } else {
                    write!(json, "\\u{unit:04x}")
                };
            }
        } else {
            json.push(c);
        }
    }
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(value: &str, form: &str) {
        let forms = forms(value.as_bytes());
        assert!(forms.contains(form.as_bytes()), "{value} as {form}");
    }

    #[test]
    fn a_plain_value_has_no_forms_but_itself_and_base64() {
        assert_eq!(forms(b"0123456789ab").len(), 4);
    }

    #[test]
    fn what_common_programs_write_is_known() {
        has("a+b/c=d e", "a%2Bb%2Fc%3Dd%20e");
        has("a+b/c=d e", "a%2bb%2fc%3dd+e");
        has("p@ss:w/rd!", "p%40ss%3Aw%2Frd!");
        has("p@ss:w/rd~", "p%40ss%3Aw/rd~");
        has("say \"hi\"", "say \\\"hi\\\"");
        has("say \"hi\"", "say \\\\\\\"hi\\\\\\\"");
        has("one\ntwo", "one\\ntwo");
        has("a/b<c", "a\\/b\\u003Cc");
        has("gr\u{fc}n\u{1f600}", "gr\\u00fcn\\ud83d\\ude00");
        has("it's", "it'\\''s");
    }

    #[test]
    fn long_lines_of_a_key_count_and_its_frame_does_not() {
        let key =
            b"-----BEGIN PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\nshort\n-----END PRIVATE KEY-----\n";
        let patterns = patterns(key);
        assert!(patterns.contains(&b"MIIEpAIBAAKCAQEA"[..]));
        assert!(!patterns.contains(&b"short"[..]));
        assert!(!patterns.contains(&b"-----BEGIN PRIVATE KEY-----"[..]));
    }
}
