//! The first and the last event of a command whose output is its events.

use std::time::Instant;

use buildpack_core::event::{Event, EventSink as _, SCHEMA};

use super::Ended;
use super::args::Command;
use crate::ui::Ui;

/// A command under way.
pub(super) struct Span {
    began: Instant,
    /// Whether its output is its events; that of others is an answer, into which none may come.
    told: bool,
}

impl Span {
    /// Says that the command begins.
    pub(super) fn begin(command: &Command, ui: &Ui) -> Self {
        let name = match command {
            Command::Build(_) => Some("build"),
            Command::Test(_) => Some("test"),
            Command::Push(_) => Some("push"),
            Command::Rebase(_) => Some("rebase"),
            _ => None,
        };
        if let Some(command) = name {
            ui.emit(Event::Begin {
                schema: SCHEMA,
                bp: env!("CARGO_PKG_VERSION").to_owned(),
                command,
            });
        }
        Self {
            began: Instant::now(),
            told: name.is_some(),
        }
    }

    /// Says how it ended; the exit code.
    pub(super) fn end(&self, ended: &Ended, ui: &Ui) -> u8 {
        let (exit, problem) = match ended {
            Ok(code) => (*code, None),
            Err(failure) => (failure.class().exit_code(), failure.first()),
        };
        if self.told {
            ui.emit(Event::Result {
                exit,
                code: problem.map(|problem| problem.code),
                class: problem.map(|problem| problem.class),
                millis: u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            });
        }
        exit
    }
}
