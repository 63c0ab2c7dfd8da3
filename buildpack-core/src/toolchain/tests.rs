//! Download and install against answers that are made up; runner's tests do the same over real sockets.

use std::collections::VecDeque;
use std::io::{self, Read, Write as _};
use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::diagnostic::Explain as _;
use crate::digest::Digest;
use crate::event::{Event, Recorder, Silent};
use crate::store::{Bucket, Store};

/// What the net does next.
enum Next {
    /// The whole file and its `ETag`.
    Whole(Vec<u8>, Option<&'static str>),
    /// These bytes of a longer file, then a broken connection.
    Cut(Vec<u8>, Option<&'static str>),
    /// From this byte on these bytes, then a broken connection.
    CutRest(u64, Vec<u8>, Option<&'static str>),
    /// From this byte on.
    Rest(u64, Vec<u8>, Option<&'static str>),
}

#[derive(Default)]
struct Net {
    next: Mutex<VecDeque<Next>>,
    asked: Mutex<Vec<Request>>,
}

impl Net {
    fn new(next: impl IntoIterator<Item = Next>) -> Self {
        Self {
            next: Mutex::new(next.into_iter().collect()),
            asked: Mutex::default(),
        }
    }

    fn asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap().clone()
    }
}

/// Breaks where the bytes end.
struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

impl Fetch for Net {
    fn get(&self, request: &Request) -> Result<Response, FetchError> {
        self.asked.lock().unwrap().push(request.clone());
        let Some(next) = self.next.lock().unwrap().pop_front() else {
            return Err(FetchError::new(&request.url, Cause::Offline));
        };
        let mut response = Response {
            status: 200,
            length: None,
            range: None,
            etag: None,
            content_type: None,
            final_url: redact_url(&request.url),
            body: Box::new(io::empty()),
        };
        match next {
            Next::Whole(bytes, etag) => {
                response.length = Some(bytes.len() as u64);
                response.etag = etag.map(str::to_owned);
                response.body = Box::new(io::Cursor::new(bytes));
            }
            Next::Cut(bytes, etag) => {
                response.etag = etag.map(str::to_owned);
                response.body = Box::new(io::Cursor::new(bytes).chain(Broken));
            }
            Next::CutRest(from, bytes, etag) => {
                response.status = 206;
                response.range = Some((from, None));
                response.etag = etag.map(str::to_owned);
                response.body = Box::new(io::Cursor::new(bytes).chain(Broken));
            }
            Next::Rest(from, bytes, etag) => {
                response.status = 206;
                response.range = Some((from, None));
                response.length = Some(bytes.len() as u64);
                response.etag = etag.map(str::to_owned);
                response.body = Box::new(io::Cursor::new(bytes));
            }
        }
        Ok(response)
    }
}

fn whole(bytes: &[u8]) -> Next {
    Next::Whole(bytes.to_vec(), Some("\"1\""))
}

fn artifact(verify: Verify) -> Artifact {
    Artifact {
        name: "the tool".to_owned(),
        url: "https://me:secret@host/tool-1.bin?token=secret".to_owned(),
        verify,
        max_bytes: 1_000_000,
        kind: Kind::Raw,
    }
}

fn by_sha256(bytes: &[u8]) -> Artifact {
    artifact(Verify::Sha256(Digest::of(bytes)))
}

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().to_owned()).unwrap();
    (folder, store)
}

fn get(net: &dyn Fetch, store: &Store, artifact: &Artifact) -> Result<Downloaded, DownloadError> {
    download(net, store, artifact, &RetryPolicy::new(&|_| ()), &Silent)
}

fn code(error: &DownloadError) -> &'static str {
    let diagnostic = error.diagnostic();
    let text = format!("{error:?} {}", serde_json::to_string(&diagnostic).unwrap());
    assert!(!text.contains("secret"), "{text}");
    diagnostic.code.0
}

#[test]
fn another_file_than_the_published_one_is_refused_at_once() {
    let (_folder, store) = store();
    let net = Net::new([whole(b"other"), whole(b"right")]);
    let error = get(&net, &store, &by_sha256(b"right")).unwrap_err();
    assert_eq!(code(&error), "download-wrong-digest");
    assert_eq!(net.asked().len(), 1);
    assert_eq!(store.file(Bucket::Downloads, &Digest::of(b"other")), None);
}

