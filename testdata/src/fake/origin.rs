//! A web server that misbehaves on demand: it truncates, stalls, resets and lies as it is told.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How one request is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// With the file, or the part that was asked for.
    File,
    /// With this status and a short text.
    Status(u16),
    /// With this status and a `Retry-After` of this text.
    RetryAfter(u16, String),
    /// The connection ends after this many bytes of the body.
    Truncate(usize),
    /// Nothing more comes after this many bytes of the body; the connection stays open.
    Stall(usize),
    /// The connection is reset after this many bytes of the body.
    Reset(usize),
    /// With the file, its length said to be larger by this.
    LongerLength(usize),
    /// With the file and no length; the end of the connection is the end of the file.
    NoLength,
    /// With a web page and status 200.
    Page,
    /// With the whole file, whatever part was asked for.
    Whole,
    /// With the part that was asked for, although `If-Range` names another `ETag` than this one.
    PartOf {
        /// The `ETag` that is sent along.
        etag: String,
    },
    /// With a redirect to this address.
    Redirect(String),
}

/// A file that is served.
#[derive(Debug, Clone, Default)]
struct Served {
    bytes: Vec<u8>,
    etag: Option<String>,
    answers: VecDeque<Answer>,
}

/// One request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Method and path.
    pub line: String,
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// What was sent along, where `Content-Length` said how much.
    pub body: Vec<u8>,
}

#[derive(Default)]
struct State {
    files: Mutex<BTreeMap<String, Served>>,
    /// The beginning of paths that are for one `Authorization` alone.
    closed: Mutex<Option<(String, String)>>,
    seen: Mutex<Vec<Seen>>,
    stopped: AtomicBool,
}

/// The server; dropped, it stops.
pub struct Origin {
    address: SocketAddr,
    state: Arc<State>,
}

impl Origin {
    /// Starts on a free port of the loopback.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if shared.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&shared);
                // A client that goes away early is part of the game.
                std::thread::spawn(move || drop(serve(stream, &shared)));
            }
        });
        Ok(Self { address, state })
    }

    /// The address of a path, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Serves `bytes` under `path`, with an `ETag` made of them.
    pub fn file(&self, path: &str, bytes: &[u8]) {
        let etag = buildpack_core::digest::Digest::of(bytes).short();
        let mut files = lock(&self.state.files);
        let served = files.entry(path.to_owned()).or_default();
        served.bytes = bytes.to_vec();
        served.etag = Some(format!("\"{etag}\""));
    }

    /// As [`Origin::file`], without an `ETag`.
    pub fn file_without_etag(&self, path: &str, bytes: &[u8]) {
        self.file(path, bytes);
        if let Some(served) = lock(&self.state.files).get_mut(path) {
            served.etag = None;
        }
    }

    /// Answers the next requests of `path` so, one after the other; then with the file, or with 404 if there is none.
    pub fn answers(&self, path: &str, answers: impl IntoIterator<Item = Answer>) {
        let mut files = lock(&self.state.files);
        files
            .entry(path.to_owned())
            .or_default()
            .answers
            .extend(answers);
    }

    /// From now on, gives out what lies below `path` only to those who send this `Authorization`; others get a 401.
    pub fn only_for(&self, path: &str, authorization: &str) {
        *lock(&self.state.closed) = Some((path.to_owned(), authorization.to_owned()));
    }

    /// All requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.state.seen).clone()
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection.
        let _ = TcpStream::connect(self.address);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(mut stream: TcpStream, state: &State) -> io::Result<()> {
    let Some(seen) = read_request(&mut stream)? else {
        return Ok(());
    };
    let path = seen.line.split(' ').nth(1).unwrap_or_default().to_owned();
    let (served, answer) = {
        let mut files = lock(&state.files);
        match files.get_mut(&path) {
            Some(served) => {
                let answer = served.answers.pop_front();
                let last = if served.etag.is_none() && served.bytes.is_empty() {
                    Answer::Status(404)
                } else {
                    Answer::File
                };
                (served.clone(), answer.unwrap_or(last))
            }
            None => (Served::default(), Answer::Status(404)),
        }
    };
    let refused = (lock(&state.closed).as_ref()).is_some_and(|(below, key)| {
        path.starts_with(below) && seen.headers.get("authorization") != Some(key)
    });
    let answer = if refused { Answer::Status(401) } else { answer };
    lock(&state.seen).push(seen.clone());
    respond(stream, &seen, &served, &answer)
}

