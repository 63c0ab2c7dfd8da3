//! Runs a program as the app's process: its user, its folder, its variables, its profile. It takes this process's place,
//! so that signals reach it and not us.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use buildpack_core::diagnostic::{Class, Diagnostic};
use rustix::io::Errno;

use super::compat::Quirk;
use super::face::Face;
use super::{Ended, entropy, env_dir, owner, profile, say, user};
use crate::pipeline::Failure;

/// What is to be run.
pub(super) enum Run {
    /// A line of bash.
    Line(OsString),
    /// A program and its arguments.
    Words(Vec<OsString>),
}

/// Scripts of the image that bash sources first.
const SYSTEM: &str = "/etc/profile.d";

/// What a shell in the app's environment shows before each line: folder and sign, coloured.
const PROMPT: &str = r"\[\033[01;34m\]\w\[\033[00m\] \[\033[01;32m\]$ \[\033[00m\]";

/// The kernel takes no longer argument or variable, its zero byte included.
const LONGEST: usize = 128 << 10;

/// Becomes what is to be run; comes back only if that failed.
pub(super) fn launch(face: &Face, run: &Run) -> Ended {
    let user = user::of_app(face)?;
    if face.entropy {
        entropy::feed();
    }
    if let Some(user) = &user
        && face.may_chown
        && face.compat.wants(Quirk::ChownApp)
    {
        owner::give(&face.app_path, user);
    }
    // These may be closed to the app's user.
    let variables = env_dir::read(&face.env_path);
    for remark in &variables.remarks {
        say::warning(remark);
    }
    if let Some(user) = &user {
        user.become_it()?;
    }
    std::env::set_current_dir(&face.app_path).map_err(|error| {
        Failure::of(
            Diagnostic::error(
                "app-path",
                Class::Surroundings,
                format!(
                    "cannot enter the app's folder `{}`: {error}",
                    face.app_path.display()
                ),
            )
            .help("put the app there, or name its folder in `APP_PATH`"),
        )
    })?;
    let scripts = profile::scripts(Path::new(SYSTEM), &face.app_path);
    if face.trace {
        for script in &scripts {
            say::trace(&format!(". {}", script.display()));
        }
        say::trace(&run.shown());
    }
    let script = script(&scripts, run, face);
    let error = Command::new(&face.bash)
        .arg("-c")
        .arg(&script)
        .env("HOME", &face.app_path)
        .env("PS1", PROMPT)
        .envs(
            variables
                .variables
                .iter()
                .map(|(name, value)| (name, value)),
        )
        .exec();
    Err(not_started(&error, face, &script, &variables.variables))
}

impl Run {
    fn shown(&self) -> String {
        match self {
            Self::Line(line) => line.to_string_lossy().into_owned(),
            Self::Words(words) => quoted_all(words).to_string_lossy().into_owned(),
        }
    }
}

/// What bash is given: the profile, then the command as its last one, which bash executes in its own place where it is a
/// single program. Paths and words are quoted into the text, so that no script finds them as its own arguments.
fn script(scripts: &[PathBuf], run: &Run, face: &Face) -> OsString {
    let strict = face.compat.wants(Quirk::ProfileErrexit);
    let mut text = OsString::new();
    if strict {
        text.push("set -eo pipefail\n");
    }
    for path in scripts {
        text.push(". ");
        text.push(quoted(path.as_os_str()));
        text.push("\n");
    }
    if strict {
        text.push("set +eo pipefail\n");
    }
    if face.compat.wants(Quirk::EvalCommand) {
        text.push("exec -- $(eval echo ");
        text.push(match run {
            Run::Line(line) => quoted(line),
            Run::Words(words) => quoted_all(words),
        });
        text.push(")");
        return text;
    }
    match run {
        Run::Line(line) => text.push(line),
        Run::Words(words) => {
            text.push("exec -- ");
            text.push(quoted_all(words));
        }
    }
    text
}

/// A word that bash reads as it is.
fn quoted(word: &OsStr) -> OsString {
    let mut bytes = vec![b'\''];
    for &byte in word.as_bytes() {
        match byte {
            b'\'' => bytes.extend(br"'\''"),
            other => bytes.push(other),
        }
    }
    bytes.push(b'\'');
    OsString::from_vec(bytes)
}

fn quoted_all(words: &[OsString]) -> OsString {
    let words: Vec<OsString> = words.iter().map(|word| quoted(word)).collect();
    words.join(OsStr::new(" "))
}

fn not_started(
    error: &io::Error,
    face: &Face,
    script: &OsStr,
    variables: &[(String, OsString)],
) -> Failure {
    let problem = |why: &str| {
        Diagnostic::error(
            "app-not-started",
            Class::Surroundings,
            format!("cannot start `{}`: {why}", face.bash.display()),
        )
    };
    if error.raw_os_error() != Some(Errno::TOOBIG.raw_os_error()) {
        return Failure::of(
            problem(&error.to_string())
                .help("a herokuish image has bash at /bin/bash; `BASH_BIN` names another"),
        );
    }
    if script.len() >= LONGEST {
        return Failure::of(
            problem("the command is longer than the kernel takes")
                .help("put it into a script of the app, and run that"),
        );
    }
    let long = variables
        .iter()
        .filter(|(name, value)| name.len() + value.len() + 2 > LONGEST)
        .map(|(name, _)| format!("`{name}`"));
    let long: Vec<String> = long.collect();
    Failure::of(
        match long.as_slice() {
            [] => problem("command and variables together are larger than the kernel takes"),
            long => problem(&format!(
                "{} is larger than the 128 KiB that the kernel takes for one variable",
                long.join(", ")
            )),
        }
        .help("put large values into a file or a store that the app reads"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(run: &Run, compat: &str) -> String {
        let face = Face::of(&[("BP_HEROKUISH_COMPAT", compat)]);
        let scripts = [PathBuf::from("/a'b.sh")];
        script(&scripts, run, &face).into_string().unwrap()
    }

    #[test]
    fn bash_gets_the_profile_and_then_the_command() {
        let line = Run::Line("A=1 b && c".into());
        let words = Run::Words(vec!["-x".into(), "it's $A".into(), "".into()]);
        assert_eq!(text(&line, ""), ". '/a'\\''b.sh'\nA=1 b && c");
        assert_eq!(
            text(&words, ""),
            ". '/a'\\''b.sh'\nexec -- '-x' 'it'\\''s $A' ''"
        );
        assert_eq!(
            text(&line, "eval-command,profile-errexit"),
            "set -eo pipefail\n. '/a'\\''b.sh'\nset +eo pipefail\nexec -- $(eval echo 'A=1 b && c')"
        );
    }
}
