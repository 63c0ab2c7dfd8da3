//! `bp explain` as its users call it, and the page docs/failures.md: for every signature a log, and what `bp` says to it.
//!
//! `UPDATE_DOCS=1` writes the page anew.

#![allow(clippy::unwrap_used, reason = "a test's failure is its message")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use buildpack_core::causes::{Cause, Finder, Rank, signatures};
use serde_json::Value;
use testdata::fake::lists::Lists;
use testdata::fake::origin::Origin;
use testdata::workspace::{App, Ran, Workspace, run};

/// A workspace, and a host of lists.
struct Desk {
    place: Workspace,
    host: Origin,
}

impl Desk {
    fn new() -> Self {
        let host = Origin::start().unwrap();
        Lists::usual().serve(&host);
        let place = Workspace::new(env!("CARGO_BIN_EXE_bp")).unwrap();
        Self { place, host }
    }

    /// `bp explain` for amd64 with these arguments.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.place.command(&["explain", "--arch", "amd64"]);
        command
            .args(arguments)
            .env("BP_HEX_BUILDS_URL", self.host.url(""))
            .env("BP_NODE_DIST_URL", self.host.url("/dist"));
        command
    }

    fn explain(&self, arguments: &[&str]) -> Ran {
        run(&mut self.command(arguments))
    }

    /// What it says to a log on standard input.
    fn explain_text(&self, log: &[u8], arguments: &[&str]) -> Ran {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        // It may have found enough before the end.
        let _ = input.write_all(log);
        drop(input);
        Ran::of(&child.wait_with_output().unwrap())
    }
}

fn logs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/logs")
}

/// Codes of which a failed build of the test world has left its block.
fn own_blocks() -> impl Iterator<Item = String> {
    let names = fs_err::read_dir(logs().join("../blocks")).unwrap();
    let name = |entry: std::io::Result<fs_err::DirEntry>| entry.unwrap().file_name().into_string();
    names.map(move |entry| {
        let name = name(entry).unwrap();
        name.trim_end_matches(".txt").to_owned()
    })
}

/// Such a block (`runner/tests/bp/blocks.rs`).
fn own_block(code: &str) -> Option<String> {
    fs_err::read_to_string(logs().join(format!("../blocks/{code}.txt"))).ok()
}

fn log(code: &str) -> String {
    let path = logs().join(format!("{code}.log"));
    path.to_str().unwrap().to_owned()
}

/// The cause among the events of a run with `--format json`.
fn cause(ran: &Ran) -> Cause {
    let events = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut causes = events.filter(|event| event["event"] == "cause");
    let cause = causes
        .next()
        .unwrap_or_else(|| panic!("no cause in {}", ran.text));
    serde_json::from_value(cause["cause"].clone()).unwrap()
}

/// A block without the marks before its lines, indented as the page has it.
fn block(said: &str) -> String {
    let lines = said.lines().filter(|line| *line != " !");
    lines.fold(String::new(), |page, line| {
        let line = line.strip_prefix(" !     ").unwrap_or(line);
        page + format!("    {line}").trim_end() + "\n"
    })
}

/// Why no build of the test suite fails so, for each cause of which none does.
const NOT_MADE: [(&str, &str); 7] = [
    (
        "hex-key-usage",
        "`bp` warns of such a release before it builds (`otp-known-bad`); the test suite has none.",
    ),
    (
        "hook-without-shell",
        "`bp` runs hooks with bash, so that none of its builds can fail so.",
    ),
    (
        "environment-of-development",
        "A running app says so, of a package that the test suite does not have.",
    ),
    (
        "node-sass",
        "The test suite does without node-sass, and the two hundred packages that it asks for.",
    ),
    (
        "asset-program-download",
        "`bp` fetches these programs itself, and warns where it can't read which (`assets-binary-version`); the packages of \
         the test suite download nothing.",
    ),
    (
        "launcher-missing",
        "Dokku says so, of an image that another builder made.",
    ),
    (
        "slug-too-large",
        "Heroku says so; images have no such limit.",
    ),
];

