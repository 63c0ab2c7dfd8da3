//! What facts mean for a build, and what mends them.

mod machine;
mod net;
mod store;

use serde::Serialize;

use super::Facts;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Nothing stands in the way.
    Ok,
    /// Some builds will fail, or something does not hold as one would think.
    Warn,
    /// No build will succeed.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A stable word for what was looked at.
    pub check: &'static str,
    /// How bad it is.
    pub state: State,
    /// What was found.
    pub found: String,
    /// What it means for a build.
    pub means: String,
    /// What mends it: commands for a shell, each a way by itself, or a sentence where no command does.
    pub mend: Vec<String>,
}

impl Finding {
    fn new(
        check: &'static str,
        state: State,
        found: impl Into<String>,
        means: impl Into<String>,
    ) -> Self {
        Self {
            check,
            state,
            found: found.into(),
            means: means.into(),
            mend: Vec::new(),
        }
    }

    fn mend(mut self, line: impl Into<String>) -> Self {
        self.mend.push(line.into());
        self
    }
}

/// All findings, in the order in which they matter.
pub fn judge(facts: &Facts) -> Vec<Finding> {
    let mut all = vec![
        machine::namespaces(facts),
        machine::apparmor(facts),
        machine::subuids(facts),
        machine::cgroups(facts),
        store::disk(facts),
        store::files(facts),
        store::whole(facts),
        net::authorities(facts),
        net::proxies(facts),
    ];
    all.extend(net::hosts(facts));
    all.push(net::clock(facts));
    all.push(net::git(facts));
    all
}

#[cfg(test)]
mod tests;
