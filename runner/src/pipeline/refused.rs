//! Build lists, when somebody has been told that a version is not in them.

use std::collections::BTreeMap;
use std::sync::Arc;

use buildpack_core::diagnostic::Diagnostic;
use buildpack_core::digest::Digest;
use buildpack_core::lists::{BuildList, ListError, ListInfo, ListSource, NodeList};
use buildpack_core::version::{NodeVersion, Tool};
use stacks::Target;

/// Lists of which those of one tool count as current: a builder looked for a version and did not find it, which is what an
/// older list that lacks it too cannot say by itself.
pub(super) struct Refused<'a> {
    pub(super) lists: &'a dyn ListSource,
    /// None where nothing was refused.
    pub(super) tool: Option<Tool>,
}

impl Refused<'_> {
    fn sure(&self, tool: Tool, list: Arc<BuildList>) -> Arc<BuildList> {
        if self.tool != Some(tool) || list.is_current() {
            return list;
        }
        let mut list = Arc::unwrap_or_clone(list);
        list.info.current = true;
        Arc::new(list)
    }
}

impl ListSource for Refused<'_> {
    fn otp(&self, target: &Target) -> Result<Arc<BuildList>, Box<dyn ListError>> {
        let list = self.lists.otp(target)?;
        Ok(self.sure(Tool::Erlang, list))
    }

    fn elixir(&self) -> Result<Arc<BuildList>, Box<dyn ListError>> {
        Ok(self.sure(Tool::Elixir, self.lists.elixir()?))
    }

    fn node(&self) -> Result<Arc<NodeList>, Box<dyn ListError>> {
        self.lists.node()
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
