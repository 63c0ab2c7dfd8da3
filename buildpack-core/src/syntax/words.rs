//! One word of bash: quotes, escapes and variables resolved, or the reason why only bash can.

use super::Value;
use super::ansi_c;
use super::cursor::{Cursor, is_false_blank, is_zero_width};
use super::known::{Known, TOO_LONG};

/// A word that was read.
#[derive(Default)]
pub(super) struct Word {
    pub(super) text: String,
    /// Why only bash can evaluate it.
    pub(super) dynamic: Option<String>,
}

impl Word {
    fn is_dynamic(&mut self, why: impl Into<String>) {
        self.dynamic.get_or_insert_with(|| why.into());
    }
}

/// Where a word stands, which decides what bash does to it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The value of an assignment: neither split nor matched against files.
    Value,
    /// A member of an array or an argument: split and matched.
    Argument,
}

/// A quote or bracket that is never closed; where it opens, and what it is.
pub(super) struct Unbalanced {
    pub(super) at: usize,
    pub(super) open: &'static str,
}

/// Whether `c` ends an unquoted word.
pub(super) fn ends_word(c: char) -> bool {
    matches!(
        c,
        ' ' | '\t' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>'
    ) || is_false_blank(c)
}

/// Reads the word that starts at the cursor; it may be empty.
pub(super) fn read(
    cursor: &mut Cursor<'_>,
    known: &Known,
    place: Place,
) -> Result<Word, Unbalanced> {
    let mut word = Word::default();
    while let Some(c) = cursor.peek() {
        if ends_word(c) || cursor.rest().starts_with("\r\n") {
            break;
        }
        if is_zero_width(c) {
            cursor.bump();
            continue;
        }
        let at = cursor.at;
        match c {
            '\'' => {
                cursor.bump();
                word.text += &quoted(cursor, at, '\'')?.replace("\r\n", "\n");
            }
            '"' => {
                cursor.bump();
                double_quoted(cursor, known, at, &mut word)?;
            }
            '\\' => {
                cursor.bump();
                if cursor.eat_newline() {
                    continue;
                }
                match cursor.bump() {
                    Some(escaped) => word.text.push(escaped),
                    // Bash keeps it or drops it, depending on what stands before.
                    None => word.is_dynamic("a backslash at the end of the file"),
                }
            }
            '$' | '`' => expansion(cursor, known, Some(place), &mut word)?,
            _ => {
                cursor.bump();
                unquoted(c, place, &mut word);
            }
        }
    }
    Ok(word)
}

/// One plain character, which may still mean something to bash.
fn unquoted(c: char, place: Place, word: &mut Word) {
    match c {
        '~' if word.text.is_empty() || word.text.ends_with([':', '=']) => {
            word.is_dynamic("tilde expansion");
        }
        '*' | '?' | '[' if place == Place::Argument => {
            word.is_dynamic("a pattern of file names");
        }
        '{' if place == Place::Argument => word.is_dynamic("brace expansion"),
        _ => {}
    }
    word.text.push(c);
}

/// The text up to the next `close`, and steps over that.
fn quoted<'a>(cursor: &mut Cursor<'a>, at: usize, close: char) -> Result<&'a str, Unbalanced> {
    let text = cursor.take_while(|c| c != close);
    match cursor.bump() {
        Some(_) => Ok(text),
        None => Err(Unbalanced {
            at,
            open: if close == '\'' { "'" } else { "`" },
        }),
    }
}

fn double_quoted(
    cursor: &mut Cursor<'_>,
    known: &Known,
    at: usize,
    word: &mut Word,
) -> Result<(), Unbalanced> {
    loop {
        match cursor.peek() {
            None => return Err(Unbalanced { at, open: "\"" }),
            Some('"') => {
                cursor.bump();
                return Ok(());
            }
            Some('\\') => {
                cursor.bump();
                if cursor.eat_newline() {
                    continue;
                }
                match cursor.peek() {
                    Some(c @ ('$' | '`' | '"' | '\\')) => {
                        cursor.bump();
                        word.text.push(c);
                    }
                    _ => word.text.push('\\'),
                }
            }
            Some('$' | '`') => expansion(cursor, known, None, word)?,
            Some('\r') if cursor.rest().starts_with("\r\n") => {
                cursor.bump();
            }
            Some(c) => {
                cursor.bump();
                if !is_zero_width(c) {
                    word.text.push(c);
                }
            }
        }
    }
}

