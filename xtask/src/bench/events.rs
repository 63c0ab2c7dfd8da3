//! What it costs that a program's lines are looked through for secrets and causes, and told.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use fs_err as fs;
use serde_json::Value;

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

/// The step of the plan that prints.
const STEP: &str = "hook_post_compile";

/// What a build that prints 100 MB pays for it, beside the same with what it prints thrown away at once. A whole build takes
/// seconds more or less from one time to the next: the step that prints is what is compared, and the build is what it is a
/// part of.
pub(super) fn printed(bench: &Bench<'_>) -> Result<Vec<Row>, Failure> {
    let loud = app(bench, "loud", "")?;
    let quiet = app(bench, "quiet", ">/dev/null")?;
    // The first builds of each fetch and compile what later ones share.
    for folder in [&loud, &quiet] {
        build(bench, folder, &[])?;
    }
    let (mut text, mut json, mut none) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TIMES {
        text.push(build(bench, &loud, &[])?);
        none.push(build(bench, &quiet, &[])?);
        json.push(build(bench, &loud, &["--format", "json"])?);
    }
    let step = |all: &[Took]| median(all.iter().map(|took| took.step).collect());
    let thrown_away = step(&none);
    let whole = median(none.iter().map(|took| took.whole).collect());
    let row = |what: &str, all: &[Took]| Row {
        what: format!("what 100 MB of output add to a build, {what}"),
        ours: Figure::Time(step(all).saturating_sub(thrown_away)),
        peer: Some((
            "the whole build, its output thrown away".to_owned(),
            Figure::Time(whole),
        )),
        limits: vec![Limit::Part(0.03)],
    };
    Ok(vec![row("as text", &text), row("as events", &json)])
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

/// How long a build took, and its step that prints.
struct Took {
    whole: Duration,
    step: Duration,
}

/// A build from scratch, with twenty secrets to look for.
fn build(bench: &Bench<'_>, app: &Path, more: &[&str]) -> Result<Took, Failure> {
    let record = bench.path("printed.json");
    let mut command = bench.build("printed", app);
    command.arg("--clear-cache").args(more);
    command.arg("--record").arg(&record);
    for number in 0..20 {
        command.arg(format!(
            "--env=API_TOKEN_{number}=hunter2-{number}-of-the-bench"
        ));
    }
    let said = fs::File::create(bench.path("said"))?;
    let status = command
        .stdin(Stdio::null())
        .stdout(said.into_parts().0)
        .stderr(Stdio::null())
        .status()
        .map_err(|cause| Failure::new("cannot start bp", cause))?;
    if !status.success() {
        return Err(Failure::say(format!(
            "a build that prints failed ({status})"
        )));
    }
    let record: Value = serde_json::from_slice(&fs::read(&record)?)
        .map_err(|cause| Failure::new("cannot read a build's record", cause))?;
    took(&record).ok_or_else(|| Failure::say(format!("its record names no time of {STEP}")))
}

/// The times that a build's record tells.
fn took(record: &Value) -> Option<Took> {
    let steps = record["steps"].as_array()?;
    let step = steps.iter().find(|step| step["step"] == STEP)?;
    Some(Took {
        whole: Duration::from_millis(record["millis"].as_u64()?),
        step: Duration::from_millis(step["millis"].as_u64()?),
    })
}
