//! A container registry that can be pulled from and pushed to, asks for whom it is told to ask, and misbehaves on demand.

mod gate;
mod message;
mod taking;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{self, BufReader, Read as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use buildpack_core::digest::Digest;

pub use gate::Access;
pub use message::Seen;
pub use taking::Taking;

use message::Reply;
use taking::Sessions;

/// How one request is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// As a registry does.
    Well,
    /// With this status and an error in a registry's form.
    Status(u16),
    /// With this status and these words.
    Said(u16, &'static str),
    /// With this status and a `Retry-After`: seconds, or a date.
    RetryAfter(u16, &'static str),
    /// The connection ends after this many bytes of the body.
    Truncate(usize),
    /// Nothing more comes after this many bytes of the body; the connection stays open.
    Stall(usize),
    /// The connection ends after this many bytes of the request's body, which are kept; no answer comes.
    Cut(usize),
    /// With nothing; the connection stays open.
    Silent,
    /// With one bit changed in the middle of the body, that of the request if it has one.
    Altered,
    /// With the digest of something else in the head.
    OtherDigest,
    /// With the whole, whatever part was asked for.
    Whole,
    /// With more bytes than there are.
    Longer,
    /// With a web page and status 200.
    Page,
    /// That a blob of the manifest is not there.
    Blobless,
    /// With the way to this address.
    Redirect(u16, String),
}

struct Content {
    address: SocketAddr,
    blobs: BTreeMap<String, Vec<u8>>,
    /// Blobs that every repository has.
    everywhere: BTreeSet<String>,
    /// Blobs that one repository has.
    held: BTreeSet<(String, String)>,
    /// By `repository/manifests/name`: media type and bytes.
    manifests: BTreeMap<String, (String, Vec<u8>)>,
    /// By the end of the path, with a method before it or not.
    answers: BTreeMap<String, VecDeque<Answer>>,
    access: Access,
    taking: Taking,
    /// Where uploads go on, if that is another host.
    elsewhere: Option<SocketAddr>,
    sessions: Sessions,
    begun: u32,
    /// The scopes of the tokens given.
    tokens: Vec<String>,
    /// Tokens up to this one are good no more.
    expired: usize,
    seen: Vec<Seen>,
}

/// The registry; dropped, it stops.
pub struct Registry {
    addresses: Vec<SocketAddr>,
    content: Arc<Mutex<Content>>,
    stopped: Arc<AtomicBool>,
}

impl Registry {
    /// Starts on a free port of the loopback.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let content = Content {
            address,
            blobs: BTreeMap::new(),
            everywhere: BTreeSet::new(),
            held: BTreeSet::new(),
            manifests: BTreeMap::new(),
            answers: BTreeMap::new(),
            access: Access::Open,
            taking: Taking::default(),
            elsewhere: None,
            sessions: Sessions::new(),
            begun: 0,
            tokens: Vec::new(),
            expired: 0,
            seen: Vec::new(),
        };
        let registry = Self {
            addresses: vec![address],
            content: Arc::new(Mutex::new(content)),
            stopped: Arc::new(AtomicBool::new(false)),
        };
        registry.listen(listener);
        Ok(registry)
    }

