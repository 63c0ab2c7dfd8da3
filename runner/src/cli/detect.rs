//! `bp detect`: which packs apply, and with `--explain` what a build would do.

use buildpack_core::event::{Event, EventSink};
use buildpack_core::plan::Goal;
use buildpack_core::toolchain::redact_url;
use buildpack_core::wanted::{Asked, wanted};

use super::args::Detect;
use super::asked::asked;
use super::context::Context;
use super::{Call, Ended};
use crate::pipeline::{self, Prepared, Request};
use crate::ui::{Style, Ui};

/// Passes on what is wrong, and nothing else.
struct Problems(Ui);

impl EventSink for Problems {
    fn emit(&self, event: Event) {
        if matches!(event, Event::Diagnostic { .. }) {
            self.0.emit(event);
        }
    }
}

pub(super) fn exec(call: &Call, args: &Detect) -> Ended {
    let mut context = Context::new(call)?;
    let target = context.quiet_target(args.target.stack.as_deref(), &args.app)?;
    let request = Request {
        lock: args.packs.lock(args.write.lock, &context.settings),
        ..asked(call, &context, &args.app, target.value, &args.packs)
    };
    let ui = context.ui.clone();
    if !args.explain {
        // The answer is the names alone.
        context.services.events = Box::new(Problems(ui.clone()));
        let answers = pipeline::detected(&request, &context.services)?;
        for detection in answers.all.iter().filter(|detection| detection.applies) {
            match ui.style() {
                Style::Text => ui.line(&detection.name),
                Style::Json => ui.json(&serde_json::json!({ "detection": detection })),
            }
        }
        for problem in &answers.problems {
            ui.diagnostic(problem);
        }
        return Ok(u8::from(!answers.take_the_app()));
    }
    let app = pipeline::read_app(&args.app, &context.services)?;
    let text = ui.style() == Style::Text;
    let asked = Asked {
        flags: &request.buildpacks,
        config_vars: &request.config_vars.0,
        native: request.native,
        for_tests: false,
    };
    // Of packs that are asked for, the plan tells.
    let by_itself = wanted(&app, &asked).value.is_some_and(|all| all.is_empty());
    let looked_at = by_itself.then(|| pipeline::detect(&app));
    for (_, detection) in looked_at.into_iter().flatten() {
        if text {
            let verdict = if detection.applies {
                "applies"
            } else {
                "does not apply"
            };
            ui.line(&format!("{} {verdict}", detection.name));
            for evidence in &detection.evidence {
                ui.line(&format!("  {evidence}"));
            }
        } else {
            ui.json(&serde_json::json!({ "detection": detection }));
        }
    }
    context.say_target(&target);
    let prepared = pipeline::prepare(&request, &Goal::Build, &context.services)?;
    let plan = &prepared.plan;
    if !text {
        ui.json(&serde_json::json!({ "plan": plan }));
        return Ok(0);
    }
    tell(&ui, &prepared);
    Ok(0)
}

/// What a build would do.
fn tell(ui: &Ui, prepared: &Prepared) {
    let plan = &prepared.plan;
    ui.line("\nDecided:");
    for decision in &plan.decisions {
        ui.line(&format!(
            "  {:<10} {}  ({})",
            decision.what, decision.value.value, decision.value.origin
        ));
    }
    ui.line("\nTools:");
    for tool in &plan.tools {
        ui.line(&format!(
            "  {:<20} {}",
            tool.name,
            redact_url(&tool.artifact.url)
        ));
    }
    ui.line("\nSteps:");
    for step in &plan.steps {
        ui.line(&format!("  {:<28} {}", step.id, step.heading));
    }
    ui.line("\nProcess types:");
    for (name, command) in &prepared.app.procfile.processes {
        ui.line(&format!(
            "  {name:<10} {}  ({})",
            command.value, command.origin
        ));
    }
    for (name, command) in &plan.default_processes {
        if !prepared.app.procfile.processes.contains_key(name) {
            ui.line(&format!("  {name:<10} {command}  (default of the pack)"));
        }
    }
}
