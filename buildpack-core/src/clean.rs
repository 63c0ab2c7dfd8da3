//! Text of foreign programs made harmless: nothing in it moves the cursor or speaks to the terminal.

use std::borrow::Cow;

mod lines;

pub use lines::Lines;

/// `text` as one line without control sequences. Of what a carriage return overwrote, only the last stands. With
/// `keep_colour`, sequences that only set colours stay, and are reset at the end.
pub fn line(text: &str, keep_colour: bool) -> Cow<'_, str> {
    if control(text.as_bytes(), false).is_none() {
        return Cow::Borrowed(text);
    }
    let last = text.trim_end_matches('\r');
    let last = last.rsplit('\r').next().unwrap_or(last);
    let mut clean = String::with_capacity(last.len());
    let mut coloured = false;
    let mut rest = last;
    while let Some(at) = control(rest.as_bytes(), false) {
        clean.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = match rest.chars().next() {
            Some('\u{1b}' | '\u{90}' | '\u{98}' | '\u{9b}' | '\u{9d}' | '\u{9e}' | '\u{9f}') => {
                let length = sequence(rest);
                let sequence = &rest[..length];
                if keep_colour && is_colour(sequence) {
                    clean.push_str(sequence);
                    coloured = true;
                }
                length
            }
            control => control.map_or(0, char::len_utf8),
        };
        rest = &rest[length..];
    }
    clean.push_str(rest);
    if coloured && !clean.ends_with("\u{1b}[0m") {
        clean.push_str("\u{1b}[0m");
    }
    Cow::Owned(clean)
}

/// Bytes of foreign programs as text; what is none is replaced.
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    // Nearly all of it is text, which this knows sooner.
    str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// Text of several lines, each made harmless.
pub fn block(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let Some(mut at) = control(bytes, true) else {
        return Cow::Borrowed(text);
    };
    let mut clean = String::with_capacity(text.len());
    let mut done = 0;
    loop {
        let start = memchr::memrchr(b'\n', &bytes[done..at]).map_or(done, |end| done + end + 1);
        let end = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |end| at + end);
        clean.push_str(&text[done..start]);
        clean.push_str(&line(&text[start..end], false));
        done = end;
        match control(&bytes[done..], true) {
            Some(next) => at = done + next,
            None => break,
        }
    }
    clean.push_str(&text[done..]);
    Cow::Owned(clean)
}

/// Bytes that are looked at together.
const STRIDE: usize = 32;

/// Where the first control character stands. Line ends are none where `lines` says so.
fn control(bytes: &[u8], lines: bool) -> Option<usize> {
    let stands = |byte: u8| byte == b'\t' || lines && byte == b'\n';
    // A look at many bytes, and without a branch for each, is many times faster than one at characters.
    let suspect = |byte: u8| byte < b' ' && !stands(byte) || matches!(byte, 0x7f | 0xc2);
    let is_one = |(at, byte): (usize, &u8)| match byte {
        0xc2 => matches!(bytes.get(at + 1), Some(0x80..=0x9f)),
        byte => suspect(*byte),
    };
    for (number, some) in bytes.chunks(STRIDE).enumerate() {
        if some.iter().fold(false, |any, byte| any | suspect(*byte)) {
            let begin = number * STRIDE;
            let mut found = (begin..).zip(some).filter(|pair| is_one(*pair));
            if let Some((at, _)) = found.next() {
                return Some(at);
            }
        }
    }
    None
}

/// Bytes of the sequence that `text` begins with; one that doesn't end takes the rest of the line.
fn sequence(text: &str) -> usize {
    let mut chars = text.char_indices();
    let kind = match chars.next() {
        Some((_, '\u{1b}')) => chars.next().map(|(_, c)| c),
        Some((_, '\u{9b}')) => Some('['),
        Some((_, '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}')) => Some(']'),
        _ => None,
    };
    match kind {
        // Parameters and intermediates, then one final byte.
        Some('[') => chars
            .find(|(_, c)| !(' '..='?').contains(c))
            .map_or(text.len(), |(at, c)| {
                // Whatever is no final byte breaks the sequence off and stands for itself.
                if ('@'..='~').contains(&c) {
                    at + c.len_utf8()
                } else {
                    at
                }
            }),
        // Strings, up to BEL or ST.
        Some(']' | 'P' | 'X' | '^' | '_') => {
            let mut escape = false;
            chars
                .find(|&(_, c)| {
                    let ends = matches!(c, '\u{7}' | '\u{9c}') || escape && c == '\\';
                    escape = c == '\u{1b}';
                    ends
                })
                .map_or(text.len(), |(at, c)| at + c.len_utf8())
        }
        // A character set: one more character.
        Some('(' | ')' | '*' | '+' | '#' | '%' | ' ') => {
            chars.next().map_or(text.len(), |(at, c)| at + c.len_utf8())
        }
        Some(other) if other.is_ascii_graphic() => 2,
        _ => 1.min(text.len()),
    }
}

fn is_colour(sequence: &str) -> bool {
    sequence
        .strip_prefix("\u{1b}[")
        .and_then(|rest| rest.strip_suffix('m'))
        .is_some_and(|inner| {
            inner
                .bytes()
                .all(|b| b.is_ascii_digit() || b == b';' || b == b':')
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_control(c: char) -> bool {
        c != '\t' && c.is_control()
    }

    #[test]
    fn nothing_moves_the_cursor() {
        for (raw, clean) in [
            ("plain\tè 字", "plain\tè 字"),
            ("\u{1b}[2J\u{1b}[1;1Hgone", "gone"),
            ("\u{1b}]0;title\u{7}a\u{1b}]8;;http://x\u{1b}\\b", "ab"),
            ("10%\r 50%\r100%\r", "100%"),
            ("\u{9b}2Ka\u{8}\u{8}b", "ab"),
            ("\u{1b}(Bx\u{1b}7y\u{1b}", "xy"),
            ("a\u{1b}[31", "a"),
            ("\u{1b}[3é", "é"),
            ("a\u{1b}Pno end", "a"),
        ] {
            assert_eq!(line(raw, false), clean, "{raw:?}");
        }
    }

    #[test]
    fn colours_stay_where_wanted_and_end_with_the_line() {
        assert_eq!(line("\u{1b}[31mred", false), "red");
        assert_eq!(
            line("\u{1b}[31mred\u{1b}[K", true),
            "\u{1b}[31mred\u{1b}[0m"
        );
        assert_eq!(
            line("\u{1b}[31mred\u{1b}[0m", true),
            "\u{1b}[31mred\u{1b}[0m"
        );
    }

    proptest! {
        #[test]
        fn no_control_character_is_left(text in "(\\PC|[\u{0}-\u{1f}\u{7f}-\u{9f}]|\u{1b}[\\[\\]P(]){0,40}") {
            prop_assert!(!line(&text, false).chars().any(is_control));
            let bare = line(&text, true).replace('\u{1b}', "");
            prop_assert!(!bare.chars().any(is_control));
        }

        #[test]
        fn each_line_of_a_block_is_made_harmless(text in "([ -~é字·\n\t]{0,40}(\\PC|[\u{0}-\u{1f}\u{7f}-\u{9f}]|\u{1b}[\\[\\]P(])?){0,8}") {
            let lines: Vec<_> = text.split('\n').map(|part| line(part, false)).collect();
            prop_assert_eq!(block(&text), lines.join("\n"));
            for line in text.split('\n') {
                prop_assert_eq!(control(line.as_bytes(), false).is_some(), line.chars().any(is_control));
            }
        }
    }
}
