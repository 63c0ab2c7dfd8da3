//! `bp cache`: what is kept, and its end.

use buildpack_core::event::EventSink;
use buildpack_core::store::Freed;

use super::args::{Cache, Cli};
use super::context::Context;
use super::{Ended, parsed};
use crate::pipeline::{self, ConfigVars};
use crate::ui::{Style, bytes, parse_bytes};

pub(super) fn exec(cli: &Cli, args: &Cache) -> Ended {
    let context = Context::new(cli, &ConfigVars::default())?;
    match args {
        Cache::Df => df(&context),
        Cache::Gc { max } => gc(&context, max.as_deref()),
        Cache::Clear => {
            said(&context, context.services.store.clear()?);
            Ok(0)
        }
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
