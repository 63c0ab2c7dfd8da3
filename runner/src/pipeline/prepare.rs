//! From the app's folder to its plan: everything that is decided before anything is done.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use buildpack_core::app::App;
use buildpack_core::check::{CheckContext, Evaluated};
use buildpack_core::diagnostic::{Class, Diagnostic, Outcome, Severity};
use buildpack_core::event::Event;
use buildpack_core::lists::{ListInfo, ListOrigin, ListSource as _, Policy, Provider, Wanted};
use buildpack_core::pack::{Buildpack, Chain, Detection, PlanContext, ScriptDirs, ScriptPack};
use buildpack_core::plan::{Goal, PackPlan};
use buildpack_core::wanted::NativeName;
use buildpack_core::wanted::lock::Lock;
use buildpack_elixir::ElixirPack;
use buildpack_phoenix_static::PhoenixStaticPack;
use jiff::tz::TimeZone;

use super::build_lists::{BuildLists, Npm, Patience, Sums};
use super::evaluate::evaluate;
use super::failure::Failure;
use super::held_lists::{HeldInstalls, HeldLists};
use super::lend;
use super::packs::{brought_along, choose_packs};
use super::request::Request;
use super::services::Services;
use crate::packs::{Chosen, Fetched};
use crate::records::Held;

/// Lists younger than this are not asked for again, unless they lack what the app wants.
const LIST_AGE: Duration = Duration::from_hours(24);

/// An app with the pack that will build it and its plan.
pub struct Prepared {
    /// The app.
    pub app: App,
    /// The pack.
    pub pack: Chain,
    /// What it will do.
    pub plan: PackPlan,
    /// Folders of the packs that are scripts, by their ids in the plan.
    pub pack_folders: BTreeMap<String, PathBuf>,
    /// What each pack is that was asked for.
    pub packs: Lock,
}

/// Reads the app; its diagnostics are emitted, its errors end the run.
pub fn read_app(folder: &Path, services: &Services) -> Result<App, Failure> {
    settle(App::read(folder), services)
}

/// Says whether `folder` is one that an app can be read from.
pub fn readable(folder: &Path) -> Result<(), Failure> {
    match fs_err::read_dir(folder) {
        Ok(_) => Ok(()),
        Err(_) => Err(Failure::all(App::read(folder).diagnostics)),
    }
}

/// Which packs apply to an app, in the order in which they are asked.
pub fn detect(app: &App) -> Vec<(Box<dyn Buildpack>, Detection)> {
    NativeName::ALL.map(|name| detect_one(name, app)).into()
}

pub(super) fn detect_one(name: NativeName, app: &App) -> (Box<dyn Buildpack>, Detection) {
    let pack: Box<dyn Buildpack> = match name {
        NativeName::Elixir => Box::new(ElixirPack),
        NativeName::PhoenixStatic => Box::new(PhoenixStaticPack),
    };
    let detection = pack.detect(app);
    (pack, detection)
}

/// Those of the built-in packs `among` that apply to an app, as one; none where none applies.
pub(super) fn chain(app: &App, among: &[NativeName]) -> Option<Chain> {
    let asked = NativeName::ALL
        .into_iter()
        .filter(|name| among.contains(name));
    let applying = asked
        .map(|name| detect_one(name, app))
        .filter(|(_, detection)| detection.applies);
    Chain::new(applying.map(|(pack, _)| pack).collect())
}

