//! Whether namespaces work here, found out by building a room and entering it.

use std::io;
use std::path::Path;

use super::{Cause, Failure, NamespaceSandbox, Step};

/// What a trial found.
#[derive(Debug)]
pub struct Probe {
    /// Why rooms can't be built, with the step that failed; absent where they can.
    pub failure: Option<Failure>,
}

impl Probe {
    /// Whether rooms can be built.
    pub fn works(&self) -> bool {
        self.failure.is_none()
    }
}

/// Tries to build a room with its scratch below `folder`, with this binary as the helper.
pub fn probe(folder: &Path) -> Probe {
    NamespaceSandbox::new().probe(folder)
}

/// What about this machine made `step` fail, judged by the error and the kernel's switches.
pub(super) fn cause(step: Step, error: &io::Error) -> Option<Cause> {
    judge(step, error.raw_os_error()?, &|name| {
        let text = std::fs::read_to_string(Path::new("/proc/sys").join(name)).ok()?;
        text.trim().parse().ok()
    })
}

fn judge(step: Step, errno: i32, switch: &dyn Fn(&str) -> Option<u64>) -> Option<Cause> {
    use rustix::io::Errno;
    let errno = Errno::from_raw_os_error(errno);
    let refused = errno == Errno::PERM || errno == Errno::ACCESS;
    let limited = matches!(step, Step::UserNamespace | Step::User) && errno == Errno::NOSPC;
    if limited || (step == Step::UserNamespace && switch("user/max_user_namespaces") == Some(0)) {
        return Some(Cause::NamespaceLimit);
    }
    let early = matches!(
        step,
        Step::UserNamespace | Step::IdMap | Step::Namespaces | Step::Overlay | Step::Scratch
    );
    if early && refused {
        if switch("kernel/unprivileged_userns_clone") == Some(0) {
            return Some(Cause::UnprivilegedOff);
        }
        if switch("kernel/apparmor_restrict_unprivileged_userns") == Some(1) {
            return Some(Cause::AppArmor);
        }
    }
    match step {
        Step::Helper | Step::IdMap if errno == Errno::NOENT => Some(Cause::NoProc),
        Step::UserNamespace | Step::Namespaces if refused => Some(Cause::Seccomp),
        Step::Overlay if refused || errno == Errno::INVAL || errno == Errno::NODEV => {
            Some(Cause::Overlay)
        }
        Step::Proc if refused => Some(Cause::ProcCovered),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use buildpack_core::diagnostic::Explain;
    use rustix::io::Errno;

    use super::*;

    fn judged(step: Step, errno: Errno, switches: &[(&str, u64)]) -> Option<Cause> {
        judge(step, errno.raw_os_error(), &|name| {
            let found = switches.iter().find(|(switch, _)| *switch == name);
            found.map(|(_, value)| *value)
        })
    }

    #[test]
    fn switches_of_the_machine_are_recognised() {
        use {Cause as C, Errno as E, Step as S};
        let off = [("user/max_user_namespaces", 0)];
        let clone = [("kernel/unprivileged_userns_clone", 0)];
        let ubuntu = [
            ("user/max_user_namespaces", 9000),
            ("kernel/apparmor_restrict_unprivileged_userns", 1),
        ];
        for (step, errno, switches, cause) in [
            (S::UserNamespace, E::NOSPC, &off[..], C::NamespaceLimit),
            (S::UserNamespace, E::NOSPC, &ubuntu, C::NamespaceLimit),
            (S::UserNamespace, E::PERM, &clone, C::UnprivilegedOff),
            (S::UserNamespace, E::PERM, &[], C::Seccomp),
            (S::IdMap, E::PERM, &ubuntu, C::AppArmor),
            (S::Namespaces, E::PERM, &ubuntu, C::AppArmor),
            (S::Overlay, E::ACCESS, &ubuntu, C::AppArmor),
            (S::Overlay, E::INVAL, &[], C::Overlay),
            (S::Proc, E::PERM, &ubuntu, C::ProcCovered),
            (S::Helper, E::NOENT, &[], C::NoProc),
        ] {
            assert_eq!(judged(step, errno, switches), Some(cause), "{step} {errno}");
        }
        assert_eq!(judged(S::Mount, E::NOENT, &ubuntu), None);
    }

    #[test]
    fn a_known_cause_comes_with_its_way_out() {
        let failure = Failure::Step {
            step: Step::UserNamespace,
            object: String::new(),
            error: io::Error::from_raw_os_error(Errno::NOSPC.raw_os_error()),
            cause: Some(Cause::NamespaceLimit),
        };
        let shown = failure.diagnostic();
        assert_eq!(shown.code.0, "sandbox-unavailable");
        assert!(shown.helps[0].text.contains("user.max_user_namespaces"));
    }
}
