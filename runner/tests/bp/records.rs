//! Records of builds: another build made from one, and two held against each other.

use serde_json::Value;
use testdata::fake::git::{GitHost, Repository};
use testdata::schema::Schema;
use testdata::workspace::Workspace;

use crate::{BP, in_world, of_another_user, store, workspace};

/// A record, as the schema has it.
fn read(place: &Workspace, name: &str) -> Value {
    let text = fs_err::read_to_string(place.path().join(name)).unwrap();
    Schema::of_records().read(&text)
}

#[test]
fn another_user_makes_the_same_image_from_a_record() {
    if !in_world() {
        return;
    }
    let ours = Workspace::new(BP).unwrap().with_store(store());
    let theirs = of_another_user();
    let app = ours.app("tiny", "recorded").unwrap();
    let var = "--env=API_TOKEN=hunter2-hunter2";
    let made = ours
        .build(
            &app,
            &[var, "--compression", "zstd", "--record", "record.json"],
        )
        .ok();
    let record = read(&ours, "record.json");
    assert_eq!(record["image"]["digest"], made.digest());
    assert_eq!(record["request"]["stack"], "heroku-24");
    assert_eq!(record["steps"][0]["exit"], 0);
    let vars = record["config_vars"]["vars"].as_object().unwrap();
    assert_eq!(vars.keys().collect::<Vec<_>>(), ["API_TOKEN"]);
    assert!(!record.to_string().contains("hunter2"));

    let text = record.to_string();
    fs_err::write(theirs.path().join("theirs.json"), &text).unwrap();
    let copy = theirs.app("tiny", "replayed").unwrap();
    let like = ["--like", "theirs.json"];
    let same = theirs.build(&copy, &[&like[..], &[var]].concat()).ok();
    assert_eq!(same.digest(), made.digest(), "{}", same.text);
    same.never_says("record-unmatched");

    copy.write("note.txt", "new").unwrap();
    let other = theirs.build(&copy, &like).ok();
    assert_ne!(other.digest(), made.digest());
    other
        .says("[record-unmatched]")
        .says("config var API_TOKEN: set → gone")
        .says("source: ");

    let put = |name: &str, text: &str| fs_err::write(theirs.path().join(name), text).unwrap();
    put("cut.json", &text[..text.len() / 2]);
    put("edited.json", &text.replace("recorded", "another"));
    put("newer.json", &text.replace("\"schema\":1", "\"schema\":2"));
    for (name, code) in [
        ("cut.json", "record-truncated"),
        ("edited.json", "record-edited"),
        ("newer.json", "record-newer"),
        ("none.json", "record-unreadable"),
    ] {
        theirs.build(&copy, &["--like", name]).fails(2, code);
    }
}

#[test]
fn the_difference_to_the_build_that_worked_is_told() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "diffed").unwrap();
    place.build(&app, &["--env", "LEVEL=1"]).ok();
    place.bp(&["diff", "diffed"]).fails(2, "record-alone");
    place.build(&app, &["--env", "LEVEL=1"]).ok();
    place.bp(&["diff", "diffed"]).ok().says("no difference");

    app.write("lib/broken.ex", "defmodule Broken do\n").unwrap();
    place
        .build(&app, &["--env", "LEVEL=2", "--record", "red.json"])
        .fails(1, "compile-error");
    let red = read(&place, "red.json");
    assert_eq!(
        (&red["outcome"], &red["exit"]),
        (&"failed".into(), &1.into())
    );
    let failed = red["steps"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&failed["state"], &failed["exit"]),
        (&"failed".into(), &1.into())
    );
    assert_eq!(
        red["diagnostics"].as_array().unwrap().last().unwrap()["code"],
        "compile-error"
    );
    assert_eq!(red["cause"]["step"], "compile");

    let told = place
        .bp(&["diff", "diffed"])
        .exits(1)
        .says("outcome: an image → failed: `lib/broken.ex` does not compile")
        .says("source: ")
        .says("config var LEVEL: a value → another value");
    let at = |words: &str| told.text.find(words).unwrap();
    assert!(at("outcome") < at("source") && at("source") < at("LEVEL"));
    let json = place
        .bp(&["diff", "diffed", "red.json", "--format", "json"])
        .ok();
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(
        (&json["same"], &json["changes"]),
        (&true.into(), &serde_json::json!([]))
    );
}

/// As if the record came from a machine of another kind: its stack images and archives are not those of this one.
#[test]
fn a_record_of_another_architecture_says_what_it_cannot_hold() {
    let Some(place) = workspace() else { return };
    let app = place.app("tiny", "of_arm").unwrap();
    let made = place.build(&app, &["--record", "record.json"]).ok();
    let mut record = read(&place, "record.json");
    assert_eq!(record["request"]["architecture"], "amd64");
    record["request"]["architecture"] = "arm64".into();
    let foreign = format!("sha256:{}", "0".repeat(64));
    for image in ["build_image", "run_image"] {
        record[image]["digest"] = foreign.as_str().into();
    }
    record["tools"][0]["sha256"] = "0".repeat(64).into();
    record.as_object_mut().unwrap().remove("seal");
    let sealed = runner::records::file::sealed(record);
    fs_err::write(place.path().join("arm.json"), sealed.to_string()).unwrap();
    let built = place.build(&app, &["--like", "arm.json"]).ok();
    assert_eq!(built.digest(), made.digest());
    built
        .says("[record-unmatched]")
        .says("architecture: arm64 → amd64");
}

#[test]
fn packs_are_those_of_the_record_whatever_came_since() {
    let Some(place) = workspace() else { return };
    let app = place.app("plain", "packs_of_record").unwrap();
    let repos = place.path().join("repos");
    let repo = Repository::pack(&repos.join("pack"), "one").unwrap();
    let host = GitHost::start(&repos).unwrap();
    app.write(".buildpacks", format!("{}\n", host.url("pack")))
        .unwrap();
    let first = place.build(&app, &["--record", "one.json"]).ok();
    let record = read(&place, "one.json");
    let was = repo.git(&["rev-parse", "HEAD"]).unwrap();
    assert!(record["packs"].to_string().contains(&was), "{record}");
    repo.release("two").unwrap();
    place.build(&app, &[]).ok().says("version two");
    let like = place.build(&app, &["--like", "one.json"]).ok();
    assert_eq!(like.digest(), first.digest());
    like.says("version one").never_says("record-unmatched");
    // What the record has no version of is new to it.
    let other = Repository::pack(&repos.join("other"), "three").unwrap();
    let both = format!("{}\n{}\n", host.url("pack"), host.url("other"));
    app.write(".buildpacks", both).unwrap();
    place
        .build(&app, &["--like", "one.json"])
        .says("[record-unmatched]")
        .says("version one")
        .says("other");
    drop(other);
}
