//! The lists that are compiled in, for where no host can be reached.
//!
//! `snapshot.txt` has sections, each begun by `[NAME DAY]`; `cargo xtask snapshot` makes it. Names are folders of builds,
//! with lines `REF DAY [SHA256]`, but for `node` (`VERSION DAY`) and `otp-releases` (`VERSION`: all there are, built or
//! not). Branches are not in it: their builds change under the same name. Nothing is known of arm64.

use jiff::civil::Date;

use super::choice::Place;
use super::support::lts_name;
use super::{BuildList, ListInfo, ListOrigin, NodeList, NodeRelease, Publication};

const SNAPSHOT: &str = include_str!("snapshot.txt");

/// The built-in list of builds that stands for the one at this place.
pub(super) fn builds(place: &Place, provider: &str) -> Option<BuildList> {
    let (day, lines) = section(place.path.strip_suffix("/builds.txt")?)?;
    let builds = lines
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some(Publication {
                reference: words.next()?.to_owned(),
                commit: String::new(),
                date: words.next()?.to_owned(),
                sha256: words.next().and_then(|digest| digest.parse().ok()),
            })
        })
        .collect();
    Some(BuildList::of(builds, info(place, provider, day)))
}

/// The built-in list of Node releases.
pub(super) fn node(place: &Place, provider: &str) -> Option<NodeList> {
    let (day, lines) = section("node")?;
    let releases = lines
        .filter_map(|line| {
            let (version, date) = line.split_once(' ')?;
            let version = version.parse().ok()?;
            Some(NodeRelease {
                lts: lts_name(&version).map(str::to_owned),
                version,
                date: date.parse().ok(),
                npm: None,
                files: Vec::new(),
            })
        })
        .collect();
    Some(NodeList::of(releases, info(place, provider, day)))
}

/// The day and the lines of a section.
pub(super) fn section(name: &str) -> Option<(Date, impl Iterator<Item = &'static str>)> {
    let head = format!("\n[{name} ");
    let start = SNAPSHOT.find(&head)? + head.len();
    let (day, rest) = SNAPSHOT[start..].split_once("]\n")?;
    let section = rest.split("\n[").next().unwrap_or_default();
    Some((day.parse().ok()?, section.lines()))
}

fn info(place: &Place, provider: &str, day: Date) -> ListInfo {
    ListInfo {
        tool: place.tool,
        provider: provider.to_owned(),
        path: place.path.clone(),
        dated: day,
        origin: ListOrigin::Snapshot,
        current: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lists::ListHost;
    use crate::version::{ElixirBuild, OtpVersion, Tool};

    fn place(path: &str) -> Place {
        Place {
            what: String::new(),
            tool: Tool::Erlang,
            host: ListHost::HexBuilds,
            path: path.to_owned(),
        }
    }

    fn list(folder: &str) -> Option<BuildList> {
        builds(&place(&format!("{folder}/builds.txt")), "builds.example")
    }

    #[test]
    fn every_line_is_a_version_with_a_day() {
        for stack in stacks::all() {
            let list = list(&format!("builds/otp/amd64/ubuntu-{}", stack.ubuntu)).unwrap();
            assert!(list.builds().len() > 20, "{}", stack.name);
            for build in list.builds() {
                assert!(build.reference.parse::<OtpVersion>().is_ok());
                assert!(build.date.parse::<Date>().is_ok());
            }
        }
        let elixir = list("builds/elixir").unwrap();
        assert!(elixir.builds().len() > 100);
        for build in elixir.builds() {
            assert!(build.reference.parse::<ElixirBuild>().is_ok());
        }
        let node = node(&place("index.json"), "nodejs.example").unwrap();
        assert!(node.releases.len() > 800);
        assert!(node.releases.iter().all(|release| release.date.is_some()));
        let jod = node.find(&"22.11.0".parse().unwrap()).unwrap();
        assert_eq!(jod.lts.as_deref(), Some("Jod"));
        assert_eq!(
            (&node.info.origin, node.is_current()),
            (&ListOrigin::Snapshot, false)
        );
        assert_eq!(list("builds/otp/arm64/ubuntu-24.04"), None);
        assert_eq!(list("builds/otp/amd64/ubuntu-24.0"), None);
    }
}
