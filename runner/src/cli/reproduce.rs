//! The command that makes a build fail again at a desk.

use std::path::Path;

use buildpack_core::diagnostic::Class;
use buildpack_core::sandbox::Limits;
use buildpack_core::wanted::without_credentials;

use crate::pipeline::{Failure, Request};

/// More config vars than this are not named one by one.
const MOST_VARS: usize = 8;

/// The call of `bp COMMAND` that builds, from `app`, what `request` built, on the same stack, and opens a shell at the step that failed.
/// Config vars are named without their values: `--env NAME` takes the value that the variable has there.
pub(crate) fn reproduce(
    command: &str,
    app: &Path,
    failure: &Failure,
    request: &Request,
) -> Option<String> {
    failure.stage?;
    let app = word(&app.to_string_lossy());
    let stack = request.target.stack.name;
    let checked = failure.class() == Class::Config && !failure.asked_bash;
    if checked && failure.step.is_none() && request.buildpacks.is_empty() {
        return Some(format!("bp check-versions {app} --stack {stack}"));
    }
    let mut words = vec![format!("bp {command} {app} --stack {stack}")];
    for pack in &request.buildpacks {
        let address = without_credentials(&pack.value);
        words.push(format!("--buildpack {}", word(&address)));
    }
    if !request.native {
        words.push("--no-native".to_owned());
    }
    let vars = request.config_vars.0.keys();
    if vars.len() > MOST_VARS {
        words.push(format!("--env-file FILE-OF-ITS-{}-VARS", vars.len()));
    } else {
        words.extend(vars.map(|name| format!("--env {}", word(name))));
    }
    if request.clear_cache {
        words.push("--clear-cache".to_owned());
    }
    if let Some(step) = &failure.step {
        words.extend(limits(&step.command.room.limits));
        words.push("--shell".to_owned());
    }
    Some(words.join(" "))
}

/// Flags of the limits under which a step failed: without them it may not.
fn limits(limits: &Limits) -> impl Iterator<Item = String> {
    let memory = limits.memory.map(|memory| match memory % (1 << 20) {
        0 => format!("--memory {}MiB", memory >> 20),
        _ => format!("--memory {memory}"),
    });
    let cpus = limits.cpus.map(|cpus| format!("--cpus {cpus}"));
    let time = limits.deadline.map(|deadline| deadline.allowed.as_secs());
    let time = time.map(|seconds| format!("--timeout {seconds}s"));
    [memory, cpus, time].into_iter().flatten()
}

/// A word as a shell reads it.
fn word(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-:@%+=,#".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use buildpack_core::sandbox::Deadline;

    use super::*;

    #[test]
    fn limits_are_named_as_they_are_typed() {
        let all = Limits {
            memory: Some(1536 << 20),
            cpus: "1.5".parse().ok(),
            deadline: Deadline::after(Instant::now(), Duration::from_mins(15)),
        };
        let typed: Vec<String> = limits(&all).collect();
        assert_eq!(typed, ["--memory 1536MiB", "--cpus 1.5", "--timeout 900s"]);
        assert_eq!(limits(&Limits::default()).count(), 0);
    }

    #[test]
    fn words_are_quoted_where_a_shell_would_read_them_otherwise() {
        for (text, quoted) in [
            ("./app", "./app"),
            ("my app", "'my app'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
            ("$(id)", "'$(id)'"),
        ] {
            assert_eq!(word(text), quoted);
        }
    }
}
