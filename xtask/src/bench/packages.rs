//! Packages of npm: from what is kept, and where there is nothing yet.

use std::path::{Path, PathBuf};
use std::process::Command;

use fs_err as fs;

use super::cases::in_sandbox;
use super::measure::{TIMES, median, output};
use super::shared::Bench;
use super::steps::Steps;
use super::table::{Figure, Limit, Row};
use crate::world::Failure;

/// What an app with Tailwind 3 installs: a hundred packages, as npm locked them.
const PACKAGES: [(&str, &str); 2] = [
    ("package.json", include_str!("packages/package.json")),
    (
        "package-lock.json",
        include_str!("packages/package-lock.json"),
    ),
];

/// The step that installs, and the command that it runs.
const INSTALL: &str = "assets-install";
const BY_HAND: &str = "npm ci --include=dev";

/// What a pack of bash scripts does for an app of Node 22.14.0; written for this comparison.
const BASH: &str = r#"
set -e
mix do deps.get --only prod + deps.clean --unused
mix compile
node=node-v22.14.0-linux-x64
mkdir -p _build/node
cd _build/node
curl -sfO "$NODE/v22.14.0/$node.tar.gz"
curl -sf "$NODE/v22.14.0/SHASUMS256.txt" | grep " $node.tar.gz\$" | sha256sum -c -
tar -xzf "$node.tar.gz" --strip-components=1
export PATH="$PWD/bin:$PATH" npm_config_cache="$PWD/cache"
cd ../../assets
npm ci --include=dev
npm run deploy
cd ..
mix phx.digest
"#;

/// `npm ci` in a folder that nothing was built in, of packages that another build kept.
pub(super) fn kept(bench: &Bench<'_>) -> Result<Vec<Row>, Failure> {
    let app = with_packages(bench, "packages")?;
    Steps::of(&mut bench.build("cache", &app))?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for number in 0..TIMES {
        let new = with_packages(bench, &format!("packages-{number}"))?;
        let build = Steps::of(&mut bench.build("cache", &new))?;
        if build.found("packages of npm") != Some(true) {
            return Err(Failure::say("packages were not taken from what is kept"));
        }
        ours.push(build.time_of(INSTALL)?);
        let warm = format!(
            "cd assets && export npm_config_cache=/app/_build/npm && rm -rf node_modules && \
             {BY_HAND} >&2 && rm -rf node_modules"
        );
        let nothing = fs::File::open("/dev/null")?.into_parts().0;
        theirs.push(in_sandbox(
            bench,
            &app,
            &warm,
            (BY_HAND, "added "),
            nothing,
        )?);
    }
    Ok(vec![Row {
        what: "npm ci from what is kept, new folder".to_owned(),
        ours: Figure::Time(median(ours)),
        peer: Some((
            "npm ci with its cache warm, in the same sandbox".to_owned(),
            Figure::Time(median(theirs)),
        )),
        limits: vec![Limit::Part(1.2)],
    }])
}

fn with_packages(bench: &Bench<'_>, name: &str) -> Result<PathBuf, Failure> {
    let app = bench.copy_of("phoenix_npm", name)?;
    for (file, text) in PACKAGES {
        fs::write(app.join("assets").join(file), text)?;
    }
    Ok(app)
}

/// A first build where Erlang and Elixir are in place, but neither Node nor packages.
pub(super) fn cold(bench: &Bench<'_>) -> Result<Vec<Row>, Failure> {
    let warm = bench.app("before-assets")?;
    output(&mut bench.build("before-assets-cache", &warm))?;
    let app = bench.copy_of("phoenix_npm", "assets-cold")?;
    let alone = bench.copy_of("phoenix_npm", "assets-cold-alone")?;
    Steps::of(&mut bench.build("cache", &alone))?;
    let archive = bench.path("assets-cold.tar");
    output(
        Command::new("tar")
            .arg("-cf")
            .arg(&archive)
            .arg("-C")
            .arg(&alone)
            .arg("."),
    )?;
    let script = format!("export NODE={}\n{BASH}", bench.setting("BP_NODE_DIST_URL"));
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        copy_store(bench, "before-assets-cache", "assets-cold-cache")?;
        let build = Steps::of(&mut bench.build("assets-cold-cache", &app))?;
        build.time_of(INSTALL)?;
        ours.push(build.took);
        fs::remove_dir_all(bench.path("assets-cold-cache"))?;
        let files = fs::File::open(&archive)?.into_parts().0;
        let fresh = "rm -rf _build deps .hex/packages .hex/cache.ets assets/node_modules priv/static && tar -x";
        let says = "Check your digested files";
        theirs.push(in_sandbox(bench, &alone, fresh, (&script, says), files)?);
    }
    Ok(vec![Row {
        what: "phoenix_npm, no Node and no packages yet".to_owned(),
        ours: Figure::Time(median(ours)),
        peer: Some((
            "commands of a bash pack, in the same sandbox, no image".to_owned(),
            Figure::Time(median(theirs)),
        )),
        limits: Vec::new(),
    }])
}

fn copy_store(bench: &Bench<'_>, from: &str, to: &str) -> Result<(), Failure> {
    let mut copy = Command::new("cp");
    copy.args(["-a", "--reflink=auto"]);
    let paths: [&Path; 2] = [&bench.path(from), &bench.path(to)];
    output(copy.args(paths)).map(|_| ())
}
