//! From the app's folder to its plan: everything that is decided before anything is done.

use std::path::{Path, PathBuf};
use std::time::Duration;

use buildpack_core::app::App;
use buildpack_core::diagnostic::{Class, Diagnostic, Outcome};
use buildpack_core::event::Event;
use buildpack_core::lists::Provider;
use buildpack_core::pack::{Buildpack, Detection, PlanContext};
use buildpack_core::plan::PackPlan;
use buildpack_elixir::ElixirPack;

use super::build_lists::BuildLists;
use super::failure::Failure;
use super::phoenix;
use super::request::Request;
use super::services::Services;

/// Lists younger than this are not asked for again, unless they lack what the app wants.
const LIST_AGE: Duration = Duration::from_hours(24);

/// An app with the pack that will build it and its plan.
pub struct Prepared {
    /// The app.
    pub app: App,
    /// The pack.
    pub pack: Box<dyn Buildpack>,
    /// What it will do.
    pub plan: PackPlan,
}

/// Reads the app; its diagnostics are emitted, its errors end the run.
pub fn read_app(folder: &Path, services: &Services) -> Result<App, Failure> {
    settle(App::read(folder), services)
}

/// Says whether `folder` is one that an app can be read from.
pub fn readable(folder: &Path) -> Result<(), Failure> {
    match fs_err::read_dir(folder) {
        Ok(_) => Ok(()),
        Err(_) => Err(Failure {
            diagnostics: App::read(folder).diagnostics,
            step: None,
        }),
    }
}

/// Which packs apply to an app, in the order in which they are asked.
pub fn detect(app: &App) -> Vec<(Box<dyn Buildpack>, Detection)> {
    let packs: [Box<dyn Buildpack>; 1] = [Box::new(ElixirPack)];
    packs
        .into_iter()
        .map(|pack| {
            let detection = pack.detect(app);
            (pack, detection)
        })
        .collect()
}

/// Reads, detects and plans.
pub fn prepare(request: &Request, services: &Services) -> Result<Prepared, Failure> {
    let app = read_app(&request.app, services)?;
    let (pack, _) = detect(&app)
        .into_iter()
        .find(|(_, detection)| detection.applies)
        .ok_or_else(|| no_pack(&app))?;
    let mut outcome = plan(&*pack, &app, request, services, LIST_AGE);
    if outcome.diagnostics.iter().any(Diagnostic::is_error) && !services.offline {
        // What yesterday's list lacks may have been built since.
        outcome = plan(&*pack, &app, request, services, Duration::ZERO);
    }
    let mut plan = settle(outcome, services)?;
    if let Some(diagnostic) = phoenix::apply(&app, &plan.steps, &mut plan.default_processes) {
        services.events.emit(Event::Diagnostic { diagnostic });
    }
    Ok(Prepared { app, pack, plan })
}

fn plan(
    pack: &dyn Buildpack,
    app: &App,
    request: &Request,
    services: &Services,
    max_age: Duration,
) -> Outcome<PackPlan> {
    let lists = Provider::new(BuildLists::new(services, max_age));
    let install_lists = BuildLists::new(services, max_age);
    pack.plan(
        app,
        &PlanContext {
            target: &request.target,
            lists: &lists,
            install_lists: &install_lists,
            config_vars: &request.config_vars.0,
            upstreams: &services.upstreams,
        },
    )
}

/// The value, its warnings emitted; or the failure that its errors are.
fn settle<T>(outcome: Outcome<T>, services: &Services) -> Result<T, Failure> {
    let failed = outcome.diagnostics.iter().any(Diagnostic::is_error);
    match outcome.value {
        Some(value) if !failed => {
            for diagnostic in outcome.diagnostics {
                services.events.emit(Event::Diagnostic { diagnostic });
            }
            Ok(value)
        }
        _ => Err(Failure {
            diagnostics: outcome.diagnostics,
            step: None,
        }),
    }
}

fn no_pack(app: &App) -> Failure {
    let folder = app.root().display();
    let problem = Diagnostic::error(
        "no-pack",
        Class::Config,
        format!("no buildpack applies to `{folder}`: it has no `mix.exs`"),
    );
    Failure::of(match nested_project(app) {
        Some(nested) => problem.help(format!(
            "there is one in `{0}`: build that folder with `bp build {0}`",
            nested.display()
        )),
        None => problem.help("name the folder that holds the app's `mix.exs`"),
    })
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
