//! Where a control group of ours may stand, read from what the kernel tells of mounts and of this process (`cgroups(7)`).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::sandbox::mountinfo::unescape;

/// What a control group can limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Controller {
    Memory,
    Cpu,
}

impl Controller {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Cpu => "cpu",
        }
    }
}

/// Where the kernel shows control groups that can limit something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Version 1: the folder of this process's own group in the controller's hierarchy.
    V1(PathBuf),
    /// Version 2: the same in the one hierarchy, and the folder that this is mounted at.
    V2 { own: PathBuf, top: PathBuf },
}

/// The place of `controller`, by the texts of `/proc/self/mountinfo` and `/proc/self/cgroup`. That version 2 has the
/// controller is not known yet.
pub(super) fn place(controller: Controller, mounts: &[u8], own: &str) -> Option<Place> {
    let name = controller.name();
    let v1 = hierarchies(mounts).find(|hierarchy| {
        hierarchy.kind == b"cgroup" && hierarchy.options.split(',').any(|option| option == name)
    });
    let path = |wanted: &dyn Fn(&str) -> bool| {
        own.lines().find_map(|line| {
            let mut parts = line.splitn(3, ':').skip(1);
            let (controllers, path) = (parts.next()?, parts.next()?);
            wanted(controllers).then_some(path)
        })
    };
    if let Some(hierarchy) = v1 {
        let path = path(&|controllers| controllers.split(',').any(|other| other == name))?;
        return Some(Place::V1(hierarchy.folder(path)));
    }
    let hierarchy = hierarchies(mounts).find(|hierarchy| hierarchy.kind == b"cgroup2")?;
    let path = path(&str::is_empty)?;
    Some(Place::V2 {
        own: hierarchy.folder(path),
        top: hierarchy.at,
    })
}

/// A mounted hierarchy.
struct Hierarchy<'m> {
    kind: &'m [u8],
    options: &'m str,
    /// The group that is seen at the top.
    root: PathBuf,
    at: PathBuf,
}

impl Hierarchy<'_> {
    /// Where the group called `path` is seen; the top where it is not below what is mounted, as in some containers.
    fn folder(&self, path: &str) -> PathBuf {
        match Path::new(path).strip_prefix(&self.root) {
            Ok(below) if below.as_os_str().is_empty() => self.at.clone(),
            Ok(below) => self.at.join(below),
            Err(_) => self.at.clone(),
        }
    }
}

fn hierarchies(mounts: &[u8]) -> impl Iterator<Item = Hierarchy<'_>> {
    mounts.split(|byte| *byte == b'\n').filter_map(|line| {
        let mut fields = line.split(|byte| *byte == b' ').skip(3);
        let (root, at) = (unescape(fields.next()?), unescape(fields.next()?));
        let mut after = fields.skip_while(|field| *field != b"-").skip(1);
        let kind = after.next()?;
        let options = std::str::from_utf8(after.nth(1)?).ok()?;
        kind.starts_with(b"cgroup").then(|| Hierarchy {
            kind,
            options,
            root: PathBuf::from(OsStr::from_bytes(&root)),
            at: PathBuf::from(OsStr::from_bytes(&at)),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &[u8] = b"21 1 0:20 / /proc rw - proc proc rw\n\
        34 31 0:30 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n\
        30 29 0:27 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n\
        31 29 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n";

    #[test]
    fn version_1_stands_where_its_controller_is_mounted() {
        let own = "4:memory:/user/1000\n2:cpuacct,cpu:/\n0::/\n";
        let place = |controller| place(controller, HYBRID, own).unwrap();
        assert_eq!(
            place(Controller::Memory),
            Place::V1("/sys/fs/cgroup/memory/user/1000".into())
        );
        assert_eq!(
            place(Controller::Cpu),
            Place::V1("/sys/fs/cgroup/cpu,cpuacct".into())
        );
    }

    #[test]
    fn version_2_is_one_tree() {
        let mounts =
            b"29 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\ngarbage\n";
        let own = "0::/user.slice/user-1000.slice/app.scope\n";
        assert_eq!(
            place(Controller::Memory, mounts, own),
            Some(Place::V2 {
                own: "/sys/fs/cgroup/user.slice/user-1000.slice/app.scope".into(),
                top: "/sys/fs/cgroup".into(),
            })
        );
        assert_eq!(place(Controller::Memory, b"", own), None);
        assert_eq!(place(Controller::Memory, mounts, ""), None);
    }

    #[test]
    fn a_container_sees_its_own_group_at_the_top() {
        let mounts =
            b"30 29 0:27 /docker/0123 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
        for own in ["4:memory:/docker/0123\n", "4:memory:/elsewhere\n"] {
            assert_eq!(
                place(Controller::Memory, mounts, own),
                Some(Place::V1("/sys/fs/cgroup/memory".into()))
            );
        }
    }
}