#[test]
fn a_splice_that_went_wrong_is_tried_once_in_one_piece() {
    let (_folder, store) = store();
    let tag = Some("\"1\"");
    let splice = || {
        [
            Next::Cut(b"rig".to_vec(), tag),
            Next::Rest(3, b"XX".to_vec(), tag),
        ]
    };
    let net = Net::new(splice().into_iter().chain([whole(b"right")]));
    get(&net, &store, &by_sha256(b"right")).unwrap();
    assert_eq!(net.asked()[2].range_from, None);
    let net = Net::new(
        splice()
            .into_iter()
            .chain([whole(b"other"), whole(b"good")]),
    );
    let error = get(&net, &store, &by_sha256(b"good")).unwrap_err();
    assert_eq!(code(&error), "download-wrong-digest");
    assert_eq!(net.asked().len(), 3);
}

#[test]
fn parts_without_an_etag_are_joined_only_where_a_digest_judges() {
    let (_folder, store) = store();
    let net = Net::new([
        Next::Cut(b"ri".to_vec(), None),
        Next::Rest(2, b"ght".to_vec(), None),
    ]);
    get(&net, &store, &by_sha256(b"right")).unwrap();
    assert_eq!(net.asked()[1].range_from, Some(2));
    let net = Net::new([Next::Cut(b"fi".to_vec(), Some("W/\"1\"")), whole(b"first")]);
    get(&net, &store, &artifact(Verify::FirstUse)).unwrap();
    assert_eq!(net.asked()[1].range_from, None);
}

#[test]
fn a_file_is_known_by_its_sha512_too() {
    let sha512 = "ee26b0dd4af7e749aa1a8ee3c10ae9923f618980772e473f8819a5d4940e0db27ac185f8a0e1d5f84f88bc887fd67b143732c304cc5fa9ad8e6f57f50028a8ff";
    let artifact = artifact(Verify::Sha512Hex(sha512.to_uppercase()));
    let (_folder, store) = store();
    let error = get(&Net::new([whole(b"tset")]), &store, &artifact).unwrap_err();
    assert_eq!(code(&error), "download-wrong-digest");
    let net = Net::new([whole(b"test")]);
    assert!(!get(&net, &store, &artifact).unwrap().reused);
    assert!(get(&Offline, &store, &artifact).unwrap().reused);
}

#[test]
fn what_came_first_is_compared_ever_after() {
    let (_folder, store) = store();
    let artifact = artifact(Verify::FirstUse);
    let first = get(&Net::new([whole(b"first")]), &store, &artifact).unwrap();
    assert!(get(&Offline, &store, &artifact).unwrap().reused);
    // `clear` leaves the pin.
    let root = store.root().to_owned();
    drop(store);
    let store = Store::open(root).unwrap();
    store.clear().unwrap();
    let error = get(&Net::new([whole(b"second")]), &store, &artifact).unwrap_err();
    assert_eq!(code(&error), "download-pin-changed");
    let DownloadError::PinChanged { pin, .. } = error else {
        panic!()
    };
    let same = get(&Net::new([whole(b"first")]), &store, &artifact).unwrap();
    assert_eq!(same.digest, first.digest);
    // A damaged pin is no missing pin; removed by hand, it is.
    fs_err::write(&pin, "{").unwrap();
    let error = get(&Net::new([whole(b"second")]), &store, &artifact).unwrap_err();
    assert_eq!(code(&error), "cache-damaged");
    fs_err::remove_file(pin).unwrap();
    get(&Net::new([whole(b"second")]), &store, &artifact).unwrap();
}

#[test]
fn what_is_too_large_is_not_taken_whether_it_says_so_or_not() {
    let (_folder, store) = store();
    let bytes = vec![0; 1_000_001];
    for answer in [whole(&bytes), Next::Cut(bytes.clone(), None)] {
        let error = get(&Net::new([answer]), &store, &by_sha256(&bytes)).unwrap_err();
        assert_eq!(code(&error), "download-too-large");
    }
}