const HEAD: &str = "\
# Why builds fail

What `bp` knows of failed builds. A build of its own that fails ends with one block: the code of the cause, what happened,
the step and the command, the line of the log that says so, and what to do. `bp explain LOG` says the same of a log that
another builder wrote: herokuish, Heroku, Dokku, GitLab or any other. A log goes to standard input too:
`git push dokku main 2>&1 | bp explain`.

`bp explain` is told what it can't read in the log: `--app DIR` is the app's folder, so that the line to change can be named,
and `--stack` the stack. With `--format json` it prints events as a build does, the last of them the `cause`. It ends with 0
where the cause is known, with 1 where it is not.

Of several causes in a log the first root counts, else the first error, else the first line of those that only sum up. What a
log says of its own end, such as `pre-receive hook declined`, is none.

The blocks below are those of builds of the test suite that failed so. Where none can be made there, which is said, and where
another builder says it in words that `bp` never prints, it is what `bp explain` says to the log of that name in
`testdata/logs`. Their numbers of lines are left out where they depend on what
else was printed.

";

#[test]
fn the_page_of_failures_is_true() {
    let desk = Desk::new();
    let (mut table, mut blocks) = (String::new(), String::new());
    for signature in signatures() {
        let code = signature.code;
        let ran = desk.explain(&[&log(code)]).ok();
        assert!(
            ran.stdout.contains(&format!("error[{code}]")),
            "{code}: {}",
            ran.text
        );
        let known = cause(&desk.explain(&[&log(code), "--format", "json"]).ok());
        assert_eq!(known.code, code);
        let rank = match signature.rank {
            Rank::Root => "root",
            Rank::Direct => "error",
            Rank::Summary => "sums up",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            table,
            "| [`{code}`](#{code}) | {rank} | {} |",
            known.message
        );
        let _ = write!(blocks, "\n## `{code}`\n");
        let built = own_block(code);
        let why = NOT_MADE.iter().find(|(other, _)| *other == code);
        assert_ne!(built.is_some(), why.is_some(), "{code}");
        if let Some((_, why)) = why {
            let _ = write!(blocks, "\n{why}\n");
        }
        if let Some(built) = &built {
            let _ = write!(blocks, "\n{}", block(built));
        }
        // The engine may notice it in another way than other builders do.
        if !built.is_some_and(|built| built.contains(&format!("error[{code}]"))) {
            let name = format!("testdata/logs/{code}.log");
            let _ = write!(blocks, "\n`bp explain {name}`:\n\n{}", block(&ran.stdout));
        }
    }
    let mut rest: Vec<_> = own_blocks().collect();
    rest.retain(|code| !signatures().any(|one| one.code == code));
    rest.sort();
    assert!(!rest.is_empty());
    blocks += "\n# What is found in what was built\n\nBefore an image counts as done, it is looked at: see [checks](when-a-build-fails.md).\n";
    for code in rest {
        let built = own_block(&code).unwrap();
        let _ = write!(blocks, "\n## `{code}`\n\n{}", block(&built));
    }
    let page = format!("{HEAD}| code | is | such as |\n| --- | --- | --- |\n{table}{blocks}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/failures.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs_err::write(&path, &page).unwrap();
    }
    let kept = fs_err::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == page,
        "write it anew: UPDATE_DOCS=1 cargo test -p runner --test failures"
    );
}

#[test]
fn every_log_belongs_to_a_signature() {
    for entry in fs_err::read_dir(logs()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let code = name.trim_end_matches(".log");
        assert!(signatures().any(|one| one.code == code), "{name}");
    }
}

