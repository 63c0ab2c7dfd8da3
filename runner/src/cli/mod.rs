//! The command line: one file a command, each declaring nothing but what it does with the library.

mod args;
mod build;
mod cache;
mod check;
mod context;
mod detect;
mod doctor;
mod inspect;
mod run;
mod shell;
mod stack;
mod vars;

use std::ffi::OsString;
use std::process::ExitCode;
use std::str::FromStr;

use buildpack_core::diagnostic::{Class, Diagnostic};
use clap::{CommandFactory, Parser};

use crate::pipeline::Failure;
use crate::ui::{Redactor, Screen, Style, Ui};

use args::{Cli, Command, Format};

/// How a command ends when it does not fail: 0, or the code of a program that it ran.
type Ended = Result<u8, Failure>;

/// Runs the command line and draws what it fails with.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, the rest is a wrong command line.
            let _ = error.print();
            let code = if error.use_stderr() {
                Class::Usage.exit_code()
            } else {
                0
            };
            return ExitCode::from(code);
        }
    };
    let ui = ui(&cli, Redactor::default());
    match dispatch(&cli) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            let class = failure.class();
            for diagnostic in &failure.diagnostics {
                ui.diagnostic(diagnostic);
            }
            ExitCode::from(class.exit_code())
        }
    }
}

fn dispatch(cli: &Cli) -> Ended {
    match &cli.command {
        Command::Build(args) => build::exec(cli, args),
        Command::Run(args) => run::exec(cli, args),
        Command::Shell(args) => shell::exec(cli, args),
        Command::Detect(args) => detect::exec(cli, args),
        Command::Inspect(args) => inspect::exec(cli, args),
        Command::Stack(args) => stack::exec(cli, args),
        Command::Cache(args) => cache::exec(cli, args),
        Command::Doctor => doctor::exec(cli),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "bp", &mut script);
            ui(cli, Redactor::default()).line(String::from_utf8_lossy(&script).trim_end());
            Ok(0)
        }
        Command::Man { folder } => {
            clap_mangen::generate_to(Cli::command(), folder).map_err(|error| {
                Failure::of(
                    Diagnostic::error(
                        "man-pages",
                        Class::Surroundings,
                        format!(
                            "cannot write man pages into `{}`: {error}",
                            folder.display()
                        ),
                    )
                    .help("name a folder that exists and can be written to"),
                )
            })?;
            Ok(0)
        }
    }
}

fn ui(cli: &Cli, redactor: Redactor) -> Ui {
    let style = match cli.global.format {
        Format::Text => Style::Text,
        Format::Json => Style::Json,
    };
    Ui::new(style, cli.global.verbose, Screen::standard(), redactor)
}

/// A flag's or a setting's value, or an error that names it.
fn parsed<T: FromStr<Err: std::fmt::Display>>(what: &str, text: &str) -> Result<T, Failure> {
    text.parse().map_err(|error: T::Err| {
        Failure::of(
            Diagnostic::error("bad-setting", Class::Usage, format!("{error}"))
                .note(format!("from {what}")),
        )
    })
}