/// What stands at a `$` or a backtick; `place` is none inside double quotes.
fn expansion(
    cursor: &mut Cursor<'_>,
    known: &Known,
    place: Option<Place>,
    word: &mut Word,
) -> Result<(), Unbalanced> {
    let at = cursor.at;
    if cursor.eat("`") {
        skip_quoted(cursor, at, '`', "`")?;
        word.is_dynamic("command substitution");
        return Ok(());
    }
    cursor.eat("$");
    match cursor.peek() {
        Some('(') => {
            cursor.bump();
            skip_balanced(cursor, at, '(', ')', "$(")?;
            word.is_dynamic("command substitution");
        }
        Some('[') => {
            cursor.bump();
            skip_balanced(cursor, at, '[', ']', "$[")?;
            word.is_dynamic("arithmetic");
        }
        Some('{') => {
            cursor.bump();
            let start = cursor.at;
            skip_balanced(cursor, at, '{', '}', "${")?;
            let inner = &cursor.source.text[start..cursor.at - 1];
            braced(inner, known, place, word);
        }
        Some('\'') if place.is_some() => {
            cursor.bump();
            let start = cursor.at;
            skip_quoted(cursor, at, '\'', "$'")?;
            match ansi_c::unescape(&cursor.source.text[start..cursor.at - 1]) {
                Some(text) => word.text += &text,
                None => word.is_dynamic("bytes that are no text"),
            }
        }
        Some('"') if place.is_some() => {
            word.is_dynamic("a translated string");
        }
        Some(c) if "@*#?-$!0123456789".contains(c) => {
            cursor.bump();
            word.is_dynamic(format!("the shell's own `${c}`"));
        }
        _ => match cursor.name() {
            Some(name) => {
                cursor.at += name.len();
                variable(name, known, place, word);
            }
            None => word.text.push('$'),
        },
    }
    Ok(())
}

/// The inside of `${…}`: a name, or a name with a plain default.
fn braced(inner: &str, known: &Known, place: Option<Place>, word: &mut Word) {
    let end = inner
        .find(|c: char| c != '_' && !c.is_ascii_alphanumeric())
        .unwrap_or(inner.len());
    let (name, operator) = inner.split_at(end);
    let named = !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit());
    let default = operator
        .strip_prefix(":-")
        .map(|default| (default, true))
        .or_else(|| operator.strip_prefix('-').map(|default| (default, false)));
    match (named, operator, default) {
        (true, "", _) => variable(name, known, place, word),
        (true, _, Some((default, when_empty))) => match known.get(name) {
            Some(Value::Text(text)) if !(text.is_empty() && when_empty) => {
                insert(text, known, place, word);
            }
            Some(Value::Text(_)) if is_plain(default) => insert(default, known, place, word),
            _ => variable(name, known, place, word),
        },
        _ => word.is_dynamic("a parameter expansion"),
    }
}

/// Whether a default stands for itself wherever it is written.
fn is_plain(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:=@+,".contains(c);
    text.chars().all(plain)
}

fn variable(name: &str, known: &Known, place: Option<Place>, word: &mut Word) {
    match known.get(name) {
        Some(Value::Text(text)) => insert(text, known, place, word),
        Some(Value::Array(_)) => word.is_dynamic(format!("the array `{name}`")),
        Some(Value::Dynamic(why)) => {
            // Where it began, not the whole way: that may be as long as the file.
            let why = why.rsplit("`, which is ").next().unwrap_or_default();
            word.is_dynamic(format!("`{name}`, which is {why}"));
        }
        None => word.is_dynamic(format!("the environment variable `{name}`")),
    }
}

/// Puts a variable's value into the word, unless bash would split it or match it against files.
fn insert(text: &str, known: &Known, place: Option<Place>, word: &mut Word) {
    if !known.may_copy(text.len()) {
        return word.is_dynamic(TOO_LONG);
    }
    let splits = |c: char| c.is_whitespace() || "*?[\\".contains(c);
    if place == Some(Place::Argument) && (text.is_empty() || text.contains(splits)) {
        word.is_dynamic("a variable that bash would split");
    }
    word.text += text;
}

/// Steps over the next `close` that has no backslash before it.
fn skip_quoted(
    cursor: &mut Cursor<'_>,
    at: usize,
    close: char,
    open: &'static str,
) -> Result<(), Unbalanced> {
    while let Some(c) = cursor.bump() {
        if c == '\\' {
            cursor.bump();
        } else if c == close {
            return Ok(());
        }
    }
    Err(Unbalanced { at, open })
}

/// Steps over the bracket that closes the one just passed, with quotes and nested brackets respected.
fn skip_balanced(
    cursor: &mut Cursor<'_>,
    at: usize,
    open: char,
    close: char,
    name: &'static str,
) -> Result<(), Unbalanced> {
    let mut depth = 1_usize;
    while let Some(c) = cursor.bump() {
        match c {
            '\\' => {
                cursor.bump();
            }
            '\'' => {
                quoted(cursor, cursor.at - 1, '\'')?;
            }
            '"' => skip_quoted(cursor, cursor.at - 1, '"', "\"")?,
            '`' => skip_quoted(cursor, cursor.at - 1, '`', "`")?,
            c if c == close => {
                depth -= 1;
                if depth == 0 {
                    return Ok(());
                }
            }
            c if c == open => depth += 1,
            _ => {}
        }
    }
    Err(Unbalanced { at, open: name })
}

/// Whether expanding `text` may set a variable: `${a:=b}`, `$((a = 1))`.
pub(super) fn may_set(text: &str) -> bool {
    let default = text.match_indices("${").any(|(at, open)| {
        let inner = &text[at + open.len()..];
        let operator = inner.trim_start_matches(|c: char| c == '_' || c.is_ascii_alphanumeric());
        operator.starts_with('=') || operator.starts_with(":=")
    });
    let arithmetic = ["((", "$["].iter().any(|open| text.contains(open));
    default || (arithmetic && ["=", "++", "--"].iter().any(|sets| text.contains(sets)))
}
