//! Scripts of packs: what they see, what they are given, and what they leave for the packs after them (Heroku's buildpack
//! API; heroku-buildpack-multi for `export`).

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::PathBuf;

use super::{CompileContext, CompileError, FailedCommand, TAIL};
use crate::event::Event;
use crate::pack::detect::{DetectScript, decode};
use crate::plan::{PackPlan, Script, ScriptFolder, Scripts, Step};
use crate::sandbox::{Command, Exit, Room, SandboxError, Terminal};

/// Where YAML of `bin/release` is kept, below the app's folder: `.bp/release/<pack>`.
pub(in crate::pack) const RELEASES: &str = ".bp/release";

/// What scripts see and get: a room with the app's folder at BUILD_DIR, and an environment without config vars, which
/// they find as files in ENV_DIR.
pub struct ScriptScene<'a> {
    /// The room.
    pub room: &'a Room,
    /// The whole environment.
    pub env: BTreeMap<String, String>,
    /// Who brings the app's folder to BUILD_DIR and back, where no mount shows it there.
    pub mover: Option<&'a mut dyn MoveTree>,
}

/// Moves the app's folder between its own place and BUILD_DIR.
pub trait MoveTree {
    /// Has it at BUILD_DIR, or at its own place. Does nothing where it is there.
    fn have_at_build_dir(&mut self, wanted: bool) -> io::Result<()>;
}

/// Sources the file `$1`, then prints the environment as one word behind a mark.
const EXPORT: &str =
    r#"bash -n "$1" || exit; . "$1" >&2; printf '\nbp-environment %s\n' "$(env -0 | base64 -w0)""#;

const ENVIRONMENT: &str = "bp-environment ";

/// Writes what `$2 $3` prints to the file `$1`.
const RELEASE: &str = r#"mkdir -p "${1%/*}" && "$2" "$3" > "$1""#;

/// What bash sets by itself.
const OF_BASH: [&str; 4] = ["_", "SHLVL", "PWD", "OLDPWD"];

