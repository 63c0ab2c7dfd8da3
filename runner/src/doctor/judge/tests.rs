use std::path::PathBuf;
use std::time::Duration;

use buildpack_core::diagnostic::{Class, Diagnostic};
use buildpack_core::sandbox::{Held, Holder};
use jiff::SignedDuration;

use super::*;
use crate::doctor::{
    Answer, Authorities, Host, Kept, Need, Place, Question, Restrictions, SandboxFacts, Space,
};

const GIB: u64 = 1 << 30;

/// A machine on which nothing stands in the way.
fn well() -> Facts {
    Facts {
        sandbox: SandboxFacts {
            program: PathBuf::from("/opt/bp"),
            ..SandboxFacts::default()
        },
        limits: Held {
            memory: Some(Holder::CgroupV2),
            cpus: Some(Holder::CgroupV2),
        },
        place: Place {
            has_systemd: true,
            ..Place::default()
        },
        cache_dir: PathBuf::from("/home/me/.cache/bp"),
        space: Ok(Space {
            bytes: 50 * GIB,
            files: Some(9_000_000),
        }),
        kept: Ok(Kept {
            images: 2,
            stacks: 1,
            has_stack: false,
            flaws: Vec::new(),
        }),
        proxies: Vec::new(),
        authorities: Ok(Authorities::System),
        hosts: vec![host(Need::Every, Answer::Status(200))],
        offline: false,
        ahead: Some(SignedDuration::from_secs(1)),
        has_git: true,
    }
}

fn host(need: Need, answer: Answer) -> Host {
    Host {
        question: Question {
            host: "builds.example".to_owned(),
            url: "https://builds.example/x".to_owned(),
            purpose: "tools",
            need,
            elsewhere: "export BP_HEX_BUILDS_URL=https://MIRROR".to_owned(),
            direct: false,
        },
        proxy: None,
        answer,
    }
}

/// The one finding of this check.
fn found(facts: &Facts, check: &str) -> Finding {
    let mut all = judge(facts)
        .into_iter()
        .filter(|finding| finding.check == check);
    let one = all.next().unwrap_or_else(|| panic!("no {check}"));
    assert!(all.next().is_none(), "{check} twice");
    one
}

fn sandbox_fails(note: &str) -> Box<Diagnostic> {
    let problem = Diagnostic::error("test", Class::Surroundings, "can't make a user namespace");
    Box::new(problem.note(note).help("the way out"))
}

#[test]
fn a_machine_that_is_well_has_nothing_to_mend() {
    let all = judge(&well());
    for finding in &all {
        assert_eq!(finding.state, State::Ok, "{finding:?}");
        assert!(
            finding.mend.is_empty() && !finding.means.is_empty(),
            "{finding:?}"
        );
    }
    let mut checks: Vec<_> = all.iter().map(|finding| finding.check).collect();
    checks.sort_unstable();
    checks.dedup();
    assert_eq!(checks.len(), all.len());
}

#[test]
fn namespaces_are_mended_by_the_switch_that_is_off() {
    let mut facts = well();
    facts.sandbox.failure = Some(sandbox_fails("some reason"));
    facts.sandbox.restrictions = Restrictions {
        most_namespaces: Some(0),
        unprivileged: Some(1),
        apparmor: None,
    };
    let finding = found(&facts, "namespaces");
    assert_eq!(finding.state, State::Bad);
    assert!(finding.found.contains("some reason"));
    assert_eq!(finding.mend.len(), 1);
    assert!(finding.mend[0].contains("user.max_user_namespaces = 15000"));
    // Whatever else is in the way, the sandbox itself knows a way out.
    facts.sandbox.restrictions = Restrictions::default();
    assert_eq!(found(&facts, "namespaces").mend, ["the way out"]);
    // There steps run in place.
    facts.sandbox.in_stack_image = true;
    assert_eq!(found(&facts, "namespaces").state, State::Ok);
}

#[test]
fn apparmor_is_mended_by_a_profile_for_this_very_program() {
    let mut facts = well();
    facts.sandbox.restrictions.apparmor = Some(1);
    // It knows the program already.
    assert_eq!(found(&facts, "apparmor").state, State::Ok);
    facts.sandbox.failure = Some(sandbox_fails(
        "(`kernel.apparmor_restrict_unprivileged_userns` is 1)",
    ));
    let finding = found(&facts, "apparmor");
    assert_eq!(finding.state, State::Bad);
    assert!(finding.mend[0].contains("profile bp /opt/bp flags=(unconfined)"));
    assert!(finding.mend[1].contains("apparmor_restrict_unprivileged_userns = 0"));
    assert_eq!(found(&facts, "namespaces").mend, ["see `apparmor` below"]);
}

#[test]
fn what_holds_limits_is_said_with_the_way_to_more() {
    let mut facts = well();
    facts.limits = Held {
        memory: Some(Holder::Rlimit),
        cpus: Some(Holder::Affinity),
    };
    let mend = |facts: &Facts| {
        let finding = found(facts, "cgroups");
        assert_eq!(finding.state, State::Warn);
        finding.mend[0].clone()
    };
    assert!(mend(&facts).starts_with("systemd-run --user --scope"));
    facts.place.in_container = true;
    assert!(mend(&facts).contains("docker run --memory"));
    facts.place.in_container = false;
    facts.place.has_systemd = false;
    assert!(mend(&facts).starts_with("sudo bp"));
    facts.limits.memory = Some(Holder::CgroupV1);
    let finding = found(&facts, "cgroups");
    assert_eq!(finding.state, State::Ok);
    assert!(finding.means.contains("affinity"));
}

