//! A layer of 500 MB in 30,000 files, beside tar with pigz and gzip, and beside what hashing and compressing alone cost.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use flate2::{Compress, Compression, FlushCompress};
use fs_err as fs;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use walkdir::WalkDir;

use super::measure::{self, median, output};
use super::shared::{Bench, a_second_later};
use super::table::{Figure, Limit, Row};
use crate::debian;
use crate::world::Failure;

const FILES: usize = 30_000;
const BYTES: u64 = 500_000_000;
const TIMES: usize = 3;
const MOST: u64 = 96 << 20;
/// Bytes that are compressed at once for the limit, as large as bp's own blocks.
const BLOCK: usize = 1 << 20;

/// The layer of an app with that many files, after one of them changed.
pub(super) fn layer(bench: &Bench<'_>) -> Result<Vec<Row>, Failure> {
    debian::need(&[("pigz", "pigz")])?;
    let app = bench.copy_of("tiny", "export")?;
    output(&mut bench.build("export-cache", &app))?;
    let tree = app.join("priv/tree");
    fill(&bench.path("export-cache"), &tree)?;
    output(&mut bench.build("export-cache", &app))?;

    let tar = bench.path("export.tar");
    let shell = |line: &str| {
        let mut command = Command::new("bash");
        let script = format!("set -e -o pipefail; {line}");
        command.args(["-c", &script, "bash"]).arg(&tree).arg(&tar);
        command
    };
    output(&mut shell("tar -C \"$1\" -cf \"$2\" ."))?;
    let bytes = fs::read(&tar)?;
    let cores = cores();
    let (mut ours, mut limit, mut pigz, mut gzip) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..TIMES {
        ours.push(written(bench, &app, round)?);
        limit.push(hashed_and_compressed(&bytes)?);
        let packed = |with: &str| format!("tar -C \"$1\" -cf - . | {with} >\"$2.gz\"");
        let line = packed(&format!("pigz -6 -p {cores}"));
        pigz.push(measure::time(&mut shell(&line), "")?);
        gzip.push(measure::time(&mut shell(&packed("gzip -6")), "")?);
    }
    fs::remove_file(&tar)?;
    change(&app, TIMES)?;
    let held = measure::peak(&mut bench.build("export-cache", &app))?;
    let row = |name: &str, peer: Vec<Duration>, part: f64| Row {
        what: "layer of 500 MB in 30,000 files".to_owned(),
        ours: Figure::Time(median(ours.clone())),
        peer: Some((name.to_owned(), Figure::Time(median(peer)))),
        limits: vec![Limit::Part(part)],
    };
    Ok(vec![
        row(
            "the limit: sha256 and deflate of it on all cores",
            limit,
            1.2,
        ),
        row("tar | pigz -6", pigz, 1.0),
        row("tar | gzip -6", gzip, 1.0),
        Row {
            what: "memory, that layer".to_owned(),
            ours: Figure::Bytes(held),
            peer: None,
            limits: vec![Limit::Most(Figure::Bytes(MOST))],
        },
    ])
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Fills `tree` with files of the tools and the stack's image in `store`: compiled Erlang, programs, sources, texts. What
/// comes again stands too far away for a compressor to notice.
fn fill(store: &Path, tree: &Path) -> Result<(), Failure> {
    let (mut small, mut large) = (Vec::new(), Vec::new());
    for bucket in ["tools-v1", "rootfs-v1"] {
        for entry in WalkDir::new(store.join(bucket)).sort_by_file_name() {
            let entry = entry.map_err(|cause| Failure::new("cannot read the store", cause))?;
            let length = entry.metadata().map_or(0, |found| found.len());
            let beside = entry.path().components().any(|part| {
                let part = part.as_os_str().to_string_lossy();
                part.starts_with('.')
            });
            if !entry.file_type().is_file() || beside {
                continue;
            }
            match length {
                100..16_000 => small.push((entry.into_path(), length)),
                16_000..300_000 => large.push((entry.into_path(), length)),
                _ => {}
            }
        }
    }
    let mut from = [small.iter().cycle(), large.iter().cycle()];
    let mut bytes = 0;
    for number in 0..FILES {
        let due = BYTES * number as u64 / FILES as u64;
        let next = from[usize::from(bytes < due)].next();
        let (path, length) = next.ok_or_else(|| Failure::say("the store holds no files"))?;
        bytes += length;
        let folder = tree.join(format!("{:03}", number / 100));
        if number % 100 == 0 {
            fs::create_dir_all(&folder)?;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        fs::copy(path, folder.join(format!("{:02}-{name}", number % 100)))?;
    }
    Ok(())
}

/// Changes a file, so that the layer is written anew.
fn change(app: &Path, number: usize) -> Result<(), Failure> {
    a_second_later();
    let changed: PathBuf = app.join("priv/tree/changed");
    Ok(fs::write(changed, number.to_string())?)
}

/// How long a build is at its layers.
fn written(bench: &Bench<'_>, app: &Path, number: usize) -> Result<Duration, Failure> {
    change(app, number)?;
    let said = output(bench.build("export-cache", app).args(["--format", "json"]))?;
    let events = said
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut ended = events.filter(|it| it["event"] == "stage-finished" && it["stage"] == "layers");
    ended
        .find_map(|it| it["millis"].as_u64())
        .map(Duration::from_millis)
        .ok_or_else(|| Failure::say("the events of a build don't tell of its layers"))
}

/// How long it takes to compress these bytes and to hash them before and after, on all cores, and nothing else.
fn hashed_and_compressed(bytes: &[u8]) -> Result<Duration, Failure> {
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(None);
    let begin = Instant::now();
    thread::scope(|scope| {
        for _ in 0..cores() {
            scope.spawn(|| {
                let blocks = || {
                    bytes
                        .chunks(BLOCK)
                        .nth(next.fetch_add(1, Ordering::Relaxed))
                };
                while let Some(block) = blocks() {
                    if let Err(error) = one(block)
                        && let Ok(mut failed) = failed.lock()
                    {
                        *failed = Some(error);
                    }
                }
            });
        }
    });
    let took = begin.elapsed();
    match failed.into_inner() {
        Ok(Some(error)) => Err(Failure::new("cannot compress", error)),
        _ => Ok(took),
    }
}

fn one(block: &[u8]) -> std::io::Result<()> {
    let mut state = Compress::new(Compression::new(6), false);
    let mut out = Vec::with_capacity(block.len() + 4096);
    state
        .compress_vec(block, &mut out, FlushCompress::Sync)
        .map_err(std::io::Error::other)?;
    let digests = [Sha256::digest(block), Sha256::digest(&out)];
    // The work must not be left out.
    std::io::sink().write_all(&digests.concat())
}
