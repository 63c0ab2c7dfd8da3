//! `bp diff`: what is different between two builds.

use std::path::Path;

use buildpack_core::diagnostic::{Class, Diagnostic};
use serde_json::json;

use super::args::Diff;
use super::context::Context;
use super::{Call, Ended};
use crate::pipeline::{Failure, kept_records};
use crate::records::compare::compare;
use crate::records::{Outcome, Record, file};
use crate::ui::Style;

pub(super) fn exec(call: &Call, args: &Diff) -> Ended {
    let context = Context::new(call)?;
    let (was, is) = match &args.is {
        Some(is) => (find(&args.was, &context)?, find(is, &context)?),
        None => of_one_name(&args.was, &context)?,
    };
    let compared = compare(&was, &is);
    let ui = &context.ui;
    let same = compared.changes.is_empty();
    if ui.style() == Style::Json {
        ui.json(&json!({
            "schema": 1,
            "same": same,
            "was": about(&was),
            "is": about(&is),
            "changes": compared.changes,
            "notes": compared.notes,
        }));
        return Ok(u8::from(!same));
    }
    ui.line(&format!("was: {}", heading(&was)));
    ui.line(&format!("is:  {}", heading(&is)));
    if same {
        ui.line("  no difference");
    }
    for change in &compared.changes {
        ui.line(&format!("  {change}"));
    }
    for note in &compared.notes {
        ui.line(&format!("  ({note})"));
    }
    Ok(u8::from(!same))
}

/// The record that a file holds, or that is kept under a name.
fn find(what: &str, context: &Context) -> Result<Record, Failure> {
    let path = Path::new(what);
    let kept = kept_records::of(&context.services.store, what);
    match kept? {
        Some(kept) if !path.is_file() => Ok(kept.last),
        None if !path.exists() && !what.contains(['/', '.']) => Err(none(what)),
        _ => Ok(file::read(path)?),
    }
}

/// The last build of a name that made an image, and the last.
fn of_one_name(name: &str, context: &Context) -> Result<(Record, Record), Failure> {
    let kept = kept_records::of(&context.services.store, name)?;
    let kept = kept.ok_or_else(|| none(name))?;
    match kept.green {
        Some(green) => Ok((green, kept.last)),
        None => Err(Failure::of(
            Diagnostic::error(
                "record-alone",
                Class::Usage,
                format!("the last build of `{name}` has no other one to be held against"),
            )
            .help("name two records: `bp diff RECORD RECORD`"),
        )),
    }
}

fn none(what: &str) -> Failure {
    Failure::of(
        Diagnostic::error(
            "record-not-kept",
            Class::Usage,
            format!("no build record is called `{what}`, and no file"),
        )
        .help("name a file that `bp build --record FILE` wrote, or an image that was built here: `bp inspect`"),
    )
}

fn about(record: &Record) -> serde_json::Value {
    json!({
        "name": record.name,
        "began": record.began.to_string(),
        "outcome": record.outcome,
        "exit": record.exit,
    })
}

fn heading(record: &Record) -> String {
    let name = record.name.as_deref().unwrap_or("a build");
    let ended = match record.outcome {
        Outcome::Built => "built",
        Outcome::Unchanged => "built, nothing had changed",
        Outcome::Failed => "failed",
    };
    format!(
        "{name}, {}: {ended}",
        record.began.strftime("%Y-%m-%d %H:%M:%S UTC")
    )
}
