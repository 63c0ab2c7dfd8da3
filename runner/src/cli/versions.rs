//! `bp versions`: what can be asked for, what is known of it, and lists brought up to date.

use buildpack_core::diagnostic::{Class, Diagnostic};
use buildpack_core::lists::{ListSource, Policy, Provider};
use serde_json::json;
use stacks::{Arch, Target};

use super::args::{Versions, VersionsExplain, VersionsList};
use super::context::{Context, arch};
use super::{Call, Ended};
use crate::pipeline::{BuildLists, Failure, Patience, choose_target, versions};
use crate::ui::{Style, explanation, listing, updates};

pub(super) fn exec(call: &Call, args: &Versions) -> Ended {
    let context = Context::new(call)?;
    match args {
        Versions::List(args) => list(&context, args),
        Versions::Update { force } => update(&context, *force),
        Versions::Explain(args) => explain(&context, args),
    }
}

/// Says which lists are old, unless nothing was to be asked; each list's day stands in the answer.
fn complain(context: &Context, lists: &dyn ListSource) {
    if !context.services.offline {
        for complaint in lists.complaints() {
            context.ui.diagnostic(&complaint);
        }
    }
}

fn list(context: &Context, args: &VersionsList) -> Ended {
    let target = target(context, args.stack.as_deref(), args.arch)?;
    let lists = lists(context, target);
    let tool = args.tool.into();
    let found = versions::listing(tool, target, args.all, &lists, context.today())?;
    complain(context, &lists);
    match context.ui.style() {
        Style::Json => context.ui.json(&json!(found)),
        Style::Text => listing(&context.ui, &found, args.all),
    }
    Ok(0)
}

fn explain(context: &Context, args: &VersionsExplain) -> Ended {
    let lists = lists(context, target(context, None, None)?);
    let upstreams = &context.services.upstreams;
    let tool = args.tool.map(Into::into);
    let explained = versions::explain(&args.text, tool, &lists, upstreams, context.today())?;
    match context.ui.style() {
        Style::Json => context.ui.json(&json!(explained)),
        Style::Text => {
            for one in &explained {
                explanation(&context.ui, one);
            }
        }
    }
    if explained.iter().all(|one| one.released == Some(false)) {
        return Err(Failure::of(
            Diagnostic::error(
                "version-unpublished",
                Class::Config,
                format!("there is no release `{}`", args.text),
            )
            .help("`bp versions list erlang`, `elixir` or `node` shows what there is"),
        ));
    }
    Ok(0)
}

fn update(context: &Context, force: bool) -> Ended {
    let changed = versions::update(&context.services, force);
    match context.ui.style() {
        Style::Json => context.ui.json(&json!(changed)),
        Style::Text => updates(&context.ui, &changed),
    }
    let failed = changed
        .iter()
        .filter(|list| !list.is_live() && !list.is_missing());
    let count = failed.clone().count();
    if count == 0 {
        return Ok(0);
    }
    let problem = Diagnostic::error(
        "lists-not-updated",
        Class::Surroundings,
        format!("{count} of {} lists could not be updated", changed.len()),
    );
    let problems = failed.flat_map(|list| &list.problems);
    Err(Failure::of(
        problems
            .fold(problem, |problem, one| problem.note(&one.message))
            .help("try again later; what was kept is still used"),
    ))
}

fn lists(context: &Context, target: Target) -> Provider<BuildLists<'_>> {
    let policy = Policy::new(target, context.services.now);
    let hosts = BuildLists::new(&context.services, policy.max_age, Patience::SHORT);
    Provider::new(hosts, policy)
}

fn target(
    context: &Context,
    stack: Option<&str>,
    architecture: Option<Arch>,
) -> Result<Target, Failure> {
    let wanted = context.wanted_stack(stack);
    let arch = match architecture {
        Some(arch) => arch,
        None => arch()?,
    };
    let chosen = choose_target(wanted.as_ref(), None, arch, context.today());
    chosen.target.ok_or(Failure::all(chosen.diagnostics))
}
