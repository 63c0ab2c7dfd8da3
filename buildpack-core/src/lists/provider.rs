//! The lists of a run, each had once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stacks::{Arch, Target};

use super::choice::{Choice, Chosen, Place, Policy};
use super::note::{NoList, Reason};
use super::once::Once;
use super::{
    Answer, BuildList, KeptText, ListError, ListHost, ListHosts, ListInfo, ListSource, NodeList,
    read_sums,
};
use crate::diagnostic::Diagnostic;
use crate::digest::Digest;
use crate::version::{NodeVersion, Tool};

/// Gives lists of hosts; each host is asked for a list once. Where a host can't be reached or sends something else, the
/// list last kept stands in, else the built-in one, both with their day and a complaint.
pub struct Provider<H> {
    hosts: H,
    policy: Policy,
    builds: Once<Arc<BuildList>>,
    node: Once<Arc<NodeList>>,
    sums: Once<Arc<BTreeMap<String, Digest>>>,
    said: Mutex<Said>,
}

/// What this run used, and what there is to say about it, by tool and path.
#[derive(Default)]
struct Said {
    used: BTreeMap<(Tool, String), ListInfo>,
    complaints: BTreeMap<(Tool, String), Diagnostic>,
}

/// A list that will be wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Erlang/OTP builds for a target.
    Otp(Target),
    /// Elixir builds.
    Elixir,
    /// Node releases.
    Node,
    /// Digests of a Node release.
    NodeSums(NodeVersion),
}

impl Wanted {
    /// The list of what there is of `tool`, for `target` where that matters.
    pub fn of(tool: Tool, target: Target) -> Self {
        match tool {
            Tool::Erlang => Self::Otp(target),
            Tool::Elixir => Self::Elixir,
            Tool::Node => Self::Node,
        }
    }
}

impl<H: ListHosts> Provider<H> {
    /// Lists of `hosts`, chosen as `policy` says.
    pub fn new(hosts: H, policy: Policy) -> Self {
        Self {
            hosts,
            policy,
            builds: Once::default(),
            node: Once::default(),
            sums: Once::default(),
            said: Mutex::default(),
        }
    }

    /// Gets what will be wanted, all at once. What can't be had is said to who asks for it.
    pub fn prefetch(&self, wanted: &[Wanted]) {
        std::thread::scope(|scope| {
            for wanted in wanted {
                scope.spawn(move || match wanted {
                    Wanted::Otp(target) => drop(self.otp(target)),
                    Wanted::Elixir => drop(self.elixir()),
                    Wanted::Node => drop(self.node()),
                    Wanted::NodeSums(version) => drop(self.node_sums(version)),
                });
            }
        });
    }

    /// The list of builds at the first of `places` that the host has; `own` is whether it is for the run's own target.
    fn list_of_builds(
        &self,
        places: &[Place],
        own: bool,
    ) -> Result<Arc<BuildList>, Box<dyn ListError>> {
        let list = self.builds.get(&places[0].path, || {
            let chosen = self.choice().list::<BuildList>(places)?;
            Ok(self.complain(&places[0], chosen, own))
        })?;
        self.note_use(&list.info, own);
        Ok(list)
    }

