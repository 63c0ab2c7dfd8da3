//! The lists that are compiled in, for where no builds host can be reached.
//!
//! `snapshot.txt` has sections, each begun by `[FOLDER DAY]`; a line is `REF DAY [SHA256]`. `cargo xtask snapshot`
//! makes it. Branches are not in it: their builds change under the same name.

use jiff::civil::Date;

use super::{BuildList, Publication};

const SNAPSHOT: &str = include_str!("snapshot.txt");

/// The built-in list of `folder`, with the day it is from.
pub(super) fn list(folder: &str) -> Option<BuildList> {
    parse(SNAPSHOT, folder)
}

fn parse(text: &str, folder: &str) -> Option<BuildList> {
    let mut lines = text.lines();
    let taken: Date = lines.find_map(|line| {
        let (name, day) = line.strip_prefix('[')?.strip_suffix(']')?.split_once(' ')?;
        (name == folder).then(|| day.parse().ok()).flatten()
    })?;
    let builds = lines
        .take_while(|line| !line.starts_with('['))
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
    Some(BuildList {
        folder: folder.to_owned(),
        taken: Some(taken),
        builds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::{ElixirRequest, OtpVersion};

    #[test]
    fn every_line_is_a_version_with_a_day() {
        for stack in stacks::all() {
            let list = list(&format!("builds/otp/amd64/ubuntu-{}", stack.ubuntu)).unwrap();
            assert!(list.builds().len() > 20, "{}", stack.name);
            for build in list.builds() {
                assert!(build.reference.parse::<OtpVersion>().is_ok(), "{build:?}");
                assert!(build.date.parse::<Date>().is_ok(), "{build:?}");
            }
        }
        let elixir = list("builds/elixir").unwrap();
        for build in elixir.builds() {
            assert!(
                build.reference.parse::<ElixirRequest>().is_ok(),
                "{build:?}"
            );
        }
        assert!(elixir.find("v1.18.3-otp-27").is_some());
        assert!(elixir.builds().iter().any(|build| build.sha256.is_some()));
    }

    #[test]
    fn what_has_no_section_has_no_list() {
        assert_eq!(list("builds/otp/arm64/ubuntu-24.04"), None);
        assert_eq!(parse("[a 2026-13-01]\nx 1\n", "a"), None);
    }
}
