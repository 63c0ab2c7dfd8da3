//! Builds that are killed at a random moment of each stage: what they leave is whole, and the next build is as if nothing
//! had happened.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use testdata::workspace::{App, Workspace};

use crate::fresh;

/// The stages of a build, in their order.
const STAGES: [&str; 7] = [
    "plan", "look", "source", "tools", "compile", "layers", "image",
];

/// What a build that is killed has to do.
#[derive(Debug, Clone, Copy)]
enum Task {
    /// Everything.
    Cold,
    /// All that is the app's own.
    Anew,
    /// What follows from a change of one file.
    Change,
}

/// Numbers that follow from a seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A time shorter than `whole`.
    fn part_of(&mut self, whole: Duration) -> Duration {
        let micros = u64::try_from(whole.as_micros()).unwrap().max(1);
        Duration::from_micros(self.roll() % micros)
    }
}

/// Tells of the stages that begin and end in a build's events.
fn told(line: &str, to: &Sender<(String, Option<u64>)>) {
    let field = |name: &str| {
        let (_, rest) = line.split_once(&format!("\"{name}\":"))?;
        Some(rest.split([',', '}']).next()?.trim_matches('"').to_owned())
    };
    if line.starts_with("{\"event\":\"stage-")
        && let Some(stage) = field("stage")
    {
        let millis = field("millis").and_then(|millis| millis.parse().ok());
        // Who listened may know enough.
        let _ = to.send((stage, millis));
    }
}

/// An app whose builds are killed.
struct Torture {
    place: Workspace,
    app: App,
    /// The digests of the image with either content of the file that changes.
    wanted: [String; 2],
    /// Which content it has.
    content: usize,
    /// How long each stage of each task takes.
    times: Vec<Vec<Duration>>,
    /// How many builds were killed in each stage, and how many had ended before.
    killed: Vec<usize>,
    ended: usize,
}

impl Torture {
    fn of(place: Workspace, app: &str) -> Self {
        let app = place.app(app, "victim").unwrap();
        let mut torture = Self {
            place,
            app,
            wanted: [String::new(), String::new()],
            content: 0,
            times: Vec::new(),
            killed: vec![0; STAGES.len()],
            ended: 0,
        };
        torture.write();
        for task in [Task::Cold, Task::Anew, Task::Change] {
            let took = torture.measure(task);
            torture.times.push(took);
            torture.wanted[torture.content] = torture.build();
        }
        torture.flip();
        assert_eq!(torture.build(), torture.wanted[torture.content]);
        assert_ne!(torture.wanted[0], torture.wanted[1]);
        torture
    }

    fn flip(&mut self) {
        self.content = 1 - self.content;
        self.write();
    }

    fn write(&self) {
        let content = self.content;
        let text = format!("defmodule Changes do\n  def content, do: {content}\nend\n");
        self.app.write("lib/changes.ex", text).unwrap();
    }

    /// The digest of a build that has to succeed, on a store that has to be whole after it.
    fn build(&self) -> String {
        let digest = self.place.build(&self.app, &[]).ok().digest();
        self.verify();
        digest
    }

    fn verify(&self) {
        self.place.bp(&["cache", "verify"]).ok();
    }

    fn command(&mut self, task: Task) -> std::process::Command {
        let mut more = Vec::new();
        match task {
            Task::Cold => {
                let _ = fs_err::remove_dir_all(self.place.store());
            }
            Task::Anew => more.push("--clear-cache"),
            Task::Change => self.flip(),
        }
        let path = self.app.path.to_str().unwrap().to_owned();
        let mut command = self.place.command(&["build", &path, "--format", "json"]);
        command
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        command
    }

    /// How long each stage takes where nobody kills.
    fn measure(&mut self, task: Task) -> Vec<Duration> {
        let output = self.command(task).output().unwrap();
        assert!(output.status.success(), "{task:?}");
        let (to, heard) = channel();
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .for_each(|line| told(line, &to));
        drop(to);
        let mut times = vec![Duration::ZERO; STAGES.len()];
        for (stage, millis) in heard {
            let at = STAGES.iter().position(|known| *known == stage);
            let at = at.unwrap_or_else(|| panic!("a new stage: {stage}"));
            times[at] += Duration::from_millis(millis.unwrap_or(0));
        }
        times
    }

    /// Kills a build that long after a stage of it began.
    fn kill(&mut self, task: Task, stage: usize, after: Duration) {
        let mut child = self.command(task).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (to, heard) = channel();
        let reader = std::thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .for_each(|line| told(&line, &to));
        });
        let begun =
            |(name, millis): &(String, Option<u64>)| millis.is_none() && name == STAGES[stage];
        if heard.iter().any(|said| begun(&said)) {
            std::thread::sleep(after);
        }
        let over = child.try_wait().unwrap().is_some();
        child.kill().unwrap();
        child.wait().unwrap();
        reader.join().unwrap();
        if over {
            self.ended += 1;
            return;
        }
        // The build may have gone on to a later stage.
        let mut now = stage;
        for (name, millis) in &heard {
            if millis.is_none() {
                now = STAGES.iter().position(|known| *known == name).unwrap();
            }
        }
        self.killed[now] += 1;
    }

    /// Kills builds until so many were killed, each followed by a look at what it left, and by a build that succeeds.
    fn run(&mut self, kills: usize, seed: u64) {
        let mut dice = Dice(seed);
        for round in 0.. {
            if self.killed.iter().sum::<usize>() >= kills {
                break;
            }
            let stage = round % STAGES.len();
            let task = match (round / STAGES.len() + stage) % 3 {
                0 => Task::Change,
                // A build from scratch looks for no image that is kept.
                1 if STAGES[stage] == "look" => Task::Change,
                1 => Task::Anew,
                _ => Task::Cold,
            };
            if round > 0 && round % 20 == 0 {
                println!("{round} builds, of which killed: {:?}", self.killed);
            }
            let after = dice.part_of(self.times[task as usize][stage]);
            self.kill(task, stage, after);
            self.verify();
            let digest = self.place.build(&self.app, &[]).ok().digest();
            assert_eq!(
                digest, self.wanted[self.content],
                "round {round} of seed {seed}: {task:?} killed in `{}` after {after:?}",
                STAGES[stage]
            );
        }
        self.verify();
        let mut report = format!("seed {seed}, {} had ended before;", self.ended);
        for (stage, killed) in STAGES.iter().zip(&self.killed) {
            write!(report, " {stage} {killed}").unwrap();
        }
        println!("killed: {report}");
    }
}

#[test]
fn a_build_that_is_killed_leaves_a_whole_store_and_the_next_one_the_same_image() {
    let Some(place) = fresh() else { return };
    let mut torture = Torture::of(place, "tiny");
    torture.run(6, 1);
}

/// `cargo xtask torture`: as many times as it says.
#[test]
#[ignore = "takes half an hour; cargo xtask torture runs it"]
fn builds_are_killed_for_as_long_as_it_takes() {
    let Some(place) = fresh() else { return };
    let number = |name: &str, usual| {
        let said = std::env::var(name).ok();
        said.map_or(usual, |said| said.parse().unwrap())
    };
    let kills = number("BP_TORTURE_KILLS", 200);
    let mut torture = Torture::of(place, "tiny");
    torture.run(
        usize::try_from(kills).unwrap(),
        number("BP_TORTURE_SEED", 1),
    );
}
