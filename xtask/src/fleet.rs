//! `cargo xtask fleet`: builders on machines of their own, as far as networks and disks go, with a registry between them.
//! They build versions of several apps, are killed at random and begin again with nothing. In the end nothing may be lost.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::bench::machine;
use crate::world::{Failure, World};
use builder::{Builder, Life, Yard};
use jobs::{Dice, Queue};
use network::Network;

mod builder;
mod jobs;
mod judge;
mod network;
mod relay;
mod report;
mod tally;

/// How many builders and builds, and what order and kills follow from.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    builders: usize,
    builds: usize,
    seed: u64,
    /// A `bp` that is there already.
    bp: Option<PathBuf>,
}

/// `cargo xtask fleet [--builders N] [--builds N] [--seed N] [--bp FILE]`: exits with 0 only if nothing was lost.
pub(crate) fn run(args: &[String]) -> ExitCode {
    let Some(wanted) = read(args) else {
        eprintln!("usage: cargo xtask fleet [--builders N] [--builds N] [--seed N] [--bp FILE]");
        return ExitCode::from(2);
    };
    match fleet(&wanted) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("xtask fleet: {failure}");
            ExitCode::from(4)
        }
    }
}

fn read(args: &[String]) -> Option<Wanted> {
    let mut wanted = Wanted {
        builders: 8,
        builds: 40,
        seed: 1,
        bp: None,
    };
    for pair in args.chunks(2) {
        let [flag, number] = pair else { return None };
        match flag.as_str() {
            "--builders" => wanted.builders = number.parse().ok()?,
            "--builds" => wanted.builds = number.parse().ok()?,
            "--seed" => wanted.seed = number.parse().ok()?,
            "--bp" => wanted.bp = Some(number.into()),
            _ => return None,
        }
    }
    // Addresses and jobs are numbers of that size.
    let whole =
        (1..=network::MOST).contains(&wanted.builders) && (1..=1_000).contains(&wanted.builds);
    whole.then_some(wanted)
}

fn fleet(wanted: &Wanted) -> Result<bool, Failure> {
    network::only_root()?;
    let bp = wanted.bp.clone().map_or_else(crate::bp::release, Ok)?;
    let world = World::start(&[24])?;
    // Made before the network, so that it goes last: to remove all stores takes a while.
    let temp = tempfile::Builder::new().prefix("bp-fleet-").tempdir()?;
    let network = Network::make(wanted.builders, &world)?;
    let settings = Network::settings(&world);
    let mirror = settings
        .iter()
        .find_map(|(name, value)| (*name == "BP_REGISTRY_MIRROR").then_some(value));
    let registry = mirror
        .and_then(|mirror| mirror.split_once("http://"))
        .map(|(_, address)| address)
        .ok_or_else(|| Failure::say("the test world has no registry"))?;
    let machine = machine();
    println!("{machine}");
    let yard = Yard {
        bp: &bp,
        settings: &settings,
        registry,
        network: &network,
        queue: &Queue::new(wanted.builds, &mut Dice::new(wanted.seed)),
        seed: wanted.seed,
        folder: temp.path(),
    };
    let begin = Instant::now();
    let lives = work(&yard, wanted.builders)?;
    let took = begin.elapsed();
    let wrong = judged(&bp, &world, temp.path(), &lives, registry, wanted.builds)?;
    let moved: Vec<_> = (0..wanted.builders).map(|it| network.moved(it)).collect();
    println!("seed {}", wanted.seed);
    print!("{}", report::draw(&lives, &moved, took));
    for problem in &wrong {
        println!("wrong: {problem}");
    }
    if wrong.is_empty() {
        println!(
            "nothing lost: each tag is what was pushed, each app what a clean build makes, each store whole"
        );
    }
    Ok(wrong.is_empty())
}

/// All builders at once, until nothing is left to build.
fn work(yard: &Yard<'_>, builders: usize) -> Result<Vec<Life>, Failure> {
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..builders)
            .map(|number| {
                let builder = Builder { yard, number };
                scope.spawn(move || builder.work())
            })
            .collect();
        all.into_iter()
            .map(|builder| {
                let ended = builder.join();
                ended.unwrap_or_else(|_| Err(Failure::say("a builder could not be waited for")))
            })
            .collect()
    })
}

/// All that is wrong.
fn judged(
    bp: &Path,
    world: &World,
    folder: &Path,
    lives: &[Life],
    registry: &str,
    builds: usize,
) -> Result<Vec<String>, Failure> {
    let mut wrong: Vec<String> = lives.iter().flat_map(|life| life.wrong.clone()).collect();
    let built: Vec<_> = lives.iter().flat_map(|life| life.built.clone()).collect();
    wrong.extend(judge::tags(registry, &built, builds)?);
    wrong.extend(judge::newest(bp, world, folder, &built)?);
    Ok(wrong)
}

/// The middle one.
fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_behind_their_flags() {
        let read = |line: &str| {
            let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            read(&args)
        };
        let wanted = |builders, builds, seed| Wanted {
            builders,
            builds,
            seed,
            bp: None,
        };
        assert_eq!(read(""), Some(wanted(8, 40, 1)));
        assert_eq!(
            read("--seed 7 --builds 3 --builders 2"),
            Some(wanted(2, 3, 7))
        );
        let bp = Some("target/bp".into());
        let given = Wanted {
            bp,
            ..wanted(8, 40, 1)
        };
        assert_eq!(read("--bp target/bp"), Some(given));
        for line in [
            "--seed",
            "--seed x",
            "--builders 0",
            "--builders 65",
            "--killed 3",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
