//! The last lines of a build: what came out, how large, how long it took, how to run it.

use std::time::Duration;

use super::{Ui, bytes, duration};
use crate::pipeline::Finished;

/// A step that takes less is not said.
const WORTH_SAYING: Duration = Duration::from_millis(50);

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
        let stages = finished.stages.iter();
        ui.line(&format!(
            "       Times: {}",
            times(stages.map(|(stage, time)| (*stage, *time)))
        ));
        // A pack's own work is over at once.
        let steps = finished
            .steps
            .iter()
            .filter(|(_, time)| *time >= WORTH_SAYING);
        let steps = times(steps.map(|(step, time)| (step.as_str(), *time)));
        if !steps.is_empty() {
            ui.line(&format!("       Steps: {steps}"));
        }
    }
    let types: Vec<&str> = record.processes.keys().map(String::as_str).collect();
    let (listed, start) = match types.as_slice() {
        [] => ("none (a `Procfile` names them)".to_owned(), " -- COMMAND"),
        all if all.contains(&"web") => (all.join(", "), ""),
        all => (all.join(", "), " TYPE"),
    };
    ui.line(&format!("       Process types: {listed}"));
    ui.line(&format!("       Run it: bp run {}{start}", record.name));
}

fn times<'a>(times: impl Iterator<Item = (&'a str, Duration)>) -> String {
    times
        .map(|(what, time)| format!("{what} {}", duration(time)))
        .collect::<Vec<_>>()
        .join(" · ")
}
