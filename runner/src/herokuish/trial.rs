//! `herokuish test`: an app built, started and asked for a page, in herokuish's words.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};
use std::time::Duration;

use buildpack_core::diagnostic::{Class, Diagnostic};
use rustix::process::{Pid, Signal, kill_process_group};

use super::face::Face;
use super::{Ended, buildpack, say};
use crate::page;
use crate::pipeline::Failure;

/// Where the app is told to listen.
const PORT: u16 = 5678;

/// How often, a second apart, it is looked for there.
const TRIES: u32 = 30;

/// How long the page may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How the program ends when the page is another one.
const ANOTHER: u8 = 2;

/// Builds the app, starts `web`, asks for the page at the first word, by default `/`, and compares it with the second, if
/// there is one.
pub(super) fn exec(face: &Face, words: &[OsString]) -> Ended {
    let word = |at: usize| {
        words
            .get(at)
            .map(|word| word.to_string_lossy().into_owned())
    };
    let path = word(0).filter(|path| !path.is_empty());
    let path = path.unwrap_or_else(|| "/".to_owned());
    let expected = word(1).filter(|text| !text.is_empty());
    banner("BUILDING APP");
    match buildpack::build(face, &[])? {
        0 => {}
        code => return Ok(code),
    }
    banner("STARTING WEB");
    let mut web = Web::start().map_err(|error| failed("start the app", &error.to_string()))?;
    if !web.listens() {
        return Err(failed(
            "reach the app",
            &format!("it does not listen on port {PORT}, which PORT names"),
        ));
    }
    banner("CHECKING APP");
    let answer = page::page(PORT, &path, PATIENCE, &mut || web.is_gone())
        .map_err(|error| failed("get the app's page", &error.to_string()))?;
    if answer.status >= 400 {
        let status = format!("`{path}` answered {}", answer.status);
        return Err(failed("get the app's page", &status));
    }
    if let Some(expected) = expected {
        let output = String::from_utf8_lossy(&answer.body);
        // As a shell has it that takes what a program prints.
        let output = output.trim_end_matches('\n');
        banner("APP OUTPUT");
        say::line(output);
        if output != expected {
            banner("TEST FAILED");
            banner(&format!("EXPECTED: {expected}"));
            return Ok(ANOTHER);
        }
    }
    banner("TEST FINISHED");
    Ok(0)
}

/// The app's web process with all that it starts; it ends with this value.
struct Web(Child);

impl Web {
    fn start() -> io::Result<Self> {
        let program = std::env::current_exe()?;
        Command::new(program)
            // The file may bear one of the names that mean a command.
            .arg0("bp")
            .args(["herokuish", "procfile", "start", "web"])
            .env("PORT", PORT.to_string())
            .process_group(0)
            .spawn()
            .map(Self)
    }

    /// Waits until it listens; says each time that it doesn't.
    fn listens(&mut self) -> bool {
        for retry in 1..=TRIES {
            std::thread::sleep(Duration::from_secs(1));
            if page::listens(PORT) {
                banner("FOUND LISTENER");
                return true;
            }
            if self.is_gone() {
                return false;
            }
            banner(&format!("RETRYING LISTENER ({retry})"));
        }
        false
    }

    fn is_gone(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        if let Some(group) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            // Where it has ended already, nothing is left to be ended.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.0.wait();
    }
}

fn banner(text: &str) {
    say::line(&format!("::: {text} :::"));
}

fn failed(what: &str, why: &str) -> Failure {
    Failure::of(
        Diagnostic::error(
            "herokuish-test",
            Class::Build,
            format!("cannot {what}: {why}"),
        )
        .help("see above what the app printed; `procfile start web` starts it alone"),
    )
}
