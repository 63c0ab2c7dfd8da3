//! What `elixir:` in a `mix.exs` asks for, as Elixir's `Version.parse_requirement/1` and `Version.match?/2` read it.

use std::fmt;
use std::str::FromStr;

use semver::{Prerelease, Version};

use super::VersionError;

/// A requirement such as `~> 1.15` or `>= 1.14.0 and < 2.0.0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElixirRequirement {
    text: String,
    /// One of these has to hold, with all its conditions: `and` binds tighter than `or`.
    ways: Vec<Vec<Condition>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition {
    operator: Operator,
    version: Version,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    /// At least the version, and before this one.
    Near(Version),
}

/// As Elixir looks for them: a longer one before its beginning.
const OPERATORS: [&str; 8] = [">=", "<=", "~>", ">", "<", "==", "!=", "!"];

impl ElixirRequirement {
    /// Whether `version` will do. Pre-releases count by their place in the order, as Mix has it: `~> 1.15` takes
    /// `1.16.0-rc.0`, but neither `1.15.0-rc.0` nor `2.0.0-rc.0`.
    pub fn matches(&self, version: &Version) -> bool {
        self.ways
            .iter()
            .any(|way| way.iter().all(|condition| condition.matches(version)))
    }
}

impl Condition {
    fn new(operator: &str, text: &str) -> Result<Self, &'static str> {
        let numbers = text.split(['-', '+']).next().unwrap_or_default();
        let short = operator == "~>" && numbers.matches('.').count() == 1;
        let full = if short {
            format!("{numbers}.0{}", &text[numbers.len()..])
        } else {
            text.to_owned()
        };
        let version = Version::parse(&full).map_err(|_| why_no_version(operator, text))?;
        let operator = match operator {
            ">=" => Operator::GreaterOrEqual,
            "<=" => Operator::LessOrEqual,
            ">" => Operator::Greater,
            "<" => Operator::Less,
            "!=" | "!" => Operator::NotEqual,
            "~>" => Operator::Near(end_of_line(&version, short)),
            _ => Operator::Equal,
        };
        Ok(Self { operator, version })
    }

    fn matches(&self, version: &Version) -> bool {
        let order = version.cmp_precedence(&self.version);
        match &self.operator {
            Operator::Equal => order.is_eq(),
            Operator::NotEqual => order.is_ne(),
            Operator::Greater => order.is_gt(),
            Operator::GreaterOrEqual => order.is_ge(),
            Operator::Less => order.is_lt(),
            Operator::LessOrEqual => order.is_le(),
            Operator::Near(end) => order.is_ge() && version.cmp_precedence(end).is_lt(),
        }
    }
}

/// The first version that `~>` leaves out: the earliest pre-release of the next minor or major one.
fn end_of_line(version: &Version, short: bool) -> Version {
    let mut end = if short {
        Version::new(version.major.saturating_add(1), 0, 0)
    } else {
        Version::new(version.major, version.minor.saturating_add(1), 0)
    };
    end.pre = Prerelease::new("0").unwrap_or_default();
    end
}

fn why_no_version(operator: &str, text: &str) -> &'static str {
    let plain = |text: &str| {
        text.split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    match (operator, text.matches('.').count()) {
        ("~>", 0) if plain(text) => "`~>` expects two or three numbers, such as `~> 1.15`",
        (_, 1) if plain(text) => "two numbers are enough only after `~>`, else it takes three",
        _ if text.ends_with(',') => "conditions are joined by `and` or `or`",
        _ => "expected three numbers separated by dots, such as `1.15.0`",
    }
}

impl fmt::Display for ElixirRequirement {
    /// As it was written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for ElixirRequirement {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let ways = read(text).map_err(|why| VersionError {
            what: "required Elixir",
            text: text.to_owned(),
            why,
        })?;
        Ok(Self {
            text: text.to_owned(),
            ways,
        })
    }
}