/// The deploy log of a blog post: the stack, the nearest versions, and the line.
#[test]
fn a_version_that_was_not_built_is_told_with_its_stack_neighbours_and_line() {
    let desk = Desk::new();
    let of_log = desk.explain(&[&log("version-not-built")]).ok();
    insta::assert_snapshot!(of_log.stdout);
    // The lists of another stack have it; a flag wins over the log.
    let elsewhere = desk.explain(&[&log("version-not-built"), "--stack", "heroku-22"]);
    elsewhere
        .ok()
        .says("Erlang 27.2 is not built for heroku-22")
        .never_says("27.2.4");
}

/// An app that asks for an Erlang that was not built for heroku-24.
fn blog(desk: &Desk) -> App {
    let app = desk.place.app("tiny", "blog").unwrap();
    app.write(
        "elixir_buildpack.config",
        "elixir_version=1.18.1\nerlang_version=27.2\n",
    )
    .unwrap();
    app
}

#[test]
fn with_the_apps_folder_its_own_line_is_shown() {
    let desk = Desk::new();
    let app = blog(&desk);
    let folder = app.path.to_str().unwrap();
    let of_app = desk
        .explain(&[&log("version-not-built"), "--app", folder])
        .ok();
    insta::assert_snapshot!(of_app.stdout);
    let cause = cause(&desk.explain(&[
        &log("version-not-built"),
        "--app",
        folder,
        "--format",
        "json",
    ]));
    let place = cause.place.unwrap();
    assert_eq!(
        (place.file.as_str(), place.line, place.column),
        ("elixir_buildpack.config", 2, 16)
    );
    assert_eq!(cause.quote.unwrap().line, 12);
    // It was mended since; the log is still explained.
    app.write(
        "elixir_buildpack.config",
        "elixir_version=1.18.1\nerlang_version=27.2.4\n",
    )
    .unwrap();
    desk.explain(&[&log("version-not-built"), "--app", folder])
        .ok()
        .says("27.2.4");
}

/// The log is the evidence that a list of long ago cannot give: it lacked the version, and so did the builder's.
#[test]
fn a_list_of_long_ago_names_the_line_too() {
    let desk = Desk::new();
    let app = blog(&desk);
    app.write("app.json", "{\"stack\": \"heroku-24\"}").unwrap();
    let line = b"       Sorry, Erlang '27.2' isn't supported yet or isn't formatted correctly.\n";
    let file = desk.place.path().join("herokuish.log");
    fs_err::write(&file, line).unwrap();
    let arguments = [file.to_str().unwrap(), "--app", app.path.to_str().unwrap()];
    let today = desk.explain(&arguments).ok();
    insta::assert_snapshot!(today.stdout);
    let fetched = regex::Regex::new("\"fetched\":\\s*\"[^\"]*\"").unwrap();
    let mut aged = 0;
    for entry in walkdir::WalkDir::new(desk.place.store()) {
        let entry = entry.unwrap();
        let Ok(text) = fs_err::read_to_string(entry.path()) else {
            continue;
        };
        if fetched.is_match(&text) {
            let old = fetched.replace(&text, "\"fetched\":\"2020-01-01T00:00:00Z\"");
            fs_err::write(entry.path(), old.as_bytes()).unwrap();
            aged += 1;
        }
    }
    assert!(aged > 1, "no list is kept");
    let offline = [&arguments[..], &["--offline"]].concat();
    let of_old = desk.explain(&offline).ok();
    assert_eq!(of_old.stdout, today.stdout);
    // The check has no such evidence.
    let mut check = desk
        .place
        .command(&["check-versions", arguments[2], "--offline"]);
    check.env("BP_HEX_BUILDS_URL", desk.host.url(""));
    run(&mut check).says("otp-unknown");
}

#[test]
fn a_version_that_is_there_by_now_is_told_with_who_asks_for_it() {
    let desk = Desk::new();
    Lists::usual().with_otp("24.04", "27.2").serve(&desk.host);
    let app = blog(&desk);
    let folder = app.path.to_str().unwrap();
    desk.explain(&[&log("version-not-built"), "--app", folder])
        .fails(0, "version-not-built")
        .says("elixir_buildpack.config:2:16")
        .says(" has it for heroku-24: build again, it may be new");
}

