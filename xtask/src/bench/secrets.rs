//! How fast files are searched for secrets on one core, as they go into a layer.

use std::path::Path;
use std::time::Duration;

use super::measure::{median, output};
use super::shared::Bench;
use super::table::{Figure, Limit, Row};
use crate::world::Failure;

const TIMES: usize = 5;

/// How long a GB may take.
const MOST: Duration = Duration::from_secs(1);

/// The files of Erlang, Elixir and an app, searched for one secret, for twenty and for a hundred.
pub(super) fn search(bench: &Bench<'_>) -> Result<Vec<Row>, Failure> {
    let app = bench.copy_of("tiny", "searched")?;
    output(&mut bench.build("searched-cache", &app))?;
    let store = bench.path("searched-cache");
    let row = |secrets: usize| -> Result<Row, Failure> {
        let times: Result<Vec<Duration>, Failure> =
            (0..TIMES).map(|_| a_gigabyte(&store, secrets)).collect();
        Ok(Row {
            what: format!("1 GB of files searched for {secrets} secrets, on one core"),
            ours: Figure::Time(median(times?)),
            peer: None,
            limits: vec![Limit::Most(Figure::Time(MOST))],
        })
    };
    [1, 20, 100].into_iter().map(row).collect()
}

/// How long a GB of such files takes.
fn a_gigabyte(folder: &Path, secrets: usize) -> Result<Duration, Failure> {
    let mut cargo = crate::bp::cargo();
    cargo
        .args(["run", "--quiet", "--release", "--locked"])
        .args(["--package", "buildpack-core", "--example", "search", "--"])
        .arg(folder)
        .arg(secrets.to_string());
    let said = output(&mut cargo)?;
    let figures: Vec<u64> = said
        .split_whitespace()
        .filter_map(|figure| figure.parse().ok())
        .collect();
    match figures[..] {
        [bytes, nanos, 0] if bytes > 0 => {
            let whole = u128::from(nanos) * 1_000_000_000 / u128::from(bytes);
            Ok(Duration::from_nanos(
                u64::try_from(whole).unwrap_or(u64::MAX),
            ))
        }
        [_, _, found] if found > 0 => Err(Failure::say("a secret that nobody wrote was found")),
        _ => Err(Failure::say("the search says nothing")),
    }
}
