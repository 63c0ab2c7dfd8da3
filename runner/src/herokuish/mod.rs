//! The herokuish face: `bp` under herokuish's names, for platforms that drive a herokuish image.
//!
//! Called as `herokuish`, `/build`, `/start` or `/exec` (links to the one binary), or as `bp herokuish …`, the program
//! takes herokuish's commands, paths and variables. Where herokuish and Heroku differ, Heroku's way is the default and
//! herokuish's has a name in `BP_HEROKUISH_COMPAT`. docs/herokuish.md is the table of all of it.
//!
//! Starting a process must add next to nothing to the start of an app, so that nothing is set up here before a command
//! asks for it.

mod buildpack;
mod commands;
mod compat;
mod entropy;
mod env_dir;
mod env_eval;
mod env_file;
mod face;
mod image;
mod launch;
mod owner;
mod paths;
mod procfile;
mod profile;
mod release_file;
mod say;
mod slug;
mod trial;
mod user;
mod version;
mod workshop;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use buildpack_core::diagnostic::{Class, Diagnostic};

use crate::pipeline::Failure;
use crate::ui::{Redactor, Screen, Style, Ui};
use face::Face;

/// How a command ends: its exit code, or what it failed with.
type Ended = Result<u8, Failure>;

/// Runs the command if the program was called by one of herokuish's names; `arguments` begin with the name.
pub fn main(arguments: &[OsString]) -> Option<ExitCode> {
    let words = called(arguments)?;
    let ended = Face::of_environment(&|name| std::env::var_os(name))
        .and_then(|face| commands::run(&face, &words));
    Some(match ended {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            let ui = Ui::new(Style::Text, false, Screen::standard(), Redactor::default());
            ui.failed(&failure);
            ExitCode::from(failure.class().exit_code())
        }
    })
}

/// A command was called with other arguments than `form`.
fn usage(form: &str) -> Failure {
    Failure::of(
        Diagnostic::error(
            "herokuish-arguments",
            Class::Usage,
            format!("expected `{form}`"),
        )
        .help("`herokuish help` lists the commands"),
    )
}

/// The words of a herokuish command, if the program was called by such a name.
fn called(arguments: &[OsString]) -> Option<Vec<OsString>> {
    let (own, rest) = arguments.split_first()?;
    let short = |words: &[&str]| {
        let words = words.iter().map(OsString::from);
        Some(words.chain(rest.iter().cloned()).collect())
    };
    match Path::new(own).file_name()?.to_str()? {
        "herokuish" => short(&[]),
        // It takes no arguments; herokuish passes over them too.
        "build" => Some(vec!["buildpack".into(), "build".into()]),
        "start" => short(&["procfile", "start"]),
        "exec" => short(&["procfile", "exec"]),
        _ => match rest.split_first() {
            Some((word, rest)) if word == "herokuish" => Some(rest.to_vec()),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Option<String> {
        let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let words = called(&arguments)?;
        let words: Vec<_> = words
            .iter()
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        Some(words.join(" "))
    }

    #[test]
    fn each_name_has_its_command() {
        for (line, meant) in [
            ("/bin/herokuish version", "version"),
            ("/build now", "buildpack build"),
            ("/start web", "procfile start web"),
            ("exec ls -l", "procfile exec ls -l"),
            ("/usr/bin/bp herokuish paths", "paths"),
        ] {
            assert_eq!(words(line).as_deref(), Some(meant), "{line}");
        }
        for line in ["bp", "bp build herokuish", "/start/bp run"] {
            assert_eq!(words(line), None, "{line}");
        }
    }
}
