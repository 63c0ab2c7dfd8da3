//! What is known of an Erlang/OTP version.

use buildpack_core::check::Verdict;
use buildpack_core::lists::{BuildList, is_otp_release};
use buildpack_core::version::{OtpVersion, Tool};
use buildpack_elixir::known_bad;

use super::built::unknown;
use super::elixir::elixirs_for;
use super::{About, Explanation};
use crate::pipeline::versions::targets;

impl About<'_> {
    pub(super) fn erlang(&self, version: &OtpVersion) -> Explanation {
        let major = version.major();
        let mut explained = Explanation::new(
            Tool::Erlang,
            version.to_string(),
            major.to_string(),
            self.today,
        );
        let mut newest = None;
        explained.released = is_otp_release(version);
        explained.known_bad =
            known_bad(version).map(|bad| format!("{}, see {}", bad.fault, bad.source));
        for target in targets() {
            let mut built = match self.lists.otp(&target) {
                Err(error) => unknown(&*error),
                Ok(list) => {
                    explained.add_list(&list.info);
                    newest = newest.max(newest_otp(major, &list));
                    self.built(&list, &version.reference(), "tar.gz")
                }
            };
            built.stack = Some(target.into());
            if explained.released == Some(false) && built.verdict == Verdict::Unknown {
                (built.verdict, built.why) = (Verdict::NotBuilt, None);
            }
            explained.built.push(built);
        }
        explained.newest = newest.map(|version| version.to_string());
        let mut built = explained.built.iter();
        if built.any(|built| built.verdict == Verdict::Available) {
            explained.released = Some(true);
        }
        if let Ok(list) = self.lists.elixir() {
            explained.add_list(&list.info);
            explained.elixir = elixirs_for(major, &list);
        }
        explained
    }
}

fn newest_otp(major: u32, list: &BuildList) -> Option<OtpVersion> {
    let builds = list.builds().iter();
    let versions = builds.filter_map(|build| build.reference.strip_prefix("OTP-")?.parse().ok());
    versions
        .filter(|version: &OtpVersion| version.major() == major && !version.is_candidate())
        .max()
}
