//! Versions in aligned columns, as few words as will do.

use std::fmt::Write as _;

use buildpack_core::check::Verdict;
use buildpack_core::lists::{ListInfo, ListOrigin};
use buildpack_core::version::Tool;

use super::Ui;
use crate::pipeline::versions::{Built, Changed, Entry, Explanation, Listing, Support, TargetName};

/// So many new names of a list are shown.
const NEW_NAMES: usize = 6;

/// Draws the versions of a tool; all of a tool's have no line of their own.
pub fn listing(ui: &Ui, listing: &Listing, all: bool) {
    let target = listing.stack.as_ref().map(target).unwrap_or_default();
    let (provider, dated) = (&listing.list.provider, dated(&listing.list));
    ui.line(&format!(
        "{}{target}, {provider}, list {dated}",
        listing.tool
    ));
    let mut newer = true;
    let rows = listing.versions.iter().map(|entry| {
        // The ends of the newest lines are not always settled.
        newer &= entry.support.is_none();
        row(entry, all, newer)
    });
    table(ui, &rows.collect::<Vec<_>>());
}

fn row(entry: &Entry, all: bool, newer: bool) -> Vec<String> {
    let otp: Vec<String> = entry.otp.iter().map(ToString::to_string).collect();
    let otp = if otp.is_empty() {
        String::new()
    } else {
        format!("OTP {}", otp.join(" "))
    };
    let npm = entry.npm.as_ref();
    let head = if all {
        entry.date.clone().unwrap_or_default()
    } else {
        entry.line.clone()
    };
    let mut cells = vec![
        head,
        entry.version.clone(),
        otp + entry.lts.as_deref().unwrap_or_default(),
        npm.map(|npm| format!("npm {npm}")).unwrap_or_default(),
    ];
    if !all {
        cells.push(match &entry.support {
            Some(ends) => support(ends),
            None if newer => "supported".to_owned(),
            None => String::new(),
        });
    }
    if !entry.listed {
        cells.push("not built".to_owned());
    }
    cells
}

/// Draws what became of each list.
pub fn updates(ui: &Ui, lists: &[Changed]) {
    let rows = lists.iter().map(|changed| {
        let stack = changed.stack.as_ref();
        let what = match changed.tool {
            Tool::Node => "releases",
            Tool::Erlang | Tool::Elixir => "builds",
        };
        let count = changed
            .now
            .as_ref()
            .map(|now| format!("{} {what}", now.count));
        vec![
            changed.tool.to_string(),
            stack.map(|stack| stack.name.to_owned()).unwrap_or_default(),
            stack.map(|stack| stack.arch.to_owned()).unwrap_or_default(),
            count.unwrap_or_default(),
            what_changed(changed),
        ]
    });
    table(ui, &rows.collect::<Vec<_>>());
}

fn what_changed(changed: &Changed) -> String {
    match &changed.now {
        Some(_) if changed.is_live() => {}
        Some(now) if changed.is_missing() => {
            return format!("the host has none; list {}", dated(&now.list));
        }
        Some(now) => return format!("not updated; list {}", dated(&now.list)),
        None => return "no list".to_owned(),
    }
    let Some(before) = &changed.before else {
        return "had for the first time".to_owned();
    };
    let mut words = Vec::new();
    if !changed.new.is_empty() {
        let names = changed.new.iter().take(NEW_NAMES).map(String::as_str);
        let names = names.collect::<Vec<_>>().join(", ");
        let count = changed.new.len();
        let more = if count > NEW_NAMES { ", …" } else { "" };
        words.push(format!("{count} new: {names}{more}"));
    }
    if !changed.gone.is_empty() {
        words.push(format!("{} gone", changed.gone.len()));
    }
    if words.is_empty() {
        return "unchanged".to_owned();
    }
    format!("{} since {}", words.join(", "), before.dated)
}