/// Packs that were asked for, as one; none where a built-in one does not apply. Those that are scripts are asked whether
/// they do when their turn comes.
fn chosen_chain(
    app: &App,
    chosen: &[Chosen],
    dirs: &ScriptDirs,
    detect_limit: Duration,
) -> Option<Chain> {
    let mut packs: Vec<Box<dyn Buildpack>> = Vec::new();
    // Built-in packs that nothing stands between have an order of their own.
    for group in chosen.chunk_by(|one, other| is_native(one) && is_native(other)) {
        if let [Chosen::Script(fetched)] = group {
            packs.push(Box::new(script_pack(fetched, dirs, detect_limit)));
            continue;
        }
        for name in NativeName::ALL {
            let asked =
                |one: &Chosen| matches!(one, Chosen::Native { name: it, .. } if *it == name);
            if !group.iter().any(asked) {
                continue;
            }
            match (detect_one(name, app), name) {
                ((pack, Detection { applies: true, .. }), _) => packs.push(pack),
                (_, NativeName::Elixir) => return None,
                // The classic pack takes any Mix project, and does nothing for one without assets.
                (_, NativeName::PhoenixStatic) => {}
            }
        }
    }
    Chain::new(packs)
}

fn is_native(chosen: &Chosen) -> bool {
    matches!(chosen, Chosen::Native { .. })
}

fn scripts(chosen: &[Chosen]) -> impl Iterator<Item = &Fetched> {
    chosen.iter().filter_map(|pack| match pack {
        Chosen::Script(fetched) => Some(fetched),
        Chosen::Native { .. } => None,
    })
}

fn script_pack(fetched: &Fetched, dirs: &ScriptDirs, detect_limit: Duration) -> ScriptPack {
    ScriptPack {
        id: fetched.id.clone(),
        name: fetched.shown.clone(),
        identity: fetched.identity.clone(),
        wanted: fetched.wanted.clone(),
        scripts: ScriptPack::scripts_in(&fetched.folder),
        dirs: dirs.clone(),
        detect_limit,
        detected: false,
    }
}

/// The app of a request. Where it stays on the machine, the first line of a process type counts, and what is wrong with its
/// Procfile is told by whoever reads it so, when its packs are done.
fn read_requested(request: &Request, services: &Services) -> Result<App, Failure> {
    let mut outcome = App::read(&request.app);
    if request.here.is_some() {
        let told_later = |problem: &Diagnostic| problem.code.0 == "procfile-syntax";
        outcome.diagnostics.retain(|problem| !told_later(problem));
    }
    settle(outcome, services)
}

/// Reads, detects and plans.
pub fn prepare(request: &Request, goal: &Goal, services: &Services) -> Result<Prepared, Failure> {
    let app = read_requested(request, services)?;
    let gotten = choose_packs(&app, request, goal, services)?;
    let (mut chosen, packs) = (gotten.chosen, gotten.lock);
    if chosen.is_empty() && chain(&app, &NativeName::ALL).is_none() {
        let brought = brought_along(request, services)?;
        chosen.extend(brought.map(|(pack, _)| Chosen::Script(pack)));
    }
    let pack_folders = scripts(&chosen)
        .map(|pack| (pack.id.clone(), pack.folder.clone()))
        .collect();
    let pack = if chosen.is_empty() {
        chain(&app, &NativeName::ALL)
    } else {
        chosen_chain(&app, &chosen, &request.script_dirs, services.detect_limit)
    };
    let pack = pack.ok_or_else(|| Failure::of(no_pack(&app)))?;
    let evaluated = evaluate(&app, &pack.planned_keys(), request, services)?;
    let plan = |max_age, held| {
        let lists = Lists { max_age, held };
        plan(&pack, &app, &evaluated, request, goal, services, lists)
    };
    let held = request.like.is_some().then(|| request.held());
    let (mut outcome, mut lists) = plan(LIST_AGE, held.as_ref());
    if held.is_some() && outcome.diagnostics.iter().any(Diagnostic::is_error) {
        // The app asks for what its record does not have; what is different is told.
        (outcome, lists) = plan(LIST_AGE, None);
    }
    let not_asked = |list: &ListInfo| list.origin == ListOrigin::Kept && list.current;
    if outcome.diagnostics.iter().any(Diagnostic::is_error)
        && lists.iter().any(not_asked)
        && !services.offline
    {
        // What yesterday's list lacks may have been built since.
        (outcome, _) = plan(Duration::ZERO, None);
    }
    let mut plan = settle(outcome, services).map_err(|failure| {
        if evaluated.is_empty() {
            failure
        } else {
            failure.after_bash()
        }
    })?;
    lend::plan(&app, request, &mut plan);
    Ok(Prepared {
        app,
        pack,
        plan,
        pack_folders,
        packs,
    })
}

