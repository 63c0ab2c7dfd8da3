//! The Node releases that can be had, and which of them a request means.

use std::sync::Arc;

use buildpack_core::lists::{NodeList, NodeRelease, end_of_life};
use buildpack_core::version::{NodeRequest, NodeVersion, Tool};
use jiff::civil::Date;
use stacks::Arch;

/// Node's releases, seen from one architecture and one day.
pub(crate) struct Offer {
    /// All releases, built for the architecture or not.
    pub(crate) list: Arc<NodeList>,
    /// The architecture.
    pub(crate) arch: Arch,
    /// The day that support dates are held against.
    pub(crate) today: Date,
}

impl Offer {
    /// Releases that were built for the architecture, newest first.
    pub(crate) fn releases(&self) -> impl Iterator<Item = &NodeRelease> {
        self.list
            .releases
            .iter()
            .filter(|release| self.is_built(release))
    }

    /// Whether there is an archive for the architecture; yes, where the list does not say.
    pub(crate) fn is_built(&self, release: &NodeRelease) -> bool {
        let file = match self.arch {
            Arch::Amd64 => "linux-x64",
            Arch::Arm64 => "linux-arm64",
        };
        release.files.is_empty() || release.files.iter().any(|name| name == file)
    }

    /// The releases that `request` means, newest first.
    pub(crate) fn allowed(&self, request: &NodeRequest) -> Vec<&NodeRelease> {
        let line = |name: Option<&str>| -> Vec<&NodeRelease> {
            let of_line = |release: &&NodeRelease| {
                let lts = release.lts.as_deref();
                lts.zip(name)
                    .is_some_and(|(lts, name)| lts.eq_ignore_ascii_case(name))
            };
            self.releases().filter(of_line).collect()
        };
        match request {
            NodeRequest::Latest => self.releases().take(1).collect(),
            NodeRequest::Lts => line(self.lts_lines().first().copied()),
            NodeRequest::LtsName(name) => line(Some(name)),
            NodeRequest::LtsBefore(count) => line(self.lts_lines().get(*count).copied()),
            NodeRequest::Exact(_) | NodeRequest::Range(_) => self
                .releases()
                .filter(|release| request.allows(&release.version))
                .collect(),
        }
    }

    /// Names of the lines with long-term support, newest first.
    pub(crate) fn lts_lines(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .releases()
            .filter_map(|release| release.lts.as_deref())
            .collect();
        names.dedup();
        names
    }

    /// The newest release with long-term support; while there is one, of a line that is still supported.
    pub(crate) fn newest_lts(&self) -> Option<&NodeRelease> {
        let with_support = || self.releases().filter(|release| release.lts.is_some());
        with_support()
            .find(|release| self.is_supported(&release.version))
            .or_else(|| with_support().next())
    }

    /// Whether the line of `version` is still supported; yes, where that is not known.
    pub(crate) fn is_supported(&self, version: &NodeVersion) -> bool {
        end_of_life(Tool::Node, &line(version)).is_none_or(|end| self.today <= end.day)
    }

    /// Whether `request`, which means no release of the list, may mean one that was published after it.
    pub(crate) fn may_be_newer(&self, request: &NodeRequest) -> bool {
        if self.list.is_current() {
            return false;
        }
        let NodeRequest::Exact(version) = request else {
            return true;
        };
        let of_line = |release: &&NodeRelease| line(&release.version) == line(version);
        let newest = self.list.releases.iter().find(of_line);
        let went_on = end_of_life(Tool::Node, &line(version))
            .is_none_or(|end| self.list.info.dated <= end.day);
        went_on && newest.is_none_or(|newest| *version > newest.version)
    }
}

/// The line that a version belongs to, as support dates name it: `22`, `0.12`.
pub(crate) fn line(version: &NodeVersion) -> String {
    match version.0.major {
        0 => format!("0.{}", version.0.minor),
        major => major.to_string(),
    }
}
