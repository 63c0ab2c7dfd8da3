//! What is known of a Node version.

use buildpack_core::check::Verdict;
use buildpack_core::digest::Digest;
use buildpack_core::lists::ListInfo;
use buildpack_core::version::{NodeRequest, NodeVersion, Tool};
use stacks::Arch;

use super::built::{absent, unknown};
use super::{About, Archive, Built, Explanation};
use crate::pipeline::versions::TargetName;

impl About<'_> {
    pub(super) fn node(&self, request: &NodeRequest) -> Explanation {
        let explanation = |version: String| {
            let line = match version.split('.').collect::<Vec<_>>()[..] {
                // Before 4, the second number was the one that told lines apart.
                ["0", minor, ..] => format!("0.{minor}"),
                [major, ..] => major.to_owned(),
                [] => String::new(),
            };
            Explanation::new(Tool::Node, version, line, self.today)
        };
        let list = match self.lists.node() {
            Ok(list) => list,
            Err(error) => {
                let mut explained = explanation(request.to_string());
                explained.built.push(unknown(&*error));
                return explained;
            }
        };
        let mut releases = list.releases.iter();
        let Some(release) = releases.find(|release| request.allows(&release.version)) else {
            let mut explained = explanation(request.to_string());
            explained.add_list(&list.info);
            explained.released = list.is_current().then_some(false);
            explained.built.push(absent(&list.info));
            return explained;
        };
        let version = &release.version;
        let mut explained = explanation(version.to_string());
        explained.add_list(&list.info);
        let mut releases = list
            .releases
            .iter()
            .map(|release| release.version.to_string());
        let line = format!("{}.", explained.line);
        explained.newest = releases.find(|version| version.starts_with(&line));
        explained.released = Some(true);
        explained.date = release.date.map(|day| day.to_string());
        explained.lts.clone_from(&release.lts);
        explained.npm.clone_from(&release.npm);
        explained.built = self.node_archives(version, &release.files, &list.info);
        for built in &mut explained.built {
            built.date.clone_from(&explained.date);
        }
        explained
    }

    /// What was built of a release, as far as the list knows: `files` is empty where it does not.
    fn node_archives(
        &self,
        version: &NodeVersion,
        files: &[String],
        info: &ListInfo,
    ) -> Vec<Built> {
        let sums = self.lists.node_sums(version).ok();
        let names = [(Arch::Amd64, "linux-x64"), (Arch::Arm64, "linux-arm64")];
        let built = names.into_iter().map(|(arch, name)| {
            let file = format!("node-{}-{name}.tar.gz", version.reference());
            let sum = sums.as_ref().and_then(|sums| sums.get(&file));
            let there = files.iter().any(|file| file == name) || sum.is_some();
            let archive = Archive {
                url: format!(
                    "{}/{}/{file}",
                    self.upstreams.node_dist,
                    version.reference()
                ),
                sha256: sum.map(Digest::hex),
            };
            let stack = Some(TargetName {
                name: "any",
                os: "linux".to_owned(),
                arch: arch.oci(),
            });
            if there {
                Built {
                    stack,
                    verdict: Verdict::Available,
                    why: None,
                    archive: Some(archive),
                    ..absent(info)
                }
            } else if files.is_empty() {
                // Every release of the last ten years has both; who asks for the archive learns it.
                Built {
                    stack,
                    verdict: Verdict::Unknown,
                    why: Some("the list does not say what it was built for".to_owned()),
                    archive: Some(archive),
                    ..absent(info)
                }
            } else {
                Built {
                    stack,
                    verdict: Verdict::NotBuilt,
                    why: None,
                    ..absent(info)
                }
            }
        });
        built.collect()
    }
}
