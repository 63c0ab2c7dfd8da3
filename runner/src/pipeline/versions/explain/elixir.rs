//! What is known of an Elixir version.

use std::collections::BTreeMap;

use buildpack_core::lists::BuildList;
use buildpack_core::version::{ElixirBuild, ElixirRequest, ElixirVersion, ElixirWanted, Tool};
use buildpack_elixir::documented::documented;

use super::built::{absent, unknown};
use super::{About, Built, Explanation};

impl About<'_> {
    pub(super) fn elixir(&self, request: &ElixirRequest) -> Explanation {
        let (major, minor) = request.wanted.line().unwrap_or_default();
        let explanation = |version| {
            let line = format!("{major}.{minor}");
            Explanation::new(Tool::Elixir, version, line, self.today)
        };
        let list = match self.lists.elixir() {
            Ok(list) => list,
            Err(error) => {
                let mut explained = explanation(request.wanted.to_string());
                explained.built.push(unknown(&*error));
                return explained;
            }
        };
        let newest = newest_elixir((major, minor), &list);
        let version = match &request.wanted {
            ElixirWanted::Version(version) => Some(version.clone()),
            ElixirWanted::Line(..) | ElixirWanted::Latest => newest.clone(),
        };
        let mut explained = explanation(match &version {
            Some(version) => version.to_string(),
            None => request.wanted.to_string(),
        });
        explained.add_list(&list.info);
        explained.newest = newest.map(|version| version.to_string());
        explained.documented_otp = version.as_ref().and_then(documented);
        for publication in list.builds() {
            let build = ElixirBuild::of_reference(&publication.reference);
            let of_wanted_otp = request.otp.is_none_or(|otp| build.otp == Some(otp));
            if version.as_ref() == Some(&build.version) && of_wanted_otp {
                explained.built.push(Built {
                    otp: build.otp,
                    ..self.built(&list, &publication.reference, "zip")
                });
            }
        }
        explained.released = match explained.built.is_empty() {
            false => Some(true),
            true if list.is_current() => Some(false),
            true => None,
        };
        if explained.built.is_empty() {
            explained.built.push(Built {
                otp: request.otp,
                ..absent(&list.info)
            });
        }
        explained.built.sort_by_key(|built| built.otp);
        explained
    }
}

/// The newest Elixir of each line that was built for this OTP, newest first.
pub(super) fn elixirs_for(major: u32, list: &BuildList) -> Vec<String> {
    let mut newest: BTreeMap<(u64, u64), ElixirVersion> = BTreeMap::new();
    for build in elixir_releases(list).filter(|build| build.otp == Some(major)) {
        let line = build.version.line().unwrap_or_default();
        let entry = newest.entry(line).or_insert_with(|| build.version.clone());
        if build.version > *entry {
            *entry = build.version;
        }
    }
    let versions = newest.into_values().rev();
    versions.map(|version| version.to_string()).collect()
}

fn newest_elixir(line: (u64, u64), list: &BuildList) -> Option<ElixirVersion> {
    let versions = elixir_releases(list).map(|build| build.version);
    versions
        .filter(|version| version.line() == Some(line))
        .max()
}

/// Builds of releases that are no candidates.
fn elixir_releases(list: &BuildList) -> impl Iterator<Item = ElixirBuild> {
    let builds = list.builds().iter();
    let builds = builds.map(|build| ElixirBuild::of_reference(&build.reference));
    builds.filter(|build| {
        build
            .version
            .release()
            .is_some_and(|release| release.pre.is_empty())
    })
}
