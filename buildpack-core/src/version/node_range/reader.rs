//! From the text of a range to the bounds of versions that lie in it.

use semver::{BuildMetadata, Prerelease, Version};

use super::{Bound, Comparison};

/// Greater numbers are refused, as JavaScript cannot count them.
const GREATEST: u64 = 9_007_199_254_740_991;

/// What stands before a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    /// Nothing, or `=`.
    Plain,
    Caret,
    Tilde,
    Compare(Comparison),
}

/// A version of which parts may be left out or be `x` or `*`; what follows such a part says nothing.
#[derive(Debug, Clone)]
enum Partial {
    Any,
    Major(u64),
    Minor(u64, u64),
    Full(Version),
}

/// One of up to three.
#[derive(Debug, Clone, Copy)]
enum Part {
    Number(u64),
    /// `x` or `*`.
    Any,
}

/// The rest of a text.
pub(super) struct Reader<'a>(&'a str);

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// Conditions up to the end, which must all hold; none where npm would not read them.
    pub(super) fn set(&mut self) -> Option<Vec<Bound>> {
        self.blanks();
        let mut bounds = Vec::new();
        let mut first = true;
        while !self.0.is_empty() {
            let (operator, from) = (self.operator(), self.partial()?);
            let apart = self.blanks();
            if first && operator == Operator::Plain && apart && self.takes("- ") {
                let to = self.partial()?;
                self.blanks();
                return self.0.is_empty().then(|| hyphen(&from, &to));
            }
            // Two conditions are kept apart by blanks.
            if !apart && !self.0.is_empty() {
                return None;
            }
            bounds.extend(bounds_of(operator, &from));
            first = false;
        }
        Some(bounds)
    }

    fn operator(&mut self) -> Operator {
        // The last column is for an `=` behind it.
        const OPERATORS: [(&str, Operator, Operator); 5] = [
            ("^", Operator::Caret, Operator::Caret),
            ("~>", Operator::Tilde, Operator::Tilde),
            ("~", Operator::Tilde, Operator::Tilde),
            (
                "<",
                Operator::Compare(Comparison::Less),
                Operator::Compare(Comparison::LessOrEqual),
            ),
            (
                ">",
                Operator::Compare(Comparison::Greater),
                Operator::Compare(Comparison::GreaterOrEqual),
            ),
        ];
        let found = OPERATORS
            .into_iter()
            .find(|(written, _, _)| self.takes(written));
        self.blanks();
        let equal = self.takes("=");
        match found {
            Some((_, _, operator)) if equal => operator,
            Some((_, operator, _)) => operator,
            None => Operator::Plain,
        }
    }

    fn partial(&mut self) -> Option<Partial> {
        self.blanks();
        self.takes("v");
        let mut parts = vec![self.part()?];
        while parts.len() < 3 && self.takes(".") {
            parts.push(self.part()?);
        }
        let mut pre = Prerelease::EMPTY;
        if parts.len() == 3 && self.takes("-") {
            pre = Prerelease::new(self.identifiers()?).ok()?;
        }
        if parts.len() == 3 && self.takes("+") {
            BuildMetadata::new(self.identifiers()?).ok()?;
        }
        Some(match *parts.as_slice() {
            [
                Part::Number(major),
                Part::Number(minor),
                Part::Number(patch),
            ] => Partial::Full(Version {
                pre,
                ..Version::new(major, minor, patch)
            }),
            [Part::Number(major), Part::Number(minor), ..] => Partial::Minor(major, minor),
            [Part::Number(major), ..] => Partial::Major(major),
            _ => Partial::Any,
        })
    }

    fn part(&mut self) -> Option<Part> {
        if self.takes("x") || self.takes("X") || self.takes("*") {
            return Some(Part::Any);
        }
        let digits = self.while_byte(|byte| byte.is_ascii_digit());
        let plain = digits.len() == 1 || !digits.starts_with('0');
        let number = digits.parse().ok().filter(|number| *number <= GREATEST);
        number.filter(|_| plain).map(Part::Number)
    }

    /// What may follow `-` or `+`; fails where nothing does.
    fn identifiers(&mut self) -> Option<&str> {
        let text = self.while_byte(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
        (!text.is_empty()).then_some(text)
    }

    fn while_byte(&mut self, belongs: impl Fn(u8) -> bool) -> &str {
        let end = self.0.bytes().position(|byte| !belongs(byte));
        // All bytes that belong are ASCII.
        let (taken, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Whether there were any.
    fn blanks(&mut self) -> bool {
        let rest = self.0.trim_start();
        let any = rest.len() < self.0.len();
        self.0 = rest;
        any
    }

    fn takes(&mut self, text: &str) -> bool {
        let rest = self.0.strip_prefix(text);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }
}

/// What an operator before a version comes to.
fn bounds_of(operator: Operator, of: &Partial) -> Vec<Bound> {
    let end = match (operator, of) {
        (Operator::Compare(comparison), _) => return compared(comparison, of),
        (_, Partial::Any) => return Vec::new(),
        (Operator::Plain, Partial::Full(version)) => {
            return vec![bound(Comparison::Equal, version.clone())];
        }
        (Operator::Tilde, Partial::Full(version)) => before(version.major, version.minor + 1, 0),
        (Operator::Caret, Partial::Full(version)) => {
            match (version.major, version.minor, version.patch) {
                (0, 0, patch) => before(0, 0, patch + 1),
                (0, minor, _) => before(0, minor + 1, 0),
                (major, _, _) => before(major + 1, 0, 0),
            }
        }
        (Operator::Caret, Partial::Minor(major @ 1.., _)) | (_, Partial::Major(major)) => {
            before(major + 1, 0, 0)
        }
        (_, Partial::Minor(major, minor)) => before(*major, minor + 1, 0),
    };
    vec![
        bound(Comparison::GreaterOrEqual, of.first()),
        bound(Comparison::Less, end),
    ]
}

/// `<`, `<=`, `>` and `>=`: of a version with parts left out all versions that begin so are meant.
fn compared(comparison: Comparison, of: &Partial) -> Vec<Bound> {
    let after = match of {
        Partial::Any => {
            let all = matches!(
                comparison,
                Comparison::LessOrEqual | Comparison::GreaterOrEqual
            );
            return if all {
                Vec::new()
            } else {
                vec![bound(Comparison::Less, before(0, 0, 0))]
            };
        }
        Partial::Full(version) => return vec![bound(comparison, version.clone())],
        Partial::Major(major) => Version::new(major + 1, 0, 0),
        Partial::Minor(major, minor) => Version::new(*major, minor + 1, 0),
    };
    let first = of.first();
    vec![match comparison {
        Comparison::Greater => bound(Comparison::GreaterOrEqual, after),
        Comparison::LessOrEqual => bound(
            Comparison::Less,
            before(after.major, after.minor, after.patch),
        ),
        Comparison::Less => bound(
            Comparison::Less,
            before(first.major, first.minor, first.patch),
        ),
        other => bound(other, first),
    }]
}

/// `FROM - TO`, both in it.
fn hyphen(from: &Partial, to: &Partial) -> Vec<Bound> {
    let lower = match from {
        Partial::Any => None,
        other => Some(bound(Comparison::GreaterOrEqual, other.first())),
    };
    let upper = compared(Comparison::LessOrEqual, to);
    lower.into_iter().chain(upper).collect()
}

impl Partial {
    /// The first version that begins so.
    fn first(&self) -> Version {
        match self {
            Self::Any => Version::new(0, 0, 0),
            Self::Major(major) => Version::new(*major, 0, 0),
            Self::Minor(major, minor) => Version::new(*major, *minor, 0),
            Self::Full(version) => version.clone(),
        }
    }
}

fn bound(comparison: Comparison, version: Version) -> Bound {
    Bound {
        comparison,
        version,
    }
}

/// Before the first pre-release of this version.
fn before(major: u64, minor: u64, patch: u64) -> Version {
    Version {
        // `0` is the least of all identifiers; it is a valid one.
        pre: Prerelease::new("0").unwrap_or_default(),
        ..Version::new(major, minor, patch)
    }
}
