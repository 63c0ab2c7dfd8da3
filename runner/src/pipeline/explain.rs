//! Why a build failed, from its log alone, whoever's it was.
//!
//! What can be told of versions is told by the check: of the app where its folder is at hand, else of one that asks for the
//! versions that the log names. That a version was refused is evidence: a list that does not have it need not be of today.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use buildpack_core::app::App;
use buildpack_core::causes::{Cause, Facts, ReadLog, Signature};
use buildpack_core::check::Verdict;
use buildpack_core::diagnostic::{Diagnostic, Edit, Help, Origin, Outcome, Sourced};
use buildpack_core::version::Tool;
use jiff::civil::Date;
use stacks::{Arch, Stack};

use super::check::{CheckRequest, Report, check_read};
use super::levels::Levels;
use super::request::ConfigVars;
use super::services::Services;

/// The folder of an app that is in memory alone: nothing can be in it.
const NOWHERE: &str = "/dev/null";

/// What is known besides the log.
pub struct ExplainRequest {
    /// The app's folder, where it is at hand.
    pub app: Option<PathBuf>,
    /// The stack, where it is known and the log is not to say it.
    pub stack: Option<&'static Stack>,
    /// The architecture.
    pub arch: Arch,
    /// The day that support dates are held against.
    pub day: Date,
}

/// A log's cause.
pub struct Explained {
    /// The cause.
    pub cause: Cause,
    /// The same as a problem, with its place in the app's files.
    pub problem: Diagnostic,
}

/// What the log tells of its failure; none where it has nothing that is known. Without `services` nothing is said of
/// versions beyond what the log does.
pub fn explain(
    log: ReadLog,
    request: &ExplainRequest,
    services: Option<&Services>,
) -> Option<Explained> {
    let found = log.finder.found()?.clone();
    let said = log.finder.facts().clone();
    let mut known = Facts::default();
    known.add("in", "");
    let facts = found.facts.and(&said);
    let app = request.app.as_deref().map(App::read);
    let stack = stack(request, &said, app.as_ref());
    if let Some(stack) = stack {
        known.add("stack", stack.name);
    }
    let told = log.finder.told(&known);
    let mut problem = told.problem()?;
    let checked = services
        .filter(|_| !found.signature.checks.is_empty())
        .and_then(|services| {
            checked(
                found.signature,
                &facts,
                &problem,
                stack,
                app,
                request,
                services,
            )
        });
    if let Some(checked) = checked {
        problem.helps = checked.helps;
        problem.notes.extend(checked.notes);
        problem.labels = checked.labels;
        problem.alternatives = checked.alternatives;
        problem.other_stacks = checked.other_stacks;
    }
    let cause = Cause {
        quote: told.quote,
        ..Cause::of(&problem)
    };
    Some(Explained { cause, problem })
}

/// The stack, where somebody says it. A log may name what is none.
fn stack(
    request: &ExplainRequest,
    said: &Facts,
    app: Option<&Outcome<App>>,
) -> Option<&'static Stack> {
    let of_app = || {
        let app = app?.value.as_ref()?;
        app.app_json.stack.as_ref()
    };
    let named = said.get("stack").and_then(|name| stacks::find(name).ok());
    let named = request.stack.or(named);
    named.or_else(|| stacks::find(&of_app()?.value).ok())
}

/// What the check says of a thing like this: of the app as it is, else of what the log names.
fn checked(
    signature: &Signature,
    facts: &Facts,
    problem: &Diagnostic,
    stack: Option<&'static Stack>,
    app: Option<Outcome<App>>,
    request: &ExplainRequest,
    services: &Services,
) -> Option<Diagnostic> {
    let folder = request.app.clone();
    let check_request = CheckRequest {
        app: folder.unwrap_or_else(|| PathBuf::from(NOWHERE)),
        stack: stack.map(|stack| {
            let origin = Origin::Default("the log says so".to_owned());
            Sourced::new(stack.name.to_owned(), origin)
        }),
        arch: request.arch,
        config_vars: ConfigVars::default(),
        day: request.day,
        levels: Levels::default(),
        require_lists: false,
        refused: refused(facts),
    };
    let fitting = |diagnostics: Vec<Diagnostic>| {
        let mut all = diagnostics.into_iter();
        all.find(|one| signature.checks.contains(&one.code.0) && !one.helps.is_empty())
    };
    let of_app = app.and_then(|app| {
        let report = check_read(app, &check_request, services).ok()?;
        let there = there_by_now(&report, facts, problem);
        fitting(report.diagnostics).or(there)
    });
    of_app.or_else(|| {
        let files = files(facts);
        let read = App::of_files(Path::new(NOWHERE), files);
        let report = check_read(read, &check_request, services).ok()?;
        fitting(report.diagnostics).map(in_words)
    })
}

