//! The project's own chores: `cargo xtask CHORE …`.
//!
//! A chore is one module with `run(&[String]) -> ExitCode` and one line in `chores`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a chore's output is its report to the person who asked for it"
)]

use std::process::ExitCode;

mod bench;
mod bp;
mod debian;
mod demo;
mod fleet;
mod fuzz;
mod herokuish_image;
mod licences;
mod manifests;
mod page;
mod screenshot;
mod snapshot;
mod test;
mod torture;
mod world;

/// A chore's name, what it is for, and its entry: it gets what was typed after its name.
type Chore = (&'static str, &'static str, fn(&[String]) -> ExitCode);

const CHORES: &[Chore] = &[
    (
        "world",
        "[--stacks 22,24,26] -- COMMAND…   run COMMAND in the test world",
        world::run,
    ),
    (
        "demo",
        "[--live]   build bp, an app with it, start the image, read its page",
        demo::run,
    ),
    (
        "screenshot",
        "build a Phoenix app, let a browser paint its page, check its styles",
        screenshot::run,
    ),
    (
        "test",
        "[-- FILTER…]   run all tests in the test world",
        test::run,
    ),
    (
        "bench",
        "[--only NAME]   measure bp beside its peers",
        bench::run,
    ),
    (
        "fuzz",
        "[TARGET…] [--seconds N]   search for inputs that readers do wrong with",
        fuzz::run,
    ),
    (
        "torture",
        "[--kills N] [--seed N]   kill builds at random moments of every stage",
        torture::run,
    ),
    (
        "fleet",
        "[--builders N] [--builds N] [--seed N]   builders on machines of their own, killed at random",
        fleet::run,
    ),
    (
        "herokuish-image",
        "[--stack NAME] [--output FOLDER]   make the image that a platform takes in herokuish's place",
        herokuish_image::run,
    ),
    (
        "manifests",
        "check the manifests of integrations/ by the schemas of those who read them",
        manifests::run,
    ),
    (
        "licences",
        "check the licences of what is linked in",
        licences::run,
    ),
    (
        "snapshot",
        "FOLDER   make the built-in list of published builds from tables",
        snapshot::run,
    ),
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let chosen = args
        .first()
        .and_then(|name| CHORES.iter().find(|(chore, ..)| chore == name));
    if let Some((_, _, entry)) = chosen {
        return entry(&args[1..]);
    }
    eprintln!("usage: cargo xtask CHORE …\n");
    for (name, about, _) in CHORES {
        eprintln!("  {name:<16} {about}");
    }
    ExitCode::from(2)
}
