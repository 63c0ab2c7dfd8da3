//! Hosts whose lists are written otherwise, or are none.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use testdata::fake::origin::{Answer, Origin};

use crate::Desk;

const OTP: &str = "/builds/otp/amd64/ubuntu-24.04/builds.txt";

/// Makes a host answer in some way.
type Way<'w> = &'w dyn Fn(&Origin);

/// What a check of a sound app makes of the host's list of OTP builds: the list's origin, the verdict, and all codes.
fn said(desk: &Desk) -> (String, String, Vec<String>) {
    let app = desk.app(&[]);
    let amd64 = ["--arch", "amd64"];
    let report = desk.json(&app, &amd64);
    let text = |value: &Value| value.as_str().unwrap_or("none").to_owned();
    let lists = report["lists"].as_array().unwrap();
    let otp = lists.iter().find(|list| list["tool"] == "erlang");
    (
        otp.map_or_else(|| "none".to_owned(), |list| text(&list["origin"])),
        text(&report["versions"]["erlang"]["verdict"]),
        crate::codes(&report),
    )
}

fn line(version: &str) -> String {
    format!("OTP-{version} 5ce6a3b1 2026-01-01T00:00:00Z\n")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn lists_that_are_written_otherwise_are_read() {
    let wanted = line("27.3.4.16");
    let other = line("26.1");
    let texts = [
        ("CRLF", format!("{other}{wanted}").replace('\n', "\r\n")),
        ("a byte-order mark", format!("\u{feff}{wanted}")),
        ("missing columns", "OTP-26.1\nOTP-27.3.4.16\n".to_owned()),
        (
            "more columns",
            wanted.replace('\n', &format!(" {} amd64 x\n", "19".repeat(32))),
        ),
        ("blank lines", format!("\n \n{other}\n\t\n{wanted}\n\n")),
        ("unsorted", format!("{wanted}{other}{}", line("27.1"))),
        ("twice", format!("{wanted}{other}{wanted}")),
        ("no last line end", wanted.trim_end().to_owned()),
    ];
    for (what, text) in texts {
        let desk = Desk::usual();
        desk.host.as_ref().unwrap().file(OTP, text.as_bytes());
        let (origin, verdict, codes) = said(&desk);
        assert_eq!((&*origin, &*verdict), ("live", "available"), "{what}");
        assert_eq!(codes, [""; 0], "{what}");
    }
}

#[test]
fn lists_that_come_on_other_ways_are_had() {
    let list = line("27.3.4.16");
    let ways: [(&str, Way<'_>); 3] = [
        ("gzip", &|host| host.file(OTP, &gzip(list.as_bytes()))),
        ("a redirect", &|host| {
            host.file("/elsewhere", list.as_bytes());
            host.answers(OTP, [Answer::Redirect(host.url("/elsewhere"))]);
        }),
        ("no length", &|host| host.answers(OTP, [Answer::NoLength])),
    ];
    for (what, way) in ways {
        let desk = Desk::usual();
        way(desk.host.as_ref().unwrap());
        let (origin, verdict, codes) = said(&desk);
        assert_eq!((&*origin, &*verdict), ("live", "available"), "{what}");
        assert_eq!(codes, [""; 0], "{what}");
    }
}

/// The built-in list stands in, and can't tell of what it lacks: no error, a warning that says why.
#[test]
fn what_is_no_list_is_said_and_stops_nobody() {
    let endless = vec![b'\n'; 17 << 20];
    let ways: [(&str, &str, Way<'_>); 9] = [
        ("empty", "build-list-malformed", &|host| host.file(OTP, b"")),
        ("binary", "build-list-malformed", &|host| {
            host.file(OTP, &(0..=255).cycle().take(4096).collect::<Vec<u8>>());
        }),
        ("a page", "build-list-malformed", &|host| {
            host.answers(OTP, [Answer::Page]);
        }),
        ("1 GiB", "build-list-malformed", &|host| {
            host.answers(OTP, [Answer::LongerLength(1 << 30)]);
        }),
        ("without an end", "build-list-malformed", &|host| {
            host.file(OTP, &endless);
            host.answers(OTP, [Answer::NoLength]);
        }),
        ("a bomb", "build-list-malformed", &|host| {
            host.file(OTP, &gzip(&vec![0; 64 << 20]));
        }),
        ("304 and nothing kept", "build-list-malformed", &|host| {
            host.answers(OTP, [Answer::Status(304)]);
        }),
        ("a circle", "build-list-old", &|host| {
            host.answers(OTP, vec![Answer::Redirect(host.url(OTP)); 30]);
        }),
        ("500", "build-list-old", &|host| {
            host.answers(OTP, vec![Answer::Status(500); 9]);
        }),
    ];
    for (what, code, way) in ways {
        let desk = Desk::usual();
        way(desk.host.as_ref().unwrap());
        let (origin, verdict, codes) = said(&desk);
        assert_eq!((&*origin, &*verdict), ("snapshot", "unknown"), "{what}");
        let of_list = format!("warning[{code}]");
        assert!(codes.contains(&of_list), "{what}: {codes:?}");
        assert!(
            codes.iter().all(|code| !code.starts_with("error")),
            "{what}: {codes:?}"
        );
    }
}

#[test]
fn a_list_that_lost_much_is_not_taken() {
    let desk = Desk::usual();
    let all: String = (0..100).map(|n| line(&format!("26.{n}"))).collect();
    let host = desk.host.as_ref().unwrap();
    host.file(OTP, format!("{all}{}", line("27.3.4.16")).as_bytes());
    assert_eq!(said(&desk).0, "live");
    age(&desk, -2);
    host.file(OTP, line("28.1").as_bytes());
    let (origin, verdict, codes) = said(&desk);
    assert_eq!((&*origin, &*verdict), ("kept", "available"));
    assert_eq!(codes, ["warning[list-shrunken]"]);
}

#[test]
fn a_clock_before_the_lists_own_day_proves_nothing_by_it() {
    let desk = Desk::usual();
    assert_eq!(
        said(&desk),
        ("live".to_owned(), "available".to_owned(), vec![])
    );
    age(&desk, 300);
    // It is asked for again rather than taken for new.
    assert_eq!(said(&desk).0, "live");
    age(&desk, 300);
    let lacking = desk.app(&[(
        "elixir_buildpack.config",
        "elixir_version=1.19.5\nerlang_version=27.3.4.99\n",
    )]);
    let host = desk.host.as_ref().unwrap();
    host.answers(OTP, vec![Answer::Status(500); 9]);
    let report = desk.json(&lacking, &["--arch", "amd64"]);
    assert_eq!(report["lists"][0]["origin"], "kept");
    assert_eq!(
        report["versions"]["erlang"]["verdict"], "unknown",
        "{report:#}"
    );
    host.answers(OTP, vec![Answer::Status(500); 9]);
    assert_eq!(said(&desk).1, "available");
}

/// Lets what the store keeps of lists have been fetched so many days from now.
fn age(desk: &Desk, days: i64) {
    let fetched = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days);
    let mut changed = 0;
    for entry in fs_err::read_dir(desk.place.store().join("lists-v1")).unwrap() {
        let path = entry.unwrap().path();
        let Ok(text) = fs_err::read_to_string(&path) else {
            continue;
        };
        let mut record: Value = serde_json::from_str(&text).unwrap();
        record["value"]["fetched"] = fetched.to_string().into();
        fs_err::write(&path, record.to_string()).unwrap();
        changed += 1;
    }
    assert!(changed > 0, "nothing is kept");
}
