//! `bp doctor` on this very machine, in the test world.

use serde_json::Value;
use testdata::workspace::{Ran, run};

use crate::workspace;

fn document(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap()
}

fn state<'d>(document: &'d Value, check: &str) -> Vec<&'d str> {
    let all = document["findings"].as_array().unwrap().iter();
    let wanted = all.filter(|finding| finding["check"] == check);
    wanted
        .map(|finding| finding["state"].as_str().unwrap())
        .collect()
}

#[test]
fn a_machine_that_can_build_is_told_so() {
    let Some(place) = workspace() else { return };
    place
        .bp(&["doctor"])
        .ok()
        .says("ok    namespaces")
        .says("none is needed")
        .never_says("mended before");
    let document = document(&place.bp(&["doctor", "--format", "json"]).ok());
    assert_eq!(document["schema"], 1);
    assert_eq!(document["bad"], 0);
    assert_eq!(state(&document, "host").len(), 5);
    assert_eq!(state(&document, "clock"), ["ok"]);
    for finding in document["findings"].as_array().unwrap() {
        assert!(!finding["means"].as_str().unwrap().is_empty());
        let mend = finding["mend"].as_array().unwrap();
        assert_eq!(finding["state"] == "ok", mend.is_empty(), "{finding}");
    }
}

#[test]
fn what_is_in_the_way_is_told_with_the_line_that_mends_it() {
    let Some(place) = workspace() else { return };
    let mut doctor = place.command(&["doctor", "--format", "json"]);
    doctor
        .env("BP_HEX_BUILDS_URL", "http://127.0.0.1:1")
        .env("SSL_CERT_FILE", "/nowhere/ca.pem");
    let document = document(&run(&mut doctor).exits(1));
    assert!(state(&document, "host").contains(&"bad"));
    assert_eq!(state(&document, "certificates"), ["bad"]);
    let mut doctor = place.command(&["doctor"]);
    doctor.env("BP_HEX_BUILDS_URL", "http://127.0.0.1:1");
    run(&mut doctor)
        .exits(1)
        .says("127.0.0.1:1 is not reached")
        .says("mend it: export BP_HEX_BUILDS_URL=")
        .says("1 of these must be mended");
    let mut doctor = place.command(&["doctor", "--offline"]);
    doctor.env("BP_HEX_BUILDS_URL", "http://127.0.0.1:1");
    run(&mut doctor).ok().says("not asked: offline");
}
