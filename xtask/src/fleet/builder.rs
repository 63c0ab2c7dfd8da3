//! A builder: takes builds from the queue until none is left, is killed now and then, and begins again with nothing.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fs_err as fs;

use super::jobs::{Dice, Job, Queue};
use super::network::Network;
use super::tally::Tally;
use crate::world::Failure;

/// How long a build may take before it counts as hanging.
const LONGEST: Duration = Duration::from_mins(15);

/// What a builder's life takes from the seed until a build of its own was measured.
const USUAL: Duration = Duration::from_secs(15);

/// What all builders share.
pub(super) struct Yard<'a> {
    /// `bp`.
    pub(super) bp: &'a Path,
    /// The settings that point `bp` at the world.
    pub(super) settings: &'a [(&'static str, String)],
    /// Where the registry is, from the builders' networks.
    pub(super) registry: &'a str,
    /// Their networks.
    pub(super) network: &'a Network,
    /// What is to be built.
    pub(super) queue: &'a Queue,
    /// What kills follow from.
    pub(super) seed: u64,
    /// Everybody's stores and checkouts lie here.
    pub(super) folder: &'a Path,
}

/// What became of a builder.
#[derive(Default)]
pub(super) struct Life {
    /// Builds that ended well, with the digest that their tag got.
    pub(super) built: Vec<(Job, String)>,
    /// How long each of these took.
    pub(super) times: Vec<Duration>,
    /// How often it was killed.
    pub(super) killed: u64,
    /// The sum of all events.
    pub(super) tally: Tally,
    /// What must not be.
    pub(super) wrong: Vec<String>,
}

/// A builder with its number.
pub(super) struct Builder<'a> {
    pub(super) yard: &'a Yard<'a>,
    pub(super) number: usize,
}

/// How an attempt at a build ended.
enum End {
    Killed,
    Itself(std::process::ExitStatus),
}

impl Builder<'_> {
    /// Works until the queue is empty.
    pub(super) fn work(&self) -> Result<Life, Failure> {
        let mut life = Life::default();
        while let Some(job) = self.yard.queue.take() {
            self.attempt(job, &mut life)?;
        }
        // What was never built in would be no proof.
        if self.store().exists() {
            self.verify(&mut life)?;
        }
        Ok(life)
    }

    fn attempt(&self, job: Job, life: &mut Life) -> Result<(), Failure> {
        let app = self.place().join(job.name());
        job.check_out(&app)?;
        let whole = life.times.iter().max().copied().unwrap_or(USUAL);
        let kill = Dice::of(self.yard.seed, job).kill(job, whole);
        let log = self.place().join("events");
        let begin = Instant::now();
        let end = self.run(&mut self.build(job, &app), &log, kill)?;
        let events = fs::read(&log)?;
        let told = life.tally.take(&String::from_utf8_lossy(&events));
        match (end, told.pushed) {
            (End::Killed, _) => {
                life.killed += 1;
                // What it leaves is whole, though nobody will use it: the machine is gone.
                self.verify(life)?;
                if self.store().exists() {
                    fs::remove_dir_all(self.store())?;
                }
                self.yard.queue.put_back(job);
            }
            (End::Itself(status), Some(digest)) if status.success() => {
                life.times.push(begin.elapsed());
                if told.image.is_some_and(|image| image != digest) {
                    let name = job.name();
                    life.wrong.push(format!("{name}: another image was pushed"));
                }
                life.built.push((job, digest));
            }
            (End::Itself(status), _) => {
                let name = job.image(self.yard.registry);
                let codes = life.tally.codes.keys().cloned().collect::<Vec<_>>();
                let codes = codes.join(", ");
                life.wrong
                    .push(format!("build of {name}: {status} ({codes})"));
            }
        }
        Ok(())
    }

    fn build(&self, job: Job, app: &Path) -> Command {
        let registry = self.yard.registry;
        let cache = format!("{registry}/fleet/cache:all");
        let mut command = self.bp(&["build"]);
        command
            .arg(app)
            .args(["--stack", "heroku-24", "--format", "json", "--push"])
            .args(["--tag", &job.image(registry)])
            .args(["--cache-from", &cache, "--cache-to", &cache]);
        command
    }

    fn bp(&self, arguments: &[&str]) -> Command {
        let Yard { bp, settings, .. } = self.yard;
        let mut command = self.yard.network.command(self.number, bp);
        command
            .args(arguments)
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .env("HOME", self.place())
            .env("BP_CACHE_DIR", self.store())
            .env("BP_INSECURE_REGISTRY", self.yard.registry)
            .env("BP_CACHE_SECRET", "shared by all builders of this fleet")
            .env_remove("BP_CONFIG");
        command
    }

    /// Runs a build in a process group of its own, which is killed as a whole at that moment, unless it is done by then.
    fn run(
        &self,
        command: &mut Command,
        log: &Path,
        kill: Option<Duration>,
    ) -> Result<End, Failure> {
        use std::os::unix::process::CommandExt;
        let begin = Instant::now();
        let mut child = command
            .process_group(0)
            .stdout(fs::File::create(log)?.into_parts().0)
            .stderr(Stdio::null())
            .spawn()
            .map_err(|cause| Failure::new("cannot start a builder", cause))?;
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(End::Itself(status));
            }
            let now = begin.elapsed();
            if kill.is_some_and(|moment| now >= moment) || now > LONGEST {
                let group = format!("-{}", child.id());
                Command::new("kill")
                    .args(["-KILL", "--", &group])
                    .stderr(Stdio::null())
                    .status()?;
                child.wait()?;
                if now > LONGEST {
                    let number = self.number;
                    return Err(Failure::say(format!("builder {number} hung")));
                }
                return Ok(End::Killed);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Holds the store against what it claims to be.
    fn verify(&self, life: &mut Life) -> Result<(), Failure> {
        let ended = self.bp(&["cache", "verify"]).output()?;
        if !ended.status.success() {
            let said = [ended.stdout, ended.stderr].concat();
            let said = String::from_utf8_lossy(&said).trim().to_owned();
            let number = self.number;
            life.wrong
                .push(format!("the store of builder {number}: {said}"));
        }
        Ok(())
    }

    fn place(&self) -> PathBuf {
        self.yard.folder.join(format!("builder-{}", self.number))
    }

    fn store(&self) -> PathBuf {
        self.place().join("store")
    }
}
