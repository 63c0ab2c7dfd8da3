//! The escapes of `$'…'` (bash manual, "ANSI-C Quoting").

/// Resolves the text between the quotes; none where the result is no text (a zero byte, no UTF-8).
pub fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let digits = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>, radix: u32, most: usize| {
        let mut value: Option<u32> = None;
        for _ in 0..most {
            let Some(digit) = chars.peek().and_then(|c| c.to_digit(radix)) else {
                break;
            };
            chars.next();
            value = Some(value.unwrap_or(0) * radix + digit);
        }
        value
    };
    while let Some(c) = chars.next() {
        if c != '\\' {
            bytes.extend(c.encode_utf8(&mut [0; 4]).bytes());
            continue;
        }
        let Some(escape) = chars.next() else {
            bytes.push(b'\\');
            break;
        };
        let byte = match escape {
            'a' => 7,
            'b' => 8,
            'e' | 'E' => 27,
            'f' => 12,
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            'v' => 11,
            '\\' | '\'' | '"' | '?' => u8::try_from(escape).ok()?,
            '0'..='7' => {
                let mut value = escape.to_digit(8)?;
                for _ in 0..2 {
                    let Some(digit) = chars.peek().and_then(|c| c.to_digit(8)) else {
                        break;
                    };
                    chars.next();
                    value = value * 8 + digit;
                }
                u8::try_from(value & 0xff).ok()?
            }
            'x' => u8::try_from(digits(&mut chars, 16, 2)?).ok()?,
            'u' | 'U' => {
                let most = if escape == 'u' { 4 } else { 8 };
                let c = char::from_u32(digits(&mut chars, 16, most)?)?;
                if c == '\0' {
                    return None;
                }
                bytes.extend(c.encode_utf8(&mut [0; 4]).bytes());
                continue;
            }
            // Control characters are legal and never meant.
            'c' => return None,
            other => {
                bytes.push(b'\\');
                bytes.extend(other.encode_utf8(&mut [0; 4]).bytes());
                continue;
            }
        };
        if byte == 0 {
            return None;
        }
        bytes.push(byte);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn resolves_as_bash_does() {
        for (written, meant) in [
            ("a\\tb\\n", "a\tb\n"),
            ("it\\'s \\\"x\\\"", "it's \"x\""),
            ("\\101\\x42\\u43", "ABC"),
            ("\\xc3\\xa9", "é"),
            ("\\q", "\\q"),
        ] {
            assert_eq!(unescape(written).as_deref(), Some(meant), "{written}");
        }
        for text in ["\\0", "\\xff", "\\u0", "\\U00110000", "\\ca", "\\xzz"] {
            assert_eq!(unescape(text), None, "{text}");
        }
    }
}
