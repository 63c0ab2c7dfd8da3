//! All lists of all stacks, asked for now.

use std::collections::BTreeSet;
use std::time::Duration;

use buildpack_core::diagnostic::Diagnostic;
use buildpack_core::lists::{
    Answer, KeptText, ListError, ListHost, ListHosts, ListInfo, ListOrigin, ListSource as _,
    Policy, Provider,
};
use buildpack_core::version::Tool;
use serde::Serialize;
use stacks::Target;

use super::{TargetName, targets};
use crate::pipeline::{BuildLists, Patience, Services};

/// The code of what a list says that its host has not.
const MISSING: &str = "build-list-missing";

/// A list, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Changed {
    /// The tool.
    pub tool: Tool,
    /// What the builds are for; none where one build fits all.
    pub stack: Option<TargetName>,
    /// The list as it was kept before, if it was.
    pub before: Option<ListInfo>,
    /// What it is now; none where there is none.
    pub now: Option<Now>,
    /// Names that are new, as the list orders them.
    pub new: Vec<String>,
    /// Names that are gone.
    pub gone: Vec<String>,
    /// Why the host's list is not the one that is used, if it is not.
    pub problems: Vec<Diagnostic>,
}

/// A list as it is after asking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Now {
    /// Where from and from when.
    pub list: ListInfo,
    /// How many builds or releases it has.
    pub count: usize,
}

impl Changed {
    /// Whether the host says that it has no such list. Of OTP for a stack of old or of tomorrow, that is no failure.
    pub fn is_missing(&self) -> bool {
        self.stack.is_some()
            && self
                .problems
                .iter()
                .any(|problem| problem.code.0 == MISSING)
    }

    /// Whether the host gave the list, or confirmed the kept one.
    pub fn is_live(&self) -> bool {
        let now = self.now.as_ref();
        now.is_some_and(|now| now.list.origin == ListOrigin::Live)
    }
}

/// Asks for the lists of all stacks, all at once. With `force`, lists that lost much are taken, too.
pub fn update(services: &Services, force: bool) -> Vec<Changed> {
    let mut lists: Vec<(Tool, Option<Target>)> = targets()
        .into_iter()
        .map(|target| (Tool::Erlang, Some(target)))
        .collect();
    lists.extend([(Tool::Elixir, None), (Tool::Node, None)]);
    std::thread::scope(|scope| {
        let started: Vec<_> = lists
            .into_iter()
            .map(|(tool, target)| scope.spawn(move || one(services, force, tool, target)))
            .collect();
        started
            .into_iter()
            .filter_map(|thread| thread.join().ok())
            .collect()
    })
}

fn one(services: &Services, force: bool, tool: Tool, target: Option<Target>) -> Changed {
    // Elixir's and Node's lists are the same for every target.
    let own = target.unwrap_or(Target {
        stack: &stacks::all()[0],
        arch: stacks::Arch::Amd64,
    });
    let policy = Policy {
        max_age: Duration::ZERO,
        shrunken: force,
        ..Policy::new(own, services.now)
    };
    let hosts = || BuildLists::new(services, Duration::ZERO, Patience::LONG);
    let before = names(&Provider::new(Kept(hosts()), policy), tool, &own).ok();
    // The built-in list says nothing about what changed.
    let before = before.filter(|(list, _)| list.origin == ListOrigin::Kept);
    let provider = Provider::new(hosts(), policy);
    let now = names(&provider, tool, &own);
    let mut problems = provider.complaints();
    let (now, names) = match now {
        Ok((list, names)) => (
            Some(Now {
                list,
                count: names.len(),
            }),
            names,
        ),
        Err(error) => {
            problems.push(error.diagnostic());
            (None, Vec::new())
        }
    };
    let (before, earlier) = before.unzip();
    let changes = earlier.filter(|_| now.is_some());
    let not_in = |these: &[String], those: &[String]| -> Vec<String> {
        let those: BTreeSet<&String> = those.iter().collect();
        let missing = these.iter().filter(|name| !those.contains(name));
        missing.cloned().collect()
    };
    let changes = changes.map(|earlier| (not_in(&names, &earlier), not_in(&earlier, &names)));
    let (new, gone) = changes.unwrap_or_default();
    Changed {
        tool,
        stack: target.map(TargetName::from),
        before,
        now,
        new,
        gone,
        problems,
    }
}

/// The list, and the names in it.
fn names<H: ListHosts>(
    lists: &Provider<H>,
    tool: Tool,
    target: &Target,
) -> Result<(ListInfo, Vec<String>), Box<dyn ListError>> {
    let builds = match tool {
        Tool::Node => {
            let list = lists.node()?;
            let releases = list.releases.iter();
            let names = releases.map(|release| release.version.to_string());
            return Ok((list.info.clone(), names.collect()));
        }
        Tool::Erlang => lists.otp(target),
        Tool::Elixir => lists.elixir(),
    };
    let list = builds?;
    let names = list.builds().iter().map(|build| build.reference.clone());
    Ok((list.info.clone(), names.collect()))
}

/// Hosts that nobody asks: what is kept, or built in.
struct Kept<'a>(BuildLists<'a>);

impl ListHosts for Kept<'_> {
    fn name(&self, host: ListHost) -> String {
        self.0.name(host)
    }

    fn ask(&self, _: ListHost, _: &str, _: Option<&str>) -> Result<Answer, Box<dyn ListError>> {
        Ok(Answer::Missing)
    }

    fn kept(&self, host: ListHost, path: &str) -> Option<KeptText> {
        self.0.kept(host, path)
    }

    fn keep(&self, _: ListHost, _: &str, _: &KeptText) {}
}
