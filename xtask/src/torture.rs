//! `cargo xtask torture`: builds killed at random moments of every stage, as often as is asked for.

use std::process::ExitCode;

use crate::bp::cargo;
use crate::world::{Failure, World};

/// Kills builds as `args` say: `[--kills N] [--seed N]`.
pub(crate) fn run(args: &[String]) -> ExitCode {
    let Some((kills, seed)) = read(args) else {
        eprintln!("usage: cargo xtask torture [--kills N] [--seed N]");
        return ExitCode::from(2);
    };
    match torture(kills, seed) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("xtask torture: {failure}");
            ExitCode::from(4)
        }
    }
}

/// How many kills, and what their moments follow from.
fn read(args: &[String]) -> Option<(u64, u64)> {
    let (mut kills, mut seed) = (200, 1);
    for pair in args.chunks(2) {
        let [flag, number] = pair else { return None };
        let number = number.parse().ok()?;
        match flag.as_str() {
            "--kills" => kills = number,
            "--seed" => seed = number,
            _ => return None,
        }
    }
    Some((kills, seed))
}

fn torture(kills: u64, seed: u64) -> Result<bool, Failure> {
    let world = World::start(&[24])?;
    let status = cargo()
        .args([
            "test",
            "--release",
            "--locked",
            "--package",
            "runner",
            "--test",
            "bp",
        ])
        .args(["--", "--ignored", "--nocapture", "killed::"])
        .envs(world.settings().iter().map(|(name, value)| (name, value)))
        .env("BP_TORTURE_KILLS", kills.to_string())
        .env("BP_TORTURE_SEED", seed.to_string())
        .status()
        .map_err(|cause| Failure::new("cannot start cargo", cause))?;
    Ok(status.success())
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn numbers_stand_behind_their_flags() {
        let read = |line: &str| {
            let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            read(&args)
        };
        assert_eq!(read(""), Some((200, 1)));
        assert_eq!(read("--seed 7 --kills 3"), Some((3, 7)));
        assert_eq!(read("--kills"), None);
        assert_eq!(read("--kill 3"), None);
    }
}
