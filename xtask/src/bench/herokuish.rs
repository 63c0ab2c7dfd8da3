//! The herokuish face, beside what it does in plain bash, tar and pigz.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use fs_err as fs;

use super::measure::{MANY, TIMES, median, output, time};
use super::shared::Bench;
use super::table::{Figure, Limit, Row};
use crate::debian;
use crate::world::Failure;

/// What starting a process type may add to the process's own start.
const START: Duration = Duration::from_millis(5);

/// How many packs are asked, as many as herokuish brings.
const PACKS: usize = 12;

/// What asking packs may cost beside their scripts alone.
const ASKING: f64 = 1.2;

/// Files of the slug, and the size of each.
const FILES: usize = 3_000;
const SIZE: usize = 64 << 10;

/// What stands in for starting a process type.
const BASH: &str =
    "for script in .profile.d/*.sh; do . \"$script\"; done; exec bash -c 'echo started on $PORT'";

/// What stands in for asking packs.
const ALL: &str = "for script; do \"$script\" \"$APP\" & done; wait";

/// Starting a process type, asking twelve packs, a slug.
pub(super) fn face(bench: &Bench<'_>) -> Result<Vec<Row>, Failure> {
    debian::need(&[("pigz", "pigz")])?;
    let cache = bench.path("face-cache");
    fs::create_dir_all(&cache)?;
    fs::set_permissions(&cache, std::fs::Permissions::from_mode(0o777))?;
    Ok(vec![start(bench)?, detect(bench)?, slug(bench)?])
}

fn herokuish(bench: &Bench<'_>, app: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(bench.binary());
    command
        .arg("herokuish")
        .args(words)
        .env("APP_PATH", app)
        // Root's builds are done as another user.
        .env("USER", "nobody")
        .env("ENV_PATH", bench.path("face-env"))
        .env("BP_CACHE_DIR", bench.path("face-cache"));
    command
}

/// `procfile start`, beside bash that sources the same profile and runs the same command.
fn start(bench: &Bench<'_>) -> Result<Row, Failure> {
    let app = bench.path("face-start");
    fs::create_dir_all(app.join(".profile.d"))?;
    fs::write(app.join("Procfile"), "web: echo started on $PORT\n")?;
    fs::write(app.join(".profile.d/port.sh"), "export PORT=8080\n")?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..MANY {
        let mut bash = Command::new("bash");
        bash.args(["-c", BASH]).current_dir(&app);
        theirs.push(time(&mut bash, "started on 8080")?);
        let mut started = herokuish(bench, &app, &["procfile", "start", "web"]);
        ours.push(time(&mut started, "started on 8080")?);
    }
    Ok(Row {
        what: "procfile start".to_owned(),
        ours: Figure::Time(median(ours)),
        peer: Some((
            "bash, the profile and the command alone".to_owned(),
            Figure::Time(median(theirs)),
        )),
        limits: vec![Limit::Beyond(START)],
    })
}

/// `buildpack detect` over twelve packs, of which the last applies, beside their scripts run at once by bash.
fn detect(bench: &Bench<'_>) -> Result<Row, Failure> {
    let (app, packs) = (bench.path("face-detect"), bench.path("face-packs"));
    fs::create_dir_all(&app)?;
    fs::write(app.join("package.json"), "{}")?;
    let scripts: Vec<PathBuf> = (0..PACKS)
        .map(|number| packs.join(format!("{number:02}_buildpack-p{number}/bin/detect")))
        .collect();
    for (number, script) in scripts.iter().enumerate() {
        let bin = script.parent().unwrap_or(&packs);
        fs::create_dir_all(bin)?;
        let file = match number + 1 {
            PACKS => "package.json",
            _ => "Gemfile",
        };
        let text = format!(
            "#!/usr/bin/env bash\nif [ -f \"$1/{file}\" ] && grep -q '{{' \"$1/{file}\"; then echo Found; else exit 1; fi\n"
        );
        for name in ["detect", "compile"] {
            let path = bin.join(name);
            fs::write(&path, &text)?;
            fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
        }
    }
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..MANY {
        let mut bash = Command::new("bash");
        bash.args(["-c", ALL, "bash"])
            .args(&scripts)
            .env("APP", &app);
        theirs.push(time(&mut bash, "Found")?);
        let mut found = herokuish(bench, &app, &["buildpack", "detect"]);
        found.env("BUILDPACK_PATH", &packs);
        ours.push(time(&mut found, "Found app detected")?);
    }
    Ok(Row {
        what: format!("buildpack detect, {PACKS} packs"),
        ours: Figure::Time(median(ours)),
        peer: Some((
            "their scripts alone, at once".to_owned(),
            Figure::Time(median(theirs)),
        )),
        limits: vec![Limit::Part(ASKING)],
    })
}

/// `slug generate`, beside tar and pigz.
fn slug(bench: &Bench<'_>) -> Result<Row, Failure> {
    let app = bench.path("face-slug");
    // Text that compresses as sources do, and differs from file to file.
    let words: Vec<String> = (0..4_096_u32)
        .map(|number| format!("word{:x} ", number.wrapping_mul(2_654_435_761)))
        .collect();
    for number in 0..FILES {
        let folder = app.join(format!("lib/{}", number % 50));
        fs::create_dir_all(&folder)?;
        let mut text = String::with_capacity(SIZE + 16);
        let mut at = number;
        while text.len() < SIZE {
            text.push_str(&words[at % words.len()]);
            at = at.wrapping_mul(31).wrapping_add(number + 7);
        }
        fs::write(folder.join(format!("{number}.ex")), text)?;
    }
    let target = bench.path("face-slug.tgz");
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let mut tar = Command::new("bash");
        tar.args([
            "-c",
            "set -o pipefail; tar -C \"$APP\" -c . | pigz >\"$TO\"",
        ])
        .env("APP", &app)
        .env("TO", &target);
        theirs.push(time(&mut tar, "")?);
        let mut generate = herokuish(bench, &app, &["slug", "generate"]);
        generate.env("slug_path", &target);
        ours.push(time(&mut generate, "Compiled slug size is")?);
        output(Command::new("gzip").arg("-t").arg(&target))?;
    }
    Ok(Row {
        what: format!("slug generate, {} MiB", (FILES * SIZE) >> 20),
        ours: Figure::Time(median(ours)),
        peer: Some(("tar | pigz".to_owned(), Figure::Time(median(theirs)))),
        limits: vec![Limit::Part(1.0)],
    })
}
