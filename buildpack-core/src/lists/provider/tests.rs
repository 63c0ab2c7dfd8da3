use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, date};

use super::*;
use crate::diagnostic::{Class, Diagnostic, Explain};
use crate::lists::ListOrigin;

/// Hosts as they are told to be, and what was kept of them.
#[derive(Default)]
struct Hosts {
    answers: BTreeMap<&'static str, Result<Answer, ()>>,
    kept: Mutex<BTreeMap<String, KeptText>>,
    asked: Mutex<Vec<(String, Option<String>)>>,
    at_once: AtomicUsize,
    most: AtomicUsize,
    slow: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("cannot connect")]
struct Down;

impl Explain for Down {
    fn diagnostic(&self) -> Diagnostic {
        Diagnostic::error("down", Class::Surroundings, self.to_string())
    }
}

impl ListError for Down {}

impl ListHosts for &Hosts {
    fn name(&self, host: ListHost) -> String {
        match host {
            ListHost::HexBuilds => "builds.example".to_owned(),
            ListHost::NodeDist => "nodejs.example".to_owned(),
        }
    }

    fn ask(
        &self,
        _: ListHost,
        path: &str,
        etag: Option<&str>,
    ) -> Result<Answer, Box<dyn ListError>> {
        let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        if self.slow {
            std::thread::sleep(Duration::from_millis(50));
        }
        self.at_once.fetch_sub(1, Ordering::SeqCst);
        let asked = (path.to_owned(), etag.map(str::to_owned));
        self.asked.lock().unwrap().push(asked);
        match self.answers.get(path) {
            None => Ok(Answer::Missing),
            Some(Ok(answer)) => Ok(answer.clone()),
            Some(Err(())) => Err(Box::new(Down)),
        }
    }

    fn kept(&self, _: ListHost, path: &str) -> Option<KeptText> {
        self.kept.lock().unwrap().get(path).cloned()
    }

    fn keep(&self, _: ListHost, path: &str, text: &KeptText) {
        let mut kept = self.kept.lock().unwrap();
        kept.insert(path.to_owned(), text.clone());
    }
}

const OTP: &str = "builds/otp/amd64/ubuntu-24.04/builds.txt";
const OLDER: &str = "builds/otp/ubuntu-24.04/builds.txt";
const ELIXIR: &str = "builds/elixir/builds.txt";
const NODE: &str = "index.json";
const LINE: &str = "OTP-27.3 abc 2026-01-01T00:00:00Z\n";

#[allow(
    clippy::unnecessary_wraps,
    reason = "answers of hosts that are up or down"
)]
fn text(text: &str) -> Result<Answer, ()> {
    Ok(Answer::Text {
        text: text.to_owned(),
        etag: Some("\"new\"".to_owned()),
    })
}

fn lines(count: usize) -> String {
    let line = |n| format!("OTP-26.{n} abc 2026-01-01T00:00:00Z\n");
    (0..count).map(line).collect()
}

fn now() -> Timestamp {
    "2026-06-10T12:00:00Z".parse().unwrap()
}

