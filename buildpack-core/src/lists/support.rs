//! Until when versions are supported, as data (`support.toml`).

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::civil::Date;
use serde::Deserialize;

use crate::version::{NodeVersion, Tool};

/// The end of a line's support.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndOfLife {
    /// The last day, or the day on which support ended.
    pub day: Date,
    /// Whether it follows from the project's policy and was not announced.
    pub inferred: bool,
    /// Where the day or the policy stands.
    pub source: &'static str,
}

#[derive(Deserialize)]
struct Data {
    table: Vec<Table>,
    lts: BTreeMap<String, (String, NodeName)>,
}

#[derive(Deserialize)]
struct Table {
    tool: String,
    source: String,
    inferred: bool,
    ends: BTreeMap<String, Date>,
}

/// A version, read when the data is.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct NodeName(NodeVersion);

impl TryFrom<String> for NodeName {
    type Error = crate::version::VersionError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

static DATA: LazyLock<Data> = LazyLock::new(|| {
    // A test reads it, so that it can be read.
    toml::from_str(include_str!("support.toml")).unwrap_or_else(|error| {
        unreachable!("support.toml is compiled in and cannot be read: {error}")
    })
});

/// When support of a line ends or ended; lines are `27` of Erlang/OTP, `1.18` of Elixir, `22` of Node (`0.12` before 4).
/// None where that is not known, as for lines whose end is not settled yet.
pub fn end_of_life(tool: Tool, line: &str) -> Option<EndOfLife> {
    let tables = DATA.table.iter().filter(|table| table.tool == tool.id());
    tables.into_iter().find_map(|table| {
        Some(EndOfLife {
            day: *table.ends.get(line)?,
            inferred: table.inferred,
            source: &table.source,
        })
    })
}

/// The name of the long-term support line that a Node release belongs to.
pub(super) fn lts_name(version: &NodeVersion) -> Option<&'static str> {
    let (name, first) = DATA.lts.get(&version.0.major.to_string())?;
    (*version >= first.0).then_some(name.as_str())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn day(tool: Tool, line: &str) -> Option<Date> {
        end_of_life(tool, line).map(|end| end.day)
    }

    #[test]
    fn every_line_has_its_day() {
        for major in 17..=29 {
            assert!(day(Tool::Erlang, &major.to_string()).is_some(), "{major}");
        }
        for minor in 0..=15 {
            assert!(
                day(Tool::Elixir, &format!("1.{minor}")).is_some(),
                "{minor}"
            );
        }
        for major in 4..=27 {
            assert!(day(Tool::Node, &major.to_string()).is_some(), "{major}");
        }
        assert_eq!(day(Tool::Node, "23"), Some(date(2025, 6, 1)));
        assert_eq!(day(Tool::Node, "0.12"), Some(date(2016, 12, 31)));
        assert_eq!(day(Tool::Elixir, "1.20"), None);
        assert_eq!(day(Tool::Erlang, "1.15"), None);
        let end = end_of_life(Tool::Erlang, "26").unwrap();
        assert!(end.inferred && end.source.contains("erlang/otp"));
        assert!(!end_of_life(Tool::Node, "22").unwrap().inferred);
    }

    #[test]
    fn ends_come_in_the_order_of_the_lines() {
        let days = |tool, lines: Vec<String>| -> Vec<Date> {
            let ends = lines.iter().filter_map(|line| end_of_life(tool, line));
            ends.map(|end| end.day).collect()
        };
        let otp = days(Tool::Erlang, (17..=29).map(|n| n.to_string()).collect());
        let elixir = days(Tool::Elixir, (0..=20).map(|n| format!("1.{n}")).collect());
        let node = days(Tool::Node, (2..=13).map(|n| (2 * n).to_string()).collect());
        for days in [otp, elixir, node] {
            assert!(days.is_sorted() && days.len() > 10, "{days:?}");
        }
    }

    #[test]
    fn long_term_support_has_a_name_from_its_first_release_on() {
        let name = |text: &str| lts_name(&text.parse().unwrap());
        assert_eq!(name("22.10.0"), None);
        assert_eq!(name("22.11.0"), Some("Jod"));
        assert_eq!(name("23.0.0"), None);
    }
}