#[test]
fn room_is_judged_by_what_a_build_takes() {
    let state = |bytes, files| {
        let mut facts = well();
        facts.space = Ok(Space { bytes, files });
        let (disk, inodes) = (found(&facts, "disk"), found(&facts, "inodes"));
        for finding in [&disk, &inodes] {
            assert_eq!(finding.state == State::Ok, finding.mend.is_empty());
        }
        (disk.state, inodes.state)
    };
    let enough = Some(1_000_000);
    assert_eq!(state(GIB / 2, enough), (State::Bad, State::Ok));
    assert_eq!(state(2 * GIB, enough), (State::Warn, State::Ok));
    assert_eq!(state(9 * GIB, Some(100)), (State::Ok, State::Bad));
    assert_eq!(state(9 * GIB, Some(50_000)), (State::Ok, State::Warn));
    assert_eq!(state(9 * GIB, None), (State::Ok, State::Ok));
    let mut facts = well();
    facts.space = Err("no such thing".to_owned());
    assert_eq!(found(&facts, "disk").state, State::Warn);
}

#[test]
fn a_store_that_is_shut_is_bad_and_one_that_is_not_whole_a_warning() {
    let mut facts = well();
    let flaw = || Diagnostic::error("flaw", Class::Surroundings, "blob is missing");
    facts.kept = Ok(Kept {
        flaws: (0..5).map(|_| flaw()).collect(),
        ..Kept::default()
    });
    let finding = found(&facts, "store");
    assert_eq!(finding.state, State::Warn);
    assert!(finding.found.ends_with("; and 2 more"), "{}", finding.found);
    assert_eq!(finding.mend, ["bp cache verify --remove"]);
    facts.kept = Err(Box::new(flaw().help("another folder")));
    let finding = found(&facts, "store");
    assert_eq!(
        (finding.state, &*finding.mend),
        (State::Bad, &["another folder".to_owned()][..])
    );
}

#[test]
fn a_host_is_as_bad_as_what_is_missing_without_it() {
    let refused = || Answer::NoWay("refused".to_owned());
    let state = |need, answer| {
        let mut facts = well();
        facts.hosts = vec![host(need, answer)];
        found(&facts, "host").state
    };
    assert_eq!(state(Need::Every, refused()), State::Bad);
    assert_eq!(state(Need::Some, refused()), State::Warn);
    assert_eq!(state(Need::Stack, refused()), State::Bad);
    let mut kept = well();
    kept.kept.as_mut().unwrap().has_stack = true;
    kept.hosts = vec![host(Need::Stack, refused())];
    assert_eq!(found(&kept, "host").state, State::Warn);
    for (status, expected) in [
        (200, State::Ok),
        (302, State::Ok),
        (401, State::Ok),
        (404, State::Warn),
        (503, State::Warn),
        (407, State::Bad),
    ] {
        assert_eq!(
            state(Need::Every, Answer::Status(status)),
            expected,
            "{status}"
        );
    }
    for answer in [
        Answer::NoName("dns".to_owned()),
        Answer::Distrusted("unknown issuer".to_owned()),
        Answer::Silent(Duration::from_secs(5)),
        Answer::Invalid("no URL".to_owned()),
    ] {
        let mut facts = well();
        facts.hosts = vec![host(Need::Every, answer)];
        let finding = found(&facts, "host");
        assert!(
            finding.state == State::Bad && !finding.mend.is_empty(),
            "{finding:?}"
        );
    }
}

#[test]
fn offline_no_host_is_missed() {
    let mut facts = well();
    (facts.offline, facts.ahead) = (true, None);
    facts.hosts.clear();
    assert_eq!(found(&facts, "hosts").state, State::Ok);
    assert_eq!(found(&facts, "clock").state, State::Ok);
}

#[test]
fn a_clock_is_wrong_in_both_directions() {
    for (seconds, state, word) in [
        (-30, State::Ok, "agrees"),
        (120, State::Warn, "ahead"),
        (-7200, State::Bad, "2 h behind"),
    ] {
        let mut facts = well();
        facts.ahead = Some(SignedDuration::from_secs(seconds));
        let finding = found(&facts, "clock");
        assert_eq!(finding.state, state);
        assert!(finding.found.contains(word), "{}", finding.found);
    }
}

#[test]
fn proxies_that_differ_by_case_are_told() {
    let mut facts = well();
    let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    facts.proxies = vec![
        set("HTTPS_PROXY", "http://a:1"),
        set("https_proxy", "http://a:1"),
    ];
    assert_eq!(found(&facts, "proxies").state, State::Ok);
    facts.proxies[1].1 = "http://b:1".to_owned();
    let finding = found(&facts, "proxies");
    assert_eq!(
        (finding.state, &*finding.mend[0]),
        (State::Warn, "unset https_proxy")
    );
}

#[test]
fn authorities_are_mended_where_they_are_named() {
    let mut facts = well();
    for (code, mend) in [
        ("tls-ca-file", "SSL_CERT_FILE"),
        ("tls-no-authorities", "ca-certificates"),
    ] {
        let problem = Diagnostic::error(code, Class::Surroundings, "none");
        facts.authorities = Err(Box::new(problem));
        let finding = found(&facts, "certificates");
        assert!(finding.state == State::Bad && finding.mend[0].contains(mend));
    }
    facts.authorities = Ok(Authorities::File(PathBuf::from("/ca.pem"), 3));
    assert!(
        found(&facts, "certificates")
            .found
            .starts_with("3 authorities of `/ca.pem`")
    );
}
