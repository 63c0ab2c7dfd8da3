//! `bp shell`: look around where a build stands, or in a built image.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use buildpack_core::diagnostic::{Class, Diagnostic};
use buildpack_core::event::EventSink;
use buildpack_core::plan::Goal;
use buildpack_core::sandbox::Terminal;

use super::args::Shell;
use super::asked::asked;
use super::context::{self, Context, app_name};
use super::reproduce;
use super::run::image;
use super::{Call, Ended};
use crate::pipeline::{self, Failure, Request};

/// Refuses `--shell` where nobody sits who could use it, before anything is built.
pub(super) fn needs_terminal(asked_for: bool) -> Result<(), Failure> {
    let missing = if !io::stdin().is_terminal() {
        "input"
    } else if !io::stdout().is_terminal() {
        "output"
    } else {
        return Ok(());
    };
    if !asked_for {
        return Ok(());
    }
    Err(Failure::of(
        Diagnostic::error(
            "shell-needs-terminal",
            Class::Usage,
            format!("`--shell` is for a person at a terminal, and standard {missing} is none"),
        )
        .help("leave `--shell` out; after a build that failed, `bp shell APP -- COMMAND` runs a command where it stands"),
    ))
}

/// What failed, with the way to a shell where it did so; opens that shell if it was asked for.
pub(super) fn where_it_failed(
    command: &str,
    asked_for: bool,
    request: &Request,
    goal: Goal,
    context: &Context,
    mut failure: Failure,
) -> Ended {
    let again = reproduce(command, &request.app, &failure, request);
    failure.reproduce = failure.reproduce.take().or(again);
    if !asked_for {
        return Err(failure);
    }
    context.ui.failed(&failure);
    let Some(step) = failure.step.take() else {
        return Ok(failure.class().exit_code());
    };
    context.ui.heading(&format!(
        "A shell where step `{}` failed; `exit` leaves it",
        step.id
    ));
    context.ui.detail(&match step.command.typed.as_str() {
        text if text.contains('\n') => "`↑` brings back the command that failed".to_owned(),
        line => format!("`↑` brings back the command that failed: {line}"),
    });
    let bash = ["bash".to_owned()];
    pipeline::shell(request, goal, &context.services, Some(&step), &bash)?;
    Ok(failure.class().exit_code())
}

pub(super) fn exec(call: &Call, args: &Shell) -> Ended {
    let context = Context::new(call)?;
    let what = args.what.clone().unwrap_or_else(|| ".".to_owned());
    let kept = pipeline::find(&context.services.store, &what).ok();
    let command = if args.command.is_empty() {
        vec!["bash".to_owned()]
    } else {
        args.command.clone()
    };
    if what.starts_with("oci:") || kept.is_some() && !args.build {
        let image = image(&what, &context)?;
        context.ui.heading(&format!(
            "A shell in {}; what is written here is gone afterwards",
            image.name
        ));
        let mut env = call
            .vars
            .exported()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect::<std::collections::BTreeMap<_, _>>();
        if let Some(terminal) = context::variable("TERM") {
            env.insert("TERM".to_owned(), terminal);
        }
        let command = [vec!["/exec".to_owned()], command].concat();
        let exit = image.run(&command, &env, Terminal::Inherit, &context.services)?;
        return Ok(u8::try_from(exit.shell_code()).unwrap_or(u8::MAX));
    }
    let (app, stack) = match kept {
        Some(record) => (record.app, Some(record.stack)),
        None => (PathBuf::from(&what), None),
    };
    let stack = args.target.stack.clone().or(stack);
    let target = context.target(stack.as_deref(), &app)?;
    let request = Request {
        name: app_name(&app).unwrap_or_default(),
        buildpacks: args.packs.addresses(Path::new(&what)),
        ..asked(call, &context, &app, target, &args.packs)
    };
    context
        .ui
        .heading("A shell where the last build of this app stands");
    let exit = pipeline::shell(&request, Goal::Build, &context.services, None, &command)?;
    Ok(u8::try_from(exit.shell_code()).unwrap_or(u8::MAX))
}