/// Reads a request, one without a body but for its last byte: a socket that is closed with something unread is reset.
fn read_request(stream: &mut TcpStream) -> io::Result<Option<Seen>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r") {
        if stream.read(&mut byte)? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
    }
    let mut seen = Seen::read(&String::from_utf8_lossy(&head));
    let length = seen.headers.get("content-length");
    if let Some(length) = length.and_then(|length| length.parse().ok()) {
        stream.read_exact(&mut byte)?;
        stream.take(length).read_to_end(&mut seen.body)?;
    }
    Ok(Some(seen))
}

impl Seen {
    /// From the head of a request; the body is not in it.
    pub(super) fn read(head: &str) -> Self {
        let mut lines = head.lines();
        let line = lines.next().unwrap_or_default().to_owned();
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Self {
            line,
            headers,
            body: Vec::new(),
        }
    }
}

fn respond(mut stream: TcpStream, seen: &Seen, served: &Served, answer: &Answer) -> io::Result<()> {
    use std::fmt::Write as _;
    let mut etag = served.etag.clone();
    let mut from = part(seen, served, answer);
    let (mut status, mut body) = (200, served.bytes.clone());
    let mut extra = String::new();
    match answer {
        Answer::Status(code) => (status, body, from) = (*code, b"no\n".to_vec(), None),
        Answer::RetryAfter(code, wait) => {
            (status, body, from) = (*code, Vec::new(), None);
            extra = format!("Retry-After: {wait}\r\n");
        }
        Answer::Page => {
            body = b"<!DOCTYPE html><title>Sign in</title>".to_vec();
            extra.push_str("Content-Type: text/html\r\n");
            from = None;
        }
        Answer::Redirect(to) => {
            (status, body, from) = (302, Vec::new(), None);
            extra = format!("Location: {to}\r\n");
        }
        Answer::PartOf { etag: other } => etag = Some(other.clone()),
        _ => {}
    }
    if status == 200 && etag.is_some() && seen.headers.get("if-none-match") == etag.as_ref() {
        (status, body, from) = (304, Vec::new(), None);
    }
    if let Some(from) = from {
        let size = body.len();
        if from >= size {
            (status, body) = (416, Vec::new());
        } else {
            status = 206;
            extra = format!("Content-Range: bytes {from}-{}/{size}\r\n", size - 1);
            body.drain(..from);
        }
    }
    let length = match answer {
        Answer::LongerLength(more) => body.len() + more,
        _ => body.len(),
    };
    let mut head = format!("HTTP/1.1 {status} As told\r\nConnection: close\r\n{extra}");
    if *answer != Answer::NoLength {
        let _ = write!(head, "Content-Length: {length}\r\n");
    }
    if let Some(etag) = etag {
        let _ = write!(head, "ETag: {etag}\r\n");
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    let (cut, reset) = match *answer {
        Answer::Truncate(cut) | Answer::Stall(cut) => (cut, false),
        Answer::Reset(cut) => (cut, true),
        _ => (body.len(), false),
    };
    stream.write_all(&body[..cut.min(body.len())])?;
    stream.flush()?;
    if reset {
        return Ok(());
    }
    let mut last = [0];
    if seen.body.is_empty() {
        stream.read_exact(&mut last)?;
    }
    if matches!(answer, Answer::Stall(_)) {
        // Until the client loses patience.
        while stream.read(&mut last)? > 0 {}
    }
    Ok(())
}

/// The first byte that is to be sent, where only a part is.
fn part(seen: &Seen, served: &Served, answer: &Answer) -> Option<usize> {
    if *answer == Answer::Whole {
        return None;
    }
    let range = seen.headers.get("range")?;
    let from = range
        .strip_prefix("bytes=")?
        .strip_suffix('-')?
        .parse()
        .ok()?;
    let stale = seen
        .headers
        .get("if-range")
        .is_some_and(|etag| Some(etag) != served.etag.as_ref());
    (!stale || matches!(answer, Answer::PartOf { .. })).then_some(from)
}
