//! A machine where nothing was built yet, with what another one left in a registry.

use fs_err as fs;

use super::measure::{TIMES, median, output, time};
use super::shared::{Bench, change_line};
use super::table::{Figure, Limit, Row};
use crate::world::Failure;

/// The most that a build of the same commit may take of a cold one.
const PART: f64 = 0.2;

/// The same commit, and then a changed line, each beside a build that has no cache.
pub(super) fn empty(bench: &Bench<'_>) -> Result<Vec<Row>, Failure> {
    const ALL: &str = "Generated makeup_elixir app";
    let app = bench.app("remote")?;
    let mirror = bench.setting("BP_REGISTRY_MIRROR");
    let (_, registry) = mirror
        .split_once("http://")
        .ok_or_else(|| Failure::say("the world has no registry"))?;
    let cache = format!("{registry}/bench/remote:cache");
    output(
        bench
            .build("remote-first", &app)
            .args(["--cache-to", &cache]),
    )?;
    let timed = |cache: Option<&str>, says: &str| {
        let mut build = bench.build("remote-empty", &app);
        if let Some(cache) = cache {
            build.args(["--cache-from", cache]);
        }
        let took = time(&mut build, says);
        fs::remove_dir_all(bench.path("remote-empty"))?;
        took
    };
    let (mut cold, mut same, mut line) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TIMES {
        cold.push(timed(None, ALL)?);
        same.push(timed(Some(&cache), "Nothing changed")?);
    }
    for number in 0..TIMES {
        change_line(&app, number)?;
        line.push(timed(Some(&cache), "Generated hello app")?);
    }
    let peer = || {
        Some((
            "without a cache".to_owned(),
            Figure::Time(median(cold.clone())),
        ))
    };
    Ok(vec![
        Row {
            what: "empty machine, remote cache, same commit".to_owned(),
            ours: Figure::Time(median(same)),
            peer: peer(),
            limits: vec![Limit::Part(PART)],
        },
        Row {
            what: "empty machine, remote cache, one line changed".to_owned(),
            ours: Figure::Time(median(line)),
            peer: peer(),
            limits: Vec::new(),
        },
    ])
}
