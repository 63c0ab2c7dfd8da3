//! The command line: one file a command, each declaring nothing but what it does with the library.

mod args;
mod asked;
mod build;
mod cache;
mod check_versions;
mod context;
mod detect;
mod diff;
mod doctor;
mod explain;
mod inspect;
mod levels;
mod packs;
mod push;
mod rebase;
mod record;
mod remote_cache;
mod reproduce;
mod run;
mod secrets;
mod shell;
mod span;
mod stack;
mod test;
mod vars;
mod versions;

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;
use std::str::FromStr;

use buildpack_core::diagnostic::{Class, Diagnostic};
use clap::{CommandFactory, Parser};

use crate::pipeline::{BuildSecrets, ConfigVars, Failure};
use crate::ui::{Redactor, Screen, Style, Ui};

use args::{Cli, Command, Format};
use span::Span;

pub(crate) use context::{arch, passwords_in, services};
pub(crate) use reproduce::reproduce;

/// How a command ends when it does not fail: 0, or the code of a program that it ran.
type Ended = Result<u8, Failure>;

/// One call of the program.
struct Call {
    /// What was typed.
    cli: Cli,
    /// The app's config vars, if the command takes any.
    vars: ConfigVars,
    /// What single steps are lent, if the command runs any.
    secrets: BuildSecrets,
    /// Draws, the values of `vars` and `secrets` never.
    ui: Ui,
}

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
    let hidden = context::passwords_of_addresses(&cli);
    let (vars, read, refused) = match given(&cli) {
        Ok((vars, read)) => (vars, read, None),
        Err(failure) => (
            ConfigVars::default(),
            secrets::Read::default(),
            Some(failure),
        ),
    };
    let secrets::Read { secrets, warnings } = read;
    let hidden = hidden.into_iter().chain(hidden_in(&vars, &secrets));
    let ui = ui(&cli, Redactor::new(hidden));
    let span = Span::begin(&cli.command, &ui);
    for warning in &warnings {
        ui.diagnostic(warning);
    }
    let call = Call {
        cli,
        vars,
        secrets,
        ui,
    };
    let ended = match refused {
        Some(failure) => Err(failure),
        None => dispatch(&call),
    };
    let ui = call.ui;
    let ended = ended.and_then(|code| match ui.unwritten() {
        Some(error) => Err(unwritten(&error)),
        None => Ok(code),
    });
    if let Err(failure) = &ended {
        ui.failed(failure);
    }
    ExitCode::from(span.end(&ended, &ui))
}

/// What is never drawn, by name and value.
fn hidden_in(vars: &ConfigVars, secrets: &BuildSecrets) -> Vec<(String, String)> {
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let of_vars = vars.secrets(&[]).chain(secrets.withheld.secrets(&[]));
    let of_steps = secrets.values();
    let of_steps = of_steps.map(|(name, value)| (name, value.to_owned()));
    of_vars.map(owned).chain(of_steps).collect()
}

/// The config vars and build secrets of a command.
fn given(cli: &Cli) -> Result<(ConfigVars, secrets::Read), Failure> {
    let lookup = |name: &str| std::env::var(name).ok();
    let mut vars = match cli.command.vars() {
        Some(flags) => vars::read(flags, &lookup)?,
        None => ConfigVars::default(),
    };
    let flags = cli.command.secrets().cloned().unwrap_or_default();
    let read = secrets::read(&flags, &mut vars, &lookup)?;
    Ok((vars, read))
}

fn dispatch(call: &Call) -> Ended {
    let format = call.cli.global.format;
    let of_reports = matches!(format, Format::Sarif | Format::Github | Format::Gitlab);
    if of_reports && !matches!(call.cli.command, Command::CheckVersions(_)) {
        return Err(no_report(format));
    }
    match &call.cli.command {
        Command::Build(args) => build::exec(call, args),
        Command::Test(args) => test::exec(call, args),
        Command::Push(args) => push::exec(call, args),
        Command::Rebase(args) => rebase::exec(call, args),
        Command::Run(args) => run::exec(call, args),
        Command::Shell(args) => shell::exec(call, args),
        Command::CheckVersions(args) => check_versions::exec(call, args),
        Command::Versions(args) => versions::exec(call, args),
        Command::Explain(args) => explain::exec(call, args),
        Command::Detect(args) => detect::exec(call, args),
        Command::Inspect(args) => inspect::exec(call, args),
        Command::Diff(args) => diff::exec(call, args),
        Command::Stack(args) => stack::exec(call, args),
        Command::Cache(args) => cache::exec(call, args),
        Command::Doctor => doctor::exec(call),
        Command::Herokuish { .. } => Err(flags_before_herokuish()),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "bp", &mut script);
            call.ui.line(String::from_utf8_lossy(&script).trim_end());
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
    let style = match (cli.global.format, &cli.command) {
        // Its answer is one document, into which no event may come.
        (_, Command::CheckVersions(_)) => Style::Text,
        (Format::Json, _) => Style::Json,
        _ => Style::Text,
    };
    let ui = Ui::new(style, cli.global.verbose, Screen::standard(), redactor);
    match &cli.command {
        // What the tests print is the answer.
        Command::Test(_) => ui.log_aside(),
        _ => ui,
    }
}

/// The command has nothing to say in this format.
fn no_report(format: Format) -> Failure {
    let format = format!("{format:?}").to_lowercase();
    Failure::of(
        Diagnostic::error(
            "format-of-reports",
            Class::Usage,
            format!("`--format {format}` is for `bp check-versions` alone"),
        )
        .help("take `--format text` or `--format json`"),
    )
}

/// The face is entered before flags are read; who comes here has written some before its name.
fn flags_before_herokuish() -> Failure {
    Failure::of(
        Diagnostic::error(
            "herokuish-flags",
            Class::Usage,
            "`bp herokuish` takes no flags: it is set by variables",
        )
        .help("set `BP_CACHE_DIR` and the like; docs/settings.md has all of them"),
    )
}

/// The work is done, but whoever reads its log doesn't have all of it.
fn unwritten(error: &io::Error) -> Failure {
    Failure::of(
        Diagnostic::error(
            "output-unwritten",
            Class::Surroundings,
            format!("cannot write the output: {error}"),
        )
        .help("make room where standard output goes to, then run again"),
    )
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
