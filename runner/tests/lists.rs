//! Lists of published builds over the network, from hosts that behave and hosts that don't.

#![allow(clippy::unwrap_used, reason = "a test's failure is its message")]

use std::io::Write as _;
use std::time::{Duration, Instant};

use buildpack_core::event::{Event, EventSink};
use buildpack_core::lists::{ListOrigin, ListSource as _, Policy, Provider, Wanted};
use buildpack_core::store::Store;
use buildpack_core::toolchain::TimeLimits;
use flate2::Compression;
use flate2::write::GzEncoder;
use runner::http::HttpFetch;
use runner::pipeline::{BuildLists, Parts, Patience, Services};
use runner::registry::{Registries, RegistrySettings};
use runner::sandbox::{self, Mode};
use stacks::{Arch, Target};
use testdata::fake::origin::{Answer, Origin};

const OTP: &str = "/builds/otp/amd64/ubuntu-24.04/builds.txt";
const ELIXIR: &str = "/builds/elixir/builds.txt";
const NODE: &str = "/dist/index.json";

/// Hosts for all lists, and a store that keeps what they send.
struct Desk {
    origin: Origin,
    services: Services,
    _folder: tempfile::TempDir,
}

struct Silent;

impl EventSink for Silent {
    fn emit(&self, _: Event) {}
}

/// What came of asking for a list: from where, how many entries; and the codes of complaints.
type Came = (Result<(ListOrigin, usize), String>, Vec<&'static str>);

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let origin = Origin::start().unwrap();
        let scratch = folder.path().to_owned();
        let mut services = Services::new(Parts {
            store: Store::open(folder.path().join("cache")).unwrap(),
            fetch: Box::new(HttpFetch::new(None)),
            images: Box::new(Registries::new(RegistrySettings::default())),
            events: Box::new(Silent),
            sandbox: Box::new(move || {
                Ok(sandbox::choose(Mode::Namespace, &scratch, false).unwrap())
            }),
            now: "2026-10-10T12:00:00Z".parse().unwrap(),
        });
        services.upstreams.hex_builds = origin.url("");
        services.upstreams.node_dist = origin.url("/dist");
        Self {
            origin,
            services,
            _folder: folder,
        }
    }

    /// `hours` later.
    fn later(mut self, hours: i64) -> Self {
        self.services.now += jiff::SignedDuration::from_hours(hours);
        self
    }

    fn provider(&self, arch: Arch) -> Provider<BuildLists<'_>> {
        let policy = Policy::new(target(arch), self.services.now);
        let patience = Patience {
            limits: TimeLimits {
                connect: Duration::from_millis(500),
                stall: Duration::from_millis(300),
            },
            whole: Duration::from_millis(1500),
        };
        Provider::new(
            BuildLists::new(&self.services, policy.max_age, patience),
            policy,
        )
    }

    fn otp(&self) -> Came {
        self.otp_for(Arch::Amd64)
    }

    fn otp_for(&self, arch: Arch) -> Came {
        let provider = self.provider(arch);
        let list = provider.otp(&target(arch));
        let came = list.map(|list| (list.info.origin, list.builds().len()));
        let complaints = provider.complaints();
        (
            came.map_err(|error| error.diagnostic().code.0.to_owned()),
            complaints.iter().map(|one| one.code.0).collect(),
        )
    }

    /// Serves `count` builds and keeps them; a day and more passes.
    fn with_kept(self, count: usize) -> Self {
        self.origin.file(OTP, lines(count).as_bytes());
        assert_eq!(self.otp(), (Ok((ListOrigin::Live, count)), vec![]));
        self.later(30)
    }

    fn asked(&self, path: &str) -> usize {
        let line = format!("GET {path}");
        self.origin
            .seen()
            .iter()
            .filter(|seen| seen.line.starts_with(&line))
            .count()
    }
}

fn target(arch: Arch) -> Target {
    Target::new(stacks::find("24").unwrap(), arch).unwrap()
}

