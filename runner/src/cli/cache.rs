//! `bp cache`: what is kept, and its end.

use std::collections::BTreeSet;

use buildpack_core::diagnostic::{Class, Diagnostic, Explain as _};
use buildpack_core::event::EventSink;
use buildpack_core::store::Freed;

use super::args::Cache;
use super::context::Context;
use super::{Call, Ended, parsed};
use crate::pipeline::{self, Examined, Failure, Flaw};
use crate::ui::{Style, bytes, parse_bytes};

pub(super) fn exec(call: &Call, args: &Cache) -> Ended {
    let context = Context::new(call)?;
    match args {
        Cache::Df => df(&context),
        Cache::Gc { max } => gc(&context, max.as_deref()),
        Cache::Verify { remove } => verify(&context, *remove),
        Cache::Clear => clear(&context),
    }
}

fn df(context: &Context) -> Ended {
    let usage = context.services.store.usage()?;
    if context.ui.style() == Style::Json {
        context.ui.json(&serde_json::json!({ "usage": usage }));
        return Ok(0);
    }
    for bucket in &usage {
        context.ui.line(&format!(
            "{:<16} {:>6} {:>10}",
            bucket.bucket.to_string(),
            bucket.entries,
            bytes(bucket.bytes)
        ));
    }
    let whole: u64 = usage.iter().map(|bucket| bucket.bytes).sum();
    context.ui.line(&format!(
        "{:<16} {:>6} {:>10}  in {}",
        "together",
        "",
        bytes(whole),
        context.services.store.root().display()
    ));
    Ok(0)
}

/// Removes what was not used for longest; blobs of images that have a name stay.
fn gc(context: &Context, max: Option<&str>) -> Ended {
    let cap = match max {
        Some(max) => parsed::<Size>("--max", max)?.0,
        None => context.settings.cache_cap.value,
    };
    let freed = pipeline::clean_up(&context.services, cap)?;
    said(context, freed);
    Ok(0)
}

/// Removes everything. Imported images are named: no registry may have them.
fn clear(context: &Context) -> Ended {
    let services = &context.services;
    let imported = || -> BTreeSet<String> {
        // A store that is too damaged to be read is one more reason to clear it.
        let images = services.stacks.list().unwrap_or_default().into_iter();
        images
            .filter(|image| !image.from_registry)
            .map(|image| image.base.reference)
            .collect()
    };
    let before = imported();
    said(context, services.store.clear()?);
    let gone: Vec<String> = before.difference(&imported()).cloned().collect();
    if !gone.is_empty() {
        context.ui.detail(&format!(
            "imported stack images are gone too, import them again with `bp stack import`: {}",
            gone.join(", ")
        ));
    }
    Ok(0)
}

/// Names what is damaged, a line each, and removes it where that is wanted.
fn verify(context: &Context, remove: bool) -> Ended {
    let Examined { kept, flaws } = pipeline::examine(&context.services)?;
    let mut left = 0;
    for flaw in &flaws {
        let gone = remove && flaw.remove(&context.services)?;
        left += usize::from(!gone);
        tell(context, flaw, gone, remove);
    }
    if kept.unsure > 0 {
        context.ui.detail(&format!(
            "{} entries were not known to be on disk when the machine was started: they are made again when needed",
            kept.unsure
        ));
    }
    if left > 0 {
        let damaged = format!("{left} of {} kept things are damaged", kept.checked);
        let problem = Diagnostic::error("cache-verify", Class::Surroundings, damaged);
        return Err(Failure::of(if remove {
            problem.help("what is in use stays: try again when no other `bp` runs")
        } else {
            problem.help("`bp cache verify --remove` takes away what can be had again")
        }));
    }
    let removed = match flaws.len() {
        0 => "nothing is damaged".to_owned(),
        count => format!("{count} damaged ones removed"),
    };
    context.ui.heading(&format!(
        "Looked at {} kept things, {} of them by digest: {removed}",
        kept.checked,
        bytes(kept.bytes)
    ));
    Ok(0)
}

/// One line for each flaw; as JSON, the event that every problem is.
fn tell(context: &Context, flaw: &Flaw, gone: bool, remove: bool) {
    let mut problem = flaw.diagnostic();
    let end = match (gone, remove) {
        (true, _) => "removed".to_owned(),
        (false, true) => "not removed".to_owned(),
        (false, false) => {
            let help = problem.helps.first();
            help.map(|help| help.text.clone()).unwrap_or_default()
        }
    };
    if context.ui.style() == Style::Json {
        if remove {
            problem = problem.note(end);
        }
        context.ui.diagnostic(&problem);
    } else {
        let (message, code) = (&problem.message, problem.code);
        context.ui.line(&format!("[{code}] {message}; {end}"));
    }
}

fn said(context: &Context, freed: Freed) {
    let kept = match freed.in_use {
        0 => String::new(),
        count => format!("; {count} in use stay"),
    };
    context.ui.heading(&format!(
        "Removed {} entries, {}{kept}",
        freed.entries,
        bytes(freed.bytes)
    ));
}

/// A size as people write it.
struct Size(u64);

impl std::str::FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse_bytes(text).map(Self)
    }
}
