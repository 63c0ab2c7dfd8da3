//! `bp detect`: which packs apply, and with `--explain` what a build would do.

use buildpack_core::toolchain::redact_url;

use super::args::Detect;
use super::context::Context;
use super::{Call, Ended};
use crate::pipeline::{self, Request};
use crate::ui::Style;

pub(super) fn exec(call: &Call, args: &Detect) -> Ended {
    let context = Context::new(call)?;
    let ui = &context.ui;
    if !args.explain {
        let app = pipeline::read_app(&args.app, &context.services)?;
        let mut found = pipeline::detect(&app);
        found.retain(|(_, detection)| detection.applies);
        for (_, detection) in &found {
            match ui.style() {
                Style::Text => ui.line(&detection.name),
                Style::Json => ui.json(&serde_json::json!({ "detection": detection })),
            }
        }
        return Ok(u8::from(found.is_empty()));
    }
    let app = pipeline::read_app(&args.app, &context.services)?;
    let text = ui.style() == Style::Text;
    for (_, detection) in pipeline::detect(&app) {
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
    let request = Request {
        target: context.target(args.target.stack.as_deref(), &args.app)?,
        app: args.app.clone(),
        name: String::new(),
        config_vars: call.vars.clone(),
        source_date_epoch: None,
        clear_cache: false,
        keep_assets: context.settings.keep_assets.value,
        terminal: None,
        public_vars: Vec::new(),
        buildpacks: args.packs.addresses(&args.app),
        native: !args.packs.no_native,
        lock: args.packs.lock(),
        script_dirs: args.packs.script_dirs(),
    };
    let prepared = pipeline::prepare(&request, &context.services)?;
    let plan = &prepared.plan;
    if !text {
        ui.json(&serde_json::json!({ "plan": plan }));
        return Ok(0);
    }
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
    Ok(0)
}