fn lines(count: usize) -> String {
    let line = |n| format!("OTP-26.{n} abc 2026-01-01T00:00:00Z\n");
    (0..count).map(line).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_list_is_asked_for_once_a_day_and_its_body_fetched_when_it_changed() {
    let desk = Desk::new().with_kept(3);
    assert_eq!(desk.otp(), (Ok((ListOrigin::Live, 3)), vec![]));
    let sent: Vec<bool> = desk
        .origin
        .seen()
        .iter()
        .map(|seen| seen.headers.contains_key("if-none-match"))
        .collect();
    assert_eq!(sent, [false, true]);
    // The answer was 304, which makes the kept list today's.
    let desk = desk.later(23);
    assert_eq!(desk.otp(), (Ok((ListOrigin::Kept, 3)), vec![]));
    assert_eq!(desk.asked(OTP), 2);
    desk.origin.file(OTP, lines(4).as_bytes());
    let desk = desk.later(2);
    assert_eq!(desk.otp(), (Ok((ListOrigin::Live, 4)), vec![]));
}

#[test]
fn all_lists_are_had_at_once() {
    let desk = Desk::new();
    desk.origin.file(OTP, lines(1).as_bytes());
    desk.origin
        .file(ELIXIR, b"v1.18.3-otp-27 abc 2026-01-01T00:00:00Z\r\n");
    desk.origin.file(NODE, br#"[{"version":"v22.11.0","date":"2024-10-29","files":["linux-x64"],"npm":"10.9.0","lts":"Jod"}]"#);
    let provider = desk.provider(Arch::Amd64);
    provider.prefetch(&[
        Wanted::Otp(target(Arch::Amd64)),
        Wanted::Elixir,
        Wanted::Node,
    ]);
    let used: Vec<String> = provider
        .used()
        .iter()
        .map(|info| {
            assert!(info.provider.starts_with("127.0.0.1:"));
            assert_eq!(info.dated.to_string(), "2026-10-10");
            format!("{} {}", info.tool.id(), info.path)
        })
        .collect();
    assert_eq!(
        used,
        [
            "erlang builds/otp/amd64/ubuntu-24.04/builds.txt",
            "elixir builds/elixir/builds.txt",
            "node index.json"
        ]
    );
    assert_eq!(desk.origin.seen().len(), 3);
    assert!(
        provider
            .elixir()
            .unwrap_or_else(|_| unreachable!())
            .find("v1.18.3-otp-27")
            .is_some()
    );
}

#[test]
fn redirects_and_gzip_are_followed_and_read() {
    let desk = Desk::new();
    desk.origin.file("/elsewhere", lines(2).as_bytes());
    desk.origin
        .answers(OTP, [Answer::Redirect(desk.origin.url("/elsewhere"))]);
    assert_eq!(desk.otp(), (Ok((ListOrigin::Live, 2)), vec![]));
    let desk = Desk::new();
    desk.origin.file(OTP, &gzip(lines(5).as_bytes()));
    assert_eq!(desk.otp(), (Ok((ListOrigin::Live, 5)), vec![]));
    // In circles.
    let desk = Desk::new();
    desk.origin
        .answers(OTP, vec![Answer::Redirect(desk.origin.url(OTP)); 20]);
    assert_eq!(desk.otp().1, ["build-list-old"]);
}

#[test]
fn rubbish_replaces_no_kept_list() {
    let rubbish: [&[u8]; 7] = [
        b"\n\r\n",
        b"{\"message\": \"not found\"}",
        b"<!DOCTYPE html><title>Sign in</title>",
        b"Service unavailable, please try later",
        &[0xff, 0xfe, 0, 1, 2, 0],
        &gzip(b"<html>"),
        &gzip(lines(3).as_bytes())[..20],
    ];
    let mut desk = Desk::new().with_kept(3);
    for bytes in rubbish {
        desk.origin.file(OTP, bytes);
        assert_eq!(
            desk.otp(),
            (Ok((ListOrigin::Kept, 3)), vec!["build-list-malformed"]),
            "{}",
            String::from_utf8_lossy(bytes)
        );
    }
    desk.origin.file(OTP, lines(2).as_bytes());
    assert_eq!(
        desk.otp(),
        (Ok((ListOrigin::Kept, 3)), vec!["list-shrunken"])
    );
    // And a good one does.
    desk.origin.file(OTP, lines(9).as_bytes());
    desk = desk.later(1);
    assert_eq!(desk.otp(), (Ok((ListOrigin::Live, 9)), vec![]));
}

#[test]
fn rubbish_is_no_first_list_either() {
    let desk = Desk::new();
    for answer in [Answer::Page, Answer::Status(304)] {
        desk.origin.answers(OTP, [answer]);
        let (came, complaints) = desk.otp();
        assert_eq!(came.unwrap().0, ListOrigin::Snapshot);
        assert_eq!(complaints, ["build-list-malformed"]);
    }
    let arm = OTP.replace("amd64", "arm64");
    desk.origin.answers(&arm, [Answer::Page]);
    let (came, _) = desk.otp_for(Arch::Arm64);
    assert_eq!(came, Err("build-list-malformed".to_owned()));
}

#[test]
fn a_huge_body_is_given_up() {
    let desk = Desk::new().with_kept(3);
    let came = (Ok((ListOrigin::Kept, 3)), vec!["build-list-malformed"]);
    // Its length is said.
    desk.origin.file(OTP, lines(4).as_bytes());
    desk.origin.answers(OTP, [Answer::LongerLength(1 << 30)]);
    assert_eq!(desk.otp(), came);
    // Nobody says where it ends.
    desk.origin.file(OTP, &vec![b'\n'; 17 << 20]);
    desk.origin.answers(OTP, [Answer::NoLength]);
    assert_eq!(desk.otp(), came);
    // It grows when it is unpacked.
    desk.origin.file(OTP, &gzip(&vec![b'\n'; 64 << 20]));
    assert_eq!(desk.otp(), came);
}

#[test]
fn a_failing_host_is_given_up_soon_and_what_is_kept_stands_in() {
    let desk = Desk::new().with_kept(3);
    let failing = [
        Answer::Status(500),
        Answer::Status(403),
        Answer::Stall(20),
        Answer::Truncate(20),
        Answer::Reset(20),
    ];
    for answer in failing {
        desk.origin.answers(OTP, [answer.clone()]);
        // Changed, so that the answer has a body.
        desk.origin.file(OTP, lines(4).as_bytes());
        let started = Instant::now();
        assert_eq!(
            desk.otp(),
            (Ok((ListOrigin::Kept, 3)), vec!["build-list-old"]),
            "{answer:?}"
        );
        assert!(started.elapsed() < Duration::from_secs(3), "{answer:?}");
    }
}

#[test]
fn offline_asks_nobody() {
    let mut desk = Desk::new().with_kept(3);
    desk.services.offline = true;
    assert_eq!(
        desk.otp(),
        (Ok((ListOrigin::Kept, 3)), vec!["build-list-old"])
    );
    assert_eq!(desk.asked(OTP), 1);
    let (came, _) = desk.otp_for(Arch::Arm64);
    assert_eq!(came, Err("offline".to_owned()));
}

#[test]
fn a_clock_that_stands_before_the_list_is_no_trouble() {
    let mut desk = Desk::new().with_kept(3).later(-300);
    // It is asked for again rather than taken for new.
    assert_eq!(desk.otp(), (Ok((ListOrigin::Live, 3)), vec![]));
    desk = desk.later(-300);
    desk.services.offline = true;
    let provider = desk.provider(Arch::Amd64);
    let list = provider
        .otp(&target(Arch::Amd64))
        .unwrap_or_else(|_| unreachable!());
    assert!(list.info.origin == ListOrigin::Kept && !list.is_current());
}

#[test]
fn other_text_layouts_are_read() {
    let desk = Desk::new();
    let text = "\u{feff}OTP-27.3  abc\t2026-01-01T00:00:00Z \r\n\r\nOTP-26.1\r\n \nOTP-27.3 abd 2026-01-02T00:00:00Z\n";
    desk.origin.file(OTP, text.as_bytes());
    let provider = desk.provider(Arch::Amd64);
    let list = provider
        .otp(&target(Arch::Amd64))
        .unwrap_or_else(|_| unreachable!());
    let builds: Vec<(&str, &str)> = list
        .builds()
        .iter()
        .map(|build| (build.reference.as_str(), build.commit.as_str()))
        .collect();
    assert_eq!(builds, [("OTP-26.1", ""), ("OTP-27.3", "abd")]);
}
