//! Steps that run as the app runs: its tests, and what it does before them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::known::known;
use super::{CompileContext, CompileError, FailedCommand, scripts};
use crate::causes::Finder;
use crate::event::{Event, Stream};
use crate::pack::output::Said;
use crate::pack::typed::{shown, typed};
use crate::pack::with_profile;
use crate::plan::{Batch, PackPlan, Phase, Run};
use crate::sandbox::{Command, Room};

/// What tests see: a room with the app's folder at its own place and packs at theirs, and the environment that the
/// running app begins with, config vars included.
pub struct TestScene<'a> {
    /// The room.
    pub room: &'a Room,
    /// The whole environment; the profile is loaded into it.
    pub env: BTreeMap<String, String>,
}

impl CompileContext<'_> {
    /// Runs steps of the tests, with the profile loaded.
    pub(super) fn run_as_app(
        &self,
        plan: &PackPlan,
        batch: &Batch<'_>,
    ) -> Result<(), CompileError> {
        let step = batch.first;
        let (words, shown) = match &step.run {
            Run::Script { pack, script } => {
                let Some((given, folder)) = scripts::found(plan, pack) else {
                    return Ok(());
                };
                let words = scripts::argv(given, folder, *script, &plan.app_dir);
                let shown = format!("bin/{} of {}", script.file(), folder.name);
                (words, shown)
            }
            _ => (batch.argv(), shown(&batch.argv())),
        };
        let scene = self.tests.as_ref();
        let env_dir = plan
            .scripts
            .as_ref()
            .map(|scripts| scripts.env_dir.as_str());
        let mut command = Command {
            argv: with_profile(&plan.profile, &words),
            cwd: PathBuf::from(&plan.app_dir),
            env: scene.map_or_else(|| self.env.clone(), |scene| scene.env.clone()),
        };
        let tests = step.phase == Phase::Test;
        let mut tail = Said::default();
        let mut finder = Finder::new();
        let mut lines = 0;
        self.events.heading(&step.heading);
        let mut on_line = |stream: Option<Stream>, bytes: &[u8]| {
            let line = String::from_utf8_lossy(bytes).into_owned();
            tail.line(&line);
            lines += 1;
            let number = self.events.lines().map_or(lines, |before| before + 1);
            if !tests {
                finder.line(number, &line);
            }
            let step = step.id.clone();
            self.events.emit(if tests {
                Event::TestOutput { step, stream, line }
            } else {
                Event::Output { step, stream, line }
            });
        };
        let room = scene.map_or(self.room, |scene| scene.room);
        let (room, _links) = self.lend(env_dir, step, room, &mut command)?;
        let exit = self.shown(&room, &command, &mut on_line)?;
        let command = Box::new(FailedCommand {
            command,
            typed: typed(&words),
            room,
        });
        let step = step.id.clone();
        match exit {
            exit if exit.success() => Ok(()),
            exit if tests => Err(CompileError::Tests {
                step,
                shown,
                exit,
                command,
            }),
            exit => Err(CompileError::Step {
                step,
                shown,
                exit,
                command,
                tail: tail.lines(),
                told: Box::new(finder.told(&known(plan, batch.first, &self.env))),
            }),
        }
    }
}
