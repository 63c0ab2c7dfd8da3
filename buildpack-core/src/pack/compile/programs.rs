//! Programs of steps in the sandbox: their lines are shown, and tell which step is at work and why one failed.

use std::path::{Path, PathBuf};

use memchr::memchr;

use super::{CompileContext, CompileError, FailedCommand, known, say};
use crate::clean;
use crate::event::{StepState, Stream};
use crate::pack::output::Heard;
use crate::pack::typed::shown;
use crate::plan::{Batch, PackPlan, Step};
use crate::sandbox::{Command, Exit, Room, SandboxError, Terminal};

impl CompileContext<'_> {
    /// Runs a batch in the sandbox and returns the step that was at work in the end.
    pub(super) fn run_programs<'p>(
        &self,
        plan: &PackPlan,
        batch: &Batch<'p>,
    ) -> Result<&'p Step, CompileError> {
        let mut command = Command {
            argv: batch.argv(),
            cwd: folder(&plan.app_dir, &batch.first.cwd),
            env: self.env.clone(),
        };
        let (room, _links) = self.lend(None, batch.first, self.room, &mut command)?;
        let mut others = batch.others.iter().copied().peekable();
        let mut at = batch.first;
        let mut heard = Heard::default();
        let events = self.events;
        events.heading(&at.heading);
        let mut lines = |stream: Option<Stream>, bytes: &[u8]| {
            let text = clean::text(bytes);
            let (mut told, mut asked) = (0, 0);
            while let Some(next) = others.peek().copied()
                && let Some(begin) = begin_of(next, &text, asked)
            {
                if begin > told {
                    heard.lines(events, &at.id, stream, &text[told..begin - 1]);
                }
                say(events, at, StepState::Finished, None);
                say(events, next, StepState::Started, None);
                at = next;
                events.heading(&at.heading);
                others.next();
                told = begin;
                asked = end_of_line(&text, begin) + 1;
            }
            heard.lines(events, &at.id, stream, &text[told..]);
        };
        let exit = self.shown(&room, &command, &mut lines)?;
        if exit.success() {
            return Ok(at);
        }
        let known = known::known(plan, at, &self.env);
        Err(CompileError::Step {
            step: at.id.clone(),
            shown: shown(&command.argv),
            exit,
            command: Box::new(FailedCommand::of(command, room)),
            tail: heard.tail.all(),
            told: Box::new(heard.finder.told(&known)),
        })
    }

    /// Runs a program whose lines are shown.
    pub(super) fn shown(
        &self,
        room: &Room,
        command: &Command,
        lines: &mut (dyn FnMut(Option<Stream>, &[u8]) + Send),
    ) -> Result<Exit, Box<dyn SandboxError>> {
        if self.apart {
            let mut lines = |stream, bytes: &[u8]| lines(Some(stream), bytes);
            (self.sandbox).run(room, command, Terminal::Streams(&mut lines))
        } else {
            let mut lines = |bytes: &[u8]| lines(None, bytes);
            (self.sandbox).run(room, command, Terminal::Lines(&mut lines))
        }
    }
}

/// Where the line begins that tells that `step` is at work, of the lines of `text` that begin at `from` and after it.
fn begin_of(step: &Step, text: &str, from: usize) -> Option<usize> {
    let mut begin = from;
    while let Some(line) = text.get(begin..) {
        let mut beginnings = step.begins_with.iter();
        if beginnings.any(|beginning| line.starts_with(beginning.as_str())) {
            return Some(begin);
        }
        begin = end_of_line(text, begin) + 1;
    }
    None
}

fn end_of_line(text: &str, begin: usize) -> usize {
    let end = memchr(b'\n', &text.as_bytes()[begin..]);
    end.map_or(text.len(), |end| begin + end)
}

/// The folder `below` of the app's; without a slash at its end, which programs would repeat in what they print.
fn folder(app_dir: &str, below: &str) -> PathBuf {
    match below {
        "" => PathBuf::from(app_dir),
        below => Path::new(app_dir).join(below),
    }
}
