//! Rules of the house that no compiler knows: who may import whom, where `unsafe` stands, what a code looks like.

#![allow(clippy::unwrap_used, reason = "a rule that cannot be read has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use buildpack_core::rules::RULES;
use regex::Regex;

/// Who may import whom, by crate; `xtask` may import any.
const IMPORTS: [(&str, &[&str]); 6] = [
    ("stacks", &[]),
    ("buildpack-core", &["stacks"]),
    ("buildpack-elixir", &["buildpack-core", "stacks"]),
    ("buildpack-phoenix-static", &["buildpack-core", "stacks"]),
    (
        "runner",
        &[
            "buildpack-core",
            "buildpack-elixir",
            "buildpack-phoenix-static",
            "stacks",
        ],
    ),
    ("testdata", &["buildpack-core"]),
];

/// Crates that only return values and events.
const SILENT: [&str; 4] = [
    "stacks",
    "buildpack-core",
    "buildpack-elixir",
    "buildpack-phoenix-static",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    fs_err::read_to_string(path).unwrap()
}

fn toml_of(path: &Path) -> toml::Table {
    read(path).parse().unwrap()
}

fn members() -> Vec<String> {
    let workspace = toml_of(&root().join("Cargo.toml"));
    let members = workspace["workspace"]["members"].as_array().unwrap();
    members
        .iter()
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}

/// Our Rust files with their text, by path from the root.
fn sources(below: &str) -> Vec<(String, String)> {
    let root = root();
    let mut files: Vec<_> = walkdir::WalkDir::new(root.join(below))
        .into_iter()
        .filter_entry(|entry| entry.file_name() != "target")
        .map(Result::unwrap)
        .filter(|entry| entry.path().extension().is_some_and(|e| e == "rs"))
        .map(|entry| {
            let name = entry
                .path()
                .strip_prefix(&root)
                .unwrap()
                .to_string_lossy()
                .into_owned();
            (name, read(entry.path()))
        })
        .collect();
    files.sort();
    files
}

fn all_sources() -> Vec<(String, String)> {
    members()
        .iter()
        .flat_map(|member| sources(member))
        .collect()
}

/// The text that is not only there for tests, comments left out.
fn product(text: &str) -> String {
    let text = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .fold(String::new(), |all, line| all + line + "\n")
}

fn is_test(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("tests.rs") || path.ends_with("/fixture.rs")
}

#[test]
fn crates_import_in_one_direction() {
    let ours = members();
    for (name, may) in IMPORTS {
        let manifest = toml_of(&root().join(name).join("Cargo.toml"));
        for table in ["dependencies", "build-dependencies"] {
            let Some(table) = manifest.get(table).and_then(toml::Value::as_table) else {
                continue;
            };
            for other in table.keys().filter(|other| ours.contains(other)) {
                assert!(
                    may.contains(&other.as_str()),
                    "{name} must not import {other}"
                );
            }
        }
    }
    for member in ours.iter().filter(|member| *member != "xtask") {
        assert!(
            IMPORTS.iter().any(|(name, _)| name == member),
            "say what {member} may import"
        );
    }
}

/// The rooms of buildpack-core in the order of the list in its front page.
fn rooms() -> Vec<String> {
    let front = read(&root().join("buildpack-core/src/lib.rs"));
    let item = Regex::new(r"(?m)^//! (?:\d+\.|  ).*$").unwrap();
    let name = Regex::new(r"\[`(\w+)`\]").unwrap();
    item.find_iter(&front)
        .flat_map(|line| {
            name.captures_iter(line.as_str())
                .map(|found| found[1].to_owned())
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn rooms_of_the_core_import_only_rooms_above_them() {
    let rooms = rooms();
    let place = |room: &str| rooms.iter().position(|other| other == room);
    let import = Regex::new(r"\bcrate::(\w+)").unwrap();
    let group = Regex::new(r"\buse crate::\{").unwrap();
    let mut seen = 0;
    for (path, text) in sources("buildpack-core/src") {
        let room = path["buildpack-core/src/".len()..]
            .split(['/', '.'])
            .next()
            .unwrap()
            .to_owned();
        if room == "lib" || is_test(&path) {
            continue;
        }
        let own = place(&room).unwrap_or_else(|| panic!("lib.rs does not list the room {room}"));
        let text = product(&text);
        assert!(
            !group.is_match(&text),
            "{path}: import rooms one by one, so that the order can be checked"
        );
        for found in import.captures_iter(&text) {
            let Some(other) = place(&found[1]) else {
                continue;
            };
            assert!(
                other <= own,
                "{path}: {room} must not import {}, which stands below it",
                &found[1]
            );
            seen += 1;
        }
    }
    assert!(seen > 20, "the pattern finds no imports any more");
}

#[test]
fn unsafe_code_stands_in_the_sandbox_alone() {
    let opened = Regex::new(r"\bunsafe_code\b|\bunsafe\s*(\{|fn\b|impl\b|extern\b)").unwrap();
    for (path, text) in all_sources() {
        if path.starts_with("runner/src/sandbox/") || path == "testdata/tests/tidy.rs" {
            continue;
        }
        assert!(!opened.is_match(&product(&text)), "{path}: unsafe code");
    }
}

#[test]
fn nothing_below_the_runner_prints_or_looks_around() {
    let print = Regex::new(
        r"\be?println?!|\bdbg!|\bstd::env::(var|vars|args|temp_dir)\b|\benv::(var|args)",
    )
    .unwrap();
    let clock = Regex::new(r"\b(SystemTime|Timestamp|Zoned)::now\b").unwrap();
    for below in SILENT {
        for (path, text) in sources(&format!("{below}/src")) {
            let text = product(&text);
            if is_test(&path) {
                continue;
            }
            assert!(
                !print.is_match(&text),
                "{path}: only the runner prints and reads the environment"
            );
            assert!(
                !clock.is_match(&text),
                "{path}: the time comes in as a value"
            );
        }
    }
}

/// Codes that a file gives to a helper of its own, `say` or `error`, with the class that the code or the helper has.
fn codes_by_helper(text: &str) -> Vec<(String, String)> {
    static HELPER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"Diagnostic::error\(code, (?:Class::(\w+)|class)").unwrap());
    static USED: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"[^:\[\w](?:error|say)\(\s*"([a-z0-9]+(?:-[a-z0-9]+)+)"(?:,\s*Class::(\w+))?"#)
            .unwrap()
    });
    let Some(helper) = HELPER.captures(text) else {
        return Vec::new();
    };
    let all = USED.captures_iter(text).map(|used| {
        let class = used.get(2).or(helper.get(1)).map(|class| class.as_str());
        (used[1].to_owned(), class.unwrap_or_default().to_owned())
    });
    all.collect()
}

