//! Lists of builds, read as versions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use buildpack_core::lists::{BuildList, Publication};
use buildpack_core::version::{ElixirBuild, ElixirVersion, ElixirWanted, OtpVersion};
use semver::Version;

/// The Erlang/OTP builds for one stack and architecture.
#[derive(Debug)]
pub struct OtpShelf {
    /// The list.
    pub list: Arc<BuildList>,
    /// Its releases and candidates, newest first.
    versions: Vec<OtpVersion>,
}

impl OtpShelf {
    /// Reads `list`; names that are no release, such as `maint-27`, are left out.
    pub fn new(list: Arc<BuildList>) -> Self {
        let mut versions: Vec<OtpVersion> = list
            .builds()
            .iter()
            .filter_map(|build| build.reference.strip_prefix("OTP-")?.parse().ok())
            .collect();
        versions.sort_unstable_by(|one, two| two.cmp(one));
        Self { list, versions }
    }

    /// Releases that are no candidates, newest first.
    pub fn releases(&self) -> impl Iterator<Item = &OtpVersion> {
        self.versions
            .iter()
            .filter(|version| !version.is_candidate())
    }

    /// The build of a version.
    pub fn build(&self, version: &OtpVersion) -> Option<&Publication> {
        self.list.find(&version.reference())
    }
}

/// The Elixir builds.
#[derive(Debug)]
pub struct ElixirShelf {
    /// The list.
    pub list: Arc<BuildList>,
    /// The builds of each version by the OTP they are for, as places in the list; none where one is for every OTP.
    versions: BTreeMap<ElixirVersion, BTreeMap<Option<u32>, usize>>,
}

/// Why no build fits.
#[derive(Debug, PartialEq, Eq)]
pub enum Lack {
    /// The version, or every version of the line, is in the list for no OTP at all.
    Unpublished,
    /// This version is there, but for these OTPs alone.
    OtherOtps(ElixirVersion, BTreeSet<u32>),
}

impl ElixirShelf {
    /// Reads `list`.
    pub fn new(list: Arc<BuildList>) -> Self {
        let mut versions: BTreeMap<ElixirVersion, BTreeMap<Option<u32>, usize>> = BTreeMap::new();
        for (place, build) in list.builds().iter().enumerate() {
            let ElixirBuild { version, otp } = ElixirBuild::of_reference(&build.reference);
            versions.entry(version).or_default().insert(otp, place);
        }
        Self { list, versions }
    }

    /// Releases that are no candidates and were built for this very OTP, newest first; all where none is given.
    pub fn releases(&self, otp: Option<u32>) -> impl Iterator<Item = &Version> {
        self.versions
            .iter()
            .rev()
            .filter_map(move |(version, builds)| {
                let release = version.release()?;
                let fits = otp.is_none() || builds.contains_key(&otp);
                (release.pre.is_empty() && fits).then_some(release)
            })
    }

    /// The OTPs that a version has builds for.
    pub fn otps(&self, version: &ElixirVersion) -> BTreeSet<u32> {
        let builds = self.versions.get(version);
        builds
            .into_iter()
            .flat_map(BTreeMap::keys)
            .filter_map(|otp| *otp)
            .collect()
    }

    /// The build for this OTP; where a version has builds for OTPs at all, only they count. Without an OTP, that for
    /// the newest.
    pub fn build(&self, version: &ElixirVersion, otp: Option<u32>) -> Option<&Publication> {
        let builds = self.versions.get(version)?;
        let newest = builds.keys().next_back()?;
        let place = match otp {
            Some(_) if newest.is_some() => builds.get(&otp)?,
            _ => builds.get(newest)?,
        };
        self.list.builds().get(*place)
    }

    /// The version that is meant, with its build for this OTP.
    pub fn pick(
        &self,
        wanted: &ElixirWanted,
        otp: Option<u32>,
    ) -> Result<(ElixirVersion, &Publication), Lack> {
        let mut candidates: Vec<&ElixirVersion> = match wanted {
            ElixirWanted::Version(version) => vec![version],
            ElixirWanted::Line(..) | ElixirWanted::Latest => self
                .versions
                .keys()
                .rev()
                .filter(|version| version.release().is_some() && wanted.allows(version))
                .collect(),
        };
        // Newest first, but candidates after all others.
        candidates.sort_by_key(|version| version.release().is_some_and(|r| !r.pre.is_empty()));
        let found = candidates
            .iter()
            .find_map(|version| Some(((*version).clone(), self.build(version, otp)?)));
        found.ok_or_else(|| {
            candidates
                .into_iter()
                .map(|version| (version, self.otps(version)))
                .find(|(_, otps)| !otps.is_empty())
                .map_or(Lack::Unpublished, |(version, otps)| {
                    Lack::OtherOtps(version.clone(), otps)
                })
        })
    }
}
