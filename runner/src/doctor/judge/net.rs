//! What lies between this machine and what builds fetch.

use std::time::Duration;

use buildpack_core::sandbox::span;
use jiff::SignedDuration;

use super::{Finding, State};
use crate::doctor::{Answer, Authorities, Facts, Host, Need};

/// A clock that is off by this much is worth a word; by the second, tokens and certificates are refused.
const OFF: Duration = Duration::from_mins(1);
const WRONG: Duration = Duration::from_mins(10);

pub(super) fn authorities(facts: &Facts) -> Finding {
    let check = "certificates";
    match &facts.authorities {
        Ok(Authorities::System) => Finding::new(
            check,
            State::Ok,
            "the system's authorities are trusted",
            "hosts that show a certificate of theirs are reached",
        ),
        Ok(Authorities::File(path, count)) => Finding::new(
            check,
            State::Ok,
            format!(
                "{count} authorities of `{}` are trusted in place of the system's (SSL_CERT_FILE)",
                path.display()
            ),
            "`bp` and the programs of a build trust them alone",
        ),
        Err(problem) => {
            let notes = problem.notes.iter().map(|note| format!(": {note}"));
            let found = format!("{}{}", problem.message, notes.collect::<String>());
            let finding = Finding::new(
                check,
                State::Bad,
                found,
                "nothing can be fetched by TLS, which all public hosts want",
            );
            match problem.code.0 {
                "tls-ca-file" => {
                    finding.mend("export SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt")
                }
                _ => finding.mend("sudo apt-get install ca-certificates"),
            }
        }
    }
}

pub(super) fn proxies(facts: &Facts) -> Finding {
    let check = "proxies";
    if facts.proxies.is_empty() {
        return Finding::new(
            check,
            State::Ok,
            "none is set",
            "hosts are asked directly, by `bp` and by the programs of a build",
        );
    }
    let set = facts.proxies.iter();
    let set: Vec<String> = set.map(|(name, value)| format!("{name}={value}")).collect();
    let found = set.join(", ");
    let twice = facts.proxies.iter().find_map(|(name, value)| {
        let other = (facts.proxies.iter())
            .find(|(other, _)| other != name && other.eq_ignore_ascii_case(name))?;
        (other.1 != *value && name.starts_with(|c: char| c.is_ascii_uppercase())).then_some(name)
    });
    match twice {
        Some(name) => Finding::new(
            check,
            State::Warn,
            found,
            format!("programs differ in which of `{name}` and its name in lower case they read"),
        )
        .mend(format!("unset {}", name.to_ascii_lowercase())),
        None => Finding::new(
            check,
            State::Ok,
            found,
            "`bp` and the programs of a build use them; no image holds them",
        ),
    }
}

pub(super) fn hosts(facts: &Facts) -> Vec<Finding> {
    if facts.offline {
        return vec![Finding::new(
            "hosts",
            State::Ok,
            "not asked: offline",
            "a build uses what is kept, and says what is missing",
        )];
    }
    let has_stack = facts.kept.as_ref().is_ok_and(|kept| kept.has_stack);
    let judged = facts.hosts.iter().map(|host| judged(host, has_stack));
    judged.collect()
}

fn judged(host: &Host, has_stack: bool) -> Finding {
    let question = &host.question;
    let name = match &host.proxy {
        Some(proxy) => format!("{} (by the proxy {proxy})", question.host),
        None => question.host.clone(),
    };
    let finding = |state, found: String, means: String| Finding::new("host", state, found, means);
    let fine = |found| finding(State::Ok, found, format!("gives {}", question.purpose));
    // What is missing for want of it.
    let (bad, without) = match question.need {
        Need::Every => (State::Bad, "what is not kept yet can't be built"),
        Need::Stack if has_stack => (
            State::Warn,
            "the stack's images are kept, but newer ones can't be had",
        ),
        Need::Stack => (
            State::Bad,
            "the stack's images can't be had, and nothing can be built without",
        ),
        Need::Some => (
            State::Warn,
            "apps that need it can't be built unless all of theirs is kept",
        ),
    };
    let lost = |found: String| {
        finding(
            bad,
            format!("{name} {found}"),
            format!("it gives {}: {without}", question.purpose),
        )
    };
    let elsewhere = question.elsewhere.clone();
    match &host.answer {
        Answer::Status(407) => lost("answers 407: the proxy wants to know who asks".to_owned())
            .mend("export HTTPS_PROXY=http://USER:PASSWORD@PROXY:PORT"),
        Answer::Status(status @ (200..=399 | 401)) => fine(format!("{name} answers ({status})")),
        Answer::Status(status @ (429 | 500..)) => Finding {
            state: State::Warn,
            ..lost(format!("answers {status}: it is in trouble"))
        }
        .mend("try again later"),
        Answer::Status(status) => Finding {
            state: State::Warn,
            ..lost(format!("answers {status} for what builds ask first"))
        }
        .mend(elsewhere),
        Answer::NoName(why) => lost(format!("has no address: {why}"))
            .mend(format!("getent hosts {}", bare(&question.host)))
            .mend(elsewhere),
        Answer::NoWay(why) => lost(format!("is not reached: {why}")).mend(elsewhere),
        Answer::Silent(time) => lost(format!("says nothing for {}", span(*time))).mend(elsewhere),
        Answer::Invalid(why) => lost(format!("can't be asked: {why}")).mend(elsewhere),
        Answer::Distrusted(why) => lost(format!("is not trusted: {why}"))
            .mend("export SSL_CERT_FILE=/path/of/its/authorities.pem"),
    }
}

/// A host without its port.
fn bare(host: &str) -> &str {
    host.split(':').next().unwrap_or(host)
}

pub(super) fn clock(facts: &Facts) -> Finding {
    let check = "clock";
    let Some(ahead) = facts.ahead else {
        return Finding::new(
            check,
            State::Ok,
            "no host told its time",
            "a clock that is wrong lets certificates and tokens fail",
        );
    };
    let off = ahead.unsigned_abs();
    let state = match off {
        off if off > WRONG => State::Bad,
        off if off > OFF => State::Warn,
        _ => {
            return Finding::new(
                check,
                State::Ok,
                "agrees with the hosts that were asked",
                "certificates and tokens are valid when they should be",
            );
        }
    };
    let direction = if ahead > SignedDuration::ZERO {
        "ahead of"
    } else {
        "behind"
    };
    Finding::new(
        check,
        state,
        format!(
            "{} {direction} the hosts that were asked",
            span(Duration::from_secs(off.as_secs()))
        ),
        "certificates and tokens of registries may be refused, and support dates be read wrong",
    )
    .mend("sudo timedatectl set-ntp true")
}

pub(super) fn git(facts: &Facts) -> Finding {
    let check = "git";
    if facts.has_git {
        return Finding::new(
            check,
            State::Ok,
            "is there",
            "buildpacks that are repositories can be fetched, and an image tells its commit",
        );
    }
    Finding::new(
        check,
        State::Warn,
        "is not on the PATH",
        "buildpacks that are repositories can't be fetched; apps of built-in packs build as ever",
    )
    .mend("sudo apt-get install git")
}
