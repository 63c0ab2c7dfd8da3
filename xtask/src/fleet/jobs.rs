//! What a fleet builds, in which order, and who is killed when: all of it follows from a seed.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fs_err as fs;
use walkdir::WalkDir;

use crate::bp::checkout;
use crate::world::Failure;

/// The apps that the fleet's are copies of. Their packages come from the test world.
const BASES: [&str; 3] = ["tiny", "hello", "phoenix_api"];

/// How many apps there are.
pub(super) const APPS: usize = 10;

/// How often a build is killed before it is left alone.
const KILLS: u64 = 2;

/// A version of an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Job {
    /// Which app.
    pub(super) app: usize,
    /// Which version of it, from 0.
    pub(super) version: usize,
    /// How often it was killed already.
    killed: u64,
}

impl Job {
    /// The app's name.
    pub(super) fn name(self) -> String {
        format!("app-{}", self.app)
    }

    /// The name of its image in a registry.
    pub(super) fn image(self, registry: &str) -> String {
        format!("{registry}/{}:v{}", self.repository(), self.version)
    }

    /// The repository of its image.
    pub(super) fn repository(self) -> String {
        format!("fleet/{}", self.name())
    }

    /// The same, killed once more.
    pub(super) fn again(self) -> Self {
        Self {
            killed: self.killed + 1,
            ..self
        }
    }

    /// The same, as if it had never been killed.
    pub(super) fn first(self) -> Self {
        Self { killed: 0, ..self }
    }

    /// Writes the source of this version to `folder`, as a fresh checkout.
    pub(super) fn check_out(self, folder: &Path) -> Result<(), Failure> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        let base = BASES[self.app % BASES.len()];
        let from = checkout().join("testdata/apps").join(base);
        for entry in WalkDir::new(&from) {
            let entry = entry.map_err(|cause| Failure::new("cannot read the app", cause))?;
            let to = folder.join(entry.path().strip_prefix(&from).unwrap_or(entry.path()));
            if entry.file_type().is_dir() {
                fs::create_dir_all(to)?;
            } else {
                fs::copy(entry.path(), to)?;
            }
        }
        let number = self.app * 1_000 + self.version;
        let line = format!("defmodule Fleet do\n  def version, do: {number}\nend\n");
        Ok(fs::write(folder.join("lib/fleet.ex"), line)?)
    }
}

/// Builds that are waiting.
pub(super) struct Queue(Mutex<VecDeque<Job>>);

impl Queue {
    /// So many builds of all apps, shuffled.
    pub(super) fn new(builds: usize, dice: &mut Dice) -> Self {
        let mut jobs: Vec<Job> = (0..builds)
            .map(|number| Job {
                app: number % APPS,
                version: number / APPS,
                killed: 0,
            })
            .collect();
        for last in (1..jobs.len()).rev() {
            jobs.swap(last, dice.below(last + 1));
        }
        Self(Mutex::new(jobs.into()))
    }

    /// The next one.
    pub(super) fn take(&self) -> Option<Job> {
        self.jobs().pop_front()
    }

    /// Puts one back that was killed.
    pub(super) fn put_back(&self, job: Job) {
        self.jobs().push_back(job.again());
    }

    fn jobs(&self) -> std::sync::MutexGuard<'_, VecDeque<Job>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Numbers that follow from a seed (splitmix64).
pub(super) struct Dice(u64);

impl Dice {
    /// Begins with a seed.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The dice of one attempt at one build: whoever makes it, and whenever.
    pub(super) fn of(seed: u64, job: Job) -> Self {
        let number = (job.app * 1_000 + job.version) as u64;
        Self(seed.wrapping_mul(1_000_003) ^ (number * 16 + job.killed))
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        let rolled = self.roll() % (limit as u64).max(1);
        usize::try_from(rolled).unwrap_or_default()
    }

    /// When to kill an attempt, if at all: a part of what a build takes. A third of them is killed.
    pub(super) fn kill(&mut self, job: Job, whole: Duration) -> Option<Duration> {
        let chosen = self.below(3) == 0 && job.killed < KILLS;
        let permille = u32::try_from(self.below(1_000)).unwrap_or_default();
        chosen.then(|| whole * permille / 1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(seed: u64) -> Vec<Job> {
        let queue = Queue::new(40, &mut Dice::new(seed));
        std::iter::from_fn(|| queue.take()).collect()
    }

    #[test]
    fn a_seed_makes_the_order_and_no_build_twice() {
        assert_eq!(all(1), all(1));
        assert_ne!(all(1), all(2));
        let mut sorted = all(1);
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), 40);
        assert!(sorted.iter().all(|job| job.app < APPS && job.version < 4));
    }

    #[test]
    fn some_are_killed_and_none_for_ever() {
        let whole = Duration::from_secs(10);
        let kill = |job| Dice::of(1, job).kill(job, whole);
        let killed: Vec<_> = all(1).into_iter().filter_map(kill).collect();
        assert!((5..30).contains(&killed.len()), "{}", killed.len());
        assert!(killed.iter().all(|moment| *moment < whole));
        for job in all(1) {
            assert_eq!(kill(job.again().again()), None);
        }
    }

    #[test]
    fn versions_differ_in_a_line() {
        let temp = tempfile::tempdir().unwrap();
        let read = |job: Job| {
            job.check_out(&temp.path().join("app")).unwrap();
            fs::read_to_string(temp.path().join("app/lib/fleet.ex")).unwrap()
        };
        let jobs = all(1);
        assert_ne!(read(jobs[0]), read(jobs[1]));
        assert!(temp.path().join("app/mix.exs").exists());
    }
}
