//! Against a real socket: a server that misbehaves on demand.

use std::io::Read as _;
use std::sync::Mutex;
use std::time::Duration;

use buildpack_core::digest::Digest;
use buildpack_core::event::Recorder;
use buildpack_core::store::Store;
use buildpack_core::toolchain::{
    Artifact, DownloadError, Downloaded, Kind, RetryPolicy, Verify, download, install,
};
use testdata::fake::origin::{Answer, Origin};

use super::*;

/// Long enough for a loaded machine to answer, short enough to wait for once.
const STALL: Duration = Duration::from_millis(700);

struct Case {
    origin: Origin,
    folder: tempfile::TempDir,
    bytes: Vec<u8>,
    artifact: Artifact,
    slept: Mutex<Vec<u64>>,
}

impl Case {
    /// A file of three megabytes and the answers to come.
    fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let origin = Origin::start().unwrap();
        let bytes: Vec<u8> = (0..3_000_000u32)
            .map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[2])
            .collect();
        origin.file("/tool", &bytes);
        origin.answers("/tool", answers);
        let artifact = Artifact {
            name: "the tool".to_owned(),
            url: origin.url("/tool"),
            verify: Verify::Sha256(Digest::of(&bytes)),
            max_bytes: 4_000_000,
            kind: Kind::Raw,
        };
        Self {
            origin,
            folder: tempfile::tempdir().unwrap(),
            bytes,
            artifact,
            slept: Mutex::default(),
        }
    }

    fn download(&self) -> Result<Downloaded, DownloadError> {
        let store = Store::open(self.folder.path().join("store")).unwrap();
        let sleep = |wait: Duration| self.slept.lock().unwrap().push(wait.as_secs());
        let mut policy = RetryPolicy::new(&sleep);
        policy.attempts = 3;
        policy.limits.stall = STALL;
        let downloaded = download(
            &HttpFetch::default(),
            &store,
            &self.artifact,
            &policy,
            &Recorder::default(),
        )?;
        assert_eq!(fs_err::read(&downloaded.path).unwrap(), self.bytes);
        Ok(downloaded)
    }

    fn ranges(&self) -> Vec<Option<String>> {
        let seen = self.origin.seen();
        seen.into_iter()
            .map(|mut seen| seen.headers.remove("range"))
            .collect()
    }

    fn slept(&self) -> Vec<u64> {
        self.slept.lock().unwrap().clone()
    }
}

