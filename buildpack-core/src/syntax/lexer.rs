//! Words of bash: quotes, escapes, variables.

use std::collections::BTreeMap;

use super::Value;

/// Where something opens that is never closed, and what.
pub(super) type Trouble = (usize, &'static str);

type Known = BTreeMap<String, Value>;

/// Reads a text from front to back.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    invisible: Vec<(usize, char)>,
    carriage_return: Option<usize>,
}

/// What a word is so far.
#[derive(Default)]
struct Word {
    text: String,
    /// Why only bash can tell.
    dynamic: Option<String>,
}

impl Word {
    fn only_bash(&mut self, why: &str) {
        self.dynamic.get_or_insert_with(|| why.to_owned());
    }
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            invisible: Vec::new(),
            carriage_return: None,
        }
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn is_done(&self) -> bool {
        self.at == self.text.len()
    }

    pub(super) fn invisible(&self) -> &[(usize, char)] {
        &self.invisible
    }

    pub(super) fn carriage_return(&self) -> Option<usize> {
        self.carriage_return
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The next character that anybody sees; invisible ones and CRs before LFs are stepped over and noted.
    fn peek(&mut self) -> Option<char> {
        loop {
            let character = self.rest().chars().next()?;
            if character == '\r' && matches!(self.rest().as_bytes().get(1), None | Some(b'\n')) {
                self.carriage_return.get_or_insert(self.at);
            } else if is_invisible(character) {
                self.invisible.push((self.at, character));
            } else {
                return Some(character);
            }
            self.at += character.len_utf8();
        }
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += character.len_utf8();
        Some(character)
    }

    pub(super) fn skip_char(&mut self) {
        self.next();
    }

    pub(super) fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    /// Steps to the next statement; `false` at the end.
    pub(super) fn next_statement(&mut self) -> bool {
        loop {
            match self.peek() {
                None => return false,
                Some('#') => self.skip_line(),
                Some(c) if c.is_ascii_whitespace() || c == ';' => self.skip_char(),
                Some('\\') if self.rest().starts_with("\\\n") => self.at += 2,
                Some(_) => return true,
            }
        }
    }

    pub(super) fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(' ' | '\t') => self.skip_char(),
                Some('\\') if self.rest().starts_with("\\\n") => self.at += 2,
                _ => return,
            }
        }
    }

    /// Between the words of an array, lines end and comments stand as well.
    pub(super) fn skip_array_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(c) if c.is_ascii_whitespace() => self.skip_char(),
                Some('#') => self.skip_line(),
                _ => return,
            }
        }
    }

    pub(super) fn at_end_of_statement(&mut self) -> bool {
        matches!(self.peek(), None | Some('\n' | ';' | '#'))
    }

    pub(super) fn skip_line(&mut self) {
        while !matches!(self.peek(), None | Some('\n')) {
            self.skip_char();
        }
    }

    /// A word without a look inside.
    pub(super) fn bare_word(&mut self) -> &'a str {
        let start = self.at;
        while self
            .peek()
            .is_some_and(|c| !c.is_ascii_whitespace() && c != ';')
        {
            self.skip_char();
        }
        self.text[start..self.at].trim_end_matches('\r')
    }

    /// `name=` with its place, if that is what comes next.
    pub(super) fn assignment_name(&mut self) -> Option<(usize, String)> {
        self.peek()?;
        let start = self.at;
        let rest = self.rest();
        let length = rest
            .bytes()
            .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
            .count();
        let starts = rest
            .bytes()
            .next()
            .is_some_and(|byte| !byte.is_ascii_digit());
        if length == 0 || !starts || !rest[length..].starts_with('=') {
            return None;
        }
        self.at += length + 1;
        Some((start, rest[..length].to_owned()))
    }

    /// The word that stands here, resolved as far as that can be done.
    pub(super) fn word(&mut self, known: &Known) -> Result<Value, Trouble> {
        let mut word = Word::default();
        if self.peek() == Some('~') {
            word.only_bash("a home folder (`~`)");
        }
        while let Some(character) = self.peek() {
            let start = self.at;
            match character {
                c if c.is_ascii_whitespace() => break,
                ';' | ')' => break,
                '(' | '&' | '|' | '<' | '>' => {
                    word.only_bash("shell syntax");
                    self.skip_char();
                }
                '\'' => {
                    self.skip_char();
                    self.single(start, &mut word)?;
                }
                '"' => {
                    self.skip_char();
                    self.double(start, &mut word, known)?;
                }
                '\\' => {
                    self.skip_char();
                    match self.next() {
                        None => word.text.push('\\'),
                        Some('\n') => {}
                        Some(escaped) => word.text.push(escaped),
                    }
                }
                '$' => self.dollar(&mut word, known, false)?,
                '`' => self.backtick(&mut word)?,
                other => {
                    self.skip_char();
                    word.text.push(other);
                }
            }
        }
        Ok(match word.dynamic {
            Some(why) => Value::Dynamic(why),
            None => Value::Text(word.text),
        })
    }

    fn single(&mut self, open: usize, word: &mut Word) -> Result<(), Trouble> {
        loop {
            match self.next() {
                None => return Err((open, "quote")),
                Some('\'') => return Ok(()),
                Some(other) => word.text.push(other),
            }
        }
    }

    fn double(&mut self, open: usize, word: &mut Word, known: &Known) -> Result<(), Trouble> {
        loop {
            match self.peek() {
                None => return Err((open, "quote")),
                Some('"') => {
                    self.skip_char();
                    return Ok(());
                }
                Some('$') => self.dollar(word, known, true)?,
                Some('`') => self.backtick(word)?,
                Some('\\') => {
                    self.skip_char();
                    match self.next() {
                        None => return Err((open, "quote")),
                        Some('\n') => {}
                        Some(c @ ('$' | '`' | '"' | '\\')) => word.text.push(c),
                        Some(other) => word.text.extend(['\\', other]),
                    }
                }
                Some(other) => {
                    self.skip_char();
                    word.text.push(other);
                }
            }
        }
    }

    fn dollar(&mut self, word: &mut Word, known: &Known, quoted: bool) -> Result<(), Trouble> {
        let open = self.at;
        self.skip_char();
        match self.peek() {
            Some('(') => {
                word.only_bash("command substitution");
                self.brackets(open)
            }
            Some('{') => self.braces(open, word, known),
            Some('\'') if !quoted => {
                self.skip_char();
                self.ansi(open, word)
            }
            // A text to be translated, which no config is.
            Some('"') if !quoted => Ok(()),
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let start = self.at;
                while self
                    .rest()
                    .starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
                {
                    self.at += 1;
                }
                insert(word, &self.text[start..self.at], None, known);
                Ok(())
            }
            Some(c) if c.is_ascii_digit() || "@*#?$!-".contains(c) => {
                self.skip_char();
                word.only_bash("a variable of the shell");
                Ok(())
            }
            _ => {
                word.text.push('$');
                Ok(())
            }
        }
    }

    /// `${NAME}` and `${NAME:-text}`; every other form is bash's.
    fn braces(&mut self, open: usize, word: &mut Word, known: &Known) -> Result<(), Trouble> {
        self.skip_char();
        let rest = self.rest();
        let Some(close) = rest.find('}') else {
            return Err((open, "bracket"));
        };
        let inside = &rest[..close];
        self.at += close + 1;
        let length = inside
            .bytes()
            .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
            .count();
        let (name, operator) = inside.split_at(length);
        let default = operator.strip_prefix(":-");
        let plain = default.is_none_or(|text| {
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-/+:@ ".contains(&byte))
        });
        if length == 0 || !plain || default.is_none() && !operator.is_empty() {
            word.only_bash("parameter expansion");
        } else {
            insert(word, name, default, known);
        }
        Ok(())
    }

    /// Steps over `(…)`, nested and quoted as it may be.
    fn brackets(&mut self, open: usize) -> Result<(), Trouble> {
        let mut depth = 0;
        loop {
            let start = self.at;
            match self.next() {
                None => return Err((open, "bracket")),
                Some('(') => depth += 1,
                Some(')') if depth == 1 => return Ok(()),
                Some(')') => depth -= 1,
                Some('\\') => self.skip_char(),
                Some('\'') => self.single(start, &mut Word::default())?,
                Some('"') => self.double(start, &mut Word::default(), &Known::new())?,
                Some(_) => {}
            }
        }
    }

    fn backtick(&mut self, word: &mut Word) -> Result<(), Trouble> {
        let open = self.at;
        self.skip_char();
        word.only_bash("command substitution");
        loop {
            match self.next() {
                None => return Err((open, "backtick")),
                Some('`') => return Ok(()),
                Some('\\') => self.skip_char(),
                Some(_) => {}
            }
        }
    }

    /// `$'…'` with the escapes of C.
    fn ansi(&mut self, open: usize, word: &mut Word) -> Result<(), Trouble> {
        loop {
            match self.next() {
                None => return Err((open, "quote")),
                Some('\'') => return Ok(()),
                Some('\\') => match self.next() {
                    None => return Err((open, "quote")),
                    Some('n') => word.text.push('\n'),
                    Some('t') => word.text.push('\t'),
                    Some('r') => word.text.push('\r'),
                    Some(c @ ('\\' | '\'' | '"' | '?')) => word.text.push(c),
                    Some(_) => word.only_bash("an escape of `$'…'`"),
                },
                Some(other) => word.text.push(other),
            }
        }
    }
}

fn insert(word: &mut Word, name: &str, default: Option<&str>, known: &Known) {
    match known.get(name) {
        Some(Value::Text(text)) if !text.is_empty() || default.is_none() => {
            word.text.push_str(text)
        }
        Some(Value::Array(words)) if default.is_none() => {
            word.text.push_str(words.first().map_or("", String::as_str));
        }
        Some(Value::Text(_)) => word.text.push_str(default.unwrap_or_default()),
        Some(_) => word.only_bash("a value that only bash knows"),
        None => match default {
            Some(text) => word.text.push_str(text),
            None => word.only_bash(&format!("`${name}`, which is not set in this file")),
        },
    }
}

/// Characters that editors and web pages leave behind without a trace on screen.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{a0}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}'
    ) || (character.is_control() && !character.is_ascii_whitespace())
}
