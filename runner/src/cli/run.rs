//! `bp run`: a process type of a built image, as the platform would start it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use buildpack_core::diagnostic::{Class, Diagnostic};
use buildpack_core::event::EventSink;
use buildpack_core::sandbox::Terminal;
use rustix::process::{Signal, set_parent_process_death_signal};

use super::args::{Global, Run};
use super::context::{self, Context};
use super::{Call, Ended};
use crate::page;
use crate::pipeline::{self, Enterable, Failure};
use crate::ui::{Style, duration};

/// The port where nobody names one, as herokuish has it.
const PORT: u16 = 5000;

pub(super) fn exec(call: &Call, args: &Run) -> Ended {
    let context = Context::new(call)?;
    let image = image(&args.image, &context)?;
    let process = args.process.as_deref().unwrap_or("web");
    if args.command.is_empty() {
        known_process(&image, process)?;
    }
    if let Some(path) = &args.check {
        return checked(args, path, call);
    }
    if args.vars.env_from_stdin {
        // Started by a check: the app ends with it, however it ends.
        let _ = set_parent_process_death_signal(Some(Signal::KILL));
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
fn checked(args: &Run, path: &str, call: &Call) -> Ended {
    let port = match args.port {
        Some(port) if page::is_free(port) => port,
        Some(port) => return Err(port_taken(port)),
        None => page::free_port().map_err(|error| no_page(&error, args, PORT, path))?,
    };
    let begin = Instant::now();
    let mut program = start(args, port, call).map_err(|error| no_page(&error, args, port, path))?;
    let mut ended = None;
    let answer = page::page(port, path, Duration::from_secs(args.wait), &mut || {
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
    call.ui.heading(&format!(
        "GET {path}: status {}, {} bytes, {} after the start",
        answer.status,
        answer.body.len(),
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

/// Starts `bp run` for the same image as a child, which gets the config vars through a pipe.
fn start(args: &Run, port: u16, call: &Call) -> io::Result<Child> {
    let mut command = Command::new("/proc/self/exe");
    command
        .args(child_arguments(args, port, &call.cli.global))
        .stdin(Stdio::piped());
    if call.ui.style() == Style::Json {
        // Standard output holds events and nothing else.
        command.stdout(Stdio::from(io::stderr().as_fd().try_clone_to_owned()?));
    }
    let mut child = command.spawn()?;
    if let Some(pipe) = child.stdin.take() {
        // A child that ended early says why itself.
        let _ = serde_json::to_writer(pipe, &call.vars.0);
    }
    Ok(child)
}

/// The child's command line, in which no value of a config var stands.
fn child_arguments(args: &Run, port: u16, global: &Global) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = vec!["run".into(), "--env-from-stdin".into()];
    arguments.push(format!("--port={port}").into());
    let mut flag = |name: &str, value: &OsStr| {
        let mut argument = OsString::from(name);
        argument.push("=");
        argument.push(value);
        arguments.push(argument);
    };
    if let Some(folder) = &global.cache_dir {
        flag("--cache-dir", folder.as_os_str());
    }
    if let Some(mode) = &global.sandbox {
        flag("--sandbox", mode.as_ref());
    }
    for mirror in &global.registry_mirror {
        flag("--registry-mirror", mirror.as_ref());
    }
    if global.offline {
        arguments.push("--offline".into());
    }
    if global.verbose {
        arguments.push("--verbose".into());
    }
    arguments.push(args.image.clone().into());
    arguments.extend(args.process.iter().map(OsString::from));
    arguments
}

fn port_taken(port: u16) -> Failure {
    Failure::of(
        Diagnostic::error(
            "port-taken",
            Class::Usage,
            format!("another program listens on port {port} already"),
        )
        .help("leave `--port` out: a check takes a free one by itself"),
    )
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::args::{Cli, Command as Typed};

    #[test]
    fn the_child_of_a_check_is_told_the_same_without_values() {
        let typed = [
            "bp",
            "--offline",
            "run",
            "-e",
            "TOKEN=hunter2",
            "shop",
            "worker",
            "-p",
            "1",
            "--check",
            "/x",
            "--registry-mirror",
            "a=http://b",
            "--cache-dir",
            "/c d",
        ];
        let cli = Cli::parse_from(typed);
        let Typed::Run(args) = &cli.command else {
            panic!("{cli:?}")
        };
        let arguments = child_arguments(args, 4001, &cli.global);
        assert!(!format!("{arguments:?}").contains("hunter2"));
        let whole = [OsString::from("bp")].into_iter().chain(arguments);
        let child = Cli::parse_from(whole);
        let Typed::Run(run) = &child.command else {
            panic!("{child:?}")
        };
        assert_eq!(
            (run.image.as_str(), run.process.as_deref()),
            ("shop", Some("worker"))
        );
        assert_eq!((run.port, run.check.as_deref()), (Some(4001), None));
        assert!(child.global.offline && run.vars.env_from_stdin);
        assert_eq!(child.global.cache_dir.as_deref(), Some(Path::new("/c d")));
        assert_eq!(child.global.registry_mirror, ["a=http://b"]);
    }
}
