use buildpack_core::digest::Digest;
use buildpack_core::event::StepState;
use jiff::Timestamp;

use super::*;
use crate::records::{Facts, Image, Said, Source, Step, Tool, VarHashes};

fn record() -> Record {
    Record {
        outcome: Outcome::Built,
        config_vars: Some(vars("key", &[("A", "1"), ("B", "2")])),
        facts: Facts {
            source: Some(Source {
                digest: Digest::of(b"source"),
                commit: Some("c".repeat(40)),
                created: Timestamp::UNIX_EPOCH,
            }),
            tools: vec![tool("27.2", "https://h/OTP-27.2.tar.gz")],
            image: Some(Image {
                digest: Digest::of(b"image"),
                config: Digest::of(b"config"),
                size: 1,
            }),
            ..Facts::default()
        },
        ..Record::begin(Timestamp::UNIX_EPOCH)
    }
}

fn vars(key: &str, vars: &[(&str, &str)]) -> VarHashes {
    let vars = vars.iter();
    VarHashes {
        key: key.to_owned(),
        vars: vars
            .map(|(name, hash)| ((*name).to_owned(), (*hash).to_owned()))
            .collect(),
    }
}

fn tool(version: &str, url: &str) -> Tool {
    Tool {
        id: "erlang".to_owned(),
        name: format!("Erlang {version}"),
        version: version.to_owned(),
        url: url.to_owned(),
        sha256: None,
        first_use: false,
        sha512: None,
    }
}

fn lines(comparison: &Comparison) -> Vec<String> {
    comparison.changes.iter().map(Change::to_string).collect()
}

#[test]
fn two_records_of_one_build_are_the_same() {
    let mut later = record();
    later.began = Timestamp::MAX;
    later.millis = 99;
    later.outcome = Outcome::Unchanged;
    later.facts.tools = vec![tool("27.2", "http://mirror/OTP-27.2.tar.gz")];
    let compared = compare(&record(), &later);
    assert_eq!(compared.changes, []);
    assert!(compared.notes.is_empty());
}

#[test]
fn how_it_ended_comes_first_then_what_went_in_then_what_came_of_it() {
    let mut red = record();
    red.bp = "9.9.9".to_owned();
    red.outcome = Outcome::Failed;
    red.diagnostics = vec![Said {
        code: "step-failed".to_owned(),
        severity: "error".to_owned(),
        message: "step `compile` failed".to_owned(),
    }];
    red.config_vars = Some(vars("key", &[("B", "3"), ("C", "4")]));
    red.facts.tools = vec![tool("27.3", "https://h/OTP-27.3.tar.gz")];
    red.facts.image = None;
    red.facts.steps = vec![Step {
        step: "compile".to_owned(),
        state: StepState::Failed,
        millis: Some(1),
        exit: Some(1),
        signal: None,
    }];
    red.facts.source = Some(Source {
        commit: Some("d".repeat(40)),
        ..record().facts.source.unwrap()
    });
    assert_eq!(
        lines(&compare(&record(), &red)),
        [
            "outcome: an image → failed: step `compile` failed [step-failed]",
            "commit: cccccccccccc → dddddddddddd",
            "config var A: set → gone",
            "config var B: a value → another value",
            "config var C: new, set",
            "erlang: 27.2 → 27.3",
            &format!("bp: {} → 9.9.9", env!("CARGO_PKG_VERSION")),
            "step compile: new, failed with exit code 1",
        ]
    );
}

#[test]
fn values_under_two_keys_are_not_called_the_same() {
    let mut other = record();
    other.config_vars = Some(vars("another key", &[("A", "x"), ("B", "y")]));
    let compared = compare(&record(), &other);
    assert_eq!(compared.changes, []);
    assert_eq!(compared.notes.len(), 1, "{:?}", compared.notes);
}

#[test]
fn what_is_not_committed_is_told_from_a_commit() {
    let mut edited = record();
    edited.facts.source = Some(Source {
        digest: Digest::of(b"other"),
        ..record().facts.source.unwrap()
    });
    let changes = compare(&record(), &edited).changes;
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].what, "files that are not committed");
    assert!(changes[0].kind.is_input());
}

#[test]
fn a_plan_is_compared_part_by_part() {
    let plan = |script: &str, port: &str| {
        Some(serde_json::json!({
            "steps": [
                { "id": "deps", "run": { "program": { "argv": ["mix"] } } },
                { "id": "hook", "run": { "bash": { "script": script } } },
            ],
            "build_env": { "PORT": port },
            "surroundings": { "HEX_MIRROR": port },
        }))
    };
    let (mut one, mut two) = (record(), record());
    one.facts.plan = plan("true", "1");
    two.facts.plan = plan("false", "2");
    let compared = compare(&one, &two);
    let what: Vec<&str> = (compared.changes.iter())
        .map(|change| change.what.as_str())
        .collect();
    assert_eq!(what, ["step hook", "variables of the build: PORT"]);
}
