//! What can be told of an app before anything of it is built: can its versions be had, and what else is wrong.
//!
//! The packs resolve versions here with the code that a build plans with.

use std::path::{Path, PathBuf};
use std::time::Duration;

use buildpack_core::app::App;
use buildpack_core::check::{CheckContext, Checked, Evaluated, ToolCheck, Verdict};
use buildpack_core::diagnostic::{Class, Diagnostic, Outcome, Severity, Sourced};
use buildpack_core::lists::{ListInfo, ListOrigin, ListSource as _, Policy, Provider};
use buildpack_core::pack::Buildpack as _;
use buildpack_core::plan::Goal;
use buildpack_core::rules;
use buildpack_core::version::Tool;
use buildpack_core::wanted::{Asked, NativeName, Wanted, wanted};
use jiff::civil::Date;
use stacks::{Arch, Target};

use super::build_lists::{BuildLists, Patience};
use super::failure::Failure;
use super::levels::Levels;
use super::prepare::{chain, lists_of, no_pack};
use super::refused::Refused;
use super::repository;
use super::request::ConfigVars;
use super::services::Services;
use super::target::{Chosen, choose_target};

/// A kept list that is older is asked for again where it lacks what the app wants.
const RECENT: Duration = Duration::from_hours(1);

/// What is to be checked.
#[derive(Clone)]
pub struct CheckRequest {
    /// The app's folder.
    pub app: PathBuf,
    /// The stack that a flag or a setting names.
    pub stack: Option<Sourced<String>>,
    /// The architecture.
    pub arch: Arch,
    /// The app's config vars; few decide anything.
    pub config_vars: ConfigVars,
    /// The day that support dates are held against.
    pub day: Date,
    /// How bad problems are, where that is said.
    pub levels: Levels,
    /// Whether a version of which no list can tell is an error.
    pub require_lists: bool,
    /// A tool of which a builder did not find the version: what a list of it lacks was not published, however old it is.
    pub refused: Option<Tool>,
}

/// What was found out.
#[derive(Debug, Clone)]
pub struct Report {
    /// The app's folder, as it was named.
    pub app: PathBuf,
    /// Where the app lies in its repository; empty for the repository's own folder and where there is none.
    pub place: PathBuf,
    /// What it was checked for.
    pub target: Chosen,
    /// Lists that versions were looked up in.
    pub lists: Vec<ListInfo>,
    /// The tools that the app needs.
    pub tools: Vec<ToolCheck>,
    /// What is wrong or worth knowing, by file, line and code; what has no place comes last.
    pub diagnostics: Vec<Diagnostic>,
    /// Whether a list that was needed could not be had, and [`CheckRequest::require_lists`] was set.
    pub lists_missing: bool,
}