    fn listen(&self, listener: TcpListener) {
        let (shared, stop) = (Arc::clone(&self.content), Arc::clone(&self.stopped));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let shared = Arc::clone(&shared);
                // A client that goes away in the middle is no trouble of ours.
                std::thread::spawn(move || drop(serve(&stream, &shared)));
            }
        });
    }

    /// Host and port, as they stand before an image's name.
    pub fn host(&self) -> String {
        self.addresses[0].to_string()
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        lock(&self.content)
    }

    /// Keeps a blob for every repository.
    pub fn put_blob(&self, bytes: &[u8]) -> Digest {
        let digest = Digest::of(bytes);
        let mut content = self.content();
        content.blobs.insert(digest.to_string(), bytes.to_owned());
        content.everywhere.insert(digest.to_string());
        digest
    }

    /// Keeps a blob for one repository.
    pub fn put_blob_in(&self, repository: &str, bytes: &[u8]) -> Digest {
        let digest = Digest::of(bytes);
        let mut content = self.content();
        content.blobs.insert(digest.to_string(), bytes.to_owned());
        content
            .held
            .insert((repository.to_owned(), digest.to_string()));
        digest
    }

    /// Whether a repository has a blob.
    pub fn has_blob(&self, repository: &str, digest: &Digest) -> bool {
        has(&self.content(), repository, &digest.to_string())
    }

    /// Has a repository lose its blobs.
    pub fn forget_blobs(&self, repository: &str) {
        self.content().held.retain(|(of, _)| of != repository);
    }

    /// A manifest as it was put under a tag or digest.
    pub fn manifest(&self, repository: &str, name: &str) -> Option<(String, Vec<u8>)> {
        let key = format!("{repository}/manifests/{name}");
        self.content().manifests.get(&key).cloned()
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

    /// Has the next requests whose path ends with `part` answered so, one after another; then well again. A method and
    /// a space may stand before the part, which may then be empty: `PATCH `, `PUT manifests/24`, `POST blobs/uploads/`.
    pub fn answer(&self, part: &str, answers: impl IntoIterator<Item = Answer>) {
        self.content()
            .answers
            .entry(part.to_owned())
            .or_default()
            .extend(answers);
    }

    /// Says who may come in.
    pub fn require(&self, access: Access) {
        self.content().access = access;
    }

    /// Says how things are taken.
    pub fn take(&self, taking: Taking) {
        self.content().taking = taking;
    }

    /// Has uploads go on at another host, which asks nobody who he is; its address.
    pub fn take_elsewhere(&mut self) -> io::Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        self.listen(listener);
        self.addresses.push(address);
        self.content().elsewhere = Some(address);
        Ok(address.to_string())
    }

    /// Declares all tokens given so far to have run out.
    pub fn expire_tokens(&self) {
        let mut content = self.content();
        content.expired = content.tokens.len();
    }

    /// All requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.content().seen.clone()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the listeners up to see it.
        for address in &self.addresses {
            let _ = TcpStream::connect(address);
        }
    }
}

fn lock(content: &Mutex<Content>) -> MutexGuard<'_, Content> {
    content.lock().unwrap_or_else(PoisonError::into_inner)
}

fn has(content: &Content, repository: &str, digest: &str) -> bool {
    let held = (repository.to_owned(), digest.to_owned());
    content.everywhere.contains(digest) || content.held.contains(&held)
}

fn serve(stream: &TcpStream, content: &Mutex<Content>) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut request = Seen::head(&mut reader)?;
    let answer = lock(content).told(&request);
    let most = match answer {
        Answer::Cut(most) => most,
        _ => usize::MAX,
    };
    let body = request.body(&mut reader, most)?;
    if answer == Answer::Silent {
        lock(content).seen.push(request);
        // Until the other side gives up.
        return reader.read_to_end(&mut Vec::new()).map(|_| ());
    }
    let reply = {
        let mut content = lock(content);
        content.seen.push(request.clone());
        if matches!(answer, Answer::Cut(_)) {
            taking::cut(&request, body, &mut content);
            return Ok(());
        }
        content.reply(&request, body, &answer)
    };
    reply.send(stream)
}

impl Content {
    /// What was told for a request, unless it is refused at the gate.
    fn told(&mut self, request: &Seen) -> Answer {
        let path = request.target().0;
        if path == "/token" || self.refused(request).is_some() {
            return Answer::Well;
        }
        let method = request.method();
        let fits = |part: &str| match part.split_once(' ') {
            Some((wanted, part)) => wanted == method && path.ends_with(part),
            None => path.ends_with(part),
        };
        self.answers
            .iter_mut()
            .filter(|(part, answers)| fits(part) && !answers.is_empty())
            .find_map(|(_, answers)| answers.pop_front())
            .unwrap_or(Answer::Well)
    }