/// Draws what is known of a version.
pub fn explanation(ui: &Ui, explained: &Explanation) {
    ui.line(&format!("{} {}", explained.tool, explained.version));
    let mut rows = vec![vec!["release".to_owned(), release(explained)]];
    let mut fact = |name: &str, value: String| {
        if !value.is_empty() {
            rows.push(vec![name.to_owned(), value]);
        }
    };
    if let Some(ends) = &explained.support {
        fact(
            "support",
            format!(
                "line {}: {} ({})",
                explained.line,
                support(ends),
                ends.source
            ),
        );
    }
    if let Some(newest) = explained
        .newest
        .as_ref()
        .filter(|newest| **newest != explained.version)
    {
        fact("newest", format!("{newest} of line {}", explained.line));
    }
    fact("known bad", explained.known_bad.clone().unwrap_or_default());
    fact("npm", explained.npm.clone().unwrap_or_default());
    if let Some((oldest, newest)) = explained.documented_otp {
        fact("documented", format!("for OTP {oldest} to {newest}"));
    }
    fact("Elixir", explained.elixir.join(", "));
    let lists: Vec<String> = explained.lists.iter().map(list).collect();
    for (at, list) in lists.iter().enumerate() {
        rows.push(vec![
            if at == 0 { "lists" } else { "" }.to_owned(),
            list.clone(),
        ]);
    }
    table(ui, &rows);
    table(ui, &explained.built.iter().map(built).collect::<Vec<_>>());
    for archive in explained
        .built
        .iter()
        .filter_map(|built| built.archive.as_ref())
    {
        ui.line(&format!("  {}", archive.url));
        if let Some(sha256) = &archive.sha256 {
            ui.line(&format!("    sha256:{sha256}"));
        }
    }
}

fn release(explained: &Explanation) -> String {
    let lts = explained
        .lts
        .as_ref()
        .map(|name| format!(", long-term support {name}"));
    let known = match explained.released {
        Some(true) => match &explained.date {
            Some(date) => format!("of {date}"),
            None => "yes".to_owned(),
        },
        Some(false) => "there is no such release".to_owned(),
        None => "not known".to_owned(),
    };
    known + &lts.unwrap_or_default()
}

fn built(built: &Built) -> Vec<String> {
    let verdict = match built.verdict {
        Verdict::Available => built
            .date
            .as_ref()
            .map_or("built".to_owned(), |date| format!("built {date}")),
        Verdict::NotBuilt => "not built".to_owned(),
        Verdict::Malformed | Verdict::Unknown => {
            format!(
                "cannot be told: {}",
                built.why.as_deref().unwrap_or_default()
            )
        }
    };
    let stack = built.stack.as_ref();
    vec![
        match built.otp {
            Some(otp) => format!("OTP {otp}"),
            None => stack.map_or("any stack".to_owned(), |stack| stack.name.to_owned()),
        },
        stack.map(|stack| stack.arch.to_owned()).unwrap_or_default(),
        verdict,
    ]
}

fn target(target: &TargetName) -> String {
    format!(" for {} on {}", target.name, target.arch)
}

fn support(support: &Support) -> String {
    match (support.ended, support.inferred) {
        (true, _) => format!("ended {}", support.ends),
        (false, false) => format!("supported until {}", support.ends),
        (false, true) => format!("supported until about {}", support.ends),
    }
}

fn list(list: &ListInfo) -> String {
    format!("{}/{} {}", list.provider, list.path, dated(list))
}

fn dated(list: &ListInfo) -> String {
    let how = match list.origin {
        ListOrigin::Live => "",
        ListOrigin::Kept => " (kept)",
        ListOrigin::Snapshot => " (built in)",
    };
    format!("of {}{how}", list.dated)
}

/// Rows of cells, each column as wide as its widest; columns that are empty in every row are left out.
fn table(ui: &Ui, rows: &[Vec<String>]) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell: &String| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let mut line = String::new();
        for (cell, &width) in row.iter().zip(&widths).filter(|(_, width)| **width > 0) {
            // Writing to a string cannot fail.
            let _ = write!(line, "  {cell:<width$}");
        }
        ui.line(line.trim_end());
    }
}
