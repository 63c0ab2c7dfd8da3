//! SPDX licence expressions: `AND`, `OR`, `WITH`, brackets; `/` as older crates write `OR`.

use std::iter::Peekable;
use std::vec::IntoIter;

/// A parsed expression.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Expression {
    /// A licence, with its exception if there is one: `Apache-2.0 WITH LLVM-exception`.
    Licence(String),
    /// All of them apply.
    All(Vec<Expression>),
    /// One of them may be chosen.
    Any(Vec<Expression>),
}

impl Expression {
    /// Reads an expression; the error says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let spaced = text
            .replace('/', " OR ")
            .replace('(', " ( ")
            .replace(')', " ) ");
        let words: Vec<String> = spaced.split_whitespace().map(str::to_owned).collect();
        let mut words = words.into_iter().peekable();
        let expression = any(&mut words)?;
        match words.next() {
            None => Ok(expression),
            Some(word) => Err(format!("`{word}` stands where nothing is expected")),
        }
    }

    /// Whether it can be met with licences that `allowed` takes.
    pub(super) fn holds(&self, allowed: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Self::Licence(name) => allowed(name),
            Self::All(parts) => parts.iter().all(|part| part.holds(allowed)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(allowed)),
        }
    }
}

type Words = Peekable<IntoIter<String>>;

fn any(words: &mut Words) -> Result<Expression, String> {
    let mut parts = vec![all(words)?];
    while words.next_if(|word| word == "OR").is_some() {
        parts.push(all(words)?);
    }
    Ok(alone_or(parts, Expression::Any))
}

fn all(words: &mut Words) -> Result<Expression, String> {
    let mut parts = vec![one(words)?];
    while words.next_if(|word| word == "AND").is_some() {
        parts.push(one(words)?);
    }
    Ok(alone_or(parts, Expression::All))
}

fn one(words: &mut Words) -> Result<Expression, String> {
    let word = words.next().ok_or("it ends where a licence is expected")?;
    match word.as_str() {
        "(" => {
            let inner = any(words)?;
            words
                .next_if(|word| word == ")")
                .ok_or("a bracket is not closed")?;
            Ok(inner)
        }
        ")" | "AND" | "OR" | "WITH" => Err(format!("`{word}` stands where a licence is expected")),
        _ if words.next_if(|word| word == "WITH").is_some() => {
            let exception = words.next().ok_or("`WITH` names no exception")?;
            Ok(Expression::Licence(format!("{word} WITH {exception}")))
        }
        _ => Ok(Expression::Licence(word)),
    }
}

fn alone_or(mut parts: Vec<Expression>, several: fn(Vec<Expression>) -> Expression) -> Expression {
    if parts.len() == 1 {
        parts.remove(0)
    } else {
        several(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(text: &str) -> bool {
        let allowed = ["MIT", "ISC", "Apache-2.0"];
        Expression::parse(text)
            .unwrap()
            .holds(&|name| allowed.contains(&name))
    }

    #[test]
    fn or_is_a_choice_and_and_is_none() {
        for text in [
            "MIT",
            "GPL-3.0 OR MIT",
            "GPL-3.0/MIT",
            "(GPL-3.0 OR MIT) AND ISC",
            "GPL-3.0 AND X OR MIT",
        ] {
            assert!(holds(text), "{text}");
        }
        for text in [
            "GPL-3.0",
            "GPL-3.0 AND MIT",
            "MIT AND (GPL-3.0 OR X)",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert!(!holds(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for text in [
            "", "MIT OR", "(MIT", "MIT)", "AND", "MIT ISC", "MIT WITH", "OR MIT",
        ] {
            assert!(Expression::parse(text).is_err(), "{text}");
        }
    }
}
