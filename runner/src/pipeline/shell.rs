//! A shell where a build stands.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use buildpack_core::pack::with_profile;
use buildpack_core::plan::Goal;
use buildpack_core::sandbox::{Command, Exit, Terminal};

use super::build::Build;
use super::caches::Caches;
use super::failure::{FailedStep, Failure, disk};
use super::promise::Promise;
use super::request::Request;
use super::room::{build_env, build_room};
use super::services::Services;
use super::test_vars::with_vars_of_app;
use super::toolchains::{self, RootfsPromise};

/// Has bash put the command that failed into its history, before it asks for the first time.
const REMEMBER: &str =
    r#"history -s -- "$BP_FAILED_COMMAND"; unset PROMPT_COMMAND BP_FAILED_COMMAND"#;

/// Opens a shell, or runs another command, in the room of a build of this app, or of its tests, as the last one left it.
///
/// `failed` is the step that failed, for its room and environment; without it both are those of every step. Its command is
/// the newest of the shell's history.
pub fn shell(
    request: &Request,
    goal: Goal,
    services: &Services,
    failed: Option<&FailedStep>,
    argv: &[String],
) -> Result<Exit, Failure> {
    let mut request = match goal {
        Goal::Build => request.clone(),
        Goal::Test(_) => with_vars_of_app(request, services)?,
    };
    // What the build left is what there is to look at.
    request.clear_cache = false;
    let request = &request;
    let build = Build::begin(request, goal, services)?;
    let rootfs: RootfsPromise = Promise::new();
    let base = Mutex::new(None);
    build.build_image(&rootfs, &base)?;
    let mut tools = Vec::new();
    for tool in &build.prepared.plan.tools {
        tools.extend(toolchains::install(tool, request, services, &rootfs)?);
    }
    // An app that took the image of an equal one has a tree in which nothing lies yet.
    let (mut tree, _lock) = if build.is_laid_out() {
        build.open_tree()?
    } else {
        build.tree()?
    };
    tree.forget_steps()
        .map_err(|error| disk("write down that the build tree changes", &error))?;
    let plan = &build.prepared.plan;
    let unpacked = rootfs.wait().ok().flatten();
    // Packages are no part of what a build left.
    let (store, events) = (&services.store, &*services.events);
    let _caches = Caches::prepare(
        plan,
        &request.app,
        &build.source,
        &build.kept,
        store,
        events,
    )?;
    // The room of a script is as the script left it, its pack's folder too.
    let mut room = failed.map_or_else(
        || {
            build_room(
                request,
                plan,
                unpacked.as_deref(),
                &build.kept,
                tree.app(),
                &tools,
                services,
            )
        },
        |step| step.command.room.clone(),
    );
    // Who looks around takes the time that they need.
    room.limits.deadline = None;
    let cwd = failed.map_or_else(
        || PathBuf::from(&plan.app_dir),
        |step| step.command.command.cwd.clone(),
    );
    let base = base.into_inner().unwrap_or_else(PoisonError::into_inner);
    let revision = build.identity.revision.as_deref();
    let mut env = match failed {
        Some(step) => step.command.command.env.clone(),
        None => build_env(
            request,
            plan,
            base.as_ref(),
            revision,
            &request.config_vars,
            services,
        ),
    };
    if let Some(terminal) = request.terminal.clone() {
        env.insert("TERM".to_owned(), terminal);
    }
    if let Some(step) = failed {
        let typed = step.command.typed.as_str();
        // Bash would write its history into the app's folder.
        let of_bash = [
            ("BP_FAILED_COMMAND", typed),
            ("PROMPT_COMMAND", REMEMBER),
            ("HISTFILE", ""),
        ];
        env.extend(of_bash.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
    let mut steps = plan.steps.iter();
    let step = failed.and_then(|failed| steps.find(|step| step.id == failed.id));
    let argv = match step {
        Some(step) if step.phase.is_of_tests() => with_profile(&plan.profile, argv),
        _ => argv.to_vec(),
    };
    let command = Command { argv, cwd, env };
    let exit = services
        .sandbox()?
        .run(&room, &command, Terminal::Inherit)
        .map_err(|error| Failure::of(error.diagnostic()));
    tree.end()
        .map_err(|error| disk("write down that nothing works in the build tree", &error))?;
    // The next build makes it anew; what can't be removed now is removed then.
    let _ = crate::sandbox::discard(&room.scratch);
    exit
}
