//! `bp run`: a process type of a built image, as the platform would start it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use buildpack_core::diagnostic::{Class, Diagnostic};
use buildpack_core::event::EventSink;
use buildpack_core::sandbox::Terminal;

use super::args::{Cli, Run};
use super::context::{self, Context};
use super::{Ended, check};
use crate::pipeline::{self, Enterable, Failure};
use crate::ui::duration;

/// The port where nobody names one, as herokuish has it.
const PORT: u16 = 5000;

pub(super) fn exec(cli: &Cli, args: &Run) -> Ended {
    let (context, vars) = context::with_vars(cli, &args.vars)?;
    if let Some(path) = &args.check {
        return checked(args, path, &context);
    }
    let image = image(&args.image, &context)?;
    let command = if args.command.is_empty() {
        let process = args.process.as_deref().unwrap_or("web");
        known_process(&image, process)?;
        vec!["/start".to_owned(), process.to_owned()]
    } else {
        let mut command = vec!["/exec".to_owned()];
        command.extend(args.command.clone());
        command
    };
    let mut env: BTreeMap<String, String> = vars
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

fn known_process(image: &Enterable, process: &str) -> Result<(), Failure> {
    if image.processes.contains_key(process) {
        return Ok(());
    }
    let types: Vec<&str> = image.processes.keys().map(String::as_str).collect();
    Err(Failure::of(
        Diagnostic::error(
            "no-such-process-type",
            Class::Usage,
            format!("`{}` has no process type `{process}`", image.name),
        )
        .help(if types.is_empty() {
            "add a Procfile, or give a command: `bp run NAME -- COMMAND`".to_owned()
        } else {
            format!("it has {}", types.join(", "))
        }),
    ))
}

/// Starts the same command as a program of its own, asks it for a page, stops it: the sandbox dies with its parent.
fn checked(args: &Run, path: &str, context: &Context) -> Ended {
    let port = match args.port {
        Some(port) => port,
        None => check::free_port().map_err(|error| no_page(&error, args, PORT, path))?,
    };
    let begin = Instant::now();
    let mut program = start(args, port).map_err(|error| no_page(&error, args, port, path))?;
    let mut ended = None;
    let answer = check::page(port, path, Duration::from_secs(args.wait), &mut || {
        ended = program.try_wait().ok().flatten();
        ended.is_some()
    });
    let _ = program.kill();
    let _ = program.wait();
    if let Some(status) = ended {
        return Err(Failure::of(
            Diagnostic::error(
                "app-ended",
                Class::Build,
                format!("the app ended with {status} before it listened on port {port}"),
            )
            .help(format!("see it for yourself: bp run {}", args.image)),
        ));
    }
    let answer = answer.map_err(|error| no_page(&error, args, port, path))?;
    context.ui.heading(&format!(
        "GET {path}: status {}, {} bytes, {} after the start",
        answer.status,
        answer.length,
        duration(begin.elapsed())
    ));
    if (200..400).contains(&answer.status) {
        return Ok(0);
    }
    Err(Failure::of(
        Diagnostic::error(
            "page-status",
            Class::Build,
            format!("`{path}` answered {}, expected 2xx or 3xx", answer.status),
        )
        .help("the app's own log above says why"),
    ))
}

fn start(args: &Run, port: u16) -> std::io::Result<Child> {
    // The flags of this very call without the check; config vars pass through the environment, where they came from.
    let mut arguments: Vec<std::ffi::OsString> = Vec::new();
    let mut skip = false;
    for argument in std::env::args_os().skip(1) {
        let text = argument.to_string_lossy();
        if std::mem::take(&mut skip) && !text.starts_with('-') {
            continue;
        }
        match text.as_ref() {
            "--check" => skip = args.check.as_deref().is_some_and(|path| follows(path)),
            "--port" | "-p" | "--wait" => skip = true,
            text if ["--check=", "--port=", "--wait="]
                .iter()
                .any(|flag| text.starts_with(flag)) => {}
            _ => arguments.push(argument),
        }
    }
    arguments.push(format!("--port={port}").into());
    Command::new(std::env::current_exe()?)
        .args(arguments)
        .stdin(Stdio::null())
        .spawn()
}

/// Whether `--check` was followed by this path as a word of its own.
fn follows(path: &str) -> bool {
    let words: Vec<_> = std::env::args_os().collect();
    words
        .windows(2)
        .any(|pair| pair[0] == "--check" && pair[1] == path)
}

fn no_page(error: &std::io::Error, args: &Run, port: u16, path: &str) -> Failure {
    let message = match error.kind() {
        std::io::ErrorKind::TimedOut => {
            format!("nothing answered on port {port} for {} s", args.wait)
        }
        _ => format!("no page from `{path}` on port {port}: {error}"),
    };
    Failure::of(
        Diagnostic::error("no-page", Class::Build, message)
            .note("the platform tells the app its port in PORT")
            .help("let the app listen on PORT, on all addresses; `config/runtime.exs` is the place to read it"),
    )
}
