//! Makes the lists of published builds and releases that are compiled into `bp`, from tables of facts.
//!
//! `FOLDER/otp-builds.csv`: `os,ref,git_sha,built_at,sha256,list_dated`; `FOLDER/elixir-builds.csv` the same without
//! `os`; `FOLDER/node-releases.csv`: `version,released_at`; `FOLDER/otp-releases.csv`: `version`. The last two don't say
//! from when they are: they are taken with the others, so the newest day of those is theirs. The result is read by `buildpack-core/src/lists/snapshot.rs`, which says what it looks like.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

const TARGET: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../buildpack-core/src/lists/snapshot.txt"
);

/// Lines and the newest day by folder.
type Sections = BTreeMap<String, (String, Vec<String>)>;

/// `snapshot FOLDER`.
pub(crate) fn run(args: &[String]) -> ExitCode {
    let [folder] = args else {
        eprintln!("usage: cargo xtask snapshot FOLDER");
        return ExitCode::from(2);
    };
    match make(Path::new(folder)) {
        Ok(count) => {
            println!("{count} lines in {TARGET}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn make(folder: &Path) -> Result<usize, String> {
    let mut sections = Sections::new();
    for line in rows(&folder.join("otp-builds.csv"))? {
        let [os, reference, _, built, sha256, dated] = fields(&line)?;
        take(
            &mut sections,
            &format!("builds/otp/amd64/{os}"),
            [reference, built, sha256, dated],
        );
    }
    for line in rows(&folder.join("elixir-builds.csv"))? {
        let [reference, _, built, sha256, dated] = fields(&line)?;
        take(
            &mut sections,
            "builds/elixir",
            [reference, built, sha256, dated],
        );
    }
    let days = sections.values().map(|(day, _)| day.clone());
    let day = days.max().unwrap_or_default();
    let mut plain = |name: &str, lines: Vec<String>| {
        sections.insert(name.to_owned(), (day.clone(), lines));
    };
    let node = rows(&folder.join("node-releases.csv"))?;
    let node = node.iter().map(|line| line.replace(',', " "));
    plain("node", node.collect());
    plain("otp-releases", rows(&folder.join("otp-releases.csv"))?);
    let mut text =
        "# Published builds and releases as known on the day of each section. Made by `cargo xtask snapshot`.\n"
            .to_owned();
    let mut count = 0;
    for (folder, (day, lines)) in &sections {
        count += lines.len();
        text += &[&format!("[{folder} {day}]"), lines.join("\n").as_str(), ""].join("\n");
    }
    fs_err::write(TARGET, text).map_err(|error| error.to_string())?;
    Ok(count)
}

fn rows(path: &Path) -> Result<Vec<String>, String> {
    let text = fs_err::read_to_string(path).map_err(|error| error.to_string())?;
    Ok(text.lines().skip(1).map(str::to_owned).collect())
}

fn fields<const N: usize>(line: &str) -> Result<[&str; N], String> {
    line.split(',')
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| format!("expected {N} fields: `{line}`"))
}

/// Adds a build, unless it is one of a branch, which changes under its name.
fn take(sections: &mut Sections, folder: &str, [reference, built_at, sha256, dated]: [&str; 4]) {
    let bare = reference.strip_prefix("OTP-").or_else(|| {
        reference
            .strip_prefix('v')
            .filter(|v| v.split('.').count() > 2)
    });
    if !bare.is_some_and(|bare| bare.starts_with(|c: char| c.is_ascii_digit())) {
        return;
    }
    let (day, lines) = sections.entry(folder.to_owned()).or_default();
    if day.as_str() < dated {
        dated.clone_into(day);
    }
    let date = built_at.split('T').next().unwrap_or_default();
    let line = [reference, date, sha256].join(" ");
    lines.push(line.trim_end().to_owned());
}
