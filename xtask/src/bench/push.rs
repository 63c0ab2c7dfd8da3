//! Images to a registry: nothing changed, a line changed, another stack below.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use fs_err as fs;
use serde_json::Value;

use super::measure::{TIMES, median, output, time};
use super::shared::{Bench, change_line};
use super::table::{Figure, Limit, Row};
use crate::debian;
use crate::world::Failure;

/// What a push after a change of a line may send besides the app's layer.
const BESIDE: u64 = 10 << 10;

/// The most that a rebase may take, of a run image that was looked into before.
const REBASE: Duration = Duration::from_secs(1);

/// Pushes beside skopeo's of the same image, and rebases.
pub(super) fn pushes(bench: &Bench<'_>) -> Result<Vec<Row>, Failure> {
    debian::need(&[("skopeo", "skopeo"), ("buildah", "buildah")])?;
    let registry = bench.setting("BP_REGISTRY_MIRROR");
    let registry = registry.split_once("http://").map_or("", |(_, host)| host);
    let name = format!("{registry}/bench/pushed:1");
    let theirs = format!("docker://{registry}/bench/copied:1");
    let app = bench.app("pushed")?;
    let mut rows = Vec::new();

    made(bench, &app, &name)?;
    output(&mut bp_push(bench, &name))?;
    output(&mut copy(bench, &theirs))?;
    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        ours.push(time(&mut bp_push(bench, &name), "\"bytes\":0")?);
        peer.push(time(&mut copy(bench, &theirs), "")?);
    }
    rows.push(beside("push, nothing changed", ours, peer, Vec::new()));

    let (mut ours, mut peer, mut most, mut layer) = (Vec::new(), Vec::new(), 0, 0);
    for number in 0..TIMES {
        change_line(&app, number)?;
        layer = made(bench, &app, &name)?;
        let begin = std::time::Instant::now();
        let said = output(&mut bp_push(bench, &name))?;
        ours.push(begin.elapsed());
        most = most.max(event(&said, "pushed", "bytes")?);
        peer.push(time(&mut copy(bench, &theirs), "")?);
    }
    let part = vec![Limit::Part(1.0)];
    rows.push(beside("push, a line changed", ours, peer, part));
    rows.push(Row {
        what: "push, a line changed: bytes".to_owned(),
        ours: Figure::Bytes(most),
        peer: Some(("the app's layer".to_owned(), Figure::Bytes(layer))),
        limits: vec![Limit::Most(Figure::Bytes(layer + BESIDE))],
    });
    rows.push(rebase(bench, registry, &name)?);
    Ok(rows)
}

/// Builds the app under this name and as a layout; bytes of its app's layer.
fn made(bench: &Bench<'_>, app: &Path, name: &str) -> Result<u64, Failure> {
    let layout = bench.path("pushed-layout");
    let _ = fs::remove_dir_all(&layout);
    let mut build = bench.build("cache", app);
    build
        .args(["-t", name, "--format", "json", "--output"])
        .arg(format!("oci:{}", layout.display()));
    output(&mut build)?;
    let mut inspect = bench.bp("cache");
    inspect.args(["inspect", name, "--format", "json"]);
    let said: Value = serde_json::from_str(&output(&mut inspect)?)
        .map_err(|cause| Failure::new("cannot read what `bp inspect` says", cause))?;
    let layers = said["layers"].as_array().cloned().unwrap_or_default();
    let app = layers.iter().rfind(|layer| layer["purpose"] == "app");
    app.and_then(|layer| layer["size"].as_u64())
        .ok_or_else(|| Failure::say("`bp inspect` tells of no layer of the app"))
}

fn bp_push(bench: &Bench<'_>, name: &str) -> Command {
    let mut push = bench.bp("cache");
    push.args(["push", name, name, "--format", "json"]);
    push
}

fn copy(bench: &Bench<'_>, to: &str) -> Command {
    let mut copy = Command::new("skopeo");
    let from = format!("oci:{}", bench.path("pushed-layout").display());
    copy.args(["--insecure-policy", "copy", "--dest-tls-verify=false"]);
    copy.args([from.as_str(), to]);
    copy
}

/// To a stack image with one more layer and back.
fn rebase(bench: &Bench<'_>, registry: &str, name: &str) -> Result<Row, Failure> {
    let stack = format!("{registry}/heroku/heroku");
    let newer = newer_stack(bench, &stack)?;
    let mut times = Vec::new();
    // The first of each looks into the run image, which is remembered.
    for number in 0..2 * (TIMES + 1) {
        let onto = if number % 2 == 0 {
            newer.clone()
        } else {
            format!("{stack}:24")
        };
        let mut command = bench.bp("cache");
        command.args(["rebase", name, "--stack-image", &onto]);
        let took = time(&mut command, "Rebased onto")?;
        if number > 1 {
            times.push(took);
        }
    }
    Ok(Row {
        what: "rebase".to_owned(),
        ours: Figure::Time(median(times)),
        peer: None,
        limits: vec![Limit::Most(Figure::Time(REBASE))],
    })
}

/// The name of a run image with one more layer.
fn newer_stack(bench: &Bench<'_>, stack: &str) -> Result<String, Failure> {
    let newer = format!("{stack}:bench");
    let buildah = |arguments: &[&str]| {
        let mut command = Command::new("buildah");
        command
            .arg("--root")
            .arg(bench.path("buildah-stack"))
            .arg("--runroot")
            .arg(bench.path("buildah-stack-run"))
            .args(["--storage-driver", "vfs"])
            .args(arguments);
        output(&mut command)
    };
    let file = bench.path("newer");
    fs::write(&file, "newer\n")?;
    let file = file.display().to_string();
    let from = format!("docker://{stack}:24");
    buildah(&["from", "--name", "newer", "--tls-verify=false", &from])?;
    buildah(&["add", "newer", &file, "/usr/share/newer"])?;
    let to = format!("docker://{newer}");
    buildah(&["commit", "--tls-verify=false", "newer", &to])?;
    Ok(newer)
}

/// A number of the last event of this kind.
fn event(said: &str, kind: &str, field: &str) -> Result<u64, Failure> {
    let events = said.lines().rev();
    let mut events = events.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let found = events.find(|event| event["event"] == kind);
    found
        .and_then(|event| event[field].as_u64())
        .ok_or_else(|| Failure::say(format!("no event `{kind}` tells of `{field}`:\n{said}")))
}

fn beside(what: &str, ours: Vec<Duration>, peer: Vec<Duration>, limits: Vec<Limit>) -> Row {
    Row {
        what: what.to_owned(),
        ours: Figure::Time(median(ours)),
        peer: Some(("skopeo copy".to_owned(), Figure::Time(median(peer)))),
        limits,
    }
}
