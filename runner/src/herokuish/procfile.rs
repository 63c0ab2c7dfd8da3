//! `herokuish procfile parse|start|exec`.

use std::ffi::OsString;

use buildpack_core::app::{Procfile, Repeated};
use buildpack_core::diagnostic::Class;

use super::compat::Quirk;
use super::face::Face;
use super::launch::{Run, launch};
use super::{Ended, release_file, say, usage};
use crate::pipeline::Failure;

/// Prints the command of a type.
pub(super) fn parse(face: &Face, words: &[OsString]) -> Ended {
    let [name] = words else {
        return Err(usage("procfile parse <type>"));
    };
    if let Some(command) = command(face, &name.to_string_lossy())? {
        say::line(&command);
    }
    Ok(0)
}

/// Starts a type.
pub(super) fn start(face: &Face, words: &[OsString]) -> Ended {
    let name = words.first().map(|word| word.to_string_lossy());
    let name = name.unwrap_or_default();
    if let Some(command) = command(face, &name)? {
        return launch(face, &Run::Line(command.into()));
    }
    say::line(&format!(
        "Proc entrypoint {name} does not exist. Please check your Procfile"
    ));
    Ok(Class::Build.exit_code())
}

/// Runs a command: one word is a line of bash, several are a program and its arguments.
pub(super) fn exec(face: &Face, words: &[OsString]) -> Ended {
    let run = match words {
        [] => return Err(usage("procfile exec <command...>")),
        [line] => Run::Line(line.clone()),
        words => Run::Words(words.to_vec()),
    };
    launch(face, &run)
}

/// The command of a type, by the first line that declares it, else the one that a pack offers: what is wrong with other lines was said when the app was
/// built.
fn command(face: &Face, name: &str) -> Result<Option<String>, Failure> {
    let read = Procfile::read(&face.app_path, Repeated::First);
    let procfile = read.value.ok_or(Failure::all(read.diagnostics))?;
    let declared = procfile.is_some();
    let own = procfile.and_then(|mut procfile| Some(procfile.processes.remove(name)?.value));
    if own.is_some() || declared && face.compat.wants(Quirk::ProcfileOnly) {
        return Ok(own);
    }
    Ok(release_file::processes(face)?.remove(name))
}