#[test]
fn a_file_comes_once_and_is_kept() {
    let case = Case::new([]);
    assert!(!case.download().unwrap().reused);
    assert!(case.download().unwrap().reused);
    let seen = case.origin.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(
        seen[0].headers["user-agent"],
        concat!("bp/", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn what_breaks_in_the_middle_goes_on_where_it_broke() {
    for answer in [Answer::Truncate(1_500_000), Answer::Stall(1_500_000)] {
        let case = Case::new([answer.clone()]);
        case.download().unwrap();
        let expected = [None, Some("bytes=1500000-".to_owned())];
        assert_eq!(case.ranges(), expected, "{answer:?}");
        assert!(case.origin.seen()[1].headers.contains_key("if-range"));
        assert_eq!(case.slept(), [1]);
    }
}

#[test]
fn a_reset_is_survived() {
    let case = Case::new([Answer::Reset(1_500_000)]);
    case.download().unwrap();
    assert_eq!(case.origin.seen().len(), 2);
}

#[test]
fn a_server_without_ranges_sends_all_of_it_again() {
    let case = Case::new([Answer::Truncate(10), Answer::Whole]);
    case.download().unwrap();
    assert_eq!(case.ranges(), [None, Some("bytes=10-".to_owned())]);
}

#[test]
fn a_part_of_another_file_is_not_taken() {
    let other = Answer::PartOf {
        etag: "\"other\"".to_owned(),
    };
    let case = Case::new([Answer::Truncate(10), other]);
    case.download().unwrap();
    assert_eq!(case.ranges(), [None, Some("bytes=10-".to_owned()), None]);
}

#[test]
fn a_file_without_a_length_is_taken_and_its_early_end_found() {
    let case = Case::new([Answer::NoLength]);
    case.download().unwrap();
    let case = Case::new([Answer::LongerLength(5)]);
    case.download().unwrap();
    // What was there was whole but for what the server lied about: it is asked for the rest, and begins anew.
    assert!(case.origin.seen().len() > 1);
}

#[test]
fn servers_in_trouble_are_asked_again_and_given_time() {
    let case = Case::new([Answer::Status(500), Answer::Status(503)]);
    case.download().unwrap();
    assert_eq!(case.slept(), [1, 2]);
    let case = Case::new([Answer::RetryAfter(429, "7".to_owned())]);
    case.download().unwrap();
    assert_eq!(case.slept(), [7]);
}

#[test]
fn patience_ends() {
    let case = Case::new([502; 3].map(Answer::Status));
    let error = case.download().unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot download the tool: the server answered 502"
    );
    assert_eq!(case.origin.seen().len(), 3);
}

#[test]
fn what_is_not_there_is_asked_for_once() {
    let case = Case::new([Answer::Status(404)]);
    let error = case.download().unwrap_err();
    assert!(
        matches!(error, DownloadError::Fetch { tries: 1, .. }),
        "{error}"
    );
    assert_eq!(case.slept(), [0u64; 0]);
}

#[test]
fn a_page_is_told_as_one() {
    let mut case = Case::new([Answer::Page]);
    case.artifact.kind = Kind::TarGz;
    let error = case.download().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the tool is a web page, not a gzipped tar"
    );
    assert_eq!(case.origin.seen().len(), 1);
}

#[test]
fn a_redirect_is_followed_and_a_circle_is_not() {
    let case = Case::new([]);
    case.origin
        .answers("/old", [Answer::Redirect("/tool".to_owned())]);
    let response = HttpFetch::default()
        .get(&Request::get(case.origin.url("/old")))
        .unwrap();
    assert_eq!(response.final_url, case.origin.url("/tool"));
    let circle = (0..20).map(|_| Answer::Redirect("/circle".to_owned()));
    case.origin.answers("/circle", circle);
    let error = HttpFetch::default()
        .get(&Request::get(case.origin.url("/circle")))
        .unwrap_err();
    assert!(matches!(error.cause, Cause::Invalid(_)), "{error}");
}

#[test]
fn an_unchanged_file_is_not_sent_again() {
    let case = Case::new([]);
    let fetch = HttpFetch::default();
    let mut request = Request::get(case.origin.url("/tool"));
    request.etag = fetch.get(&request).unwrap().etag;
    assert!(request.etag.is_some());
    let mut response = fetch.get(&request).unwrap();
    assert_eq!(response.status, 304);
    assert_eq!(response.body.read(&mut [0]).unwrap(), 0);
}

#[test]
fn nobody_there_is_said_without_the_password() {
    // The port is free again once the listener is gone.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let request = Request::get(format!("http://me:secret@127.0.0.1:{port}/a?key=secret"));
    let error = HttpFetch::default().get(&request).unwrap_err();
    assert!(matches!(error.cause, Cause::Connect(_)), "{error:?}");
    assert!(error.retryable());
    let text = format!("{error} {error:?}");
    assert!(
        text.contains("refused") && !text.contains("secret"),
        "{text}"
    );
}

#[test]
fn what_is_no_web_address_is_refused() {
    for url in ["", "tool.tgz", "file:///etc/passwd", "ftp://h/x", "http://"] {
        let error = HttpFetch::default().get(&Request::get(url)).unwrap_err();
        assert!(matches!(error.cause, Cause::Invalid(_)), "{url}: {error}");
    }
}

#[test]
fn plain_http_needs_no_certificates() {
    let case = Case::new([]);
    let fetch = HttpFetch::new(Some("/nonexistent/certificates.pem".into()));
    assert_eq!(
        fetch
            .get(&Request::get(case.origin.url("/tool")))
            .unwrap()
            .status,
        200
    );
    let error = fetch
        .get(&Request::get("https://127.0.0.1:1/"))
        .unwrap_err();
    assert!(matches!(error.cause, Cause::Tls(_)), "{error}");
}

#[test]
fn two_at_once_download_once() {
    let case = Case::new([]);
    std::thread::scope(|scope| {
        let both = [(); 2].map(|()| scope.spawn(|| case.download().unwrap()));
        let reused = both.map(|one| one.join().unwrap().reused);
        assert_eq!(reused.iter().filter(|reused| **reused).count(), 1);
    });
    assert_eq!(case.origin.seen().len(), 1);
}

const CHILD: &str = "BP_TEST_DOWNLOADING_CHILD";

/// Not a test of its own: one of the processes below.
#[test]
#[ignore = "only runs as a child of the test below"]
fn installs_as_a_child() {
    let Ok(args) = std::env::var(CHILD) else {
        return;
    };
    let [root, url, digest] = args.split('\n').collect::<Vec<_>>()[..] else {
        panic!("{args}");
    };
    let artifact = Artifact {
        name: "the tool".to_owned(),
        url: url.to_owned(),
        verify: Verify::Sha256(digest.parse().unwrap()),
        max_bytes: 4_000_000,
        kind: Kind::Raw,
    };
    let store = Store::open(root.into()).unwrap();
    let policy = RetryPolicy::new(&|_| ());
    let fetch = HttpFetch::default();
    let tool = install(&fetch, &store, &artifact, 0, &policy, &Recorder::default()).unwrap();
    let found = Digest::of(&fs_err::read(tool.path.join("tool")).unwrap());
    assert_eq!(found, tool.digest);
}

#[test]
fn processes_that_install_the_same_tool_download_it_once() {
    let case = Case::new([]);
    let root = case.folder.path().join("store");
    let args = [
        root.to_str().unwrap(),
        &case.artifact.url,
        &Digest::of(&case.bytes).to_string(),
    ]
    .join("\n");
    let children = [(); 3].map(|()| {
        std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "http::tests::installs_as_a_child", "--ignored"])
            .env(CHILD, &args)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
    });
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(case.origin.seen().len(), 1);
}

#[test]
fn content_ranges_are_read_or_refused() {
    assert_eq!(content_range("bytes 5-9/10"), Some((5, Some(10))));
    assert_eq!(content_range("bytes 5-9/*"), Some((5, None)));
    for odd in [
        "",
        "bytes */10",
        "bytes 9-5/10",
        "bytes 5-10/10",
        "lines 1-2/3",
        "bytes -5-9/10",
    ] {
        assert_eq!(content_range(odd), None, "{odd}");
    }
}
