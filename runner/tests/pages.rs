//! The pages of `docs/diagnostics` are true: the failing example of each has its problem, the mended one has none.
//!
//! `UPDATE_DOCS=1` writes anew what `bp` says to the failing example, and the index.

#![allow(clippy::unwrap_used, reason = "a test's failure is its message")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use buildpack_core::rules::rule;
use serde_json::Value;
use testdata::fake::lists::Lists;
use testdata::fake::origin::Origin;

/// The day that the pages are judged on.
const DAY: &str = "2026-11-01";

/// What an example has unless it says otherwise.
const USUAL: [(&str, &str); 2] = [
    (
        "mix.exs",
        "defmodule Blog.MixProject do\n  use Mix.Project\n\n  def project do\n    [app: :blog, version: \"0.1.0\", elixir: \"~> 1.14\", deps: []]\n  end\nend\n",
    ),
    (
        "elixir_buildpack.config",
        "elixir_version=1.18.3\nerlang_version=27.3.4.1\n",
    ),
];

/// One example of a page: arguments and files.
#[derive(Debug, Default)]
struct Example {
    arguments: Vec<String>,
    files: BTreeMap<String, String>,
}

/// A page, cut into its parts.
struct Page {
    code: String,
    path: PathBuf,
    /// All before the output.
    head: String,
    /// The page as it is.
    whole: String,
    /// All behind it.
    tail: String,
    severity: String,
    summary: String,
    fails: Example,
    mended: Example,
}

impl Page {
    fn read(path: &Path) -> Self {
        let text = fs_err::read_to_string(path).unwrap();
        let code = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let (before, mended) = text.split_once("## Mended\n").expect("a part `## Mended`");
        let head = before
            .split_once("## What bp says\n")
            .map_or(before, |(head, _)| head);
        let (intro, fails) = head.split_once("## Fails\n").expect("a part `## Fails`");
        let (severity, summary) = intro
            .split_once("\n\n**")
            .and_then(|(_, rest)| rest.split_once(".** "))
            .expect("a first line such as `**Error.** What it is.`");
        assert!(intro.starts_with(&format!("# `{code}`\n")), "{code}: title");
        Self {
            severity: severity.to_lowercase(),
            summary: summary.split("\n\n").next().unwrap().replace('\n', " "),
            fails: Example::read(fails),
            mended: Example::read(mended),
            head: head.to_owned(),
            whole: text.clone(),
            tail: format!("## Mended\n{mended}"),
            code,
            path: path.to_owned(),
        }
    }

    /// The page with this output.
    fn with(&self, output: &str) -> String {
        let block: String = output
            .lines()
            .map(|line| format!("    {line}").trim_end().to_owned() + "\n")
            .collect();
        format!(
            "{}## What bp says\n\n{block}\n{}",
            self.head,
            self.tail.trim_end_matches('\n').to_owned() + "\n"
        )
    }
}

impl Example {
    /// Reads "With `ARGUMENTS`.", and "`FILE`:" followed by an indented block.
    fn read(text: &str) -> Self {
        let mut example = Self::default();
        let mut file: Option<String> = None;
        for line in text.lines() {
            if let Some(arguments) = line
                .strip_prefix("With `")
                .and_then(|l| l.strip_suffix("`."))
            {
                example.arguments = arguments.split(' ').map(str::to_owned).collect();
            } else if let Some(name) = line.strip_prefix('`').and_then(|l| l.strip_suffix("`:")) {
                example.files.insert(name.to_owned(), String::new());
                file = Some(name.to_owned());
            } else if let Some(name) = &file
                && (line.starts_with("    ") || line.is_empty())
            {
                let content = example.files.get_mut(name).unwrap();
                // The empty line between name and block is not the file's.
                if !(content.is_empty() && line.is_empty()) {
                    *content += line.strip_prefix("    ").unwrap_or("");
                    content.push('\n');
                }
            } else {
                assert!(line.is_empty(), "what is this line of an example? {line}");
            }
        }
        for content in example.files.values_mut() {
            *content = content.trim_end_matches('\n').to_owned() + "\n";
        }
        example
    }