/// The lists that a pack will look at.
pub(super) fn lists_of(
    pack: &dyn Buildpack,
    app: &App,
    goal: &Goal,
    target: stacks::Target,
) -> Vec<Wanted> {
    let tools = pack.looks_at(app, goal).into_iter();
    tools.map(|tool| Wanted::of(tool, target)).collect()
}

/// Which lists a plan is made from.
struct Lists<'a> {
    /// Those of hosts may be so old.
    max_age: Duration,
    /// What they are cut to.
    held: Option<&'a Held>,
}

/// The plan, and the lists that it was made from.
fn plan(
    pack: &dyn Buildpack,
    app: &App,
    evaluated: &Evaluated,
    request: &Request,
    goal: &Goal,
    services: &Services,
    Lists { max_age, held }: Lists<'_>,
) -> (Outcome<PackPlan>, Vec<ListInfo>) {
    let hosts = || BuildLists::new(services, max_age, Patience::LONG);
    let policy = Policy {
        max_age,
        ..Policy::new(request.target, services.now)
    };
    let lists = Provider::new(hosts(), policy);
    lists.prefetch(&lists_of(pack, app, goal, request.target));
    let install_lists = hosts();
    let none = Held::default();
    let held = held.unwrap_or(&none);
    let cut_lists = HeldLists {
        lists: &lists,
        held,
        target: request.target,
    };
    let cut_installs = HeldInstalls {
        lists: &install_lists,
        held,
    };
    let npm = Npm::new(services, Patience::LONG);
    let sums = Sums::new(services, Patience::LONG);
    let mut outcome = pack.plan(
        app,
        &PlanContext {
            goal,
            check: CheckContext {
                target: &request.target,
                lists: &cut_lists,
                today: services.now.to_zoned(TimeZone::UTC).date(),
                config_vars: &request.config_vars.0,
                evaluated,
            },
            install_lists: &cut_installs,
            npm: &npm,
            sums: &sums,
            upstreams: &services.upstreams,
            processors: services.limits.processors(services.threads),
            earlier_files: request.keep_assets > 0,
            before: None,
        },
    );
    let mut complaints = lists.complaints();
    if services.offline {
        for complaint in &mut complaints {
            complaint.severity = Severity::Note;
        }
    }
    outcome.diagnostics.splice(..0, complaints);
    (outcome, lists.used())
}

/// The value, its warnings emitted; or the failure that its errors are.
pub(super) fn settle<T>(outcome: Outcome<T>, services: &Services) -> Result<T, Failure> {
    let failed = outcome.diagnostics.iter().any(Diagnostic::is_error);
    match outcome.value {
        Some(value) if !failed => {
            for diagnostic in outcome.diagnostics {
                services.events.emit(Event::Diagnostic { diagnostic });
            }
            Ok(value)
        }
        _ => Err(Failure::all(outcome.diagnostics)),
    }
}

/// No pack applies to `app`.
pub(super) fn no_pack(app: &App) -> Diagnostic {
    let folder = app.root().display();
    let problem = Diagnostic::error(
        "no-pack",
        Class::Config,
        format!("no buildpack applies to `{folder}`: it has no `mix.exs`"),
    );
    match nested_project(app) {
        Some(nested) => problem.help(format!(
            "there is one in `{0}`: build that folder with `bp build {0}`",
            nested.display()
        )),
        None => problem.help("name the folder that holds the app's `mix.exs`"),
    }
}

/// A folder one level below the app that holds a Mix project.
fn nested_project(app: &App) -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = fs_err::read_dir(app.root())
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("mix.exs").is_file())
        .collect();
    folders.sort();
    folders.into_iter().next()
}
