//! The stack's images pulled and unpacked, beside others that do so.

use std::process::Command;

use fs_err as fs;

use super::measure::{TIMES, median, output, time};
use super::shared::Bench;
use super::table::{Figure, Limit, Row};
use crate::debian;
use crate::world::Failure;

/// `bp stack pull` into an empty store, beside skopeo with umoci, and podman.
pub(super) fn unpacked(bench: &Bench<'_>) -> Result<Vec<Row>, Failure> {
    debian::need(&[
        ("skopeo", "skopeo"),
        ("umoci", "umoci"),
        ("podman", "podman"),
    ])?;
    let registry = bench.setting("BP_REGISTRY_MIRROR");
    let registry = registry.split_once("http://").map_or("", |(_, host)| host);
    let image = format!("{registry}/heroku/heroku:24-build");
    let place = bench.path("pulled");
    let empty = || -> Result<(), Failure> {
        if place.exists() {
            fs::remove_dir_all(&place)?;
        }
        Ok(fs::create_dir(&place)?)
    };
    let by_hand = || {
        let mut command = Command::new("bash");
        let script = "set -e; \
            skopeo --insecure-policy copy --quiet --src-tls-verify=false \"docker://$1\" oci:layout:it; \
            umoci unpack --rootless --image layout:it bundle; echo done";
        command.args(["-c", script, "bash", &image]);
        command.current_dir(&place);
        command
    };
    let podman = || {
        let mut command = Command::new("podman");
        command
            .args(["--root", "root", "--runroot", "run"])
            .args(["--storage-driver", "vfs"])
            .args(["pull", "--tls-verify=false", &image])
            .current_dir(&place);
        command
    };
    let (mut ours, mut theirs, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TIMES {
        empty()?;
        let mut pull = bench.bp("pulled/store");
        pull.args(["stack", "pull", "heroku-24"]);
        ours.push(time(&mut pull, "24-build is sha256:")?);
        empty()?;
        theirs.push(time(&mut by_hand(), "done")?);
        empty()?;
        others.push(time(&mut podman(), "")?);
        output(&mut podman_gone(&place))?;
    }
    let row = |name: &str, peer| Row {
        what: "stack image pulled and unpacked".to_owned(),
        ours: Figure::Time(median(ours.clone())),
        peer: Some((name.to_owned(), Figure::Time(median(peer)))),
        limits: vec![Limit::Part(1.0)],
    };
    Ok(vec![
        row("skopeo copy, umoci unpack", theirs),
        row("podman pull", others),
    ])
}

/// Takes podman's storage away, which holds folders that nobody may write to.
fn podman_gone(place: &std::path::Path) -> Command {
    let mut command = Command::new("rm");
    command
        .arg("-rf")
        .arg(place.join("root"))
        .arg(place.join("run"));
    command
}
