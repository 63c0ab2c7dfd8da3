//! Lists for a build that is to be like another: they have the builds that the other one took, and no newer ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use buildpack_core::diagnostic::Diagnostic;
use buildpack_core::digest::Digest;
use buildpack_core::lists::{
    BuildList, FetchList, ListError, ListInfo, ListSource, NodeList, Publication,
};
use buildpack_core::version::NodeVersion;
use stacks::Target;

use crate::records::Held;

/// The lists of a host, cut to what a record holds a build to.
pub(super) struct HeldLists<'a> {
    pub(super) lists: &'a dyn ListSource,
    pub(super) held: &'a Held,
    /// The build's own target; lists of others are only spoken of.
    pub(super) target: Target,
}

impl HeldLists<'_> {
    /// The list with the one build that the tool of this id was, whether or not the host still lists it.
    fn only(&self, list: Arc<BuildList>, id: &str) -> Arc<BuildList> {
        let tool = self.held.tool(id);
        let Some((tool, reference)) = tool.and_then(|tool| Some((tool, tool.reference()?))) else {
            return list;
        };
        let listed = list.find(reference);
        let published = listed.and_then(|build| build.sha256);
        let text = |field: fn(&Publication) -> &String| {
            listed.map_or_else(String::new, |build| field(build).clone())
        };
        Arc::new(list.with_only(Publication {
            reference: reference.to_owned(),
            commit: text(|build| &build.commit),
            date: text(|build| &build.date),
            sha256: tool.sha256.filter(|_| !tool.first_use).or(published),
        }))
    }
}

impl ListSource for HeldLists<'_> {
    fn otp(&self, target: &Target) -> Result<Arc<BuildList>, Box<dyn ListError>> {
        let list = self.lists.otp(target)?;
        Ok(if *target == self.target {
            self.only(list, "erlang")
        } else {
            list
        })
    }

    fn elixir(&self) -> Result<Arc<BuildList>, Box<dyn ListError>> {
        Ok(self.only(self.lists.elixir()?, "elixir"))
    }

    fn node(&self) -> Result<Arc<NodeList>, Box<dyn ListError>> {
        let list = self.lists.node()?;
        let held = self.held.tool("node");
        let version = held.and_then(|tool| tool.version.parse::<NodeVersion>().ok());
        let release = version.and_then(|version| list.find(&version));
        Ok(match release {
            Some(release) => Arc::new(NodeList::of(vec![release.clone()], list.info.clone())),
            None => list,
        })
    }

    fn node_sums(
        &self,
        version: &NodeVersion,
    ) -> Result<Arc<BTreeMap<String, Digest>>, Box<dyn ListError>> {
        self.lists.node_sums(version)
    }

    fn used(&self) -> Vec<ListInfo> {
        self.lists.used()
    }

    fn complaints(&self) -> Vec<Diagnostic> {
        self.lists.complaints()
    }
}

/// The lists of Hex and rebar3, cut to what a record holds a build to.
pub(super) struct HeldInstalls<'a> {
    pub(super) lists: &'a dyn FetchList,
    pub(super) held: &'a Held,
}

impl FetchList for HeldInstalls<'_> {
    fn get(&self, path: &str) -> Result<Option<String>, Box<dyn ListError>> {
        let text = self.lists.get(path)?;
        let id = match path.strip_prefix("installs/") {
            Some(list) if list.starts_with("hex") => "hex",
            Some(list) if list.starts_with("rebar") => "rebar3",
            _ => return Ok(text),
        };
        let Some(tool) = self.held.tool(id) else {
            return Ok(text);
        };
        let is_held = |row: &str| {
            let mut fields = row.trim().split(',');
            let same = fields.next() == Some(tool.version.as_str());
            let sum = fields.next().unwrap_or_default();
            let known = tool.sha512.as_deref();
            same && known.is_none_or(|known| known.eq_ignore_ascii_case(sum))
        };
        Ok(text.map(|text| {
            let rows: Vec<&str> = text.lines().filter(|row| is_held(row)).collect();
            if rows.is_empty() {
                text
            } else {
                rows.join("\n")
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::Tool;

    struct Text(&'static str);

    impl FetchList for Text {
        fn get(&self, _: &str) -> Result<Option<String>, Box<dyn ListError>> {
            Ok(Some(self.0.to_owned()))
        }
    }

    fn installs(version: &str, sha512: Option<&str>, path: &str) -> String {
        let held = Held {
            tools: vec![Tool {
                id: "hex".to_owned(),
                name: String::new(),
                version: version.to_owned(),
                url: String::new(),
                sha256: None,
                first_use: false,
                sha512: sha512.map(str::to_owned),
            }],
            ..Held::default()
        };
        let lists = HeldInstalls {
            lists: &Text("2.0.6,AA,1.14.0\n2.1.0,bb,1.15.0\n2.1.0,cc,1.17.0"),
            held: &held,
        };
        lists.get(path).unwrap().unwrap()
    }

    #[test]
    fn a_list_has_the_rows_of_the_record_or_all() {
        let all = 3;
        for (version, sum, path, rows) in [
            ("2.0.6", Some("aa"), "installs/hex.csv", 1),
            ("2.1.0", None, "installs/hex-1.x.csv", 2),
            ("2.1.0", Some("cc"), "installs/hex.csv", 1),
            ("2.9.9", None, "installs/hex.csv", all),
            ("2.0.6", None, "installs/rebar.csv", all),
        ] {
            assert_eq!(installs(version, sum, path).lines().count(), rows, "{path}");
        }
    }
}
