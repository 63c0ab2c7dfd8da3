//! The app of a blog post that gave up on a deploy (`testdata/apps/blog`), under three sets of lists.

use serde_json::{Value, json};
use testdata::fake::lists::Lists;

use crate::Desk;

/// What differs from run to run, replaced.
fn settled(desk: &Desk, text: &str) -> String {
    let today = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    let host = desk.host.as_ref().map(|host| host.url(""));
    let host = host.as_deref().unwrap_or("http://127.0.0.1:1");
    text.replace(&format!("{host}/dist"), "[NODE]")
        .replace(host, "[HOST]")
        .replace(host.trim_start_matches("http://"), "[HOST]")
        .replace(desk.place.path().to_str().unwrap(), "[HERE]")
        .replace(&today.to_string(), "[TODAY]")
}

fn goldens(name: &str, lists: Option<&Lists>, code: i32) {
    let desk = Desk::new(lists);
    let app = desk.place.app("blog", "blog").unwrap();
    let said = |form: &str| {
        let ran = desk.check(&app, &["--format", form]).exits(code);
        settled(&desk, &ran.stdout)
    };
    insta::assert_snapshot!(format!("{name}_text"), said("text"));
    insta::assert_snapshot!(format!("{name}_json"), said("json"));
    let mut sarif: Value = serde_json::from_str(&said("sarif")).unwrap();
    // The rules are the same in each.
    sarif["runs"][0]["tool"]["driver"]["rules"] = json!("…");
    insta::assert_snapshot!(format!("{name}_sarif"), format!("{sarif:#}"));
}

#[test]
fn lists_that_have_27_2() {
    goldens("there", Some(&Lists::usual().with_otp("24.04", "27.2")), 0);
}

#[test]
fn lists_that_lack_27_2() {
    goldens("lacking", Some(&Lists::usual()), 3);
}

#[test]
fn no_lists() {
    goldens("none", None, 0);
}
