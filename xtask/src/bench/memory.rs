//! How much memory `bp` holds while an image with a layer of 1 GiB passes through it.

use std::io::{Read, Write};
use std::process::Command;

use fs_err as fs;

use super::measure::{self, output};
use super::shared::Bench;
use super::table::{Figure, Limit, Row};
use crate::world::{Failure, Registry};

const GIB: u64 = 1 << 30;
const MOST: u64 = 96 << 20;

/// Layering, both exports, and a pull with unpacking.
pub(super) fn peak(bench: &Bench<'_>) -> Result<Vec<Row>, Failure> {
    let app = bench.app("large")?;
    // Nothing compresses random bytes: the layer is as large as the file.
    let random = fs::File::open("/dev/urandom")?.take(GIB);
    fs::create_dir(app.join("priv"))?;
    let mut file = fs::File::create(app.join("priv/large"))?;
    std::io::copy(&mut { random }, &mut file)?;
    file.flush()?;

    let layout = format!("oci:{}", bench.path("large-image").display());
    let archive = format!("docker-archive:{}", bench.path("large.tar").display());
    let mut build = bench.build("large-cache", &app);
    let mut rows = vec![row("build of a 1 GiB layer", &mut build)?];
    let mut export = bench.build("large-cache", &app);
    export.args(["--output", &layout, "--output", &archive]);
    rows.push(row("export as a layout and an archive", &mut export)?);
    fs::remove_file(bench.path("large.tar"))?;

    let registry = Registry::start(&[])?;
    let host = registry.address();
    for tag in ["24", "24-build"] {
        let mut push = Command::new("skopeo");
        push.args(["copy", "--quiet", "--dest-tls-verify=false", &layout])
            .arg(format!("docker://{host}/heroku/heroku:{tag}"));
        output(&mut push)?;
    }
    let mut pull = bench.bp("pulled");
    pull.args(["stack", "pull", "heroku-24"])
        .env("BP_REGISTRY_MIRROR", format!("docker.io=http://{host}"));
    rows.push(row("pull of a 1 GiB layer", &mut pull)?);
    Ok(rows)
}

fn row(what: &str, command: &mut Command) -> Result<Row, Failure> {
    Ok(Row {
        what: format!("memory, {what}"),
        ours: Figure::Bytes(measure::peak(command)?),
        peer: None,
        limits: vec![Limit::Most(Figure::Bytes(MOST))],
    })
}
