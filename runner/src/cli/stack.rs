//! `bp stack`: the stacks' images on this machine.

use std::time::Duration;

use buildpack_core::event::EventSink;
use stacks::Support;

use super::args::Stack;
use super::context::{Context, arch, find_stack};
use super::{Call, Ended, parsed};
use crate::pipeline::{self};
use crate::registry::Reference;
use crate::ui::Style;

pub(super) fn exec(call: &Call, args: &Stack) -> Ended {
    let context = Context::new(call)?;
    match args {
        Stack::List => list(&context),
        Stack::Pull { stack } => pull(&context, stack),
        Stack::Import { from, name } => {
            let name: Reference = parsed("the image's name", name)?;
            let services = &context.services;
            let image = services.stacks.import(
                from,
                &name,
                arch()?.oci(),
                services.now,
                &*services.events,
            )?;
            context
                .ui
                .heading(&format!("{name} is {}", image.base.digest));
            Ok(0)
        }
        Stack::Rm { stack } => remove(&context, stack),
    }
}

fn list(context: &Context) -> Ended {
    let kept = context.services.stacks.list()?;
    let today = context
        .services
        .now
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    for stack in stacks::all() {
        let mut images = Vec::new();
        for name in [stack.run_image, stack.build_image] {
            let full = pipeline::parse_image_name(name)?.to_string();
            images.extend(kept.iter().filter(|image| image.base.reference == full));
        }
        if context.ui.style() == Style::Json {
            let images = images.iter().map(|image| {
                serde_json::json!({
                    "name": image.base.reference,
                    "digest": image.base.digest,
                    "resolved": image.resolved.to_string(),
                })
            });
            context.ui.json(&serde_json::json!({
                "stack": stack.name,
                "ubuntu": stack.ubuntu,
                "end_of_life": stack.end_of_life.to_string(),
                "images": images.collect::<Vec<_>>(),
            }));
            continue;
        }
        let support = match stack.support(today) {
            Support::Supported => format!("supported until {}", stack.end_of_life),
            Support::Deprecated { until } => format!("deprecated, ends {until}"),
            Support::Ended { since } => format!("ended {since}"),
        };
        context.ui.line(&format!(
            "{:<10} Ubuntu {}  {support}",
            stack.name, stack.ubuntu
        ));
        for image in images {
            context.ui.line(&format!(
                "           {:<34} {}  {}",
                image.base.reference,
                image.base.digest.short(),
                image.resolved.strftime("%Y-%m-%d")
            ));
        }
    }
    Ok(0)
}

fn pull(context: &Context, stack: &str) -> Ended {
    let stack = find_stack(stack)?;
    let arch = arch()?;
    for (name, unpack) in [(stack.run_image, false), (stack.build_image, true)] {
        let image =
            pipeline::pull_stack_image(name, arch, unpack, Duration::ZERO, &context.services)?;
        context
            .ui
            .heading(&format!("{name} is {}", image.base.digest));
    }
    Ok(0)
}

fn remove(context: &Context, stack: &str) -> Ended {
    let stack = find_stack(stack)?;
    let arch = arch()?;
    for name in [stack.run_image, stack.build_image] {
        let reference = pipeline::parse_image_name(name)?;
        let removed = context.services.stacks.remove(&reference, arch.oci())?;
        let said = if removed { "removed" } else { "was not here" };
        context.ui.heading(&format!("{name} {said}"));
    }
    Ok(0)
}