#[test]
fn what_the_disk_spoilt_is_fetched_again() {
    let (_folder, store) = store();
    let kept = get(&Net::new([whole(b"right")]), &store, &by_sha256(b"right")).unwrap();
    fs_err::write(&kept.path, "wrong").unwrap();
    let events = Recorder::default();
    let policy = RetryPolicy::new(&|_| ());
    let net = Net::new([whole(b"right")]);
    let again = download(&net, &store, &by_sha256(b"right"), &policy, &events).unwrap();
    assert!(!again.reused);
    assert_eq!(fs_err::read(again.path).unwrap(), b"right");
    let reasons: Vec<_> = events
        .events()
        .into_iter()
        .filter_map(|event| match event {
            Event::Cache { reason, .. } => reason,
            _ => None,
        })
        .collect();
    assert_eq!(reasons, ["the kept one is damaged"]);
}

#[test]
fn what_is_spoilt_is_replaced_even_while_another_process_has_it() {
    let (_folder, store) = store();
    let kept = get(&Net::new([whole(b"right")]), &store, &by_sha256(b"right")).unwrap();
    fs_err::write(&kept.path, "wrong").unwrap();
    let other = Store::open(store.root().to_owned()).unwrap();
    let net = Net::new([whole(b"right")]);
    let again = get(&net, &other, &by_sha256(b"right")).unwrap();
    assert_eq!(fs_err::read(again.path).unwrap(), b"right");
}

#[test]
fn what_one_run_left_the_next_goes_on_with() {
    let (_folder, store) = store();
    let bytes = b"right";
    let tag = Some("\"1\"");
    let none = || Next::CutRest(3, Vec::new(), tag);
    let cut = [
        Next::Cut(b"rig".to_vec(), tag),
        none(),
        none(),
        none(),
        none(),
    ];
    let error = get(&Net::new(cut), &store, &by_sha256(bytes)).unwrap_err();
    assert_eq!(code(&error), "download-broken");
    let net = Net::new([Next::Rest(3, b"ht".to_vec(), Some("\"2\""))]);
    get(&net, &store, &by_sha256(bytes)).unwrap();
    assert_eq!(net.asked()[0].range_from, Some(3));
    // All there but its name.
    store.remove(Bucket::Downloads, &Digest::of(bytes)).unwrap();
    let left = store.partial(Bucket::Downloads, &Digest::of(bytes).to_string());
    assert!(!left.exists());
    fs_err::write(&left, bytes).unwrap();
    get(&Offline, &store, &by_sha256(bytes)).unwrap();
    // Spoilt, it is one try in vain.
    store.remove(Bucket::Downloads, &Digest::of(bytes)).unwrap();
    fs_err::write(&left, "XX").unwrap();
    let net = Net::new([Next::Rest(2, b"ght".to_vec(), tag), whole(bytes)]);
    get(&net, &store, &by_sha256(bytes)).unwrap();
    // Left for good, it goes with the rest.
    fs_err::write(&left, "rig").unwrap();
    assert_eq!(store.gc(5, &|_| true).unwrap().bytes, 3);
    assert!(!left.exists());
}

#[test]
fn what_was_left_of_a_file_without_a_digest_is_of_no_use() {
    let (_folder, store) = store();
    let artifact = artifact(Verify::FirstUse);
    fs_err::write(store.partial(Bucket::Downloads, &artifact.url), "rubbish").unwrap();
    let net = Net::new([whole(b"first")]);
    let came = get(&net, &store, &artifact).unwrap();
    assert_eq!(
        (net.asked()[0].range_from, came.digest),
        (None, Digest::of(b"first"))
    );
}

#[test]
fn offline_says_what_is_missing() {
    let (_folder, store) = store();
    let error = get(&Offline, &store, &by_sha256(b"right")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot download the tool: working offline"
    );
    assert_eq!(code(&error), "offline");
}

#[test]
fn a_page_is_a_page_even_where_any_file_would_do() {
    let (_folder, store) = store();
    let page = whole(b"\n<!DOCTYPE html><html>Sign in</html>");
    let error = get(&Net::new([page]), &store, &by_sha256(b"right")).unwrap_err();
    assert_eq!(error.to_string(), "the tool is a web page, not the file");
    assert_eq!(code(&error), "download-not-an-archive");
}

