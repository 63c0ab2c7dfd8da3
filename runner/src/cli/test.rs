//! `bp test`: an app's own tests, compiled for and run where a build would run them.

use std::time::Instant;

use buildpack_core::event::EventSink;
use buildpack_core::plan::{Goal, TestOptions};

use super::args::{BuildDirMode, Test};
use super::asked::asked;
use super::context::Context;
use super::shell::{needs_terminal, where_it_failed};
use super::{Call, Ended, remote_cache};
use crate::pipeline::{self, Request, Verdict};
use crate::ui::duration;

pub(super) fn exec(call: &Call, args: &Test) -> Ended {
    let begin = Instant::now();
    needs_terminal(args.shell)?;
    let mut context = Context::new(call)?;
    pipeline::readable(&args.app)?;
    remote_cache::set_up(&mut context, &call.vars)?;
    let target = context.target(args.target.stack.as_deref(), &args.app)?;
    let request = Request {
        clear_cache: args.clear_cache,
        keep_assets: 0,
        script_dirs: args.packs.script_dirs(BuildDirMode::App),
        ..asked(call, &context, &args.app, target, &args.packs)
    };
    let options = TestOptions {
        colour: context.ui.colours(),
        command: Some(args.command.clone()).filter(|command| !command.is_empty()),
    };
    let goal = Goal::Test(options.clone());
    let failed = |failure| where_it_failed("test", args.shell, &request, goal, &context, failure);
    let tested = match pipeline::test(&request, &options, &context.services) {
        Ok(tested) => tested,
        Err(failure) => return failed(failure),
    };
    // What was compiled for tests that failed is as good as any.
    let cap = context.settings.remote_cache_cap.value;
    pipeline::send_to_remote_cache(&tested.request, &context.services, cap);
    // The tests are done, whatever becomes of the clean-up.
    let _ = pipeline::daily_clean_up(&context.services, context.settings.cache_cap.value);
    match tested.verdict {
        Verdict::Passed => {
            let took = duration(begin.elapsed());
            context.ui.heading(&format!("Tests passed, after {took}"));
            Ok(0)
        }
        Verdict::Failed { exit, failure } => {
            if let Err(failure) = failed(failure) {
                context.ui.failed(&failure);
            }
            Ok(u8::try_from(exit.shell_code()).unwrap_or(u8::MAX))
        }
    }
}