    fn check(&self, host: &Origin, format: &str) -> (i32, String) {
        let desk = tempfile::tempdir().unwrap();
        let app = desk.path().join("blog");
        let usual = USUAL.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let files: BTreeMap<_, _> = usual.into_iter().chain(self.files.clone()).collect();
        for (name, content) in files {
            let path = app.join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, content).unwrap();
        }
        let output = Command::new(env!("CARGO_BIN_EXE_bp"))
            .args(["check-versions", "blog", "--on", DAY, "--format", format])
            .args(&self.arguments)
            .current_dir(desk.path())
            .env_clear()
            .env("HOME", desk.path())
            .env("BP_CACHE_DIR", desk.path().join("cache"))
            .env("BP_HEX_BUILDS_URL", host.url(""))
            .env("BP_NODE_DIST_URL", host.url("/dist"))
            .output()
            .unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        let address = host.url("").replace("http://", "");
        (
            output.status.code().unwrap_or(-1),
            text.replace(&address, "nodejs.org"),
        )
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/diagnostics")
}

fn pages() -> Vec<Page> {
    let mut paths: Vec<PathBuf> = fs_err::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap() != "README.md")
        .collect();
    paths.sort();
    paths.iter().map(|path| Page::read(path)).collect()
}

/// The diagnostics of a report in JSON.
fn diagnostics(report: &str) -> Vec<Value> {
    let report: Value = serde_json::from_str(report).unwrap_or_else(|_| panic!("{report}"));
    report["diagnostics"].as_array().unwrap().clone()
}

/// The block about one problem in a report for people, without the marks before its lines.
fn block(report: &str, code: &str) -> String {
    let block = report
        .split(" !\n !     ")
        .find(|block| block.contains(&format!("[{code}]")))
        .and_then(|block| block.split("\n !\n").next())
        .unwrap_or_else(|| panic!("no block about `{code}` in:\n{report}"));
    block.replace("\n !     ", "\n")
}

#[test]
fn the_examples_fail_and_are_mended_as_their_pages_say() {
    let host = Origin::start().unwrap();
    Lists::usual().serve(&host);
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    let mut wrong = Vec::new();
    for page in pages() {
        let code = &page.code;
        let (_, report) = page.fails.check(&host, "json");
        let found = diagnostics(&report);
        let Some(problem) = found.iter().find(|problem| problem["code"] == **code) else {
            wrong.push(format!("{code}: the failing example has {found:#?}"));
            continue;
        };
        if problem["severity"] != *page.severity {
            wrong.push(format!("{code}: it is of severity {}", problem["severity"]));
        }
        for problem in &found {
            let (code, fix) = (problem["code"].as_str().unwrap(), &problem["fix"]);
            if !fix.is_null() && !rule(code).unwrap().fixable {
                wrong.push(format!(
                    "{code}: the catalogue does not say that it is fixable"
                ));
            }
        }
        let (_, text) = page.fails.check(&host, "text");
        let whole = page.with(&block(&text, code));
        if update {
            fs_err::write(&page.path, &whole).unwrap();
        } else if whole != page.whole {
            wrong.push(format!("{code}: bp says something else now:\n{text}"));
        }
        let (exit, report) = page.mended.check(&host, "json");
        let left: Vec<_> = diagnostics(&report)
            .into_iter()
            .filter(|problem| problem["code"] == **code || problem["severity"] != "note")
            .collect();
        if exit != 0 || !left.is_empty() {
            wrong.push(format!("{code}: the mended example has {left:#?}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{}\nwrite them anew: UPDATE_DOCS=1 cargo test -p runner --test pages",
        wrong.join("\n")
    );
}

#[test]
fn the_index_names_every_page() {
    let mut index = String::from(
        "# Problems that `bp check-versions` finds\n\n\
         Each has a page with an example that fails, what `bp` says to it, and the example mended. `--deny CODE` makes an\n\
         error of one, `--allow CODE` lowers it, `--fix` mends it where the table says so and there is one right answer.\n\
         [errors.md](../errors.md) lists the codes of everything else.\n\n\
         | code | is | `--fix` | |\n| --- | --- | --- | --- |\n",
    );
    for page in pages() {
        let code = &page.code;
        let mends = if rule(code).unwrap().fixable {
            "yes"
        } else {
            ""
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            index,
            "| [`{code}`]({code}.md) | {} | {mends} | {} |",
            page.severity, page.summary
        );
    }
    let path = folder().join("README.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs_err::write(&path, &index).unwrap();
    }
    assert_eq!(
        fs_err::read_to_string(&path).unwrap_or_default(),
        index,
        "write it anew: UPDATE_DOCS=1 cargo test -p runner --test pages"
    );
}
