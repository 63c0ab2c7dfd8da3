//! What runs again in apps with assets, and how long that takes beside the same programs alone.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use fs_err as fs;

use super::cases::in_sandbox;
use super::measure::{TIMES, has_said, median};
use super::shared::{Bench, a_second_later};
use super::steps::Steps;
use super::table::{Figure, Limit, Row};
use crate::world::Failure;

/// How much `bp` may add, as for any other change of one line.
const BEYOND: Duration = Duration::from_millis(500);

/// What Mix says of the changed module, what esbuild ends with, and what the digest ends with.
const ONE_FILE: &str = "Compiling 1 file";
const BUNDLED: &str = "Done in";
const DIGESTED: &str = "Check your digested files";

/// What a build prints that starts a package manager or a bundler.
const OF_PROGRAMS: [&str; 4] = ["> deploy", "added ", "up to date", BUNDLED];

/// A test app, what builds its assets, and the steps of `bp` that do so.
struct App {
    name: &'static str,
    by_hand: &'static str,
    asset_steps: &'static [&'static str],
}

const APPS: [App; 2] = [
    App {
        name: "phoenix_npm",
        by_hand: "(cd assets && npm run deploy) && mix phx.digest",
        asset_steps: &["assets-deploy", "assets-digest"],
    },
    App {
        name: "phoenix_esbuild",
        by_hand: "mix assets.deploy",
        asset_steps: &["assets-deploy"],
    },
];

/// A line of a module, and a line of a style sheet.
pub(super) fn changed(bench: &Bench<'_>) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for app in &APPS {
        rows.extend(of_app(bench, app)?);
    }
    Ok(rows)
}

fn of_app(bench: &Bench<'_>, app: &App) -> Result<[Row; 4], Failure> {
    let name = app.name;
    let ours = bench.copy_of(name, &format!("{name}-ours"))?;
    let alone = bench.copy_of(name, &format!("{name}-alone"))?;
    for folder in [&ours, &alone] {
        Steps::of(&mut bench.build("cache", folder))?;
    }
    let page = format!("lib/{name}_web/page.ex");
    let styles = "assets/css/app.css";
    let [mut line, mut mix, mut style, mut by_hand] = [const { Vec::new() }; 4];
    let (mut of_line, mut of_style) = (Further::default(), Further::default());
    for number in 0..TIMES {
        let change = (page.as_str(), "<h1>", number);
        change_file(&ours, change)?;
        let build = Steps::of(&mut bench.build("cache", &ours))?;
        let said = build.said();
        if let Some(program) = OF_PROGRAMS.iter().find(|it| said.contains(**it)) {
            return Err(Failure::say(format!("`{program}` was at work:\n{said}")));
        }
        has_said(ONE_FILE, &said)?;
        of_line.count(&build, &["compile"]);
        line.push(build.took);
        change_file(&alone, change)?;
        let mix_alone = ("mix compile", ONE_FILE);
        mix.push(with_file(bench, &alone, &page, mix_alone)?);

        let change = (styles, "color:", number);
        change_file(&ours, change)?;
        let build = Steps::of(&mut bench.build("cache", &ours))?;
        has_said(BUNDLED, &build.said())?;
        has_said(DIGESTED, &build.said())?;
        of_style.count(&build, app.asset_steps);
        style.push(build.took);
        change_file(&alone, change)?;
        by_hand.push(with_file(bench, &alone, styles, (app.by_hand, BUNDLED))?);
    }
    let row = |what: &str, ours, peer: &str, theirs| Row {
        what: format!("{name}: {what}"),
        ours: Figure::Time(median(ours)),
        peer: Some((
            format!("{peer}, in the same sandbox"),
            Figure::Time(median(theirs)),
        )),
        limits: vec![Limit::Beyond(BEYOND)],
    };
    Ok([
        row("a line of a module", line, "mix compile alone", mix),
        of_line.row(name, "a line of a module"),
        row("a line of css", style, app.by_hand, by_hand),
        of_style.row(name, "a line of css"),
    ])
}

/// Steps that a change does not concern and that ran all the same, by name.
#[derive(Default)]
struct Further(BTreeSet<String>);

impl Further {
    fn count(&mut self, build: &Steps, concerned: &[&str]) {
        let further = build.besides(concerned);
        self.0.extend(further.into_iter().map(str::to_owned));
    }

    fn row(&self, app: &str, change: &str) -> Row {
        let names: Vec<&str> = self.0.iter().map(String::as_str).collect();
        let listed = match &names[..] {
            [] => String::new(),
            names => format!(" ({})", names.join(", ")),
        };
        Row {
            what: format!("{app}: {change}, further steps{listed}"),
            ours: Figure::Count(names.len() as u64),
            peer: None,
            limits: vec![Limit::Most(Figure::Count(0))],
        }
    }
}

/// Puts another line in place of the first one with `mark`, a second after the last build.
fn change_file(app: &Path, (file, mark, number): (&str, &str, usize)) -> Result<(), Failure> {
    let path = app.join(file);
    let text = fs::read_to_string(&path)?;
    let line = text
        .lines()
        .find(|line| line.contains(mark))
        .ok_or_else(|| Failure::say(format!("`{file}` has no line with `{mark}` to change")))?;
    let changed = match mark {
        "<h1>" => format!("        <h1>page {number}</h1>"),
        _ => format!("  background-color: #00000{number};"),
    };
    a_second_later();
    Ok(fs::write(&path, text.replacen(line, &changed, 1))?)
}

/// How long a command takes in the sandbox after this file of the app was brought there.
fn with_file(
    bench: &Bench<'_>,
    app: &Path,
    file: &str,
    measured: (&str, &str),
) -> Result<Duration, Failure> {
    let content = fs::File::open(app.join(file))?.into_parts().0;
    in_sandbox(bench, app, &format!("cat >/app/{file}"), measured, content)
}