impl CompileContext<'_> {
    /// Has the app's folder where the next program looks for it.
    pub(super) fn place_tree(&mut self, at_build_dir: bool) -> Result<(), CompileError> {
        let mover = self.scene.as_mut().and_then(|scene| scene.mover.as_mut());
        let placed = mover.map_or(Ok(()), |mover| mover.have_at_build_dir(at_build_dir));
        placed.map_err(|source| self.tree_error(source))
    }

    /// Runs a script of a pack, and takes over what it leaves for those after it.
    pub(super) fn run_script(
        &mut self,
        plan: &PackPlan,
        step: &Step,
        pack: &str,
        script: Script,
    ) -> Result<(), CompileError> {
        let Some((scripts, folder)) = found(plan, pack) else {
            return Ok(());
        };
        match script {
            Script::Detect => self.detect(scripts, folder),
            Script::Compile | Script::TestCompile => {
                self.program(step, folder, argv(scripts, folder, script))?;
                self.take_export(folder)
            }
            Script::Test => self.program(step, folder, argv(scripts, folder, script)),
            Script::Release => {
                let file = format!("{}/{RELEASES}/{}", scripts.build_dir, folder.id);
                let mut words = ["bash", "-c", RELEASE, "bash", &file]
                    .map(str::to_owned)
                    .to_vec();
                words.extend(argv(scripts, folder, script));
                self.program(step, folder, words)
            }
        }
    }

    fn detect(&self, scripts: &Scripts, folder: &ScriptFolder) -> Result<(), CompileError> {
        let mut detect = DetectScript::default();
        let argv = DetectScript::argv(&folder.place, &scripts.build_dir);
        let exit = self.in_scene(folder, argv, &mut |line| detect.line(line))?;
        if exit.success() {
            let name = detect.name(&folder.name);
            self.events.heading(&format!("{name} app detected"));
            return Ok(());
        }
        Err(CompileError::NotDetected {
            pack: folder.name.clone(),
            exit,
            said: detect.everything(),
        })
    }

    /// Runs a program of a pack whose output is shown.
    fn program(
        &self,
        step: &Step,
        folder: &ScriptFolder,
        argv: Vec<String>,
    ) -> Result<(), CompileError> {
        let mut tail = VecDeque::new();
        let exit = self.in_scene(folder, argv.clone(), &mut |bytes| {
            let line = String::from_utf8_lossy(bytes).into_owned();
            if tail.len() == TAIL {
                tail.pop_front();
            }
            tail.push_back(line.clone());
            self.events.emit(Event::Output {
                step: step.id.clone(),
                line,
            });
        })?;
        if exit.success() {
            return Ok(());
        }
        Err(CompileError::Step {
            step: step.id.clone(),
            shown: step.heading.clone(),
            exit,
            command: Box::new(FailedCommand(self.command(folder, argv))),
            tail: tail.into(),
            hints: Vec::new(),
        })
    }

    /// What the pack's `export`, if there is one, makes of the environment, for all programs after it.
    fn take_export(&mut self, folder: &ScriptFolder) -> Result<(), CompileError> {
        let file = format!("{}/export", folder.place);
        let script = format!(r#"[ -f "$1" ] || exit 0; {EXPORT}"#);
        let argv = ["bash", "-c", &script, "bash", &file].map(str::to_owned);
        let (mut word, mut open, mut said) = (String::new(), false, Vec::new());
        let exit = self.in_scene(folder, argv.to_vec(), &mut |line| {
            let text = String::from_utf8_lossy(line);
            // A long line comes in pieces, of which the first alone has the mark.
            match text.strip_prefix(ENVIRONMENT) {
                Some(rest) => {
                    open = true;
                    rest.clone_into(&mut word);
                }
                None if open => word.push_str(&text),
                None => said.push(text.into_owned()),
            }
        })?;
        if !open && exit.success() && said.is_empty() {
            return Ok(());
        }
        let environment = open
            .then(|| decode(&word))
            .flatten()
            .map(|it| variables(&it));
        let (Some(after), true) = (environment, exit.success()) else {
            return Err(CompileError::Export {
                pack: folder.name.clone(),
                said,
            });
        };
        let Some(scene) = &mut self.scene else {
            return Ok(());
        };
        for name in scene.env.keys().filter(|name| !after.contains_key(*name)) {
            self.env.remove(name);
        }
        let changed = |(name, value): &(&String, &String)| scene.env.get(*name) != Some(*value);
        for (name, value) in after.iter().filter(changed) {
            self.env.insert(name.clone(), value.clone());
        }
        scene.env = after;
        Ok(())
    }

    fn in_scene(
        &self,
        folder: &ScriptFolder,
        argv: Vec<String>,
        line: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<Exit, Box<dyn SandboxError>> {
        let room = self.scene.as_ref().map_or(self.room, |scene| scene.room);
        let command = self.command(folder, argv);
        self.sandbox.run(room, &command, Terminal::Lines(line))
    }

    fn command(&self, folder: &ScriptFolder, argv: Vec<String>) -> Command {
        let scene = self.scene.as_ref();
        Command {
            argv,
            cwd: PathBuf::from(&folder.place),
            env: scene.map_or_else(BTreeMap::new, |scene| scene.env.clone()),
        }
    }
}

fn found<'p>(plan: &'p PackPlan, pack: &str) -> Option<(&'p Scripts, &'p ScriptFolder)> {
    let scripts = plan.scripts.as_ref()?;
    let folder = scripts.packs.iter().find(|folder| folder.id == pack)?;
    Some((scripts, folder))
}

/// A script with its arguments.
fn argv(scripts: &Scripts, folder: &ScriptFolder, script: Script) -> Vec<String> {
    let program = format!("{}/bin/{}", folder.place, script.file());
    let arguments: &[&String] = match script {
        Script::Detect | Script::Release => &[&scripts.build_dir],
        Script::Compile | Script::TestCompile => {
            &[&scripts.build_dir, &scripts.cache_dir, &scripts.env_dir]
        }
        Script::Test => &[&scripts.build_dir, &scripts.env_dir],
    };
    std::iter::once(program)
        .chain(arguments.iter().map(|&argument| argument.clone()))
        .collect()
}

/// What `env -0` printed, without what bash sets by itself. Values that are no UTF-8 are left out: nothing could be
/// given to a program as it was.
fn variables(bytes: &[u8]) -> BTreeMap<String, String> {
    bytes
        .split(|byte| *byte == 0)
        .filter_map(|entry| std::str::from_utf8(entry).ok()?.split_once('='))
        .filter(|(name, _)| !OF_BASH.contains(name))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests;
