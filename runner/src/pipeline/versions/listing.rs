//! The versions of a tool: the newest of each line, or all.

use std::collections::{BTreeMap, BTreeSet};

use buildpack_core::lists::{BuildList, ListInfo, ListSource, NodeList, otp_releases};
use buildpack_core::version::{ElixirBuild, ElixirVersion, OtpVersion, Tool};
use jiff::civil::Date;
use serde::Serialize;
use stacks::Target;

use super::{Support, TargetName, had};
use crate::pipeline::Failure;

/// Versions of a tool, and the list that they are from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listing {
    /// The tool.
    pub tool: Tool,
    /// What the builds are for; none where one build fits all, as Elixir's and Node's.
    pub stack: Option<TargetName>,
    /// The list.
    pub list: ListInfo,
    /// The versions, newest first.
    pub versions: Vec<Entry>,
}

/// A version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its line: `27`, `1.18`, `22`.
    pub line: String,
    /// The version.
    pub version: String,
    /// Whether the list has it. One that it has not is the newest release of its line.
    pub listed: bool,
    /// The day it was built or published.
    pub date: Option<String>,
    /// The OTPs that an Elixir version was built for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub otp: Vec<u32>,
    /// The name of Node's long-term support line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lts: Option<String>,
    /// The npm that comes with a Node version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub npm: Option<String>,
    /// Until when the line is supported.
    pub support: Option<Support>,
}

/// The versions of `tool` for `target`: of each line the newest, or `all`. Of OTP, lines that are released and not built
/// are told, too.
pub fn listing(
    tool: Tool,
    target: Target,
    all: bool,
    lists: &dyn ListSource,
    today: Date,
) -> Result<Listing, Failure> {
    let (stack, list, mut versions) = match tool {
        Tool::Erlang => {
            let list = had(lists.otp(&target))?;
            (Some(target.into()), list.info.clone(), erlang(&list, all))
        }
        Tool::Elixir => {
            let list = had(lists.elixir())?;
            (None, list.info.clone(), elixir(&list))
        }
        Tool::Node => {
            let list = had(lists.node())?;
            (None, list.info.clone(), node(&list))
        }
    };
    if !all {
        versions = newest_of_each_line(versions);
    }
    for entry in &mut versions {
        entry.support = Support::of(tool, &entry.line, today);
    }
    Ok(Listing {
        tool,
        stack,
        list,
        versions,
    })
}

/// Of versions, newest first, the first of each line that is no candidate; a candidate where there is nothing else.
fn newest_of_each_line(versions: Vec<Entry>) -> Vec<Entry> {
    let mut newest: Vec<Entry> = Vec::new();
    for entry in versions {
        match newest.iter_mut().find(|other| other.line == entry.line) {
            None => newest.push(entry),
            Some(other) if other.version.contains('-') && !entry.version.contains('-') => {
                *other = entry;
            }
            Some(_) => {}
        }
    }
    newest
}

fn erlang(list: &BuildList, all: bool) -> Vec<Entry> {
    let mut versions: BTreeMap<OtpVersion, Option<String>> = list
        .builds()
        .iter()
        .filter_map(|build| {
            let version: OtpVersion = build.reference.strip_prefix("OTP-")?.parse().ok()?;
            Some((version, Some(build.date.clone())))
        })
        .collect();
    if !all {
        let built: BTreeSet<u32> = versions.keys().map(OtpVersion::major).collect();
        let missing = otp_releases().into_iter().filter(|release| {
            // What came after the list may be built by now.
            let older = built.last().is_some_and(|newest| release.major() < *newest);
            !built.contains(&release.major()) && (older || list.is_current())
        });
        versions.extend(missing.map(|release| (release, None)));
    }
    let entries = versions.into_iter().rev().map(|(version, date)| Entry {
        line: version.major().to_string(),
        listed: date.is_some(),
        date: date.as_deref().and_then(day),
        ..entry(version.to_string())
    });
    entries.collect()
}

fn elixir(list: &BuildList) -> Vec<Entry> {
    let mut versions: BTreeMap<ElixirVersion, (BTreeSet<u32>, &str)> = BTreeMap::new();
    for build in list.builds() {
        let ElixirBuild { version, otp: of } = ElixirBuild::of_reference(&build.reference);
        if version.release().is_some() {
            let (otp, date) = versions.entry(version).or_default();
            otp.extend(of);
            *date = (*date).max(build.date.as_str());
        }
    }
    let entries = versions.into_iter().rev().map(|(version, (otp, date))| {
        let (major, minor) = version.line().unwrap_or_default();
        Entry {
            line: format!("{major}.{minor}"),
            date: day(date),
            otp: otp.into_iter().collect(),
            ..entry(version.to_string())
        }
    });
    entries.collect()
}

fn node(list: &NodeList) -> Vec<Entry> {
    let entries = list.releases.iter().map(|release| {
        let version = &release.version.0;
        Entry {
            // Before 4, the second number was the one that told lines apart.
            line: match (version.major, version.minor) {
                (0, minor) => format!("0.{minor}"),
                (major, _) => major.to_string(),
            },
            date: release.date.map(|day| day.to_string()),
            lts: release.lts.clone(),
            npm: release.npm.clone(),
            ..entry(release.version.to_string())
        }
    });
    entries.collect()
}

fn entry(version: String) -> Entry {
    Entry {
        line: String::new(),
        version,
        listed: true,
        date: None,
        otp: Vec::new(),
        lts: None,
        npm: None,
        support: None,
    }
}

/// The day of a time in ISO 8601.
pub(super) fn day(time: &str) -> Option<String> {
    let day = time.split('T').next().unwrap_or_default();
    day.parse::<Date>().ok().map(|day| day.to_string())
}
