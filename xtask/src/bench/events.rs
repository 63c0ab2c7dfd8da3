//! What it costs that a program's lines are looked through for secrets and causes, and told.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use fs_err as fs;

use super::measure::{TIMES, median};
use super::shared::Bench;
use super::table::{Figure, Limit, Row};
use crate::world::Failure;

/// How often the hook prints its file of 1 MB.
const MEGABYTES: usize = 100;

/// Lines of an ordinary compile, with paths, quotes, addresses, colours and numbers.
const LINES: [&str; 8] = [
    "==> phoenix_live_view",
    "Compiling 42 files (.ex)",
    "    warning: variable \"socket\" is unused (if the variable is not meant to be used, prefix it with an underscore)",
    "    │",
    " 47 │   def mount(_params, _session, socket) do",
    "    └─ lib/hello_web/live/page_live.ex:47:34: HelloWeb.PageLive.mount/3",
    "  * Getting plug_crypto (Hex package) from https://repo.hex.pm/tarballs/plug_crypto-2.1.0.tar",
    "\u{1b}[32mGenerated hello app\u{1b}[0m in 1743 ms, 0x3f2a9c bytes, sha256 5d8a19c07f",
];

/// A whole build with a hook that prints 100 MB, beside the same with what it prints thrown away at once.
pub(super) fn printed(bench: &Bench<'_>) -> Result<Vec<Row>, Failure> {
    let loud = app(bench, "loud", "")?;
    let quiet = app(bench, "quiet", ">/dev/null")?;
    let (mut text, mut json, mut none) = (Vec::new(), Vec::new(), Vec::new());
    // The first builds of each fetch and compile what later ones share.
    for folder in [&loud, &quiet] {
        build(bench, folder, &[])?;
    }
    for _ in 0..TIMES {
        text.push(build(bench, &loud, &[])?);
        none.push(build(bench, &quiet, &[])?);
        json.push(build(bench, &loud, &["--format", "json"])?);
    }
    let peer = median(none);
    let row = |what: &str, times| Row {
        what: format!("a build that prints 100 MB, {what}"),
        ours: Figure::Time(median(times)),
        peer: Some((
            "the same, its output thrown away".to_owned(),
            Figure::Time(peer),
        )),
        limits: vec![Limit::Part(1.03)],
    };
    Ok(vec![row("as text", text), row("as events", json)])
}

/// An app whose hook prints.
fn app(bench: &Bench<'_>, name: &str, to: &str) -> Result<PathBuf, Failure> {
    let app = bench.app(name)?;
    let mut log = String::new();
    while log.len() < 1_000_000 {
        for line in LINES {
            // Writing to a string cannot fail.
            let _ = writeln!(log, "{line}");
        }
    }
    fs::write(app.join("printed.log"), log)?;
    fs::write(
        app.join("print.sh"),
        format!("for i in $(seq {MEGABYTES}); do cat printed.log; done {to}\n"),
    )?;
    let config = app.join("elixir_buildpack.config");
    let text = fs::read_to_string(&config)?;
    fs::write(
        &config,
        format!("{text}hook_post_compile=\"bash print.sh\"\n"),
    )?;
    Ok(app)
}

/// How long a build from scratch takes, with twenty secrets to look for.
fn build(bench: &Bench<'_>, app: &Path, more: &[&str]) -> Result<Duration, Failure> {
    let mut command = bench.build("printed", app);
    command.arg("--clear-cache").args(more);
    for number in 0..20 {
        command.arg(format!(
            "--env=API_TOKEN_{number}=hunter2-{number}-of-the-bench"
        ));
    }
    let said = fs::File::create(bench.path("said"))?;
    let begin = Instant::now();
    let status = command
        .stdin(Stdio::null())
        .stdout(said.into_parts().0)
        .stderr(Stdio::null())
        .status()
        .map_err(|cause| Failure::new("cannot start bp", cause))?;
    let took = begin.elapsed();
    let said = fs::metadata(bench.path("said"))?.len();
    if status.success() {
        eprintln!("  {} {more:?}: {took:.2?}, {said} bytes", app.display());
        return Ok(took);
    }
    Err(Failure::say(format!(
        "a build that prints failed ({status})"
    )))
}
