//! What keeps steps apart from the machine, and what limits them.

use buildpack_core::diagnostic::Diagnostic;
use buildpack_core::sandbox::Holder;

use super::{Finding, State};
use crate::doctor::Facts;

const NAMESPACES: &str = "namespaces";
const APPARMOR: &str = "apparmor";
const CGROUPS: &str = "cgroups";

pub(super) fn namespaces(facts: &Facts) -> Finding {
    let sandbox = &facts.sandbox;
    let Some(failure) = &sandbox.failure else {
        return Finding::new(
            NAMESPACES,
            State::Ok,
            "user namespaces and overlays work",
            "steps run on the stack's image, apart from this machine",
        );
    };
    if sandbox.in_stack_image {
        return Finding::new(
            NAMESPACES,
            State::Ok,
            format!(
                "do not work here ({}); this is a stack's image",
                failure.message
            ),
            "steps run in place: the container is the wall around them",
        );
    }
    let finding = Finding::new(
        NAMESPACES,
        State::Bad,
        said(failure),
        "no step can run here but in a stack's build image with `--sandbox none`",
    );
    // The switch of AppArmor has a finding of its own, with the lines that mend it.
    if is_apparmors(facts) {
        return finding.mend("see `apparmor` below");
    }
    let finding = match sandbox.restrictions.most_namespaces {
        Some(0) => finding.mend(setting("user.max_user_namespaces", 15_000)),
        _ => finding,
    };
    let finding = match sandbox.restrictions.unprivileged {
        Some(0) => finding.mend(setting("kernel.unprivileged_userns_clone", 1)),
        _ => finding,
    };
    if finding.mend.is_empty() {
        let helps = failure.helps.iter().map(|help| help.text.clone());
        helps.fold(finding, Finding::mend)
    } else {
        finding
    }
}

/// A message with the facts behind it.
fn said(failure: &Diagnostic) -> String {
    let notes = failure.notes.iter().map(|note| format!("; {note}"));
    format!("{}{}", failure.message, notes.collect::<String>())
}

/// Sets a switch of the kernel now and for the next start.
fn setting(name: &str, value: u64) -> String {
    format!(
        "echo '{name} = {value}' | sudo tee /etc/sysctl.d/60-bp.conf && sudo sysctl -p /etc/sysctl.d/60-bp.conf"
    )
}

fn is_apparmors(facts: &Facts) -> bool {
    let failure = facts.sandbox.failure.as_ref();
    facts.sandbox.restrictions.apparmor == Some(1)
        && failure.is_some_and(|failure| said(failure).contains("apparmor_restrict"))
}

pub(super) fn apparmor(facts: &Facts) -> Finding {
    if facts.sandbox.restrictions.apparmor != Some(1) {
        return Finding::new(
            APPARMOR,
            State::Ok,
            "does not restrict user namespaces",
            "nothing has to be set up for it",
        );
    }
    if !is_apparmors(facts) {
        return Finding::new(
            APPARMOR,
            State::Ok,
            "restricts user namespaces of ordinary users, and lets this program have them",
            "steps run as they do elsewhere",
        );
    }
    let program = facts.sandbox.program.display();
    Finding::new(
        APPARMOR,
        State::Bad,
        "takes the rights from user namespaces of programs that it doesn't know (kernel.apparmor_restrict_unprivileged_userns)",
        format!("no step can run until it knows `{program}`"),
    )
    .mend(format!(
        "printf 'abi <abi/4.0>,\\ninclude <tunables/global>\\nprofile bp {program} flags=(unconfined) {{\\n  userns,\\n}}\\n' | \
         sudo tee /etc/apparmor.d/bp && sudo apparmor_parser -r /etc/apparmor.d/bp"
    ))
    .mend(setting("kernel.apparmor_restrict_unprivileged_userns", 0))
}

pub(super) fn subuids(facts: &Facts) -> Finding {
    let found = match facts.sandbox.subuid_ranges {
        0 => "/etc/subuid gives this user none".to_owned(),
        1 => "/etc/subuid gives this user a range".to_owned(),
        count => format!("/etc/subuid gives this user {count} ranges"),
    };
    Finding::new(
        "subuids",
        State::Ok,
        found,
        "none is needed, as a room has one user, whose files are the caller's",
    )
}

pub(super) fn cgroups(facts: &Facts) -> Finding {
    let group = |holder: Option<Holder>| {
        holder.filter(|holder| matches!(holder, Holder::CgroupV1 | Holder::CgroupV2))
    };
    let (memory, cpus) = (group(facts.limits.memory), group(facts.limits.cpus));
    match (memory, cpus) {
        (Some(memory), Some(cpus)) => {
            let by = if memory == cpus {
                memory.to_string()
            } else {
                format!("{memory}, {cpus}")
            };
            Finding::new(
                CGROUPS,
                State::Ok,
                format!("groups for memory and processors can be made ({by})"),
                "`--memory` and `--cpus` hold for all programs of a step together",
            )
        }
        (Some(memory), None) => Finding::new(
            CGROUPS,
            State::Ok,
            format!("groups for memory can be made ({memory}), for processors not"),
            "`--memory` holds for a step as a whole; `--cpus` chooses whole processors (affinity)",
        ),
        (None, _) => more_rights(
            Finding::new(
                CGROUPS,
                State::Warn,
                "no group for memory can be made by this user here",
                "builds without limits are as ever; `--memory` would hold for each program by itself (rlimit), and a step \
                 of many programs could use more",
            ),
            facts,
        ),
    }
}

/// With the way to groups of one's own.
fn more_rights(finding: Finding, facts: &Facts) -> Finding {
    if facts.place.in_container {
        finding.mend(
            "limit the container itself: `docker run --memory 2g --cpus 2 …`, `podman run --memory 2g --cpus 2 …`",
        )
    } else if facts.place.has_systemd && !facts.place.is_root {
        finding.mend("systemd-run --user --scope -p Delegate=yes bp build APP --memory 2GiB")
    } else {
        finding.mend("sudo bp build APP --memory 2GiB")
    }
}
