//! Steps that run as the app runs: its tests, and what it does before them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::known::known;
use super::{CompileContext, CompileError, FailedCommand, scripts};
use crate::clean;
use crate::event::{Event, Stream};
use crate::pack::output::Heard;
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
        let mut heard = Heard::default();
        self.events.heading(&step.heading);
        let mut on_lines = |stream: Option<Stream>, bytes: &[u8]| {
            let text = clean::text(bytes);
            if !tests {
                return heard.lines(self.events, &step.id, stream, &text);
            }
            heard.tail.lines(&text);
            for line in text.split('\n') {
                self.events.emit(Event::TestOutput {
                    step: step.id.clone(),
                    stream,
                    line: line.to_owned(),
                });
            }
        };
        let room = scene.map_or(self.room, |scene| scene.room);
        let (room, _links) = self.lend(env_dir, step, room, &mut command)?;
        let exit = self.shown(&room, &command, &mut on_lines)?;
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
                tail: heard.tail.all(),
                told: Box::new(heard.finder.told(&known(plan, batch.first, &self.env))),
            }),
        }
    }
}
