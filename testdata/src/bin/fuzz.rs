//! Searches for inputs that readers do wrong with: `fuzz SECONDS NUMBER [TARGET…]`. `cargo xtask fuzz` starts it.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "its output is its report to the person who asked for it"
)]

use std::process::ExitCode;
use std::time::Duration;

use buildpack_core::digest::Digest;
use fs_err as fs;
use testdata::fuzz::{Crash, Hunt, TARGETS, Target, corpus, folder, target};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize| args.get(index).and_then(|arg| arg.parse::<u64>().ok());
    let (Some(seconds), Some(first)) = (number(0), number(1)) else {
        eprintln!("usage: fuzz SECONDS NUMBER [TARGET…]");
        return ExitCode::from(2);
    };
    let names = &args[2..];
    let mut targets = Vec::new();
    for name in names {
        let Some(target) = target(name) else {
            let known: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
            eprintln!(" !     no target `{name}`; there are {}", known.join(", "));
            return ExitCode::from(2);
        };
        targets.push(target);
    }
    if targets.is_empty() {
        targets = TARGETS.to_vec();
    }
    let mut failed = false;
    for target in targets {
        match search(target, Duration::from_secs(seconds), first) {
            Ok(good) => failed |= !good,
            Err(error) => {
                eprintln!(" !     {}: {error}", target.0);
                failed = true;
            }
        }
    }
    ExitCode::from(u8::from(failed))
}

/// Whether nothing was found.
fn search((name, run): Target, time: Duration, number: u64) -> std::io::Result<bool> {
    let seeds = corpus(name)?.into_iter().map(|(_, bytes)| bytes).collect();
    let hunted = Hunt { run, time, number }.search(seeds);
    let (slowest, size) = hunted.slowest;
    println!(
        "       {name}: {} inputs, the slowest {:.1} ms for {size} bytes",
        hunted.runs,
        slowest.as_secs_f64() * 1000.0
    );
    let Some(Crash { message, input }) = hunted.crash else {
        return Ok(true);
    };
    let crashes = folder().join("crashes");
    fs::create_dir_all(&crashes)?;
    let path = crashes.join(format!("{name}-{}", Digest::of(&input).short()));
    fs::write(&path, input)?;
    eprintln!(" !     {name}: {message}");
    eprintln!(" !     the input is in {}", path.display());
    Ok(false)
}