impl Report {
    /// Whether nothing stands in the way of a build.
    pub fn is_ok(&self) -> bool {
        !self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// How the run ends, if not well.
    pub fn class(&self) -> Option<Class> {
        match (self.is_ok(), self.lists_missing) {
            (true, _) => None,
            (false, true) => Some(Class::Surroundings),
            (false, false) => Some(Class::Config),
        }
    }

    /// Whether every tool can be had.
    pub fn all_available(&self) -> bool {
        self.tools
            .iter()
            .all(|tool| tool.verdict == Verdict::Available)
    }
}

/// Checks an app. What is wrong with it is in the report; it fails where there is nothing to check, and where a flag
/// names no stack.
pub fn check(request: &CheckRequest, services: &Services) -> Result<Report, Failure> {
    check_read(App::read(&request.app), request, services)
}

/// Checks an app that was read, from its folder or from files in memory.
pub(crate) fn check_read(
    read: Outcome<App>,
    request: &CheckRequest,
    services: &Services,
) -> Result<Report, Failure> {
    let mut diagnostics = read.diagnostics;
    let Some(app) = read.value else {
        return Err(Failure::all(diagnostics));
    };
    diagnostics.extend(rules::check_app(&app));
    let asked = Asked {
        flags: &[],
        config_vars: &request.config_vars.0,
        native: true,
        for_tests: false,
    };
    let named = wanted(&app, &asked);
    diagnostics.extend(named.diagnostics);
    let packs = Packs::of(named.value.as_deref().unwrap_or_default());
    let mut target = choose_target(
        request.stack.as_ref(),
        Some(&app),
        request.arch,
        request.day,
    );
    diagnostics.append(&mut target.diagnostics);
    if diagnostics
        .iter()
        .any(|problem| problem.is_error() && problem.class == Class::Usage)
    {
        return Err(Failure::all(diagnostics));
    }
    let (mut tools, mut lists) = (Vec::new(), Vec::new());
    if let Some(target) = &target.target {
        let (checked, used) = versions(&app, &packs, target, request, services);
        diagnostics.extend(checked.diagnostics);
        tools = checked.tools;
        lists = used;
    }
    let (diagnostics, lists_missing) = settle(diagnostics, request);
    Ok(Report {
        app: request.app.clone(),
        place: repository::place(&request.app),
        target,
        lists,
        tools,
        diagnostics,
        lists_missing,
    })
}

/// The packs of an app, by what can be said of them.
struct Packs {
    /// Those that are built in, and scripts that go by the same files.
    known: Vec<NativeName>,
    /// Whether there are others, of which nothing can be said.
    others: bool,
}

impl Packs {
    fn of(named: &[Wanted]) -> Self {
        let kinds = named.iter().map(|one| match one.native {
            Some(name) => Some(name),
            None => one.reference.address()?.kind(),
        });
        let kinds: Vec<Option<NativeName>> = kinds.collect();
        if kinds.is_empty() {
            return Self {
                known: NativeName::ALL.to_vec(),
                others: false,
            };
        }
        Self {
            others: kinds.contains(&None),
            known: kinds.into_iter().flatten().collect(),
        }
    }
}

/// What the packs say, with the lists that they looked at.
fn versions(
    app: &App,
    packs: &Packs,
    target: &Target,
    request: &CheckRequest,
    services: &Services,
) -> (Checked, Vec<ListInfo>) {
    let Some(pack) = chain(app, &packs.known) else {
        let mut none = Checked::default();
        if !packs.others {
            none.diagnostics.push(no_pack(app));
        }
        return (none, Vec::new());
    };
    let wanted = lists_of(&pack, app, &Goal::Build, *target);
    // What only bash can tell stays open: nothing is started for a check.
    let evaluated = Evaluated::new();
    let ask = |max_age: Option<Duration>| {
        let mut policy = Policy::new(*target, services.now);
        policy.max_age = max_age.unwrap_or(policy.max_age);
        let hosts = BuildLists::new(services, policy.max_age, Patience::SHORT);
        let lists = Provider::new(hosts, policy);
        lists.prefetch(&wanted);
        let sure = Refused {
            lists: &lists,
            tool: request.refused,
        };
        let context = CheckContext {
            target,
            lists: &sure,
            today: request.day,
            config_vars: &request.config_vars.0,
            evaluated: &evaluated,
        };
        let mut all = pack.check(app, &context);
        if !services.offline {
            // Who wants nothing to be asked knows it; the report says from when each list is.
            all.diagnostics.extend(lists.complaints());
        }
        (all, lists.used())
    };
    let (checked, lists) = ask(None);
    let kept = lists.iter().any(|list| list.origin == ListOrigin::Kept);
    let lacking = (checked.tools.iter())
        .any(|tool| matches!(tool.verdict, Verdict::NotBuilt | Verdict::Unknown));
    if lacking && kept && !services.offline {
        // What yesterday's list lacks may have been built since.
        return ask(Some(RECENT));
    }
    (checked, lists)
}

/// The diagnostics as they are shown, and whether a list is missing that had to be there.
fn settle(diagnostics: Vec<Diagnostic>, request: &CheckRequest) -> (Vec<Diagnostic>, bool) {
    let of_lists =
        |problem: &Diagnostic| problem.is_error() && problem.class == Class::Surroundings;
    let mut lists_missing = false;
    let mut shown: Vec<Diagnostic> = Vec::new();
    for mut problem in diagnostics {
        let about_lists = of_lists(&problem);
        if about_lists && !request.require_lists {
            // Nobody can tell, which is no reason to stop somebody.
            problem.severity = Severity::Warning;
        }
        let Some(problem) = request.levels.apply(problem) else {
            continue;
        };
        lists_missing |= request.require_lists && of_lists(&problem);
        if !shown.contains(&problem) {
            shown.push(problem);
        }
    }
    shown.sort_by_cached_key(|problem| {
        let place = problem.labels.first().map(|label| {
            let (line, column) = label.span.line_column();
            (label.span.source.path.clone(), line, column)
        });
        (place.is_none(), place, problem.code)
    });
    (shown, lists_missing)
}

/// The name of an app's folder, as people call it.
pub fn folder_name(folder: &Path) -> String {
    fs_err::canonicalize(folder)
        .ok()
        .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .unwrap_or_else(|| folder.display().to_string())
}
