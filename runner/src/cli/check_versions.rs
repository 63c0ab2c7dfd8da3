//! `bp check-versions`: what can be told of an app before anything of it is built.

use buildpack_core::diagnostic::Class;

use super::args::{CheckVersions, Format};
use super::context::{Context, arch};
use super::{Call, Ended};
use crate::fix::{self, Mended};
use crate::pipeline::{self, CheckRequest, Failure, Levels};
use crate::ui::report::Form;

pub(super) fn exec(call: &Call, args: &CheckVersions) -> Ended {
    let mut levels = Levels::default();
    for (change, name) in &args.levels.0 {
        levels
            .add(*change, name)
            .map_err(|problem| Failure::of(*problem))?;
    }
    let context = Context::new(call)?;
    let request = CheckRequest {
        app: args.app.clone(),
        stack: context.wanted_stack(args.target.stack.as_deref()),
        arch: match args.arch {
            Some(arch) => arch,
            None => arch()?,
        },
        config_vars: call.vars.clone(),
        day: args.on.unwrap_or_else(|| context.today()),
        levels,
        require_lists: args.require_lists,
        refused: None,
    };
    let form = match call.cli.global.format {
        Format::Text => Form::Text,
        Format::Json => Form::Json,
        Format::Sarif => Form::Sarif,
        Format::Github => Form::Github,
        Format::Gitlab => Form::Gitlab,
    };
    let ui = &context.ui;
    let report = if args.dry_run {
        let mended = Mended::of(&request, &context.services)?;
        ui.document(&mended.diff());
        for done in &mended.done {
            ui.aside(&format!("Would fix {done}"));
        }
        mended.report
    } else if args.fix {
        let (report, done) = fix::fix(&request, &context.services)?;
        for done in done {
            let line = format!("Fixed {done}");
            match form {
                Form::Text => ui.line(&line),
                // The report is the whole answer.
                _ => ui.aside(&line),
            }
        }
        ui.report(&report, form);
        report
    } else {
        let report = pipeline::check(&request, &context.services)?;
        ui.report(&report, form);
        report
    };
    Ok(report.class().map_or(0, Class::exit_code))
}
