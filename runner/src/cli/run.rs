//! `bp run`: a process type of a built image, as the platform would start it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use buildpack_core::event::EventSink;
use buildpack_core::sandbox::Terminal;

use super::args::Run;
use super::context::{self, Context};
use super::{Call, Ended};
use crate::page;
use crate::pipeline::{self, Enterable, Failure, Visit, Visited};
use crate::ui::{Ui, duration};

/// The port where nobody names one, as herokuish has it.
const PORT: u16 = 5000;

/// Statuses up to this one say that a page is there.
const HIGHEST_STATUS: u16 = 399;

pub(super) fn exec(call: &Call, args: &Run) -> Ended {
    let context = Context::new(call)?;
    let image = image(&args.image, &context)?;
    let process = args.process.as_deref().unwrap_or("web");
    if let Some(path) = &args.check {
        let visit = Visit {
            process: process.to_owned(),
            path: path.clone(),
            port: args.port,
            patience: Duration::from_secs(args.wait),
            highest_status: HIGHEST_STATUS,
        };
        return visited(&image, &visit, call, &context).map(|()| 0);
    }
    if args.command.is_empty() {
        image.must_have(process)?;
    }
    let command = if args.command.is_empty() {
        vec!["/start".to_owned(), process.to_owned()]
    } else {
        let mut command = vec!["/exec".to_owned()];
        command.extend(args.command.clone());
        command
    };
    let mut env: BTreeMap<String, String> = call
        .vars
        .exported()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    env.entry("PORT".to_owned())
        .or_insert_with(|| args.port.unwrap_or(PORT).to_string());
    if let Some(port) = args.port {
        env.insert("PORT".to_owned(), port.to_string());
    }
    if let Some(terminal) = context::variable("TERM") {
        env.insert("TERM".to_owned(), terminal);
    }
    // Nodes of Erlang meet at a port of the host, where the same name may stand once: apps that are started here each get
    // a meeting point of their own.
    if let Ok(meeting_point) = page::free_port() {
        env.entry("ERL_EPMD_PORT".to_owned())
            .or_insert_with(|| meeting_point.to_string());
    }
    let exit = image.run(&command, &env, Terminal::Inherit, &context.services)?;
    Ok(u8::try_from(exit.shell_code()).unwrap_or(u8::MAX))
}

/// The image that `name` stands for: `oci:DIR`, or one that is kept.
pub(super) fn image(name: &str, context: &Context) -> Result<Enterable, Failure> {
    match name.strip_prefix("oci:") {
        Some(folder) => pipeline::layout_image(Path::new(folder), None, &context.services),
        None => pipeline::kept_image(name, &context.services),
    }
}

/// Starts an image's process type, asks it for a page and says how it answered.
pub(super) fn visited(
    image: &Enterable,
    visit: &Visit,
    call: &Call,
    context: &Context,
) -> Result<(), Failure> {
    let Visit { process, path, .. } = visit;
    call.ui
        .heading(&format!("Starting `{process}` to ask it for {path}"));
    let answer = pipeline::try_out(image, visit, &call.vars, &context.services)?;
    say(&call.ui, visit, &answer);
    Ok(())
}

fn say(ui: &Ui, visit: &Visit, answer: &Visited) {
    let path = if answer.path == visit.path {
        visit.path.clone()
    } else {
        format!("{}, sent on to {}", visit.path, answer.path)
    };
    ui.heading(&format!(
        "GET {path}: status {}, {} bytes, {} after the start",
        answer.status,
        answer.bytes,
        duration(answer.after)
    ));
}