/// Where the causes of failed builds stand as data.
const CAUSES: &str = "buildpack-core/src/causes/signatures/";

/// Codes of the causes that a file has.
fn causes(path: &str, text: &str) -> Vec<String> {
    static CODE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"\bcode: "([^"]*)""#).unwrap());
    let all = CODE
        .captures_iter(text)
        .filter(|_| path.starts_with(CAUSES));
    all.map(|found| found[1].to_owned()).collect()
}

/// Codes of diagnostics by the files that make them.
fn codes() -> BTreeMap<String, BTreeSet<String>> {
    let made =
        Regex::new(r#"(?:Diagnostic::(?:error|warning|note_only)|\bCode)\(\s*"([^"]*)""#).unwrap();
    let mut codes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, text) in all_sources() {
        if is_test(&path) || path.starts_with("xtask/") {
            continue;
        }
        let text = product(&text);
        let own = made.captures_iter(&text).map(|found| found[1].to_owned());
        let by_helper = codes_by_helper(&text).into_iter().map(|(code, _)| code);
        let causes = causes(&path, &text);
        for code in own.chain(by_helper).chain(causes) {
            codes.entry(code).or_default().insert(path.clone());
        }
    }
    codes
}

#[test]
fn a_code_is_a_slug_with_one_meaning() {
    let slug = Regex::new("^[a-z][a-z0-9]*(-[a-z0-9]+)*$").unwrap();
    let codes = codes();
    assert!(codes.len() > 20, "the pattern finds no codes any more");
    let mut wrong = Vec::new();
    for (code, files) in &codes {
        if !slug.is_match(code) {
            wrong.push(format!("`{code}` is no slug: {files:?}"));
        }
        // A log may tell of what the engine knows by itself, and then it is the same problem.
        let made = files.iter().filter(|file| !file.starts_with(CAUSES));
        if made.count() > 1 {
            wrong.push(format!("`{code}` is made in several files: {files:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// How a run ends with an error of a class.
fn ended(class: &str) -> &'static str {
    match class {
        "Build" => "exit 1",
        "Usage" => "exit 2",
        "Config" => "exit 3",
        "Surroundings" => "exit 4",
        "Bug" => "exit 70",
        _ => "error",
    }
}

/// The page `docs/errors.md`: every code, how it ends the run, and the file that makes it.
fn errors_page() -> String {
    let class =
        Regex::new(r#"Diagnostic::(error|warning|note_only)\(\s*"([^"]*)",(?:\s*Class::(\w+))?"#)
            .unwrap();
    let mut ends: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let sources = all_sources();
    for (path, text) in &sources {
        for code in causes(path, text) {
            ends.entry(code).or_default().insert(ended("Build"));
        }
        for found in class.captures_iter(text) {
            let end = match (&found[1], found.get(3).map(|class| class.as_str())) {
                ("warning", _) => "warning",
                ("note_only", _) => "note",
                (_, class) => ended(class.unwrap_or_default()),
            };
            ends.entry(found[2].to_owned()).or_default().insert(end);
        }
        for (code, class) in codes_by_helper(text) {
            ends.entry(code).or_default().insert(ended(&class));
        }
    }
    let mut page = String::from(
        "# Codes of problems\n\n\
         Each problem has a code, in brackets after its severity, and with `--format json` as `code`. Codes are stable:\n\
         a script may ask for them. What each means is written where it is made.\n\n\
         | code | is | made in |\n| --- | --- | --- |\n",
    );
    for (code, files) in codes() {
        let ends: Vec<&str> = ends.get(&code).into_iter().flatten().copied().collect();
        let files: Vec<String> = files.into_iter().map(|file| format!("`{file}`")).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(
            page,
            "| `{code}` | {} | {} |",
            ends.join(", "),
            files.join(", ")
        );
    }
    page
}

#[test]
fn the_page_of_codes_is_true() {
    let path = root().join("docs/errors.md");
    let page = errors_page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs_err::write(&path, &page).unwrap();
    }
    let kept = fs_err::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == page,
        "write it anew: UPDATE_DOCS=1 cargo test -p testdata --test tidy"
    );
}

/// Where the codes are made that a check can report, and those among them that are not for checks.
const CHECKED: [&str; 9] = [
    "buildpack-core/src/app/",
    "buildpack-core/src/check/",
    "buildpack-core/src/lists/",
    "buildpack-core/src/rules/",
    "buildpack-core/src/syntax/",
    "buildpack-core/src/wanted/",
    "buildpack-elixir/src/",
    "buildpack-phoenix-static/src/",
    "runner/src/pipeline/prepare.rs",
];
const NOT_CHECKED: &[&str] = &[
    "app-folder",
    "install-list-missing",
    "install-not-listed",
    "node-archive",
    "npm-no-digest",
    "npm-package-missing",
    "npm-package-name",
    "npm-registry-answer",
    "pack-native-only",
    "packs-lock-syntax",
    "packs-locked",
];

#[test]
fn the_catalogue_of_rules_is_whole_and_true() {
    let codes = codes();
    let mut wrong = Vec::new();
    for rule in RULES {
        if !codes.contains_key(rule.code) {
            wrong.push(format!(
                "`{}` is in the catalogue and made nowhere",
                rule.code
            ));
        }
        if !root().join(rule.page()).is_file() {
            wrong.push(format!("`{}` has no page {}", rule.code, rule.page()));
        }
        if RULES.iter().filter(|other| other.code == rule.code).count() > 1 {
            wrong.push(format!("`{}` is in the catalogue twice", rule.code));
        }
    }
    for (code, files) in &codes {
        let checked = |file: &String| CHECKED.iter().any(|place| file.starts_with(place));
        if files.iter().any(checked)
            && !NOT_CHECKED.contains(&code.as_str())
            && buildpack_core::rules::rule(code).is_none()
        {
            wrong.push(format!("`{code}` is not in the catalogue: {files:?}"));
        }
    }
    let pages = fs_err::read_dir(root().join("docs/diagnostics")).unwrap();
    for page in pages {
        let name = page.unwrap().file_name().into_string().unwrap();
        let code = name.trim_end_matches(".md");
        if code != "README" && buildpack_core::rules::rule(code).is_none() {
            wrong.push(format!("docs/diagnostics/{name} is about no rule"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_left_to_do() {
    let left = Regex::new(r"\b(TODO|FIXME|XXX)\b|\b(todo|unimplemented)!").unwrap();
    for (path, text) in all_sources() {
        if path != "testdata/tests/tidy.rs" {
            assert!(
                !left.is_match(&text),
                "{path}: do it, or say in the issue tracker what is left"
            );
        }
    }
}

#[test]
fn every_dependency_has_its_reason() {
    let root = root();
    let reasons = read(&root.join("CONTRIBUTING.md"));
    let workspace = toml_of(&root.join("Cargo.toml"));
    let ours = members();
    let names = workspace["workspace"]["dependencies"]
        .as_table()
        .unwrap()
        .keys();
    let wrong: Vec<_> = names
        .filter(|name| !ours.contains(name))
        .filter(|name| !reasons.contains(&format!("\n- `{name}`: ")))
        .collect();
    assert!(
        wrong.is_empty(),
        "CONTRIBUTING.md has no line `- `NAME`: why` for {wrong:?}"
    );
}

#[test]
fn dependencies_are_used() {
    let mut wrong = Vec::new();
    let mut asked = BTreeSet::new();
    for member in members() {
        let manifest = toml_of(&root().join(&member).join("Cargo.toml"));
        let text: String = sources(&member).into_iter().map(|(_, text)| text).collect();
        let tables = ["dependencies", "dev-dependencies", "build-dependencies"];
        for table in tables
            .iter()
            .filter_map(|table| manifest.get(*table)?.as_table())
        {
            for name in table.keys() {
                let path = Regex::new(&format!(r"\b{}\b", name.replace('-', "_"))).unwrap();
                if !path.is_match(&text) {
                    wrong.push(format!("{member} does not use {name}"));
                }
                asked.insert(name.clone());
            }
        }
    }
    let workspace = toml_of(&root().join("Cargo.toml"));
    for name in workspace["workspace"]["dependencies"]
        .as_table()
        .unwrap()
        .keys()
    {
        if !asked.contains(name) && !members().contains(name) {
            wrong.push(format!("no crate asks for {name}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
