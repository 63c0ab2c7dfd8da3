//! What bash makes of the variables of config files that cannot be read without it. Bash runs in the sandbox, on the
//! stack's build image, with the app's folder to look at and the config vars in its environment.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use buildpack_core::app::App;
use buildpack_core::check::Evaluated;
use buildpack_core::diagnostic::{Class, Diagnostic};
use buildpack_core::sandbox::{Access, Command, Exit, Mount, Room, Terminal};
use buildpack_core::store::Bucket;
use buildpack_core::syntax::{self, Value};

use super::failure::Failure;
use super::request::Request;
use super::services::Services;
use super::stack_images;

/// Where the app's folder is seen.
const APP: &str = "/app";

/// Begins the lines that we asked for among those that the file itself prints.
const MARK: &str = "bp-value";

/// Sources the file `$1` as packs do, then prints each variable that is named behind it and set to one text.
const SCRIPT: &str = r#"
file=$1; shift
set -e; . "./$file"; set +e
for bp_name; do
    [ -n "${!bp_name+set}" ] || continue
    declare -n bp_ref=$bp_name
    [ "${#bp_ref[@]}" -le 1 ] && printf '\nbp-value %s %s\n' "$bp_name" "$(printf %s "$bp_ref" | base64 -w0)"
    declare +n bp_ref
done
exit 0
"#;

/// Asks bash for the values of `keys`, by config file, that only bash can tell; starts nothing where there are none.
pub(super) fn evaluate(
    app: &App,
    keys: &[(&'static str, &'static [&'static str])],
    request: &Request,
    services: &Services,
) -> Result<Evaluated, Failure> {
    let mut evaluated = Evaluated::new();
    for (file, keys) in keys {
        let names = dynamic(app, file, keys);
        if !names.is_empty() {
            let values = ask(file, &names, request, services)?;
            evaluated.insert((*file).to_owned(), values);
        }
    }
    Ok(evaluated)
}

/// The names among `keys` whose last value in `file` only bash can tell.
fn dynamic(app: &App, file: &str, keys: &[&str]) -> BTreeSet<String> {
    let assignments = app
        .source(file)
        .and_then(|source| syntax::parse(&source).value)
        .unwrap_or_default();
    let mut names = BTreeSet::new();
    for assignment in assignments {
        let name = assignment.name.value;
        match assignment.value {
            Value::Dynamic(_) if keys.contains(&name.as_str()) => names.insert(name),
            _ => names.remove(&name),
        };
    }
    names
}

fn ask(
    file: &str,
    names: &BTreeSet<String>,
    request: &Request,
    services: &Services,
) -> Result<BTreeMap<String, String>, Failure> {
    let sandbox = services.sandbox()?;
    let image = if sandbox.in_place() {
        None
    } else {
        Some(stack_images::build_image(request, services)?)
    };
    let scratch = services.store.temp_dir(Bucket::Rootfs)?;
    let user = request.target.stack.user;
    let room = Room {
        root: image
            .iter()
            .filter_map(|image| image.rootfs.clone())
            .collect(),
        scratch: scratch.path().to_owned(),
        mounts: vec![Mount {
            source: request.app.clone(),
            target: PathBuf::from(APP),
            access: Access::ReadOnly,
        }],
        memory: request.config_vars.env_dir(),
        user: (user.uid, user.gid),
        limits: services.limits.of_room(),
    };
    let mut env = BTreeMap::from([("PATH".to_owned(), super::room::PATH.to_owned())]);
    env.extend(image.map(|image| image.base.env()).unwrap_or_default());
    env.insert("HOME".to_owned(), APP.to_owned());
    env.insert("STACK".to_owned(), request.target.stack.name.to_owned());
    env.extend((request.config_vars.exported()).map(|(name, value)| (name.clone(), value.clone())));
    let argv = ["bash", "-c", SCRIPT, "bash", file]
        .into_iter()
        .chain(names.iter().map(String::as_str))
        .map(str::to_owned)
        .collect();
    let cwd = if sandbox.in_place() {
        request.app.clone()
    } else {
        PathBuf::from(APP)
    };
    let mut lines = Vec::new();
    let mut keep = |line: &[u8]| lines.push(String::from_utf8_lossy(line).into_owned());
    let exit = sandbox
        .run(
            &room,
            &Command { argv, cwd, env },
            Terminal::Lines(&mut keep),
        )
        .map_err(|error| Failure::of(error.diagnostic()));
    discard(scratch.path());
    match exit? {
        Exit::Code(0) => Ok(values(&lines)),
        exit => Err(failed(file, exit, &lines)),
    }
}

/// What is left of the room is swept with the store.
fn discard(scratch: &Path) {
    let _ = crate::sandbox::discard(scratch);
}

fn values(lines: &[String]) -> BTreeMap<String, String> {
    lines
        .iter()
        .filter_map(|line| {
            let (name, value) = line.strip_prefix(MARK)?.trim_start().split_once(' ')?;
            let value = STANDARD.decode(value).ok()?;
            Some((name.to_owned(), String::from_utf8(value).ok()?))
        })
        .collect()
}

fn failed(file: &str, exit: Exit, lines: &[String]) -> Failure {
    let mut problem = Diagnostic::error(
        "config-evaluation",
        Class::Config,
        format!("bash cannot evaluate `{file}`: it ended with {exit}"),
    );
    let last: Vec<&str> = (lines.iter().rev())
        .filter(|line| !line.is_empty() && !line.starts_with(MARK))
        .take(5)
        .map(String::as_str)
        .collect();
    if !last.is_empty() {
        let said: Vec<&str> = last.into_iter().rev().collect();
        problem = problem.note(format!("it said: {}", said.join("\n")));
    }
    Failure::of(problem.help(format!(
        "mend the command in `{file}`, or write the values out"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_among_other_output() {
        let lines = [
            "hello",
            "",
            "bp-value erlang_version MjcuMw==",
            "bp-value odd !",
            "bp-value",
        ]
        .map(str::to_owned);
        let values = values(&lines);
        assert_eq!(values.len(), 1);
        assert_eq!(values["erlang_version"], "27.3");
    }

    #[test]
    fn only_what_is_dynamic_in_the_end_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let text = "a=$(date)\nb=$(date)\nb=1\nc=2\nother=$(date)\n";
        fs_err::write(folder.path().join("elixir_buildpack.config"), text).unwrap();
        let app = App::read(folder.path()).value.unwrap();
        let names = dynamic(&app, "elixir_buildpack.config", &["a", "b", "c"]);
        assert_eq!(names, BTreeSet::from(["a".to_owned()]));
    }
}