/// Hosts with these answers, that have kept `kept` of the list of OTP since `hours` ago.
fn hosts(answers: &[(&'static str, Result<Answer, ()>)], kept: Option<(&str, i64)>) -> Hosts {
    let hosts = Hosts {
        answers: answers.iter().cloned().collect(),
        ..Hosts::default()
    };
    if let Some((text, hours)) = kept {
        let text = KeptText {
            text: text.to_owned(),
            etag: Some("\"old\"".to_owned()),
            fetched: now() - jiff::SignedDuration::from_hours(hours),
        };
        (&hosts).keep(ListHost::HexBuilds, OTP, &text);
    }
    hosts
}

fn target(arch: Arch) -> Target {
    Target::new(stacks::find("24").unwrap(), arch).unwrap()
}

/// What came of asking for OTP: the origin, the day, whether it is current, how many entries; and codes of complaints.
type Came = (
    Result<(ListOrigin, Date, bool, usize), String>,
    Vec<&'static str>,
);

fn otp_for(hosts: &Hosts, arch: Arch) -> Came {
    let provider = Provider::new(hosts, Policy::new(target(arch), now()));
    let list = provider.otp(&target(arch));
    let came = match &list {
        Ok(list) => {
            let info = &list.info;
            assert_eq!(provider.used(), std::slice::from_ref(info));
            Ok((
                info.origin,
                info.dated,
                list.is_current(),
                list.builds().len(),
            ))
        }
        Err(error) => Err(error.diagnostic().code.0.to_owned()),
    };
    let complaints = provider.complaints();
    for complaint in &complaints {
        assert!(!complaint.is_error());
    }
    (came, complaints.iter().map(|one| one.code.0).collect())
}

fn otp(hosts: &Hosts) -> Came {
    otp_for(hosts, Arch::Amd64)
}

const TODAY: Date = date(2026, 6, 10);

#[test]
fn a_host_answers_and_is_believed() {
    let hosts = hosts(&[(OTP, text(&lines(3)))], None);
    assert_eq!(
        otp(&hosts),
        (Ok((ListOrigin::Live, TODAY, true, 3)), vec![])
    );
    // And so it is kept: the next run of the day does not ask.
    assert_eq!(
        otp(&hosts),
        (Ok((ListOrigin::Kept, TODAY, true, 3)), vec![])
    );
    assert_eq!(hosts.asked.lock().unwrap().len(), 1);
}

#[test]
fn the_path_with_the_architecture_comes_first() {
    let folder = |hosts: &Hosts| {
        let provider = Provider::new(hosts, Policy::new(target(Arch::Amd64), now()));
        let list = provider.otp(&target(Arch::Amd64));
        list.map_err(|error| error.to_string())
            .unwrap()
            .folder()
            .to_owned()
    };
    let both = hosts(&[(OTP, text(LINE)), (OLDER, text(LINE))], None);
    assert_eq!(folder(&both), "builds/otp/amd64/ubuntu-24.04");
    let older = hosts(&[(OLDER, text(LINE))], None);
    assert_eq!(folder(&older), "builds/otp/ubuntu-24.04");
    // There were no builds for ARM in those days.
    let (came, _) = otp_for(&older, Arch::Arm64);
    assert_eq!(came, Err("build-list-missing".to_owned()));
}

#[test]
fn a_list_of_the_older_place_is_kept_as_well() {
    let older = hosts(&[(OLDER, text(LINE))], None);
    assert_eq!(otp(&older).0, Ok((ListOrigin::Live, TODAY, true, 1)));
    assert_eq!(otp(&older).0, Ok((ListOrigin::Kept, TODAY, true, 1)));
    assert_eq!(older.asked.lock().unwrap().len(), 2);
    let down = Hosts {
        answers: [(OTP, Err(()))].into(),
        kept: Mutex::new(older.kept.lock().unwrap().clone()),
        ..Hosts::default()
    };
    let policy = Policy::new(
        target(Arch::Amd64),
        now() + jiff::SignedDuration::from_hours(99),
    );
    let provider = Provider::new(&down, policy);
    let list = provider
        .otp(&target(Arch::Amd64))
        .map_err(|error| error.to_string());
    assert_eq!(list.unwrap().info.origin, ListOrigin::Kept);
}

#[test]
fn an_old_list_is_asked_for_again_with_its_etag() {
    let hosts = hosts(&[(OTP, Ok(Answer::Unchanged))], Some((LINE, 25)));
    assert_eq!(
        otp(&hosts),
        (Ok((ListOrigin::Live, TODAY, true, 1)), vec![])
    );
    let asked = hosts.asked.lock().unwrap().clone();
    assert_eq!(asked, [(OTP.to_owned(), Some("\"old\"".to_owned()))]);
    // It is today's now.
    let kept = (&hosts).kept(ListHost::HexBuilds, OTP).unwrap();
    assert_eq!((kept.fetched, kept.text.as_str()), (now(), LINE));
}

#[test]
fn nothing_changed_is_no_list_where_nothing_is_kept() {
    let nothing = hosts(&[(OTP, Ok(Answer::Unchanged))], None);
    assert_eq!(
        otp(&nothing),
        (
            Ok((ListOrigin::Snapshot, date(2024, 6, 15), false, 65)),
            vec!["build-list-malformed"]
        )
    );
    // What is kept and no list is not sent along, and not used.
    let rubbish = hosts(&[(OTP, Ok(Answer::Unchanged))], Some(("<html>", 30)));
    let (came, _) = otp(&rubbish);
    assert_eq!(came.unwrap().0, ListOrigin::Snapshot);
    assert_eq!(rubbish.asked.lock().unwrap()[0].1, None);
}

#[test]
fn without_the_host_the_kept_list_stands_in_whatever_its_age() {
    let days = |hours| date(2026, 6, 10).saturating_sub(jiff::Span::new().hours(hours));
    let down = |hours| hosts(&[(OTP, Err(()))], Some((LINE, hours)));
    assert_eq!(
        otp(&down(72)),
        (
            Ok((ListOrigin::Kept, days(72), false, 1)),
            vec!["build-list-old"]
        )
    );
    // One of today is good enough to say what there is not.
    assert!(otp(&down(23)).0.unwrap().2);
    assert_eq!(otp(&down(23)).1, [""; 0]);
}

#[test]
fn a_list_from_the_future_is_used_but_proves_nothing() {
    let ahead = hosts(&[(OTP, Err(()))], Some((LINE, -48)));
    assert_eq!(
        otp(&ahead),
        (
            Ok((ListOrigin::Kept, date(2026, 6, 12), false, 1)),
            vec!["build-list-old"]
        )
    );
    // With the host, it is simply asked for anew.
    let up = hosts(&[(OTP, text(&lines(2)))], Some((LINE, -48)));
    assert_eq!(otp(&up).0, Ok((ListOrigin::Live, TODAY, true, 2)));
}

#[test]
fn without_host_and_kept_list_the_built_in_one_stands_in_where_there_is_one() {
    let down = hosts(&[(OTP, Err(()))], None);
    assert_eq!(
        otp(&down),
        (
            Ok((ListOrigin::Snapshot, date(2024, 6, 15), false, 65)),
            vec!["build-list-old"]
        )
    );
    let arm = "builds/otp/arm64/ubuntu-24.04/builds.txt";
    let (came, complaints) = otp_for(&hosts(&[(arm, Err(()))], None), Arch::Arm64);
    assert_eq!((came, complaints), (Err("down".to_owned()), vec![]));
}

#[test]
fn nonsense_replaces_nothing() {
    let page = text("<html>oops</html>");
    let empty = text("\n \n");
    let large = Ok(Answer::Nonsense("it is larger than 16 MiB".to_owned()));
    for answer in [page, empty, large] {
        let kept = hosts(&[(OTP, answer.clone())], Some((LINE, 30)));
        let (came, complaints) = otp(&kept);
        assert_eq!(came, Ok((ListOrigin::Kept, date(2026, 6, 9), false, 1)));
        assert_eq!(complaints, ["build-list-malformed"]);
        assert_eq!((&kept).kept(ListHost::HexBuilds, OTP).unwrap().text, LINE);
        let (came, complaints) = otp(&hosts(&[(OTP, answer.clone())], None));
        assert_eq!(came.unwrap().0, ListOrigin::Snapshot);
        assert_eq!(complaints, ["build-list-malformed"]);
        let arm = "builds/otp/arm64/ubuntu-24.04/builds.txt";
        let (came, _) = otp_for(&hosts(&[(arm, answer)], None), Arch::Arm64);
        assert_eq!(came, Err("build-list-malformed".to_owned()));
    }
}

#[test]
fn a_list_that_is_gone_is_said_to_be() {
    let kept = hosts(&[], Some((LINE, 30)));
    let (came, complaints) = otp(&kept);
    assert_eq!(came.unwrap().0, ListOrigin::Kept);
    assert_eq!(complaints, ["build-list-missing"]);
    // Both places were looked at.
    assert_eq!(kept.asked.lock().unwrap().len(), 2);
}

#[test]
fn a_shrunken_list_is_not_taken_unless_that_is_meant() {
    let (before, after) = (lines(20), lines(17));
    let shrunken = hosts(&[(OTP, text(&after))], Some((&before, 30)));
    assert_eq!(
        otp(&shrunken),
        (
            Ok((ListOrigin::Kept, date(2026, 6, 9), false, 20)),
            vec!["list-shrunken"]
        )
    );
    let policy = Policy {
        shrunken: true,
        ..Policy::new(target(Arch::Amd64), now())
    };
    let provider = Provider::new(&shrunken, policy);
    let list = provider
        .otp(&target(Arch::Amd64))
        .map_err(|e| e.to_string());
    assert_eq!(list.unwrap().builds().len(), 17);
    // A few may go.
    let fewer = hosts(&[(OTP, text(&lines(18)))], Some((&before, 30)));
    assert_eq!(
        otp(&fewer),
        (Ok((ListOrigin::Live, TODAY, true, 18)), vec![])
    );
}

#[test]
fn lists_of_other_stacks_are_neither_used_nor_complained_of() {
    let hosts = hosts(&[(OTP, text(LINE)), (ELIXIR, text(LINE))], None);
    let provider = Provider::new(&hosts, Policy::new(target(Arch::Amd64), now()));
    let other = Target::new(stacks::find("22").unwrap(), Arch::Amd64).unwrap();
    let list = provider
        .otp(&other)
        .map_err(|error| error.to_string())
        .unwrap();
    assert_eq!(list.info.origin, ListOrigin::Snapshot);
    assert!(provider.used().is_empty() && provider.complaints().is_empty());
    drop(provider.elixir());
    drop(provider.otp(&target(Arch::Amd64)));
    let tools: Vec<Tool> = provider.used().iter().map(|info| info.tool).collect();
    assert_eq!(tools, [Tool::Erlang, Tool::Elixir]);
}

#[test]
fn what_is_wanted_is_had_at_once_and_each_list_once() {
    let hosts = Hosts {
        slow: true,
        ..hosts(
            &[
                (OTP, text(LINE)),
                (ELIXIR, Err(())),
                (NODE, text("[{\"version\":\"v22.1.0\"}]")),
            ],
            None,
        )
    };
    let provider = Provider::new(&hosts, Policy::new(target(Arch::Amd64), now()));
    let wanted = [
        Wanted::Otp(target(Arch::Amd64)),
        Wanted::Elixir,
        Wanted::Node,
    ];
    provider.prefetch(&[&wanted[..], &wanted[..]].concat());
    assert_eq!(hosts.most.load(Ordering::SeqCst), 3);
    assert_eq!(hosts.asked.lock().unwrap().len(), 3);
    let origins: Vec<ListOrigin> = provider.used().iter().map(|info| info.origin).collect();
    assert_eq!(
        origins,
        [ListOrigin::Live, ListOrigin::Snapshot, ListOrigin::Live]
    );
    assert_eq!(provider.complaints().len(), 1);
}

#[test]
fn digests_of_a_release_are_had_once_for_ever() {
    let sum = "19d80df49510d24079baf670e9675cba2c005b65ede2086d70db03a9e52b8ad3";
    let path = "v22.1.0/SHASUMS256.txt";
    let file = format!("{sum}  node-v22.1.0-linux-x64.tar.xz\n");
    let policy = Policy::new(target(Arch::Amd64), now());
    let sums = |hosts: &Hosts, policy| {
        let version = "22.1.0".parse().unwrap();
        let sums = Provider::new(hosts, policy).node_sums(&version);
        sums.map(|sums| sums.len())
            .map_err(|error| error.diagnostic().code.0)
    };
    let good = hosts(&[(path, text(&file))], None);
    assert_eq!(sums(&good, policy), Ok(1));
    let later = now() + jiff::SignedDuration::from_hours(1000);
    assert_eq!(
        sums(
            &good,
            Policy {
                now: later,
                ..policy
            }
        ),
        Ok(1)
    );
    assert_eq!(good.asked.lock().unwrap().len(), 1);
    let bad = |answer| sums(&hosts(&[(path, answer)], None), policy);
    assert_eq!(bad(text("<html>")), Err("build-list-malformed"));
    assert_eq!(bad(Ok(Answer::Missing)), Err("build-list-missing"));
    assert_eq!(bad(Err(())), Err("down"));
}