/// Words are separated by spaces and by nothing else; an operator may touch its version.
fn read(text: &str) -> Result<Vec<Vec<Condition>>, &'static str> {
    let mut ways = vec![Vec::new()];
    let mut operator = None;
    // Whether a condition has to follow.
    let mut open = true;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if matches!(word, "and" | "or") {
            if open {
                return Err("`and` and `or` stand between two conditions");
            }
            if word == "or" {
                ways.push(Vec::new());
            }
            open = true;
            continue;
        }
        if !open {
            return Err("conditions are joined by `and` or `or`");
        }
        let found = OPERATORS.into_iter().find(|name| word.starts_with(name));
        let version = &word[found.map_or(0, str::len)..];
        if found.is_some() && operator.is_some() {
            return Err("two operators stand side by side");
        }
        operator = operator.or(found);
        if version.is_empty() {
            continue;
        }
        let condition = Condition::new(operator.take().unwrap_or("=="), version)?;
        if let Some(way) = ways.last_mut() {
            way.push(condition);
        }
        open = false;
    }
    if open {
        Err("expected a requirement such as `~> 1.15`")
    } else {
        Ok(ways)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Each line was asked of Elixir 1.14: requirement, version, `Version.match?/2` or none for `:error`.
    const ASKED: &[(&str, &str, Option<bool>)] = &[
        ("~> 1.15", "1.16.0-rc.0", Some(true)),
        ("~> 1.15", "1.15.0-rc.0", Some(false)),
        ("~> 1.15", "2.0.0-rc.0", Some(false)),
        ("1.15.0", "1.15.0+b", Some(true)),
        ("~> 1.15 and", "1.15.0", None),
        ("and 1.15.0", "1.15.0", None),
        (">= 1.0.0and< 2.0.0", "1.15.0", None),
        ("1 . 1 5.0", "1.15.0", None),
        ("~> 1.15-dev", "1.15.0", Some(true)),
        ("~> 1", "1.15.0", None),
        ("", "1.15.0", None),
        ("> = 1.0.0", "1.15.0", None),
        ("== == 1.0.0", "1.0.0", None),
        (">= 1.15", "1.15.0", None),
        ("!1.2.3", "1.15.0", Some(true)),
        ("! 1.2.3", "1.15.0", Some(true)),
        ("<> 1.2.3", "1.15.0", None),
        (">= 1.0.0-a", "1.0.0-a.b", Some(true)),
        (">= 1.0.0-b", "1.0.0-a.b", Some(false)),
        (">=1.0.0 or < 0.5.0 and == 0.1.0", "1.2.0", Some(true)),
        ("== 0.1.0 or > 0.5.0 and == 9.0.0", "0.1.0", Some(true)),
        (" ~> 1.15 ", "1.15.0", Some(true)),
        ("\t~> 1.15", "1.15.0", None),
        ("~> 1.15\n", "1.15.0", None),
        ("~> 01.15", "1.15.0", None),
        ("~> 1.15.0+b", "1.15.0", Some(true)),
        ("1.15.0 1.16.0", "1.15.0", None),
        (">= 1.0.0  and  < 2.0.0", "1.15.0", Some(true)),
        (">= 1.0.0, < 2.0.0", "1.15.0", None),
        ("v1.15.0", "1.15.0", None),
        ("~> 1.2.3.4", "1.15.0", None),
        ("~> 1.15.0-01", "1.15.0", None),
        ("or", "1.0.0", None),
        (" or ", "1.0.0", None),
        (" or 1.0.0", "1.0.0", None),
        ("1.0.0 or or 1.0.0", "1.0.0", None),
        ("1.0.0 or >= 1.0.0 or ", "1.0.0", None),
        ("== 1.0.0 and1.0.0", "1.0.0", None),
        ("== 1.0.0 and 1.0.0", "1.0.0", Some(true)),
        (">= 1.0.0 and\t<2.0.0", "1.0.0", None),
        ("~>1.0", "1.0.0", Some(true)),
        ("~>  1.0", "1.0.0", Some(true)),
        ("1.0.0 or1.0.0", "1.0.0", None),
        (">= 1.0.0-", "1.0.0", None),
        (">= 1.0.0-a..b", "1.0.0", None),
        (">= 1.0.0-é", "1.0.0", None),
        ("!= 1.0.0", "1.0.0", Some(false)),
        ("<2.0.0", "2.0.0-rc", Some(true)),
        ("~> 1.15.0-rc.0", "1.16.0-rc.0", Some(false)),
        ("~> 1.15-rc", "1.15.0-rc.0", Some(true)),
        ("~> 1.15-rc", "1.15.0-a", Some(false)),
        ("> 1.0.0+b", "1.0.0+c", Some(false)),
        ("1.0.0 and ~> 1.0 or 3.0.0", "1.0.0", Some(true)),
        (">=1.0.0 and <=1.0.0", "1.0.0", Some(true)),
        ("1.0.0and", "1.0.0", None),
        ("1.0.0 = 1", "1.0.0", None),
        ("= 1.0.0", "1.0.0", None),
        ("=> 1.0.0", "1.0.0", None),
        (">= 1.0.0 AND < 2.0.0", "1.0.0", None),
        ("== 1.0.0-0a", "1.0.0-0a", Some(true)),
        ("== 1.0.0-1a.2", "1.0.0-1a.2", Some(true)),
        ("~> 1.0.0!", "1.0.0", None),
        ("1.0.0!=2.0.0", "1.0.0", None),
    ];

    #[test]
    fn answers_as_elixir_does() {
        for (text, version, expected) in ASKED {
            let version = Version::parse(version).unwrap();
            let found = text.parse::<ElixirRequirement>().ok();
            let found = found.map(|requirement| requirement.matches(&version));
            assert_eq!(found, *expected, "{text:?} {version}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, why) in [
            ("", "such as `~> 1.15`"),
            ("~> 1", "two or three numbers"),
            (">= 1.15", "only after `~>`"),
            (">= 1.0.0, < 2.0.0", "joined by"),
            ("== == 1.0.0", "side by side"),
            ("1.0.0 and", "such as `~> 1.15`"),
            ("v1.15.0", "three numbers"),
        ] {
            let error = text.parse::<ElixirRequirement>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn shows_what_was_written() {
        let requirement: ElixirRequirement = "~>  1.15".parse().unwrap();
        assert_eq!(requirement.to_string(), "~>  1.15");
    }

    proptest! {
        #[test]
        fn any_text_parses_or_fails_quietly(text in "\\PC{0,30}|[~<>=! .0-9andor+-]{0,30}") {
            if let Ok(requirement) = text.parse::<ElixirRequirement>() {
                requirement.matches(&Version::new(1, 15, 0));
            }
        }

        #[test]
        fn near_is_between(major in 0u64..4, minor in 0u64..4, patch in 0u64..4, version in (0u64..4, 0u64..4, 0u64..4)) {
            let version = Version::new(version.0, version.1, version.2);
            let near: ElixirRequirement = format!("~> {major}.{minor}.{patch}").parse().unwrap();
            let spelled: ElixirRequirement =
                format!(">= {major}.{minor}.{patch} and < {major}.{}.0-0", minor + 1).parse().unwrap();
            prop_assert_eq!(near.matches(&version), spelled.matches(&version));
        }
    }
}