#[test]
fn an_archive_that_is_empty_or_something_else_is_told() {
    let (_folder, store) = store();
    for (bytes, kind, text) in [
        (
            &b""[..],
            Kind::TarGz,
            "the tool is empty, not a gzipped tar",
        ),
        (
            b"PK\x03\x04",
            Kind::TarGz,
            "the tool is something else, not a gzipped tar",
        ),
        (
            b"Not Found",
            Kind::Program,
            "the tool is something else, not a program",
        ),
        (
            b"\x1f\x8b\x08\x00",
            Kind::Zip,
            "the tool is something else, not a zip",
        ),
        (b"<h1>", Kind::Zip, "the tool is something else, not a zip"),
    ] {
        let mut artifact = by_sha256(bytes);
        artifact.kind = kind;
        let error = get(&Net::new([whole(bytes)]), &store, &artifact).unwrap_err();
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn a_line_that_moves_is_never_given_up() {
    let (_folder, store) = store();
    let step = 1 << 20;
    let bytes: Vec<u8> = (0..8 * step).map(|n: u32| n.to_le_bytes()[1]).collect();
    let mut artifact = by_sha256(&bytes);
    artifact.max_bytes = bytes.len() as u64;
    let step = step as usize;
    let tag = Some("\"1\"");
    // Each answer breaks after another megabyte: more often than there are tries in a row.
    let part = |n: usize| bytes[n * step..(n + 1) * step].to_vec();
    let mut answers = vec![Next::Cut(part(0), tag)];
    answers.extend((1..7).map(|n| Next::CutRest((n * step) as u64, part(n), tag)));
    answers.push(Next::Rest(7 * step as u64, part(7), tag));
    let waits = Mutex::new(Vec::new());
    let sleep = |wait: Duration| waits.lock().unwrap().push(wait.as_secs());
    let net = Net::new(answers);
    download(&net, &store, &artifact, &RetryPolicy::new(&sleep), &Silent).unwrap();
    assert_eq!(*waits.lock().unwrap(), [1; 7]);
}

fn tool() -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, text) in [
        ("OTP-27/bin/erl", "#!/bin/sh"),
        ("OTP-27/Install", "install"),
    ] {
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o755);
        header.set_cksum();
        tar.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    let tar = tar.into_inner().unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&tar).unwrap();
    gzip.finish().unwrap()
}

fn put(net: &dyn Fetch, store: &Store, artifact: &Artifact) -> Result<Tool, InstallError> {
    install(net, store, artifact, 1, &RetryPolicy::new(&|_| ()), &Silent)
}

#[test]
fn a_tool_is_installed_once() {
    let (_folder, store) = store();
    let bytes = tool();
    let mut artifact = by_sha256(&bytes);
    artifact.kind = Kind::TarGz;
    let tool = put(&Net::new([whole(&bytes)]), &store, &artifact).unwrap();
    assert_eq!(
        fs_err::read_to_string(tool.path.join("bin/erl")).unwrap(),
        "#!/bin/sh"
    );
    assert!(!tool.reused);
    // The archive is not needed any more.
    store.remove(Bucket::Downloads, &tool.digest).unwrap();
    let again = put(&Offline, &store, &artifact).unwrap();
    assert_eq!((again.path, again.reused), (tool.path, true));
}

#[test]
fn an_archive_that_cannot_be_unpacked_is_no_tool() {
    let (_folder, store) = store();
    let bytes = &tool()[..100];
    let mut artifact = by_sha256(bytes);
    artifact.kind = Kind::TarGz;
    let error = put(&Net::new([whole(bytes)]), &store, &artifact).unwrap_err();
    assert_eq!(error.diagnostic().code.0, "archive-damaged");
    assert!(
        error
            .to_string()
            .starts_with("cannot unpack the tool: the archive is damaged"),
        "{error}"
    );
    let usage = store.usage().unwrap();
    assert!(
        usage
            .iter()
            .all(|usage| usage.bucket != Bucket::Tools || usage.entries == 0)
    );
}

#[test]
fn a_single_file_is_a_tool_of_its_own_name() {
    let (_folder, store) = store();
    let tool = put(&Net::new([whole(b"beam")]), &store, &by_sha256(b"beam")).unwrap();
    assert_eq!(fs_err::read(tool.path.join("tool-1.bin")).unwrap(), b"beam");
}
