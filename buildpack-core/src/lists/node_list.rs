//! Node's releases (`index.json`) and the digests of one (`SHASUMS256.txt`), both of `nodejs.org/dist`.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use jiff::civil::Date;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::ListInfo;
use crate::digest::Digest;
use crate::version::NodeVersion;

/// A Node release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRelease {
    /// Its version.
    pub version: NodeVersion,
    /// The day it was published; none where the list does not say.
    pub date: Option<Date>,
    /// The name of its long-term support line, such as `Jod`; none before the line became one.
    pub lts: Option<String>,
    /// The npm that comes with it; none where that is not known.
    pub npm: Option<String>,
    /// What of Linux it was built for, such as `linux-x64` and `linux-arm64`; empty where that is not known.
    pub files: Vec<String>,
}

/// Node's releases, and where from and from when the list is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeList {
    /// Where from and from when.
    pub info: ListInfo,
    /// The releases, newest version first, each once.
    pub releases: Vec<NodeRelease>,
}

/// A release as `index.json` has it.
#[derive(Deserialize)]
struct Row {
    version: String,
    #[serde(default)]
    date: Value,
    #[serde(default)]
    lts: Value,
    #[serde(default)]
    npm: Value,
    #[serde(default)]
    files: LinuxNames,
}

/// The names for Linux among strings, whatever else is there. Most names are for other systems: with them, reading would
/// take twice as long.
#[derive(Default)]
struct LinuxNames(Vec<String>);

impl<'de> Deserialize<'de> for LinuxNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NamesVisitor)
    }
}

struct NamesVisitor;

impl<'de> Visitor<'de> for NamesVisitor {
    type Value = LinuxNames;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("names of files")
    }

    fn visit_str<E>(self, name: &str) -> Result<LinuxNames, E> {
        let linux = name.starts_with("linux-");
        Ok(LinuxNames(
            linux.then(|| name.to_owned()).into_iter().collect(),
        ))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<LinuxNames, A::Error> {
        let mut names = LinuxNames::default();
        while let Some(mut more) = seq.next_element::<LinuxNames>()? {
            names.0.append(&mut more.0);
        }
        Ok(names)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LinuxNames, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(LinuxNames::default())
    }

    fn visit_unit<E>(self) -> Result<LinuxNames, E> {
        Ok(LinuxNames::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<LinuxNames, E> {
        Ok(LinuxNames::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<LinuxNames, E> {
        Ok(LinuxNames::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<LinuxNames, E> {
        Ok(LinuxNames::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<LinuxNames, E> {
        Ok(LinuxNames::default())
    }
}

impl NodeList {
    /// Reads `index.json`: a list of objects, in any order, the last of a version counting.
    ///
    /// Other items are passed over where they are few: a text with more of them, one in twenty, is no list. Neither is
    /// one without any release.
    pub fn read(text: &str, info: ListInfo) -> Result<Self, String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        // Item by item only where that is needed, for it takes longer.
        let rows: Vec<Option<Row>> = match serde_json::from_str::<Vec<Row>>(text) {
            Ok(rows) => rows.into_iter().map(Some).collect(),
            Err(_) => serde_json::from_str::<Vec<Value>>(text)
                .map_err(|error| format!("expected a JSON list of releases: {error}"))?
                .into_iter()
                .map(|item| serde_json::from_value(item).ok())
                .collect(),
        };
        let count = rows.len();
        let good: Vec<NodeRelease> = rows.into_iter().filter_map(|row| release(row?)).collect();
        if count == 0 {
            return Err("it is empty".to_owned());
        }
        let odd = count - good.len();
        if odd * 20 > count {
            return Err(format!("{odd} of its {count} items are no releases"));
        }
        let by_version: HashMap<NodeVersion, NodeRelease> = good
            .into_iter()
            .map(|release| (release.version.clone(), release))
            .collect();
        Ok(Self::of(by_version.into_values().collect(), info))
    }

    /// The list of `releases`, in whatever order they come.
    pub fn of(mut releases: Vec<NodeRelease>, info: ListInfo) -> Self {
        releases.sort_by(|one, two| two.version.cmp(&one.version));
        Self { info, releases }
    }

    /// The release of this version.
    pub fn find(&self, version: &NodeVersion) -> Option<&NodeRelease> {
        let place = self
            .releases
            .binary_search_by(|release| version.cmp(&release.version));
        place.ok().map(|place| &self.releases[place])
    }

    /// Whether what the list lacks is not published. An older list can't tell.
    pub fn is_current(&self) -> bool {
        self.info.current
    }
}

fn release(row: Row) -> Option<NodeRelease> {
    let word = |value: Value| match value {
        Value::String(text) if !text.is_empty() => Some(text),
        _ => None,
    };
    Some(NodeRelease {
        version: row.version.parse().ok()?,
        date: word(row.date).and_then(|date| date.parse().ok()),
        lts: word(row.lts),
        npm: word(row.npm),
        files: row.files.0,
    })
}

/// Reads `SHASUMS256.txt`: `DIGEST  FILE` a line. A text with any other line is no such file: nobody may learn a digest
/// from an error page.
pub fn read_sums(text: &str) -> Result<BTreeMap<String, Digest>, String> {
    let mut sums = BTreeMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (digest, file) = line
            .split_once([' ', '\t'])
            .and_then(|(digest, file)| {
                // A star marks a file that was read as binary (sha256sum).
                let file = file.trim_start();
                let file = file.strip_prefix('*').unwrap_or(file);
                // Tailwind's releases name files so.
                let file = file.strip_prefix("./").unwrap_or(file);
                Some((digest.parse().ok()?, file))
            })
            .filter(|(_, file)| !file.is_empty() && !file.contains(char::is_whitespace))
            .ok_or_else(|| {
                let line: String = line.chars().take(40).collect();
                format!("`{line}` is no digest with a file's name")
            })?;
        if sums
            .insert(file.to_owned(), digest)
            .is_some_and(|earlier| earlier != digest)
        {
            return Err(format!("it names two digests of `{file}`"));
        }
    }
    if sums.is_empty() {
        return Err("it is empty".to_owned());
    }
    Ok(sums)
}

#[cfg(test)]
mod tests;
