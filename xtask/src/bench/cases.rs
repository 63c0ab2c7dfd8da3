//! The figures of time.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fs_err as fs;
use serde_json::Value;

use super::buildah::Buildah;
use super::measure::{TIMES, has_said, median, output, time};
use super::shared::{Bench, change_line};
use super::table::{Figure, Limit, Row};
use crate::world::Failure;

/// The most that an unchanged build may take.
const AT_ONCE: Duration = Duration::from_millis(150);

/// Nothing changed since the last build.
pub(super) fn unchanged(bench: &Bench<'_>) -> Result<Vec<Row>, Failure> {
    let app = bench.app("unchanged")?;
    output(&mut bench.build("cache", &app))?;
    let buildah = Buildah::warm(bench, &app)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        ours.push(time(&mut bench.build("cache", &app), "Nothing changed")?);
        theirs.push(time(&mut buildah.build(&app), "Using cache")?);
    }
    Ok(vec![Row {
        what: "nothing changed".to_owned(),
        ours: Figure::Time(median(ours)),
        peer: Some((
            "buildah bud --layers".to_owned(),
            Figure::Time(median(theirs)),
        )),
        limits: vec![Limit::Most(Figure::Time(AT_ONCE)), Limit::Part(0.2)],
    }])
}

/// One source line changed: beside Mix alone, in a tree of the same kind, and beside the Dockerfile.
pub(super) fn line(bench: &Bench<'_>) -> Result<Vec<Row>, Failure> {
    const ONE_FILE: &str = "Compiling 1 file";
    let app = bench.app("line")?;
    let alone = bench.app("line-alone")?;
    output(&mut bench.build("cache", &app))?;
    output(&mut bench.build("cache", &alone))?;
    let buildah = Buildah::warm(bench, &app)?;
    let (mut ours, mut mix, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..TIMES {
        change_line(&app, number)?;
        change_line(&alone, number)?;
        ours.push(time(&mut bench.build("cache", &app), ONE_FILE)?);
        let page = fs::File::open(alone.join("lib/hello/page.ex"))?;
        mix.push(in_sandbox(
            bench,
            &alone,
            "cat >/app/lib/hello/page.ex",
            ("mix compile", ONE_FILE),
            page.into_parts().0,
        )?);
        theirs.push(time(&mut buildah.build(&app), "Generated hello app")?);
    }
    let ours = Figure::Time(median(ours));
    Ok(vec![
        Row {
            what: "one source line changed".to_owned(),
            ours,
            peer: Some((
                "mix compile alone, in the same sandbox".to_owned(),
                Figure::Time(median(mix)),
            )),
            limits: vec![Limit::Beyond(Duration::from_millis(500))],
        },
        Row {
            what: "one source line changed".to_owned(),
            ours,
            peer: Some((
                "buildah bud --layers".to_owned(),
                Figure::Time(median(theirs)),
            )),
            limits: vec![Limit::Part(0.5)],
        },
    ])
}

/// Everything from nothing, beside Mix and the compilers alone with all tools in place.
pub(super) fn cold(bench: &Bench<'_>) -> Result<Vec<Row>, Failure> {
    const STEPS: &str = "mix do deps.get --only prod + deps.clean --unused && mix compile";
    const ALL: &str = "Generated makeup_elixir app";
    let app = bench.app("cold")?;
    let alone = bench.app("cold-alone")?;
    output(&mut bench.build("cache", &alone))?;
    let archive = bench.path("cold.tar");
    let mut pack = Command::new("tar");
    pack.arg("-cf").arg(&archive).arg("-C").arg(&alone).arg(".");
    output(&mut pack)?;
    let buildah = Buildah::warm(bench, &app)?;
    let (mut ours, mut mix, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..TIMES {
        theirs.push(time(
            &mut buildah.empty(number).build(&app),
            "Generated hello app",
        )?);
        ours.push(time(&mut bench.build("empty", &app), ALL)?);
        fs::remove_dir_all(bench.path("empty"))?;
        let files = fs::File::open(&archive)?.into_parts().0;
        let fresh = "rm -rf _build deps .hex/packages .hex/cache.ets && tar -x";
        mix.push(in_sandbox(bench, &alone, fresh, (STEPS, ALL), files)?);
    }
    let ours = Figure::Time(median(ours));
    Ok(vec![
        Row {
            what: "empty store".to_owned(),
            ours,
            peer: Some((
                "mix and compilers alone, tools in place".to_owned(),
                Figure::Time(median(mix)),
            )),
            limits: vec![Limit::Beyond(Duration::from_millis(1500))],
        },
        Row {
            what: "empty store".to_owned(),
            ours,
            peer: Some((
                "buildah bud, empty storage".to_owned(),
                Figure::Time(median(theirs)),
            )),
            limits: vec![Limit::Part(0.85)],
        },
    ])
}

/// How long a command that says this takes in the sandbox of an app's build, after `first`, which may read `input`.
pub(super) fn in_sandbox(
    bench: &Bench<'_>,
    app: &Path,
    first: &str,
    (measured, says): (&str, &str),
    input: std::fs::File,
) -> Result<Duration, Failure> {
    let script = format!(
        "cd /app && {first} || exit 1; begin=$EPOCHREALTIME; ({measured}) >&2 </dev/null || exit 1; \
         echo \"took $begin $EPOCHREALTIME\""
    );
    let done = bench
        .bp("cache")
        .args(["shell", "--stack", "heroku-24", "--build"])
        .arg(app)
        .args(["--", "bash", "-c", &script])
        .stdin(Stdio::from(input))
        .output()
        .map_err(|cause| Failure::new("cannot start `bp shell`", cause))?;
    let said = String::from_utf8_lossy(&done.stdout);
    let times = said.lines().find_map(|line| line.strip_prefix("took "));
    let micros: Vec<u64> = times
        .unwrap_or_default()
        .split(' ')
        .filter_map(|time| time.replace(['.', ','], "").parse().ok())
        .collect();
    match micros[..] {
        [begin, end] if done.status.success() => {
            has_said(says, &String::from_utf8_lossy(&done.stderr))?;
            Ok(Duration::from_micros(end - begin))
        }
        _ => Err(Failure::say(format!(
            "`{measured}` failed in the sandbox ({}):\n{said}{}",
            done.status,
            String::from_utf8_lossy(&done.stderr)
        ))),
    }
}

/// What a second app of the same versions and packages spends: layers made of Erlang, Elixir, Hex and rebar, packages
/// compiled, and time.
pub(super) fn second(bench: &Bench<'_>) -> Result<Vec<Row>, Failure> {
    let (mut made, mut times, mut first_times) = (0, Vec::new(), Vec::new());
    let (mut whole, mut first_whole) = (Vec::new(), Vec::new());
    let (mut first_made, mut compiled, mut first_compiled) = (0, 0, 0);
    for number in 0..TIMES {
        let begin = Instant::now();
        let first = events(bench, &format!("first-{number}"))?;
        first_whole.push(begin.elapsed());
        let begin = Instant::now();
        let second = events(bench, &format!("second-{number}"))?;
        whole.push(begin.elapsed());
        first_compiled = packages(&first);
        compiled = compiled.max(packages(&second));
        first_times.push(tools(&first)?);
        times.push(tools(&second)?);
        first_made = tool_layers(&first);
        made = made.max(tool_layers(&second));
        fs::remove_dir_all(bench.path("shared"))?;
    }
    let none = Limit::Most(Figure::Count(0));
    Ok(vec![
        Row {
            what: "second app: tool layers made".to_owned(),
            ours: Figure::Count(made),
            peer: Some(("the first app".to_owned(), Figure::Count(first_made))),
            limits: vec![none],
        },
        Row {
            what: "second app: packages compiled".to_owned(),
            ours: Figure::Count(compiled),
            peer: Some(("the first app".to_owned(), Figure::Count(first_compiled))),
            limits: vec![Limit::Most(Figure::Count(0))],
        },
        Row {
            what: "second app: the whole build".to_owned(),
            ours: Figure::Time(median(whole)),
            peer: Some((
                "the first app, from an empty store".to_owned(),
                Figure::Time(median(first_whole)),
            )),
            limits: vec![Limit::Part(0.35)],
        },
        Row {
            what: "second app: waiting for tools".to_owned(),
            ours: Figure::Time(median(times)),
            peer: Some((
                "the first app".to_owned(),
                Figure::Time(median(first_times)),
            )),
            limits: vec![Limit::Part(0.1)],
        },
    ])
}

/// The events of a build of a new app in a store of its own that such apps share.
fn events(bench: &Bench<'_>, app: &str) -> Result<Vec<Value>, Failure> {
    let app = bench.app(app)?;
    let said = output(bench.build("shared", &app).args(["--format", "json"]))?;
    Ok(said
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect())
}

/// How long the build waited for its tools.
fn tools(events: &[Value]) -> Result<Duration, Failure> {
    events
        .iter()
        .find(|it| it["event"] == "stage-finished" && it["stage"] == "tools")
        .and_then(|it| it["millis"].as_u64())
        .map(Duration::from_millis)
        .ok_or_else(|| Failure::say("the events of a build don't tell of its tools"))
}

/// How many packages a build compiled.
fn packages(events: &[Value]) -> u64 {
    let compiled = events.iter().filter(|it| {
        let what = it["what"].as_str().unwrap_or_default();
        it["event"] == "cache" && it["hit"] == false && what.starts_with("compiled ")
    });
    compiled.count() as u64
}

fn tool_layers(events: &[Value]) -> u64 {
    let made = events.iter().filter(|it| {
        let purpose = it["purpose"].as_str().unwrap_or_default();
        it["event"] == "layer"
            && it["reused"] == false
            && ["Erlang", "Elixir", "Hex and rebar"].contains(&purpose)
    });
    made.count() as u64
}
