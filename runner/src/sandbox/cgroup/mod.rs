//! Control groups: made for one run where this process may make them, never outside of a limit that somebody has set.

mod group;
mod place;

use std::path::{Path, PathBuf};

use buildpack_core::sandbox::{Holder, Limits};

pub(super) use group::Group;
use group::Version;
use place::{Controller, Place, place};

/// The groups of one run.
#[derive(Default)]
pub(super) struct Groups {
    /// What limits memory.
    pub(super) memory: Option<Group>,
    /// What limits processors, where it is another group.
    cpus: Option<Group>,
    /// Whether the group of memory limits processors as well.
    both: bool,
}

impl Groups {
    /// Groups for those of `limits` that can be held by one here.
    pub(super) fn make(limits: &Limits) -> Self {
        let mounts = fs_err::read("/proc/self/mountinfo").unwrap_or_default();
        let own = fs_err::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let of = |controller| place(controller, &mounts, &own);
        let (memory, cpu) = (of(Controller::Memory), of(Controller::Cpu));
        if let (Some(_), Some(_), Some(place @ Place::V2 { .. })) =
            (limits.memory, limits.cpus, &memory)
            && cpu == memory
            && let Some(group) = make(place, &[Controller::Memory, Controller::Cpu], limits)
        {
            return Self {
                memory: Some(group),
                cpus: None,
                both: true,
            };
        }
        let one = |wanted: bool, place: Option<Place>, controller| {
            make(&place.filter(|_| wanted)?, &[controller], limits)
        };
        let memory = one(limits.memory.is_some(), memory, Controller::Memory);
        // A process is in one group of version 2 only.
        let taken = (memory.as_ref()).is_some_and(|group| group.holder() == Holder::CgroupV2);
        let second = !(taken && matches!(cpu, Some(Place::V2 { .. })));
        Self {
            cpus: one(limits.cpus.is_some() && second, cpu, Controller::Cpu),
            memory,
            both: false,
        }
    }

    /// What limits processors.
    pub(super) fn cpus(&self) -> Option<&Group> {
        let both = self.memory.as_ref().filter(|_| self.both);
        self.cpus.as_ref().or(both)
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Group> {
        self.memory.iter().chain(&self.cpus)
    }
}

/// A group with these controllers and the limits that they hold.
fn make(place: &Place, controllers: &[Controller], limits: &Limits) -> Option<Group> {
    let limited = |group: Group| {
        for controller in controllers {
            match controller {
                Controller::Memory => group.limit_memory(limits.memory?).ok()?,
                Controller::Cpu => group.limit_cpus(limits.cpus?.hundredths()).ok()?,
            }
        }
        // Who can't open it can't let anybody in.
        group.door().ok().map(|_| group)
    };
    match place {
        Place::V1(own) => Group::make(own, Version::One).ok().and_then(limited),
        Place::V2 { own, top } => parents(own, top).into_iter().find_map(|parent| {
            enable(&parent, controllers)?;
            Group::make(&parent, Version::Two).ok().and_then(limited)
        }),
    }
}

/// The folders of version 2 below which a group may be made: the own one, and those above it up to the first that limits
/// what is in it.
fn parents(own: &Path, top: &Path) -> Vec<PathBuf> {
    let mut parents = Vec::new();
    for folder in own.ancestors().take_while(|folder| folder.starts_with(top)) {
        parents.push(folder.to_owned());
        if is_limited(folder) {
            break;
        }
    }
    parents
}

fn is_limited(folder: &Path) -> bool {
    ["memory.max", "memory.high", "cpu.max", "cpuset.cpus"]
        .iter()
        .any(|name| {
            let text = fs_err::read_to_string(folder.join(name)).unwrap_or_default();
            let text = text.trim();
            !text.is_empty() && !text.starts_with("max")
        })
}

/// Lets groups below `folder` have these controllers, if it has them and may give them.
fn enable(folder: &Path, controllers: &[Controller]) -> Option<()> {
    let has = |file: &str, controller: &Controller| {
        let text = fs_err::read_to_string(folder.join(file)).unwrap_or_default();
        text.split_whitespace()
            .any(|name| name == controller.name())
    };
    let given = "cgroup.subtree_control";
    for controller in controllers {
        if !has("cgroup.controllers", controller) {
            return None;
        }
        if !has(given, controller) {
            // Refused where processes stand in the folder itself: ours, mostly.
            let wish = format!("+{}", controller.name());
            fs_err::write(folder.join(given), wish).ok()?;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree of groups, as far as files can play one.
    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let top = tempfile::tempdir().unwrap();
        for (path, text) in files {
            testdata::tree::write(top.path(), path, text);
        }
        top
    }

    #[test]
    fn no_group_is_made_above_a_limit() {
        let top = tree(&[
            ("user/app/one/memory.max", "max\n"),
            ("user/app/one/cpu.max", "max 100000\n"),
            ("user/app/memory.max", "1073741824\n"),
            ("user/memory.max", "max\n"),
        ]);
        let at = |name: &str| top.path().join(name);
        assert_eq!(
            parents(&at("user/app/one"), top.path()),
            [at("user/app/one"), at("user/app")]
        );
        fs_err::write(at("user/app/memory.max"), "max\n").unwrap();
        assert_eq!(
            parents(&at("user/app/one"), top.path()),
            [
                at("user/app/one"),
                at("user/app"),
                at("user"),
                top.path().to_owned()
            ]
        );
    }

    #[test]
    fn controllers_are_asked_for_only_where_they_are() {
        let top = tree(&[
            ("cgroup.controllers", "cpuset cpu io memory pids\n"),
            ("cgroup.subtree_control", "memory pids\n"),
            ("below/cgroup.controllers", "memory pids\n"),
            ("below/cgroup.subtree_control", "memory\n"),
        ]);
        let given = || fs_err::read_to_string(top.path().join("cgroup.subtree_control")).unwrap();
        assert!(enable(top.path(), &[Controller::Memory]).is_some());
        assert_eq!(given(), "memory pids\n");
        assert!(enable(top.path(), &[Controller::Memory, Controller::Cpu]).is_some());
        assert_eq!(given(), "+cpu");
        let below = top.path().join("below");
        assert!(enable(&below, &[Controller::Memory]).is_some());
        assert!(enable(&below, &[Controller::Cpu]).is_none());
    }
}
