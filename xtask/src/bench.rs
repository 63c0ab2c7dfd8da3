//! How fast and how small `bp` is, each figure beside its peer's in one run.

use std::process::ExitCode;

use crate::world::{Failure, World};
pub(crate) use measure::machine;
use shared::Bench;
use table::Row;

mod assets;
mod buildah;
mod cases;
mod check;
mod events;
mod export;
mod herokuish;
mod measure;
mod memory;
mod packages;
mod plot;
mod pull;
mod push;
mod remote;
mod report;
mod scale;
mod secrets;
mod shared;
mod steps;
mod table;

/// A figure's name, what it is, and how to get it.
type Case = (
    &'static str,
    &'static str,
    fn(&Bench<'_>) -> Result<Vec<Row>, Failure>,
);

const CASES: &[Case] = &[
    ("versions", "an app's versions checked", check::versions),
    (
        "unchanged",
        "nothing changed since the last build",
        cases::unchanged,
    ),
    ("line", "one source line changed", cases::line),
    ("cold", "empty store", cases::cold),
    ("second", "a second app on the same stack", cases::second),
    (
        "remote",
        "an empty machine with a remote cache",
        remote::empty,
    ),
    (
        "assets",
        "a change beside or in the assets",
        assets::changed,
    ),
    (
        "assets-install",
        "packages from what is kept, in a new folder",
        packages::kept,
    ),
    ("assets-cold", "no Node and no packages yet", packages::cold),
    (
        "herokuish",
        "a process started, packs asked, a slug made",
        herokuish::face,
    ),
    (
        "push",
        "an image to a registry, and onto another stack there",
        push::pushes,
    ),
    ("scale-files", "apps of many files", scale::files),
    (
        "scale-at-once",
        "builds of several apps at once",
        scale::at_once,
    ),
    (
        "pull",
        "the stack's images pulled and unpacked",
        pull::unpacked,
    ),
    ("export", "500 MB in 30,000 files as a layer", export::layer),
    ("events", "a build that prints 100 MB", events::printed),
    ("memory", "an image with a layer of 1 GiB", memory::peak),
    ("secrets", "files searched for secrets", secrets::search),
];

/// `cargo xtask bench [--only NAME] [--write]`: exits with 0 only if every limit holds. `assets` is all cases that begin so.
/// What is written, of all cases, is a page of the documentation.
pub(crate) fn run(args: &[String]) -> ExitCode {
    let writes = args.iter().any(|arg| arg == "--write");
    let args: Vec<&str> = args
        .iter()
        .map(String::as_str)
        .filter(|arg| *arg != "--write")
        .collect();
    let chosen: Vec<&Case> = match args[..] {
        [] => CASES.iter().collect(),
        [flag, name]
            if flag == "--only" && !writes && CASES.iter().any(|(case, ..)| *case == name) =>
        {
            let belongs = |case: &str| {
                let rest = case.strip_prefix(name);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
            };
            CASES.iter().filter(|(case, ..)| belongs(case)).collect()
        }
        _ => {
            eprintln!("usage: cargo xtask bench [--only NAME | --write]");
            for (name, about, _) in CASES {
                eprintln!("  {name:<14} {about}");
            }
            return ExitCode::from(2);
        }
    };
    match bench(&chosen, writes) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("xtask bench: {failure}");
            ExitCode::from(4)
        }
    }
}

fn bench(chosen: &[&Case], writes: bool) -> Result<bool, Failure> {
    let bp = crate::bp::release()?;
    let world = World::start(&[24])?;
    // Steps of the herokuish face run as another user than root.
    let temp = tempfile::Builder::new()
        .prefix("bp-bench-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .tempdir()?;
    let bench = Bench::new(&bp, &world, temp.path());
    let machine = format!("{}; medians of {}", machine(), measure::TIMES);
    println!("{machine}");
    let mut rows = Vec::new();
    let mut whole = true;
    for (name, about, measure) in chosen {
        eprintln!("bench: {name} – {about}");
        // One that fails takes nothing away from the others.
        match measure(&bench) {
            Ok(more) => rows.extend(more),
            Err(failure) => {
                eprintln!("xtask bench: {name}: {failure}");
                whole = false;
            }
        }
    }
    print!("{}", table::draw(&rows));
    if writes {
        report::write(&rows, &machine)?;
    }
    Ok(whole && rows.iter().all(Row::holds))
}
