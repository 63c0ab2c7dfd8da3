use std::path::{Path, PathBuf};

use super::testing::app;
use super::*;

/// The files of a page's example below `heading`: each named on a line of its own, its text indented.
fn example(page: &str, heading: &str) -> Vec<(String, String)> {
    let text = page.split(&format!("## {heading}\n")).nth(1).unwrap();
    let text = text.split("\n## ").next().unwrap();
    let mut files: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        let name = line
            .strip_prefix('`')
            .and_then(|rest| rest.strip_suffix("`:"));
        if let Some(name) = name {
            files.push((name.to_owned(), String::new()));
        } else if let (Some(code), Some((_, text))) = (line.strip_prefix("    "), files.last_mut())
        {
            text.push_str(code);
            text.push('\n');
        }
    }
    assert!(!files.is_empty(), "no example below {heading}");
    files
}

fn said(files: &[(String, String)]) -> Vec<&'static str> {
    let files: Vec<_> = (files.iter())
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let found = check_app(&app(&files));
    found.iter().map(|problem| problem.code.0).collect()
}

#[test]
fn the_pages_show_what_the_rules_say() {
    let pages: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/diagnostics");
    for code in [
        "pack-abandoned",
        "pack-order",
        "pack-unpinned",
        "procfile-shell",
    ] {
        let page = fs_err::read_to_string(pages.join(format!("{code}.md"))).unwrap();
        assert_eq!(said(&example(&page, "Fails")), [code], "{code}");
        assert!(said(&example(&page, "Mended")).is_empty(), "{code}");
    }
}

#[test]
fn endless_lists_are_said_in_part() {
    let packs = "https://github.com/HashNuke/heroku-buildpack-elixir\nhttps://github.com/a/b\n";
    let pack = packs.repeat(500);
    let found = check_app(&app(&[(".buildpacks", &pack)]));
    let labels = found.iter().map(|problem| problem.labels.len()).sum();
    assert!((2 * MOST..=3 * MOST).contains(&labels), "{labels}");
}
