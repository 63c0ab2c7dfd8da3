//! `bp cache`: what is kept, and its end.

use std::collections::BTreeSet;

use buildpack_core::event::EventSink;
use buildpack_core::store::Freed;

use super::args::Cache;
use super::context::Context;
use super::{Call, Ended, parsed};
use crate::pipeline::{self};
use crate::ui::{Style, bytes, parse_bytes};

pub(super) fn exec(call: &Call, args: &Cache) -> Ended {
    let context = Context::new(call)?;
    match args {
        Cache::Df => df(&context),
        Cache::Gc { max } => gc(&context, max.as_deref()),
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
