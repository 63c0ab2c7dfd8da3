//! What bash makes of the variables of config files that cannot be read without it. Bash runs in the sandbox, on the
//! stack's build image, with the app's folder to look at and the config vars in its environment.

mod heard;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use buildpack_core::app::{App, ConfigValue};
use buildpack_core::check::Evaluated;
use buildpack_core::diagnostic::{Class, Diagnostic, Source, Span};
use buildpack_core::sandbox::{
    Access, Command, Deadline, Exit, Limits, Mount, Room, Terminal, each_line,
};
use buildpack_core::store::Bucket;
use buildpack_core::syntax::{self, Value};

use self::heard::Heard;
use super::failure::Failure;
use super::request::Request;
use super::services::Services;
use super::stack_images;

/// Where the app's folder is seen.
const APP: &str = "/app";

/// How long bash has for a file that sets a few variables.
const LIMIT: Duration = Duration::from_secs(10);

/// Sources the file `$1` as packs do, then prints each variable that is named behind it. Which line of the file it is at is
/// printed before each of its commands. The output that it has at first is kept aside, for the file may turn its own away.
const SCRIPT: &str = r#"
bp_file=$1; shift
exec {bp_out}>&1
trap '[ "${BASH_SOURCE[0]}" = "./$bp_file" ] && printf "\nbp-line %s\n" "$LINENO" >&"$bp_out"' DEBUG
set -eT; . "./$bp_file"; set +eT
trap - DEBUG
for bp_name; do
    bp_kind=$(declare -p "$bp_name" 2>/dev/null) || bp_kind=
    bp_kind=${bp_kind#declare -}
    printf '\nbp-value %s' "$bp_name" >&"$bp_out"
    if [ -n "$bp_kind" ]; then
        declare -n bp_ref=$bp_name
        case ${bp_kind%% *} in
            *[aA]*) printf ' list' >&"$bp_out" ;;
            *) printf ' text' >&"$bp_out" ;;
        esac
        for bp_word in "${bp_ref[@]}"; do
            printf ' %s' "$(printf %s "$bp_word" | base64 -w0)" >&"$bp_out"
        done
        declare +n bp_ref
    fi
done
printf '\nbp-end\n' >&"$bp_out"
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
        let Some(source) = app.source(file) else {
            continue;
        };
        let asked = dynamic(&source, keys);
        if !asked.is_empty() {
            let values = ask(file, &source, &asked, request, services)?;
            evaluated.insert((*file).to_owned(), values);
        }
    }
    Ok(evaluated)
}

/// Those of `keys` whose last value only bash can tell, and where that stands; none where the file is wrong anyway.
fn dynamic(source: &Arc<Source>, keys: &[&str]) -> BTreeMap<String, Span> {
    let mut asked = BTreeMap::new();
    let read = syntax::parse_config(source, keys);
    if read.diagnostics.iter().any(Diagnostic::is_error) {
        return asked;
    }
    for assignment in read.value.unwrap_or_default() {
        let name = assignment.name.value;
        match assignment.value {
            Value::Dynamic(_) if keys.contains(&name.as_str()) => {
                asked.insert(name, assignment.value_span);
            }
            _ => drop(asked.remove(&name)),
        }
    }
    asked
}

fn ask(
    file: &str,
    source: &Arc<Source>,
    asked: &BTreeMap<String, Span>,
    request: &Request,
    services: &Services,
) -> Result<BTreeMap<String, Option<ConfigValue>>, Failure> {
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
        limits: Limits {
            deadline: Deadline::after(Instant::now(), LIMIT),
            ..services.limits.of_room()
        },
    };
    let mut env = BTreeMap::from([("PATH".to_owned(), super::room::PATH.to_owned())]);
    env.extend(image.map(|image| image.base.env()).unwrap_or_default());
    env.insert("HOME".to_owned(), APP.to_owned());
    env.insert("STACK".to_owned(), request.target.stack.name.to_owned());
    env.extend((request.config_vars.exported()).map(|(name, value)| (name.clone(), value.clone())));
    let argv = ["bash", "-c", SCRIPT, "bash", file]
        .into_iter()
        .chain(asked.keys().map(String::as_str))
        .map(str::to_owned)
        .collect();
    let cwd = if sandbox.in_place() {
        request.app.clone()
    } else {
        PathBuf::from(APP)
    };
    let mut heard = Heard::default();
    let mut keep = |lines: &[u8]| {
        each_line(lines).for_each(|line| heard.line(&String::from_utf8_lossy(line)));
    };
    let exit = sandbox
        .run(
            &room,
            &Command { argv, cwd, env },
            Terminal::Lines(&mut keep),
        )
        .map_err(|error| Failure::of(error.diagnostic()));
    discard(scratch.path());
    match exit? {
        Exit::Code(0) if heard.ended => Ok(heard.values),
        exit => Err(Failure::of(failed(source, asked, exit, &heard)).after_bash()),
    }
}

