//! A container registry that can be pulled from, asks for whom it is told to ask, and misbehaves on demand.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use buildpack_core::digest::Digest;

/// How one request for a manifest or blob is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// As a registry does.
    Well,
    /// With this status and an error in a registry's form.
    Status(u16),
    /// With this status and a `Retry-After` of so many seconds.
    RetryAfter(u16, u64),
    /// The connection ends after this many bytes of the body.
    Truncate(usize),
    /// Nothing more comes after this many bytes of the body; the connection stays open.
    Stall(usize),
    /// With one bit changed in the middle of the body.
    Altered,
    /// With the whole, whatever part was asked for.
    Whole,
    /// With more bytes than there are.
    Longer,
    /// With a web page and status 200.
    Page,
}

/// Who may pull.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Access {
    /// Everyone.
    #[default]
    Open,
    /// Who shows a token; tokens are given to everyone.
    AnonymousToken,
    /// Who shows a token; tokens are given for this user and password, or for the refresh token `user-password`.
    Token(String, String),
    /// Who shows this user and password in every request.
    Basic(String, String),
}

/// One request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Method and path with query.
    pub line: String,
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
}

#[derive(Default)]
struct Content {
    blobs: BTreeMap<String, Vec<u8>>,
    /// By `repository/manifests/name`: media type and bytes.
    manifests: BTreeMap<String, (String, Vec<u8>)>,
    /// By the end of the path.
    answers: BTreeMap<String, VecDeque<Answer>>,
    access: Access,
    /// Counts the tokens given; only the newest is good.
    tokens: u32,
    seen: Vec<Seen>,
}

/// The registry; dropped, it stops.
pub struct Registry {
    address: SocketAddr,
    content: Arc<Mutex<Content>>,
    stopped: Arc<AtomicBool>,
}

impl Registry {
    /// Starts on a free port of the loopback.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let content = Arc::<Mutex<Content>>::default();
        let stopped = Arc::new(AtomicBool::new(false));
        let (shared, stop) = (Arc::clone(&content), Arc::clone(&stopped));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let shared = Arc::clone(&shared);
                // A client that goes away in the middle is no trouble of ours.
                std::thread::spawn(move || drop(serve(&stream, address, &shared)));
            }
        });
        Ok(Self {
            address,
            content,
            stopped,
        })
    }

    /// Host and port, as they stand before an image's name.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        lock(&self.content)
    }

    /// Keeps a blob for every repository.
    pub fn put_blob(&self, bytes: &[u8]) -> Digest {
        let digest = Digest::of(bytes);
        self.content()
            .blobs
            .insert(digest.to_string(), bytes.to_owned());
        digest
    }

    /// Keeps a manifest or index under its digest and, where one is given, a tag.
    pub fn put_manifest(
        &self,
        repository: &str,
        tag: Option<&str>,
        media_type: &str,
        bytes: &[u8],
    ) -> Digest {
        let digest = Digest::of(bytes);
        let mut content = self.content();
        for name in [Some(digest.to_string().as_str()), tag]
            .into_iter()
            .flatten()
        {
            content.manifests.insert(
                format!("{repository}/manifests/{name}"),
                (media_type.to_owned(), bytes.to_owned()),
            );
        }
        digest
    }

    /// Has the next requests whose path ends with `part` answered so, one after another; then well again.
    pub fn answer(&self, part: &str, answers: impl IntoIterator<Item = Answer>) {
        self.content()
            .answers
            .entry(part.to_owned())
            .or_default()
            .extend(answers);
    }

    /// Says who may pull.
    pub fn require(&self, access: Access) {
        self.content().access = access;
    }

    /// Declares all tokens given so far to have run out.
    pub fn expire_tokens(&self) {
        self.content().tokens += 1;
    }

    /// All requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.content().seen.clone()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the listener up to see it.
        let _ = TcpStream::connect(self.address);
    }
}

fn lock(content: &Mutex<Content>) -> MutexGuard<'_, Content> {
    content.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(stream: &TcpStream, address: SocketAddr, content: &Mutex<Content>) -> io::Result<()> {
    let request = read_request(stream)?;
    let answer = {
        let mut content = lock(content);
        content.seen.push(request.clone());
        reply(&request, address, &mut content)
    };
    answer.send(stream)
}

