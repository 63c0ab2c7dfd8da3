//! What all cases share: the binary, the world, folders.

use std::path::{Path, PathBuf};
use std::process::Command;

use fs_err as fs;
use walkdir::WalkDir;

use crate::world::{Failure, World};

/// The place of the measurements.
pub(super) struct Bench<'a> {
    bp: &'a Path,
    world: &'a World,
    folder: &'a Path,
}

impl<'a> Bench<'a> {
    /// `folder` takes all that is written.
    pub(super) fn new(bp: &'a Path, world: &'a World, folder: &'a Path) -> Self {
        Self { bp, world, folder }
    }

    /// `bp` itself.
    pub(super) fn binary(&self) -> &Path {
        self.bp
    }

    /// `bp` in the world, with this cache folder.
    pub(super) fn bp(&self, cache: &str) -> Command {
        let settings = self.world.settings();
        // Nothing that is started here outlives this process, however it ends.
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--"])
            .arg(self.bp)
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .env("BP_CACHE_DIR", self.path(cache));
        command
    }

    /// `bp build` of an app.
    pub(super) fn build(&self, cache: &str, app: &Path) -> Command {
        let mut command = self.bp(cache);
        command.arg("build").arg(app);
        command.args(["--stack", "heroku-24"]);
        command
    }

    /// A path of the bench's own.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// What the world says of one of its settings.
    pub(super) fn setting(&self, name: &str) -> &str {
        let settings = self.world.settings();
        let found = settings.iter().find(|(known, _)| *known == name);
        found.map_or("", |(_, value)| value)
    }

    /// A copy of `hello` in a folder of this name.
    pub(super) fn app(&self, name: &str) -> Result<PathBuf, Failure> {
        self.copy_of("hello", name)
    }

    /// A copy of a test app in a folder of this name; no two are equal, for equal apps share their image.
    pub(super) fn copy_of(&self, app: &str, name: &str) -> Result<PathBuf, Failure> {
        let from = crate::bp::checkout().join("testdata/apps").join(app);
        let to = self.path(name);
        for entry in WalkDir::new(&from) {
            let entry = entry.map_err(|cause| Failure::new("cannot read the app", cause))?;
            let relative = entry.path().strip_prefix(&from).unwrap_or(entry.path());
            let target = to.join(relative);
            if entry.file_type().is_dir() {
                fs::create_dir_all(target)?;
            } else {
                fs::copy(entry.path(), target)?;
            }
        }
        fs::write(to.join("README.md"), name)?;
        Ok(to)
    }
}

/// Lets a second pass: nobody edits sooner, and Mix would not see that a file of the same size changed.
pub(super) fn a_second_later() {
    std::thread::sleep(std::time::Duration::from_millis(1_050));
}

/// Changes one line of the app's page, a second after the last build.
pub(super) fn change_line(app: &Path, number: usize) -> Result<(), Failure> {
    let path = app.join("lib/hello/page.ex");
    let text = fs::read_to_string(&path)?;
    let from = text
        .lines()
        .find(|line| line.contains("<h1>"))
        .ok_or_else(|| Failure::say("the app's page has no headline to change"))?;
    let to = format!("    <h1>#{{setting(:greeting)}}, world {number}</h1>");
    a_second_later();
    Ok(fs::write(&path, text.replace(from, &to))?)
}
