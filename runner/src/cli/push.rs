//! `bp push`: a built image into registries.

use super::args::Push;
use super::context::Context;
use super::{Call, Ended};
use crate::pipeline;

pub(super) fn exec(call: &Call, args: &Push) -> Ended {
    let context = Context::new(call)?;
    let services = &context.services;
    let targets = args.to.iter();
    let to: Vec<_> = targets
        .map(|text| pipeline::push_target(text))
        .collect::<Result<_, _>>()?;
    let record = pipeline::find(&services.store, &args.name)?;
    pipeline::push(&record, &to, args.media_types, services)?;
    Ok(0)
}
