//! Scripts of packs: what they see, what they are given, and what they leave for the packs after them (Heroku's buildpack
//! API; heroku-buildpack-multi for `export`).

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::known::known;
use super::{CompileContext, CompileError, FailedCommand};
use crate::clean;
use crate::pack::PackRelease;
use crate::pack::detect::{DetectScript, TOO_LATE};
use crate::pack::output::{Heard, Marked, Said};
use crate::plan::{PackPlan, Script, ScriptFolder, Scripts, Step};
use crate::sandbox::{Command, Exit, Room, SandboxError, Terminal, each_line};

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

/// Sources the file `$1`, then prints the environment behind marks.
const EXPORT: &str = r#"[ -f "$1" ] || exit 0; bash -n "$1" || exit; . "$1" >&2
env -0 | base64 -w 3000 | sed 's/^/bp-environment /'"#;

const ENVIRONMENT: &str = "bp-environment ";

/// Prints what `$1 $2` prints, its first `$3` bytes, behind marks.
const RELEASE: &str = r#"out=$(mktemp) || exit; trap 'rm -f "$out"' EXIT
"$1" "$2" >"$out" || exit
head -c "$3" "$out" | base64 -w 3000 | sed 's/^/bp-release /'"#;

const RELEASED: &str = "bp-release ";

/// How many bytes a release may be.
const LARGEST_RELEASE: usize = 1 << 20;

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
        let build_dir = &scripts.build_dir;
        match script {
            Script::Detect => self.detect(scripts, folder),
            Script::Compile | Script::TestCompile => {
                let argv = argv(scripts, folder, script, build_dir);
                self.program(plan, step, folder, argv, None)?;
                self.take_export(folder)
            }
            Script::Test => {
                let argv = argv(scripts, folder, script, build_dir);
                self.program(plan, step, folder, argv, None)
            }
            Script::Release => self.release(plan, scripts, folder, step),
        }
    }

    /// Runs `bin/release` and keeps what it says. Other packs cannot reach it: it never lies in a folder of theirs.
    fn release(
        &mut self,
        plan: &PackPlan,
        scripts: &Scripts,
        folder: &ScriptFolder,
        step: &Step,
    ) -> Result<(), CompileError> {
        let most = (LARGEST_RELEASE + 1).to_string();
        let mut words = ["bash", "-c", RELEASE, "bash"].map(str::to_owned).to_vec();
        words.extend(argv(scripts, folder, Script::Release, &scripts.build_dir));
        words.push(most);
        let mut printed = Marked::new(RELEASED);
        self.program(plan, step, folder, words, Some(&mut printed))?;
        let yaml = printed.bytes().unwrap_or_default();
        let release = match yaml.len() {
            0..=LARGEST_RELEASE => PackRelease::parse(&yaml).map_err(|error| error.to_string()),
            _ => Err("more than 1 MiB".to_owned()),
        };
        let release = release.map_err(|problem| CompileError::Release {
            pack: folder.name.clone(),
            problem,
        })?;
        self.releases.insert(folder.id.clone(), release);
        Ok(())
    }

    fn detect(&self, scripts: &Scripts, folder: &ScriptFolder) -> Result<(), CompileError> {
        let mut detect = DetectScript::default();
        let limit = Duration::from_secs(scripts.detect_limit);
        let argv = DetectScript::argv(limit, &folder.place, &scripts.build_dir);
        let exit = self.in_scene(folder, argv, &mut |line| detect.line(line))?;
        if exit.success() {
            let name = detect.name(&folder.name);
            self.events.heading(&format!("{name} app detected"));
            return Ok(());
        }
        let (pack, said) = (folder.name.clone(), detect.everything());
        Err(match exit {
            TOO_LATE => CompileError::DetectTimeout { pack, limit, said },
            exit => CompileError::NotDetected { pack, exit, said },
        })
    }

    /// Runs a program of a pack whose output is shown, but for what is behind a mark.
    fn program(
        &self,
        plan: &PackPlan,
        step: &Step,
        folder: &ScriptFolder,
        argv: Vec<String>,
        mut marked: Option<&mut Marked>,
    ) -> Result<(), CompileError> {
        let mut heard = Heard::default();
        let mut command = self.command(folder, argv);
        let env_dir = plan
            .scripts
            .as_ref()
            .map(|scripts| scripts.env_dir.as_str());
        let (room, _links) = self.lend(env_dir, step, self.script_room(), &mut command)?;
        let exit = self.shown(&room, &command, &mut |stream, bytes| {
            let text = clean::text(bytes);
            let Some(marked) = &mut marked else {
                return heard.lines(self.events, &step.id, stream, &text);
            };
            for line in text.split('\n').filter_map(|line| marked.take(line)) {
                heard.lines(self.events, &step.id, stream, line);
            }
        })?;
        if exit.success() {
            return Ok(());
        }
        let scene = self.scene.as_ref();
        let env = scene.map_or(&self.env, |scene| &scene.env);
        let known = known(plan, step, env);
        Err(CompileError::Step {
            step: step.id.clone(),
            shown: step.heading.clone(),
            exit,
            command: Box::new(FailedCommand::of(command, room)),
            tail: heard.tail.all(),
            told: Box::new(heard.finder.told(&known)),
        })
    }

    /// What the pack's `export`, if there is one, makes of the environment, for all programs after it.
    fn take_export(&mut self, folder: &ScriptFolder) -> Result<(), CompileError> {
        let file = format!("{}/export", folder.place);
        let argv = ["bash", "-c", EXPORT, "bash", &file].map(str::to_owned);
        let (mut printed, mut said) = (Marked::new(ENVIRONMENT), Said::default());
        let exit = self.in_scene(folder, argv.to_vec(), &mut |line| {
            if let Some(text) = printed.take(&String::from_utf8_lossy(line)) {
                said.line(text);
            }
        })?;
        let environment = printed.bytes().map(|bytes| variables(&bytes));
        if environment.is_none() && exit.success() && said.is_empty() {
            return Ok(());
        }
        let (Some(after), true) = (environment, exit.success()) else {
            return Err(CompileError::Export {
                pack: folder.name.clone(),
                said: said.all(),
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
        let command = self.command(folder, argv);
        let mut lines = |lines: &[u8]| each_line(lines).for_each(&mut *line);
        self.sandbox
            .run(self.script_room(), &command, Terminal::Lines(&mut lines))
    }

    fn script_room(&self) -> &Room {
        self.scene.as_ref().map_or(self.room, |scene| scene.room)
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

pub(super) fn found<'p>(plan: &'p PackPlan, pack: &str) -> Option<(&'p Scripts, &'p ScriptFolder)> {
    let scripts = plan.scripts.as_ref()?;
    let folder = scripts.packs.iter().find(|folder| folder.id == pack)?;
    Some((scripts, folder))
}

/// A script with its arguments, for an app at `build_dir`.
pub(super) fn argv(
    scripts: &Scripts,
    folder: &ScriptFolder,
    script: Script,
    build_dir: &str,
) -> Vec<String> {
    let program = format!("{}/bin/{}", folder.place, script.file());
    let arguments: &[&str] = match script {
        Script::Detect | Script::Release => &[build_dir],
        Script::Compile | Script::TestCompile => &[build_dir, &scripts.cache_dir, &scripts.env_dir],
        Script::Test => &[build_dir, &scripts.env_dir],
    };
    std::iter::once(program)
        .chain(arguments.iter().map(|&argument| argument.to_owned()))
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
