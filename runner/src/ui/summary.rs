//! The last lines of a build: what came out, how large, how long it took, how to run it.

use std::time::Duration;

use super::{Ui, bytes, duration};
use crate::pipeline::Finished;

/// Draws them.
pub fn summary(ui: &Ui, finished: &Finished, total: Duration) {
    let record = &finished.record;
    let stack: u64 = record.run_image.layers.iter().map(|layer| layer.size).sum();
    let sizes = std::iter::once((record.stack.as_str(), stack)).chain(
        record
            .layers
            .iter()
            .map(|layer| (layer.purpose.as_str(), layer.size)),
    );
    ui.line(&format!(
        "-----> Built {} in {}",
        record.name,
        duration(total)
    ));
    ui.line(&format!("       {}", record.image.manifest_digest));
    ui.line("       Layers, compressed:");
    for (purpose, size) in sizes {
        ui.line(&format!("         {purpose:<16} {:>10}", bytes(size)));
    }
    let whole = bytes(record.image.total_size());
    ui.line(&format!("         {:<16} {whole:>10}", "together"));
    if !finished.unchanged {
        let times: Vec<String> = finished
            .stages
            .iter()
            .map(|(stage, time)| format!("{stage} {}", duration(*time)))
            .collect();
        ui.line(&format!("       Times: {}", times.join(" · ")));
    }
    let types: Vec<&str> = record.processes.keys().map(String::as_str).collect();
    ui.line(&format!("       Process types: {}", types.join(", ")));
    ui.line(&format!("       Run it: bp run {}", record.name));
}