    fn refused(&self, request: &Seen) -> Option<Reply> {
        let host = request.headers.get("host").map(String::as_str);
        let elsewhere = self.elsewhere.map(|address| address.to_string());
        if elsewhere.is_some() && host == elsewhere.as_deref() {
            return None;
        }
        gate::refused(request, self.address, self)
    }

    fn reply(&mut self, request: &Seen, mut body: Vec<u8>, answer: &Answer) -> Reply {
        let path = request.target().0.to_owned();
        if path == "/token" {
            return gate::token(request, self);
        }
        if let Some(refusal) = self.refused(request) {
            return refusal;
        }
        let head_only = request.method() == "HEAD";
        if let Some(mut reply) = plain(answer) {
            reply.head_only = head_only;
            return reply;
        }
        let Some(part) = path.strip_prefix("/v2/") else {
            return Reply::error(404, "NOT_FOUND");
        };
        if part.is_empty() {
            return Reply::new(200, "application/json", "{}");
        }
        let reads = matches!(request.method(), "GET" | "HEAD");
        if !reads || part.contains("/blobs/uploads/") {
            if *answer == Answer::Altered && !body.is_empty() {
                let middle = body.len() / 2;
                body[middle] ^= 1;
            }
            let mut reply = taking::taken(request, body, self);
            if *answer == Answer::OtherDigest {
                reply
                    .headers
                    .retain(|(name, _)| *name != "Docker-Content-Digest");
                let other = Digest::of(b"something else").to_string();
                reply = reply.with("Docker-Content-Digest", other);
            }
            return reply;
        }
        let found = match part.rsplit_once("/blobs/") {
            Some((repository, digest)) if has(self, repository, digest) => self
                .blobs
                .get(digest)
                .map(|bytes| ("application/octet-stream".to_owned(), bytes.clone())),
            Some(_) => None,
            None => self.manifests.get(part).cloned(),
        };
        let mut reply = match found {
            Some((kind, bytes)) => content_reply(request, &kind, bytes, answer),
            None => Reply::error(404, "MANIFEST_UNKNOWN"),
        };
        reply.head_only = head_only;
        reply
    }
}

/// Answers that are the same whatever was asked.
fn plain(answer: &Answer) -> Option<Reply> {
    Some(match answer {
        Answer::Status(status) => Reply::error(*status, "TOLD"),
        Answer::Said(status, words) => Reply::said(*status, "UNKNOWN", words),
        Answer::Blobless => Reply::error(400, "MANIFEST_BLOB_UNKNOWN"),
        Answer::RetryAfter(status, when) => {
            Reply::error(*status, "TOOMANYREQUESTS").with("Retry-After", *when)
        }
        Answer::Page => Reply::new(
            200,
            "text/html; charset=utf-8",
            "<!DOCTYPE html><p>Log in</p>",
        ),
        Answer::Redirect(status, to) => {
            Reply::new(*status, "text/plain", "").with("Location", to.clone())
        }
        _ => return None,
    })
}

fn content_reply(request: &Seen, kind: &str, mut bytes: Vec<u8>, answer: &Answer) -> Reply {
    let digest = match answer {
        Answer::OtherDigest => Digest::of(b"something else"),
        _ => Digest::of(&bytes),
    };
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
    reply = reply.with("Docker-Content-Digest", digest.to_string());
    if from > 0 {
        reply = reply.with(
            "Content-Range",
            format!("bytes {from}-{}/{total}", total - 1),
        );
    }
    match answer {
        Answer::Truncate(after) | Answer::Stall(after) => {
            reply.length = Some(reply.body.len());
            reply.body.truncate(*after);
            reply.stalls = matches!(answer, Answer::Stall(_));
        }
        Answer::Longer => reply.body.extend(b"and more"),
        _ => {}
    }
    reply
}
