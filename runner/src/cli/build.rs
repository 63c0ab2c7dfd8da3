//! `bp build`: an app's folder to an image.

use std::time::{Duration, Instant};

use buildpack_core::diagnostic::{Class, Diagnostic};
use buildpack_core::event::EventSink;
use buildpack_core::plan::Goal;

use super::args::{Build, CheckPage};
use super::asked::asked;
use super::context::{Context, app_name};
use super::record::{Like, Telling};
use super::reproduce;
use super::run::visited;
use super::shell::{needs_terminal, where_it_failed};
use super::{Call, Ended, remote_cache};
use crate::pipeline::{self, BuildSecrets, Failure, Finished, Request, Visit};
use crate::ui::{Style, summary};

pub(super) fn exec(call: &Call, args: &Build) -> Ended {
    let mut telling = Telling::begin(args)?;
    let ended = build(call, args, &mut telling);
    telling.end(ended, &call.ui)
}

fn build(call: &Call, args: &Build, telling: &mut Telling) -> Ended {
    let begin = Instant::now();
    needs_terminal(args.shell)?;
    let like = args.like.as_deref().map(Like::read).transpose()?;
    let mut context = Context::new(call)?;
    telling.listen(&mut context);
    // A folder that cannot be read is said as such, before anything else about it.
    pipeline::readable(&args.app)?;
    for output in &args.output {
        let help = "write it outside of the app";
        pipeline::must_lie_outside(&args.app, output.path(), "the output", help)?;
        output.must_take(context.settings.compression.value)?;
    }
    let name = match &args.name {
        Some(name) => name.clone(),
        None => app_name(&args.app).ok_or_else(|| no_name(args))?,
    };
    // A name that is none, or a login that is wrong, costs no build.
    let to = args.push.then(|| pipeline::push_target(&name));
    let to = to.transpose()?;
    if let Some(to) = &to {
        pipeline::ready_to_push(to, &context.services)?;
    }
    if args.check.check {
        pipeline::can_enter(&context.services)?;
    }
    remote_cache::set_up(&mut context, &call.vars)?;
    let stack = like.as_ref().and_then(Like::stack);
    let stack = stack.or_else(|| context.wanted_stack(args.target.stack.as_deref()));
    let target = context.target_of(stack.as_ref(), &args.app)?;
    context.say_target(&target);
    let mut request = Request {
        name,
        clear_cache: args.clear_cache,
        public_vars: args.allow_in_image.clone(),
        secrets: BuildSecrets {
            allowed_in: args.allow_secret_in.clone(),
            ..call.secrets.clone()
        },
        allowed_missing: args.allow_missing.clone(),
        lock: args.packs.lock(args.write.lock, &context.settings),
        only_to: to
            .clone()
            .filter(|_| args.output.is_empty() && !args.check.check),
        ..asked(call, &context, &args.app, target.value, &args.packs)
    };
    if let Some(like) = like {
        like.set(&mut request, args, &context.settings);
    }
    telling.asked(&request, &context)?;
    let mut finished = match pipeline::build(&request, &context.services) {
        Ok(finished) => finished,
        Err(mut failure) => {
            failure.reproduce = reproduce("build", &args.app, &failure, &request);
            telling.failed(&mut failure);
            return failed(args, &request, &context, failure);
        }
    };
    telling.finished(&mut finished);
    if args.check.check {
        checked(call, &args.check, &finished, &context).map_err(|mut failure| {
            failure.stage = Some("check");
            let again = reproduce("build", &args.app, &failure, &request);
            failure.reproduce = again.map(|again| format!("{again} --check"));
            failure
        })?;
    }
    for output in &args.output {
        pipeline::export(
            &finished.record.image,
            &finished.record.name,
            output,
            &context.services.stacks.blobs(),
            &*context.services.events,
        )?;
        context.ui.heading(&format!("Wrote {output}"));
    }
    if context.ui.style() == Style::Text {
        summary(&context.ui, &finished, begin.elapsed());
    }
    if let Some(to) = to {
        let services = &context.services;
        pipeline::push(&finished.record, &[to], args.media_types, services)?;
    }
    let cap = context.settings.remote_cache_cap.value;
    pipeline::send_to_remote_cache(&request, &context.services, cap);
    // The build is done, whatever becomes of the clean-up.
    let _ = pipeline::daily_clean_up(&context.services, context.settings.cache_cap.value);
    Ok(0)
}

/// Statuses up to this one are an answer of the app: it may have no page for whom it does not know.
const HIGHEST_STATUS: u16 = 499;

/// Starts `web` of what was built and asks for a page.
fn checked(
    call: &Call,
    asked: &CheckPage,
    finished: &Finished,
    context: &Context,
) -> Result<(), Failure> {
    let image = pipeline::kept_image(&finished.record.name, &context.services)?;
    let visit = Visit {
        process: "web".to_owned(),
        path: asked.check_path.clone(),
        port: None,
        patience: Duration::from_secs(asked.check_timeout),
        highest_status: HIGHEST_STATUS,
    };
    visited(&image, &visit, call, context)
}

/// What failed, with the ways out of this command.
fn failed(args: &Build, request: &Request, context: &Context, mut failure: Failure) -> Ended {
    if let Some(first) = failure.diagnostics.first_mut()
        && first.code.0 == "secret-in-image"
    {
        *first = first
            .clone()
            .help("if it is no secret, let it in: `--allow-in-image NAME`; if it may stand there: `--allow-secret-in PATH`");
    }
    where_it_failed("build", args.shell, request, Goal::Build, context, failure)
}

fn no_name(args: &Build) -> Failure {
    Failure::of(
        Diagnostic::error(
            "image-unnamed",
            Class::Usage,
            format!(
                "`{}` gives no name to keep the image under",
                args.app.display()
            ),
        )
        .help("name a folder that exists, or the image with `-t NAME`"),
    )
}
