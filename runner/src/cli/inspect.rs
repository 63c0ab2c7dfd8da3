//! `bp inspect`: what a built image is.

use super::args::Inspect;
use super::context::Context;
use super::{Call, Ended};
use crate::pipeline::find;
use crate::pipeline::record::{self, BuildRecord};
use crate::ui::{Style, bytes};

pub(super) fn exec(call: &Call, args: &Inspect) -> Ended {
    let context = Context::new(call)?;
    let ui = &context.ui;
    let Some(name) = &args.name else {
        for record in record::all_named(&context.services.store) {
            if ui.style() == Style::Json {
                ui.json(&answer(&record));
                continue;
            }
            ui.line(&format!(
                "{:<24} {:<10} {:>10}  {}",
                record.name,
                record.stack,
                bytes(record.image.total_size()),
                record.image.manifest_digest
            ));
        }
        return Ok(0);
    };
    let record = find(&context.services.store, name)?;
    if ui.style() == Style::Json {
        ui.json(&answer(&record));
        return Ok(0);
    }
    ui.line(&format!(
        "{}  {}",
        record.name, record.image.manifest_digest
    ));
    ui.line(&format!(
        "  stack      {} ({})",
        record.stack, record.architecture
    ));
    ui.line(&format!(
        "  run image  {} {}",
        record.run_image.reference,
        record.run_image.digest.short()
    ));
    ui.line(&format!("  built      {}", record.built));
    ui.line(&format!("  from       {}", record.app.display()));
    ui.line("  process types");
    for (process, command) in &record.processes {
        ui.line(&format!("    {process:<12} {command}"));
    }
    ui.line("  layers, compressed and unpacked");
    for layer in &record.layers {
        ui.line(&format!(
            "    {:<16} {:>10} {:>10}  {}",
            layer.purpose,
            bytes(layer.size),
            bytes(layer.unpacked_size),
            layer.digest.short()
        ));
    }
    Ok(0)
}

/// All that is known of an image.
fn answer(record: &BuildRecord) -> serde_json::Value {
    serde_json::json!({
        "name": record.name,
        "digest": record.image.manifest_digest,
        "stack": record.stack,
        "architecture": record.architecture,
        "processes": record.processes,
        "layers": record.layers,
        "run_image": { "name": record.run_image.reference, "digest": record.run_image.digest },
        "size": record.image.total_size(),
        "built": record.built.to_string(),
        "config": serde_json::from_slice::<serde_json::Value>(&record.image.config).ok(),
    })
}