/// The tool of which the log says that a version is not there.
fn refused(facts: &Facts) -> Option<Tool> {
    let tools = [("Erlang", Tool::Erlang), ("Elixir", Tool::Elixir)];
    let named = facts.get("tool")?;
    let mut all = tools.into_iter();
    all.find_map(|(name, tool)| (name == named).then_some(tool))
}

/// Who asks for the version that was refused, where a list has it meanwhile.
fn there_by_now(report: &Report, facts: &Facts, problem: &Diagnostic) -> Option<Diagnostic> {
    let tool = refused(facts)?;
    let check = report.tools.iter().find(|check| check.tool == tool)?;
    let asked = check.requested.as_ref()?;
    let same = check.resolved.as_deref() == facts.get("version");
    let list = report.lists.iter().find(|list| list.tool == tool)?;
    let stack = report.target.stack?.name;
    (same && check.verdict == Verdict::Available).then(|| {
        let dated = list.dated;
        let text = format!("the list of {dated} has it for {stack}: build again, it may be new");
        let found = Diagnostic {
            helps: Vec::new(),
            ..problem.clone()
        };
        found.from(&asked.origin, "asked for here").help(text)
    })
}

/// The files of an app that asks for what the log names.
fn files(facts: &Facts) -> BTreeMap<String, Vec<u8>> {
    let of_tool = |tool: &str, name: &str| {
        let own = facts
            .get("version")
            .filter(|_| facts.get("tool") == Some(tool));
        own.or_else(|| facts.get(name))
    };
    let versions = [
        ("elixir", of_tool("Elixir", "elixir")),
        ("erlang", of_tool("Erlang", "otp")),
    ];
    let lines = versions.into_iter().filter_map(|(tool, version)| {
        let version = version.filter(|version| is_plain(version))?;
        Some(format!("{tool}_version={version}\n"))
    });
    let config: String = lines.collect();
    let requirement = facts.get("requirement").filter(|text| is_plain(text));
    let requirement = requirement.map(|text| format!(", elixir: \"{text}\""));
    let mix = format!(
        "defmodule A.MixProject do\n  use Mix.Project\n\n  def project do\n    [app: :a, version: \"0.1.0\"{}]\n  end\nend\n",
        requirement.unwrap_or_default()
    );
    BTreeMap::from([
        ("elixir_buildpack.config".to_owned(), config.into_bytes()),
        ("mix.exs".to_owned(), mix.into_bytes()),
    ])
}

/// Whether a text from a log means nothing but itself, in bash and in Elixir.
fn is_plain(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || " ._-+<>=~!".contains(c);
    !text.is_empty() && text.len() < 80 && text.chars().all(plain)
}

/// `problem` without places, which nobody's file has: a change of a line becomes words.
fn in_words(mut problem: Diagnostic) -> Diagnostic {
    problem.labels.clear();
    problem.helps = (problem.helps.into_iter())
        .map(|help| {
            let lines: Vec<String> = help.edits.iter().filter_map(line_after).collect();
            let text = match lines.as_slice() {
                [] => help.text,
                lines => format!("{}: write {}", help.text, lines.join(" and ")),
            };
            Help {
                text,
                edits: Vec::new(),
                ..help
            }
        })
        .collect();
    problem
}

/// The line that an edit makes, and the file that it belongs into.
fn line_after(edit: &Edit) -> Option<String> {
    let text = &edit.span.source.text;
    let (before, behind) = (text.get(..edit.span.start)?, text.get(edit.span.end..)?);
    let begin = before.rsplit('\n').next()?;
    let end = behind.split('\n').next()?;
    let file = edit.span.source.path.display();
    Some(format!("`{begin}{}{end}` into `{file}`", edit.new_text))
}
