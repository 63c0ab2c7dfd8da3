//! How cost grows: with the files of an app, and with builds at once.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fs_err as fs;

use super::measure::{median, output, peak, time};
use super::shared::{Bench, a_second_later};
use super::table::{Figure, Limit, Row};
use crate::world::Failure;

/// Files of an app, besides its few of Elixir.
const FILES: [usize; 3] = [1_000, 10_000, 100_000];

/// Builds at once.
const AT_ONCE: [usize; 4] = [1, 2, 4, 8];

/// How often each is taken: these are for the picture.
const TIMES: usize = 3;

/// The most memory that `bp` may hold.
const MOST: u64 = 96 << 20;

/// Apps of many files: all built, nothing changed, one file changed.
pub(super) fn files(bench: &Bench<'_>) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for count in FILES {
        let app = many(bench, count)?;
        let begin = Instant::now();
        let most = peak(&mut bench.build("cache", &app))?;
        let whole = begin.elapsed();
        let (mut same, mut changed) = (Vec::new(), Vec::new());
        for number in 0..TIMES {
            same.push(time(&mut bench.build("cache", &app), "Nothing changed")?);
            a_second_later();
            fs::write(app.join("data/0/0.txt"), format!("change {number}\n"))?;
            changed.push(time(&mut bench.build("cache", &app), "Built")?);
        }
        let row = |what: &str, time: Duration| Row {
            what: format!("{count} files, {what}"),
            ours: Figure::Time(time),
            peer: None,
            limits: Vec::new(),
        };
        rows.push(row("first", whole));
        rows.push(row("nothing changed", median(same)));
        rows.push(row("one of them changed", median(changed)));
        rows.push(Row {
            what: format!("{count} files, memory of the first"),
            ours: Figure::Bytes(most),
            peer: None,
            limits: vec![Limit::Most(Figure::Bytes(MOST))],
        });
        fs::remove_dir_all(&app)?;
    }
    Ok(rows)
}

/// An app with so many files of data.
fn many(bench: &Bench<'_>, count: usize) -> Result<PathBuf, Failure> {
    let app = bench.copy_of("tiny", &format!("files-{count}"))?;
    for number in 0..count {
        let folder = app.join(format!("data/{}", number / 100));
        if number % 100 == 0 {
            fs::create_dir_all(&folder)?;
        }
        let text = format!("file {number}\n").repeat(20 + number % 100);
        fs::write(folder.join(format!("{}.txt", number % 100)), text)?;
    }
    Ok(app)
}

/// Builds of several apps at once on one store, from tools that are there: the time until the last is done.
pub(super) fn at_once(bench: &Bench<'_>) -> Result<Vec<Row>, Failure> {
    let first = bench.app("at-once-first")?;
    output(&mut bench.build("cache", &first))?;
    let mut rows = Vec::new();
    let mut alone = None;
    for count in AT_ONCE {
        let apps: Vec<_> = (0..count)
            .map(|number| bench.app(&format!("at-once-{count}-{number}")))
            .collect::<Result<_, _>>()?;
        let begin = Instant::now();
        together(bench, &apps)?;
        let took = begin.elapsed();
        let peer = alone.map(|one: Duration| {
            let one_by_one = one * u32::try_from(count).unwrap_or(u32::MAX);
            ("one after the other".to_owned(), Figure::Time(one_by_one))
        });
        alone.get_or_insert(took);
        rows.push(Row {
            what: format!("{count} builds at once"),
            ours: Figure::Time(took),
            limits: peer.iter().map(|_| Limit::Part(1.0)).collect(),
            peer,
        });
    }
    Ok(rows)
}

fn together(bench: &Bench<'_>, apps: &[PathBuf]) -> Result<(), Failure> {
    let build = |app: &Path| output(&mut bench.build("cache", app)).map(|_| ());
    std::thread::scope(|scope| {
        let builds: Vec<_> = apps.iter().map(|app| scope.spawn(|| build(app))).collect();
        builds.into_iter().try_for_each(|build| {
            let ended = build.join();
            ended.unwrap_or_else(|_| Err(Failure::say("a build could not be waited for")))
        })
    })
}