/// What is left of the room is swept with the store.
fn discard(scratch: &Path) {
    let _ = crate::sandbox::discard(scratch);
}

fn failed(
    source: &Arc<Source>,
    asked: &BTreeMap<String, Span>,
    exit: Exit,
    heard: &Heard,
) -> Diagnostic {
    let file = source.path.display();
    let (what, label) = match exit {
        Exit::OutOfTime => (
            format!("it was not done after {} s", LIMIT.as_secs()),
            "bash was here",
        ),
        exit => (format!("it ended with {exit}"), "bash ended here"),
    };
    let what = format!("bash cannot evaluate `{file}`: {what}");
    let mut problem = Diagnostic::error("config-evaluation", Class::Config, what);
    let at = heard.stopped_at(&file.to_string());
    let first = asked.values().min_by_key(|span| span.start);
    let span = at.and_then(|number| line(source, number));
    if let Some(span) = span.or_else(|| first.cloned()) {
        problem = problem.at(span, label);
    }
    let said = heard.said();
    if !said.is_empty() {
        problem = problem.note(format!("it said: {said}"));
    }
    problem.help(format!(
        "mend the command in `{file}`, or write the values out"
    ))
}

/// What stands in a line, counted from 1, without the blanks around it; none where it is empty.
fn line(source: &Arc<Source>, number: usize) -> Option<Span> {
    let text = source.text.split('\n').nth(number.checked_sub(1)?)?;
    let start = text.as_ptr().addr() - source.text.as_ptr().addr();
    let indent = text.len() - text.trim_start().len();
    (!text.trim().is_empty()).then(|| Span {
        source: Arc::clone(source),
        start: start + indent,
        end: start + text.trim_end().len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "elixir_buildpack.config";

    fn source(text: &str) -> Arc<Source> {
        Arc::new(Source {
            path: FILE.into(),
            text: text.to_owned(),
        })
    }

    #[test]
    fn only_what_is_dynamic_in_the_end_is_asked_for() {
        let source = source("a=$(date)\nb=$(date)\nb=1\nc=2\nother=$(date)\n");
        let asked = dynamic(&source, &["a", "b", "c"]);
        let places: Vec<_> = (asked.iter())
            .map(|(name, span)| (name.as_str(), span.line_column()))
            .collect();
        assert_eq!(places, [("a", (1, 3))]);
        // That is said when the file is read.
        let wrong = self::source("a=$(date)\nb=two words\n");
        assert!(dynamic(&wrong, &["a", "b"]).is_empty());
    }

    #[test]
    fn a_failure_stands_where_bash_was() {
        let source = source("# why\r\nif true; then\r\n  a=$(cat b)\r\nfi\r\n");
        let asked = dynamic(&source, &["a"]);
        let place = |exit, lines: &[&str]| {
            let mut heard = Heard::default();
            for line in lines {
                heard.line(line);
            }
            let problem = failed(&source, &asked, exit, &heard);
            let span = &problem.labels[0].span;
            (source.text[span.start..span.end].to_owned(), problem)
        };
        let (text, problem) = place(
            Exit::Code(1),
            &["bp-line 2", "bp-line 3", "cat: b: Permission denied"],
        );
        assert_eq!(text, "a=$(cat b)");
        assert_eq!(problem.notes, ["it said: cat: b: Permission denied"]);
        let (text, problem) = place(Exit::OutOfTime, &["bp-line 2"]);
        assert_eq!(text, "if true; then");
        assert!(problem.message.ends_with("it was not done after 10 s"));
        // Nothing was heard, or of a line that is none of the file.
        assert_eq!(place(Exit::Code(0), &[]).0, "$(cat b)");
        assert_eq!(place(Exit::Code(0), &["bp-line 9"]).0, "$(cat b)");
        assert_eq!(place(Exit::Code(0), &["bp-line 0"]).0, "$(cat b)");
    }
}
