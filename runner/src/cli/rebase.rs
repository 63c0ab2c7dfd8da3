//! `bp rebase`: a pushed image onto another run image.

use buildpack_core::event::EventSink as _;

use super::args::Rebase;
use super::context::Context;
use super::{Call, Ended};
use crate::pipeline;

pub(super) fn exec(call: &Call, args: &Rebase) -> Ended {
    let context = Context::new(call)?;
    let image = pipeline::in_registry(&args.image)?;
    let to = match &args.tag {
        Some(tag) => pipeline::push_target(tag)?,
        None => pipeline::push_target(&args.image)?,
    };
    let onto = args.stack_image.as_deref().map(pipeline::parse_image_name);
    let request = pipeline::Rebase {
        image,
        onto: onto.transpose()?,
        to,
    };
    let rebased = pipeline::rebase(&request, &context.services)?;
    let (before, now) = rebased.base;
    let ui = &context.ui;
    if before == now {
        ui.heading(&format!(
            "{} stands on {} already",
            args.image, rebased.onto
        ));
    } else {
        ui.heading(&format!("Rebased onto {}", rebased.onto));
        ui.detail(&format!("from {before}"));
        ui.detail(&format!("to   {now}"));
    }
    Ok(0)
}
