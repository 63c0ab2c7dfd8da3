//! What stands in the image beside the app so that it can be started: process types, `/start`, `/exec`, `.profile.d`.

use std::collections::BTreeMap;

use buildpack_core::layer::Synthetic;
use buildpack_core::pack::{LOAD_PROFILE, Release};
use buildpack_core::plan::PackPlan;

/// Folder of the image with one file for each process type, its content the command.
const PROCESSES: &str = "/bp/processes";

/// `/start TYPE`: the app's profile, then the type's command, given to bash as on Heroku.
const START: &str = r#"#!/bin/bash
# Starts a process type of this app: /start TYPE
type="${1:-web}"
case "$type" in
  *[!A-Za-z0-9_-]*) file= ;;
  *) file="/bp/processes/$type" ;;
esac
if [ ! -f "$file" ]; then
  echo " !     Proc entrypoint $type does not exist. Please check your Procfile" >&2
  exit 1
fi
exec /exec "$(cat "$file")"
"#;

/// `/exec COMMAND…`: a command in the app's environment. One word is a line for bash, several are a program and its
/// arguments.
const EXEC: &str = r#"#!/bin/bash
# Runs a command in this app's environment: /exec COMMAND...
cd "@APP@" || exit 1
export HOME="@APP@" PORT="${PORT:-5000}"
@PROFILE@if [ $# -eq 1 ]; then exec bash -c "$1"; fi
exec "$@"
"#;

/// The files, for an app with these process types.
pub(super) fn files(
    plan: &PackPlan,
    release: &Release,
    processes: &BTreeMap<String, String>,
) -> Vec<Synthetic> {
    let script = |path: &str, text: &str| Synthetic {
        path: path.to_owned(),
        content: text
            .replace("@APP@", &plan.app_dir)
            .replace("@PROFILE@", LOAD_PROFILE)
            .into_bytes(),
        executable: true,
    };
    let processes = processes
        .iter()
        .map(|(name, command)| text(format!("{PROCESSES}/{name}"), command));
    [script("/start", START), script("/exec", EXEC)]
        .into_iter()
        .chain(profile(plan, release))
        .chain(processes)
        .collect()
}

/// The scripts of `.profile.d` that an app starts with besides its own.
pub(super) fn profile(plan: &PackPlan, release: &Release) -> Vec<Synthetic> {
    let script = |name: &str, content: &str| {
        let path = format!("{}/.profile.d/{name}", plan.app_dir);
        text(path, content)
    };
    let config_vars = (!release.config_vars.is_empty())
        .then(|| script(CONFIG_VARS, &defaults(&release.config_vars)));
    let packs = plan.profile.iter();
    let packs = packs.map(|(name, content)| script(name, content));
    config_vars.into_iter().chain(packs).collect()
}

fn text(path: String, text: &str) -> Synthetic {
    Synthetic {
        path,
        content: text.as_bytes().to_vec(),
        executable: false,
    }
}

/// Script of `.profile.d` with the config vars of a pack's release, called as herokuish calls it: it comes first.
const CONFIG_VARS: &str = "00_config_vars.sh";

/// Sets variables that nobody has set; `PATH`, which always is, is set anew. Values are bash, as packs write
/// `PATH: bin:$PATH`.
fn defaults(vars: &BTreeMap<String, String>) -> String {
    let line = |(name, value): (&String, &String)| {
        let value = value.replace('\\', r"\\").replace('"', "\\\"");
        let unless_set = match name.as_str() {
            "PATH" => String::new(),
            name => format!("[ -n \"${{{name}+set}}\" ] || "),
        };
        format!("{unless_set}export {name}=\"{value}\"\n")
    };
    vars.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Runs the scripts in a folder of their own, with `/exec` and the like moved there.
    fn start(processes: &[(&str, &str)], arguments: &[&str]) -> (String, bool) {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().to_str().unwrap();
        let app = format!("{at}/app");
        fs_err::create_dir_all(format!("{app}/.profile.d")).unwrap();
        fs_err::write(format!("{app}/.profile.d/a.sh"), "export GREETING=hello").unwrap();
        fs_err::create_dir_all(format!("{at}/bp/processes")).unwrap();
        for (name, command) in processes {
            fs_err::write(format!("{at}/bp/processes/{name}"), command).unwrap();
        }
        for (name, text) in [("start", START), ("exec", EXEC)] {
            let text = text
                .replace("@APP@", &app)
                .replace("@PROFILE@", LOAD_PROFILE)
                .replace("/bp/processes", &format!("{at}/bp/processes"))
                .replace("exec /exec", &format!("exec bash {at}/exec"));
            fs_err::write(format!("{at}/{name}"), text).unwrap();
        }
        let output = Command::new("bash")
            .arg(format!("{at}/{}", arguments[0]))
            .args(&arguments[1..])
            .env_remove("PORT")
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (
            String::from_utf8_lossy(&text).replace(at, ""),
            output.status.success(),
        )
    }

    #[test]
    fn commands_are_bash_with_the_profile_and_a_port() {
        let web = (
            "web",
            r#"X="a b" && printf '[%s]' "$X" $GREETING $PORT $PWD > /dev/stdout"#,
        );
        assert_eq!(
            start(&[web], &["start"]),
            ("[a b][hello][5000][/app]".to_owned(), true)
        );
    }

    #[test]
    fn a_missing_type_is_said_as_herokuish_says_it() {
        for name in ["worker", "../../app/x", "a b"] {
            let (text, success) = start(&[("web", "true")], &["start", name]);
            assert_eq!(
                text,
                format!(
                    " !     Proc entrypoint {name} does not exist. Please check your Procfile\n"
                )
            );
            assert!(!success);
        }
    }

    #[test]
    fn exec_keeps_arguments_apart() {
        assert_eq!(
            start(&[], &["exec", "printf", "[%s]", "a b", "c"]).0,
            "[a b][c]"
        );
    }
}