    fn choice(&self) -> Choice<'_, H> {
        Choice {
            hosts: &self.hosts,
            policy: &self.policy,
        }
    }

    fn complain<L>(&self, place: &Place, chosen: Chosen<L>, own: bool) -> Arc<L> {
        if let Some(complaint) = chosen.complaint.filter(|_| own) {
            let key = (place.tool, place.path.clone());
            self.said().complaints.insert(key, complaint);
        }
        Arc::new(chosen.list)
    }

    fn note_use(&self, info: &ListInfo, own: bool) {
        if own {
            let key = (info.tool, info.path.clone());
            self.said().used.entry(key).or_insert_with(|| info.clone());
        }
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn missing(&self, place: &Place) -> Box<dyn ListError> {
        self.no_list(place, Reason::Missing)
    }

    fn no_list(&self, place: &Place, reason: Reason) -> Box<dyn ListError> {
        Box::new(NoList {
            what: place.what.clone(),
            provider: self.hosts.name(place.host),
            path: place.path.clone(),
            reason,
        })
    }

    /// Digests of a release never change, so kept ones are as good as new.
    fn sums_at(&self, place: &Place) -> Result<BTreeMap<String, Digest>, Box<dyn ListError>> {
        let kept = self.hosts.kept(place.host, &place.path);
        if let Some(sums) = kept.and_then(|kept| read_sums(&kept.text).ok()) {
            return Ok(sums);
        }
        let not_a_list = |why: String| self.no_list(place, Reason::NotAList(why));
        match self.hosts.ask(place.host, &place.path, None)? {
            Answer::Missing => Err(self.missing(place)),
            Answer::Unchanged => Err(not_a_list("it says that nothing changed".to_owned())),
            Answer::Nonsense(why) => Err(not_a_list(why)),
            Answer::Text { text, etag } => {
                let sums = read_sums(&text).map_err(not_a_list)?;
                let fetched = self.policy.now;
                let kept = KeptText {
                    text,
                    etag,
                    fetched,
                };
                self.hosts.keep(place.host, &place.path, &kept);
                Ok(sums)
            }
        }
    }
}

impl<H: ListHosts> ListSource for Provider<H> {
    fn otp(&self, target: &Target) -> Result<Arc<BuildList>, Box<dyn ListError>> {
        let ubuntu = target.stack.ubuntu;
        let place = Place {
            what: format!("Erlang/OTP builds for Ubuntu {ubuntu} on {}", target.arch),
            tool: Tool::Erlang,
            host: ListHost::HexBuilds,
            path: format!("builds/otp/{}/ubuntu-{ubuntu}/builds.txt", target.arch),
        };
        let mut places = vec![place];
        if target.arch == Arch::Amd64 {
            // Where the builds lay before there were two architectures.
            places.push(Place {
                path: format!("builds/otp/ubuntu-{ubuntu}/builds.txt"),
                ..places[0].clone()
            });
        }
        self.list_of_builds(&places, *target == self.policy.target)
    }

    fn elixir(&self) -> Result<Arc<BuildList>, Box<dyn ListError>> {
        let place = Place {
            what: "Elixir builds".to_owned(),
            tool: Tool::Elixir,
            host: ListHost::HexBuilds,
            path: "builds/elixir/builds.txt".to_owned(),
        };
        self.list_of_builds(&[place], true)
    }

    fn node(&self) -> Result<Arc<NodeList>, Box<dyn ListError>> {
        let place = Place {
            what: "Node releases".to_owned(),
            tool: Tool::Node,
            host: ListHost::NodeDist,
            path: "index.json".to_owned(),
        };
        let list = self.node.get(&place.path, || {
            let places = std::slice::from_ref(&place);
            let chosen = self.choice().list::<NodeList>(places)?;
            Ok(self.complain(&place, chosen, true))
        })?;
        self.note_use(&list.info, true);
        Ok(list)
    }

    fn node_sums(
        &self,
        version: &NodeVersion,
    ) -> Result<Arc<BTreeMap<String, Digest>>, Box<dyn ListError>> {
        let place = Place {
            what: format!("digests of Node {version}"),
            tool: Tool::Node,
            host: ListHost::NodeDist,
            path: format!("{}/SHASUMS256.txt", version.reference()),
        };
        self.sums
            .get(&place.path, || self.sums_at(&place).map(Arc::new))
    }

    fn used(&self) -> Vec<ListInfo> {
        self.said().used.values().cloned().collect()
    }

    fn complaints(&self) -> Vec<Diagnostic> {
        self.said().complaints.values().cloned().collect()
    }
}

#[cfg(test)]
mod tests;