#[test]
fn lists_that_cannot_be_had_keep_nothing_from_being_told() {
    let desk = Desk::new();
    let log = log("version-not-built");
    let mut command = desk.command(&[&log, "--offline"]);
    command.env("BP_CACHE_DIR", "/dev/null/none");
    run(&mut command)
        .fails(0, "version-not-built")
        .says("heroku-24");
    run(&mut desk.command(&[&log, "--offline"])).fails(0, "version-not-built");
}

#[test]
fn a_log_comes_from_standard_input_too() {
    let desk = Desk::new();
    let log = b"a\nremote:  !     npm error Missing script: \"x\"\n";
    for arguments in [&[][..], &["-"]] {
        let ran = desk.explain_text(log, arguments).fails(0, "script-missing");
        assert!(
            ran.stdout
                .contains("= log line 2: npm error Missing script: \"x\""),
            "{}",
            ran.text
        );
    }
}

#[test]
fn a_log_that_tells_nothing_is_said_to() {
    let desk = Desk::new();
    desk.explain_text(b"", &[])
        .fails(1, "log-unexplained")
        .says("0 lines");
    desk.explain_text(b"-----> Compiling\nall is well\n", &[])
        .fails(1, "log-unexplained");
    desk.explain_text(b"x\n ! [remote rejected] main -> main (pre-receive hook declined)\n", &[])
        .fails(1, "log-unexplained")
        .says("line 2: [remote rejected] main -> main (pre-receive hook declined): that something failed, and not what")
        .says("the build's whole log");
    desk.explain_text(b"x\n** (Mix) of another kind\n", &[])
        .fails(1, "log-unexplained")
        .says("the first that looks like an error is line 2: ** (Mix) of another kind");
    desk.explain(&["no/such.log"])
        .fails(2, "log-unreadable")
        .says("no/such.log");
    desk.explain(&["/"]).fails(2, "log-unreadable");
    desk.explain(&[&log("disk-full"), "--app", "no/such/app"])
        .exits(2);
}

#[test]
fn bytes_of_any_kind_are_a_log() {
    let desk = Desk::new();
    let mut bytes: Vec<u8> = (0..1 << 20)
        .map(|at: u32| at.wrapping_mul(2_654_435_761).to_le_bytes()[2])
        .collect();
    desk.explain_text(&bytes, &[]).fails(1, "log-unexplained");
    // One line without an end, then one that means something.
    bytes.fill(b'x');
    bytes.extend_from_slice(b"\n\x1b[2J\x1b]0;title\x07npm error Missing \x1b[31mscript: \"a\"\n");
    let text = desk.explain_text(&bytes, &[]).fails(0, "script-missing");
    assert!(!text.text.contains('\u{1b}') && !text.text.contains('\u{7}'));
    let events = desk.explain_text(&bytes, &["--format", "json"]).ok();
    assert!(!events.text.contains("\\u001b"), "{}", events.text);
    assert_eq!(
        cause(&events).quote.unwrap().text,
        "npm error Missing script: \"a\""
    );
}

/// What the kept logs of builds that went well print means nothing.
#[test]
fn green_logs_mean_nothing() {
    let mut seen = 0;
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bp/snapshots");
    for entry in fs_err::read_dir(tests).unwrap() {
        let path = entry.unwrap().path();
        if !path.to_string_lossy().contains("__phoenix_log__") {
            continue;
        }
        let text = fs_err::read_to_string(path).unwrap();
        let mut finder = Finder::new();
        for (number, line) in (1..).zip(text.lines()) {
            finder.line(number, line);
            seen += 1;
        }
        let found = finder
            .found()
            .map(|found| (found.signature.code, &found.quote));
        assert_eq!(found, None);
    }
    assert!(seen > 50, "no log is kept any more");
}