fn read_request(stream: &TcpStream) -> io::Result<Seen> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let Some((name, value)) = header.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers
        .get("content-length")
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    Ok(Seen {
        line,
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

/// What is sent, and after how many bytes of the body something else happens.
struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    /// The length that is said, if it is not that of the body.
    length: Option<usize>,
    head_only: bool,
    stalls: bool,
}

impl Reply {
    fn new(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("Content-Type", kind.to_owned())],
            body: body.into(),
            length: None,
            head_only: false,
            stalls: false,
        }
    }

    fn error(status: u16, code: &str) -> Self {
        let body = format!(r#"{{"errors": [{{"code": "{code}", "message": "as it was told"}}]}}"#);
        Self::new(status, "application/json", body)
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn send(&self, mut stream: &TcpStream) -> io::Result<()> {
        let length = self.length.unwrap_or(self.body.len());
        write!(
            stream,
            "HTTP/1.1 {} Told\r\nContent-Length: {length}\r\n",
            self.status
        )?;
        for (name, value) in &self.headers {
            write!(stream, "{name}: {value}\r\n")?;
        }
        stream.write_all(b"Connection: close\r\n\r\n")?;
        if !self.head_only {
            stream.write_all(&self.body)?;
        }
        stream.flush()?;
        if self.stalls {
            // Until the other side gives up.
            stream.read_to_end(&mut Vec::new())?;
        }
        Ok(())
    }
}

fn reply(request: &Seen, address: SocketAddr, content: &mut Content) -> Reply {
    let (method, target) = request.line.split_once(' ').unwrap_or(("", ""));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if path == "/token" {
        return token(request, query, content);
    }
    if let Some(refusal) = refused(request, path, address, content) {
        return refusal;
    }
    let Some(path) = path.strip_prefix("/v2/") else {
        return Reply::error(404, "NOT_FOUND");
    };
    let answer = content
        .answers
        .iter_mut()
        .find(|(part, _)| path.ends_with(*part))
        .and_then(|(_, answers)| answers.pop_front())
        .unwrap_or(Answer::Well);
    let found = match path.rsplit_once("/blobs/") {
        Some((_, digest)) => content
            .blobs
            .get(digest)
            .map(|bytes| ("application/octet-stream".to_owned(), bytes.clone())),
        None => content.manifests.get(path).cloned(),
    };
    let Some((kind, bytes)) = found else {
        return Reply::error(404, "MANIFEST_UNKNOWN");
    };
    let mut reply = content_reply(request, &kind, bytes, &answer);
    reply.head_only = method == "HEAD";
    reply
}

fn content_reply(request: &Seen, kind: &str, mut bytes: Vec<u8>, answer: &Answer) -> Reply {
    let digest = Digest::of(&bytes).to_string();
    let from = request
        .headers
        .get("range")
        .and_then(|range| {
            range
                .strip_prefix("bytes=")?
                .strip_suffix('-')?
                .parse()
                .ok()
        })
        .filter(|_| *answer != Answer::Whole)
        .unwrap_or(0);
    let total = bytes.len();
    if from > 0 && from >= total {
        return Reply::error(416, "RANGE_INVALID");
    }
    if *answer == Answer::Altered {
        bytes[total / 2] ^= 1;
    }
    let part = bytes.split_off(from);
    let mut reply = Reply::new(if from > 0 { 206 } else { 200 }, kind, part);
    reply = reply.with("Docker-Content-Digest", digest);
    if from > 0 {
        reply = reply.with(
            "Content-Range",
            format!("bytes {from}-{}/{total}", total - 1),
        );
    }
    match answer {
        Answer::Well | Answer::Altered | Answer::Whole => reply,
        Answer::Status(status) => Reply::error(*status, "TOLD"),
        Answer::RetryAfter(status, seconds) => {
            Reply::error(*status, "TOOMANYREQUESTS").with("Retry-After", seconds.to_string())
        }
        Answer::Truncate(after) | Answer::Stall(after) => {
            reply.length = Some(reply.body.len());
            reply.body.truncate(*after);
            reply.stalls = matches!(answer, Answer::Stall(_));
            reply
        }
        Answer::Longer => {
            reply.body.extend(b"and more");
            reply
        }
        Answer::Page => Reply::new(
            200,
            "text/html; charset=utf-8",
            "<!DOCTYPE html><p>Log in</p>",
        ),
    }
}

fn token(request: &Seen, query: &str, content: &mut Content) -> Reply {
    let allowed = match &content.access {
        Access::Token(user, password) => {
            shows(request, user, password)
                || request
                    .body
                    .contains(&format!("refresh_token={user}-{password}"))
        }
        _ => true,
    };
    if !allowed {
        return Reply::error(401, "UNAUTHORIZED");
    }
    let asked = format!("{query}&{}", request.body);
    if !asked.contains("scope=repository") || !asked.contains("service=fake") {
        return Reply::error(400, "BAD_REQUEST");
    }
    content.tokens += 1;
    let body = format!(r#"{{"token": "token-{}"}}"#, content.tokens);
    Reply::new(200, "application/json", body)
}

fn refused(request: &Seen, path: &str, address: SocketAddr, content: &Content) -> Option<Reply> {
    let shown = request.headers.get("authorization").map(String::as_str);
    let challenge = match &content.access {
        Access::Open => return None,
        Access::Basic(user, password) => {
            if shows(request, user, password) {
                return None;
            }
            r#"Basic realm="fake""#.to_owned()
        }
        Access::AnonymousToken | Access::Token(..) => {
            if shown == Some(&format!("Bearer token-{}", content.tokens)) {
                return None;
            }
            let repository = path
                .trim_start_matches("/v2/")
                .split("/manifests/")
                .next()
                .and_then(|path| path.split("/blobs/").next())
                .unwrap_or_default();
            format!(
                r#"Bearer realm="http://{address}/token",service="fake",scope="repository:{repository}:pull""#
            )
        }
    };
    Some(Reply::error(401, "UNAUTHORIZED").with("WWW-Authenticate", challenge))
}

fn shows(request: &Seen, user: &str, password: &str) -> bool {
    let expected = format!("Basic {}", base64(format!("{user}:{password}").as_bytes()));
    request.headers.get("authorization") == Some(&expected)
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for at in 0..4 {
            let digit = (bits >> (18 - 6 * at)) & 63;
            text.push(if at <= chunk.len() {
                char::from(DIGITS[digit as usize])
            } else {
                '='
            });
        }
    }
    text
}
